# Hands a generated console password on to Vault through a write-only argument. It is in no plan and no state.

resource "crossaccount_iam_user" "alice" {
  account_id = "222222222222"
  name       = "alice"

  console_access = {
    password_reset_trigger = "1"
  }
}

ephemeral "crossaccount_console_password" "alice" {
  account_id = crossaccount_iam_user.alice.account_id
  name       = crossaccount_iam_user.alice.name
  unique_id  = crossaccount_iam_user.alice.unique_id
}

resource "vault_kv_secret_v2" "alice" {
  mount = "people"
  name  = "alice/aws"

  data_json_wo = jsonencode({
    password = ephemeral.crossaccount_console_password.alice.password
    url      = ephemeral.crossaccount_console_password.alice.console_url
  })
  # Change it together with the trigger of the password.
  data_json_wo_version = 1
}
