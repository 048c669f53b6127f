# Find the machine users of every account, with the ids that `terraform import` takes.
#
# One provider block and one data source for all accounts: the account is an ordinary argument. A data source
# reads with the read session of the member role and changes nothing.

terraform {
  required_version = ">= 1.3"

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
  region      = "us-east-1"
  external_id = var.external_id

  allowed_account_ids = var.accounts

  audit = {
    bucket = var.audit_bucket
  }
}

data "crossaccount_iam_users" "machines" {
  for_each = toset(var.accounts)

  account_id  = each.key
  path_prefix = "/machines/"
  name_regex  = "^(svc|ci)-"
}

output "import_ids" {
  description = "The id for an import of each user that was found."
  value = flatten([
    for account, found in data.crossaccount_iam_users.machines : [
      for user in found.users : "${account}/${user.name}"
    ]
  ])
}

output "console_users" {
  description = "Machine users that somebody signed in to the console with."
  value = flatten([
    for found in data.crossaccount_iam_users.machines : [
      for user in found.users : user.arn if user.password_last_used != null
    ]
  ])
}
