# Look at a user that something else manages, and give its twin in another account the same groups.
#
# A data source reads with the read session of the member role and changes nothing.

terraform {
  required_version = ">= 1.3"

  required_providers {
    crossaccount = {
      source = "crossaccount/crossaccount"
    }
  }
}

variable "external_id" {
  description = "The external id that the member role asks for."
  type        = string
}

variable "audit_bucket" {
  description = "The bucket of the hub account that gets a record of every change."
  type        = string
}

provider "crossaccount" {
  deployment_id = "twins"
  region        = "us-east-1"
  external_id   = var.external_id

  allowed_account_ids = ["222222222222", "333333333333"]

  audit = {
    bucket = var.audit_bucket
  }
}

data "crossaccount_iam_user" "reporting" {
  account_id = "222222222222"
  name       = "reporting"
}

# The groups must exist in the other account, and a policy of the one account cannot be attached in the other.
resource "crossaccount_iam_user" "reporting" {
  account_id = "333333333333"
  name       = data.crossaccount_iam_user.reporting.name
  path       = data.crossaccount_iam_user.reporting.path
  groups     = data.crossaccount_iam_user.reporting.groups
  tags       = data.crossaccount_iam_user.reporting.tags
}

output "last_seen" {
  description = "When the user last signed in to the console; null when it never did."
  value       = data.crossaccount_iam_user.reporting.password_last_used
}

output "managed_by" {
  description = "The deployment that manages the user; null when none does."
  value       = data.crossaccount_iam_user.reporting.managed_by
}
