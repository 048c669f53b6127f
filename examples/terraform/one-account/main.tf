# One account, one user, every argument that most users need.
#
# Credentials come from the environment or from `profile`, as for every AWS tool; they belong to the
# hub account. The provider assumes the member role in 222222222222.

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
  # Whose users these are: one id for each state, for good.
  deployment_id = "reporting"
  region        = "eu-central-1"
  external_id   = var.external_id

  allowed_account_ids = ["222222222222"]

  audit = {
    bucket = var.audit_bucket
  }
}

resource "crossaccount_iam_user" "reporting" {
  account_id = "222222222222"
  name       = "reporting"
  path       = "/machines/"

  # Null (or left out) means "not managed"; an empty list means "none". A given list is exclusive:
  # what somebody attaches by hand is shown as drift and removed by the next apply.
  managed_policy_arns = ["arn:aws:iam::aws:policy/job-function/ViewOnlyAccess"]

  # Compared as JSON: white space and the order of keys do not matter.
  inline_policies = {
    read-reports = jsonencode({
      Version = "2012-10-17"
      Statement = [{
        Effect   = "Allow"
        Action   = ["s3:GetObject"]
        Resource = ["arn:aws:s3:::example-reports/*"]
      }]
    })
  }

  tags = {
    Owner = "finance"
  }

  timeouts = {
    create = "5m"
    delete = "5m"
  }
}

output "arn" {
  description = "The ARN of the user."
  value       = crossaccount_iam_user.reporting.arn
}
