# Takes over a user that exists, by account and name. Needs Terraform or OpenTofu 1.12.

import {
  to = crossaccount_iam_user.alice

  identity = {
    account_id = "222222222222"
    name       = "alice"
  }
}

resource "crossaccount_iam_user" "alice" {
  account_id = "222222222222"
  name       = "alice"
  path       = "/engineering/"
}
