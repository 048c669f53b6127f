# The same user in every account: a policy of AWS, and a boundary that each account has of its own.
#
# Functions need Terraform 1.8 or newer.

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

variable "external_id" {
  description = "The external id that the member role asks for."
  type        = string
}

variable "audit_bucket" {
  description = "The bucket of the hub account that gets a record of every change."
  type        = string
}

provider "crossaccount" {
  deployment_id = "auditors"
  region        = "us-east-1"
  external_id   = var.external_id

  audit = {
    bucket = var.audit_bucket
  }
}

resource "crossaccount_iam_user" "auditor" {
  for_each = toset(var.accounts)

  account_id = each.key
  name       = "auditor"

  permissions_boundary = provider::crossaccount::policy_arn(each.key, "boundaries/People")
  managed_policy_arns = [
    provider::crossaccount::policy_arn("aws", "SecurityAudit"),
    provider::crossaccount::policy_arn("aws", "job-function/ViewOnlyAccess"),
  ]
}
