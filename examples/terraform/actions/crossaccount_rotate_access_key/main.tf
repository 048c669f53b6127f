# A new access key on demand: terraform apply -invoke=action.crossaccount_rotate_access_key.ci

action "crossaccount_rotate_access_key" "ci" {
  config {
    account_id = "222222222222"
    name       = "ci-deploy"
    # Make room for the new key by deleting the one that was replaced before, although somebody still uses it.
    keep_if_used_within_days = 0
  }
}
