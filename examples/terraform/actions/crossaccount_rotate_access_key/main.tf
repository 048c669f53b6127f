# A new access key on demand: terraform apply -invoke=action.crossaccount_rotate_access_key.ci

action "crossaccount_rotate_access_key" "ci" {
  config {
    account_id = "222222222222"
    name       = "ci-deploy"
    # After a leak: delete an older key although somebody still uses it.
    keep_if_used_within_days = 0
  }
}
