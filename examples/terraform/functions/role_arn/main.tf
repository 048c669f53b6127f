# What the hub's own role must be permitted: to assume the member role of every account.
#
# Functions need Terraform 1.8 or newer, and no provider block.

terraform {
  required_version = ">= 1.8"

  required_providers {
    crossaccount = {
      source = "crossaccount/crossaccount"
    }
  }
}

variable "accounts" {
  description = "The member accounts. Write them as strings: an id may begin with zero."
  type        = list(string)
}

output "hub_policy" {
  description = "The policy for the hub's role."
  value = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid    = "AssumeMemberRoles"
      Effect = "Allow"
      Action = "sts:AssumeRole"
      Resource = [
        for account_id in var.accounts : provider::crossaccount::role_arn(account_id, "CrossAccountUserAdmin")
      ]
    }]
  })
}

output "china" {
  description = "A role with a path, in another partition."
  value       = provider::crossaccount::role_arn("222222222222", "ops/CrossAccountUserAdmin", "aws-cn")
}
