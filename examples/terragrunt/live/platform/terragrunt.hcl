# The platform accounts.

include "root" {
  path = find_in_parent_folders("root.hcl")
}

terraform {
  source = "../../modules//users"
}

inputs = {
  accounts = {
    "222222222222" = {
      alice = {
        path                = "/engineering/"
        managed_policy_arns = ["arn:aws:iam::aws:policy/ReadOnlyAccess"]
      }
      build = { path = "/machines/" }
    }
    "333333333333" = {
      alice = { path = "/engineering/", groups = ["operators"] }
    }
  }
}
