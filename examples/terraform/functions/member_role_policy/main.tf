# What the member role may do: keep people below one path, always inside a permissions boundary.
#
# Functions need Terraform 1.8 or newer, and no provider block. examples/terraform/member-role makes the whole role.

terraform {
  required_version = ">= 1.8"

  required_providers {
    crossaccount = {
      source = "crossaccount/crossaccount"
    }
  }
}

output "policy" {
  description = "The permissions policy of the member role in account 222222222222."
  value = provider::crossaccount::member_role_policy({
    account_id           = "222222222222"
    user_path_prefix     = "/people/"
    permissions_boundary = provider::crossaccount::policy_arn("222222222222", "boundaries/People")
    allowed_policy_arns  = [provider::crossaccount::policy_arn("aws", "ReadOnlyAccess")]

    features = ["users", "tags", "permissions_boundary", "managed_policies"]
  })
}

output "read_only_policy" {
  description = "The policy of a role that serves data sources alone."
  value = provider::crossaccount::member_role_policy({
    account_id = "222222222222"
    features   = ["data_sources"]
  })
}
