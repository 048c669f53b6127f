# The member role, made by Terraform: for whoever does not use CloudFormation.
#
# Run it with credentials of the member account (as you would run any account's baseline). The provider's
# functions give the two policy documents, so the role follows the provider version: an upgrade that needs
# another permission shows up in the plan. examples/cloudformation/member-role.yaml makes the same role.
#
# Functions need Terraform 1.8 or newer.

terraform {
  required_version = ">= 1.8"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.0"
    }
    crossaccount = {
      source = "crossaccount/crossaccount"
    }
  }
}

variable "hub_account_id" {
  description = "The account whose credentials crossaccount starts from."
  type        = string
}

variable "hub_principal_arns" {
  description = "The roles or users of the hub account that may assume the member role."
  type        = list(string)
}

variable "external_id" {
  description = "The external_id of the provider configuration."
  type        = string
}

data "aws_caller_identity" "member" {}

resource "aws_iam_role" "member" {
  name                 = "CrossAccountUserAdmin"
  description          = "Assumed from the hub account to manage IAM users (crossaccount)."
  max_session_duration = 3600

  assume_role_policy = provider::crossaccount::member_role_trust_policy({
    hub_account_id = var.hub_account_id
    principal_arns = var.hub_principal_arns
    external_id    = var.external_id
  })
}

resource "aws_iam_role_policy" "member" {
  name = "ManageUsers"
  role = aws_iam_role.member.id

  policy = provider::crossaccount::member_role_policy({
    account_id           = data.aws_caller_identity.member.account_id
    user_path_prefix     = "/people/"
    permissions_boundary = "arn:aws:iam::${data.aws_caller_identity.member.account_id}:policy/boundaries/People"
    allowed_policy_arns  = ["arn:aws:iam::aws:policy/ReadOnlyAccess"]

    # The least that this deployment needs. Leave it out for everything that the provider can do.
    features = [
      "users",
      "tags",
      "permissions_boundary",
      "managed_policies",
      "inline_policies",
      "data_sources",
    ]
  })
}

output "role_arn" {
  description = "The ARN of the member role."
  value       = aws_iam_role.member.arn
}
