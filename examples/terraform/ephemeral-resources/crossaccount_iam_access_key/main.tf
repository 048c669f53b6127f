# A user and a provider that works with its access key, in one apply. The secret is in no plan and no state.

resource "crossaccount_iam_user" "ci" {
  account_id = "222222222222"
  name       = "ci-deploy"

  access_key = {}
}

ephemeral "crossaccount_iam_access_key" "ci" {
  account_id = crossaccount_iam_user.ci.account_id
  name       = crossaccount_iam_user.ci.name
  # Not known before the user exists: Terraform waits for it.
  unique_id = crossaccount_iam_user.ci.unique_id
}

provider "aws" {
  alias      = "ci"
  region     = "us-east-1"
  access_key = ephemeral.crossaccount_iam_access_key.ci.id
  secret_key = ephemeral.crossaccount_iam_access_key.ci.secret
}
