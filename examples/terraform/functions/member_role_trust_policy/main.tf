# Who may assume the member role: the deployment role of the hub, with the external id, from one organisation.
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

output "trust_policy" {
  description = "The assume_role_policy of the member role."
  value = provider::crossaccount::member_role_trust_policy({
    hub_account_id  = "111111111111"
    external_id     = "agreed-name"
    principal_arns  = ["arn:aws:iam::111111111111:role/deployment"]
    organization_id = "o-a1b2c3d4e5"

    # The provider block sets session.tags.
    allow_session_tags = true
  })
}
