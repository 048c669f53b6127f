# A new console password on demand: terraform apply -invoke=action.crossaccount_reset_password.alice

action "crossaccount_reset_password" "alice" {
  config {
    account_id = "222222222222"
    name       = "alice"
  }
}
