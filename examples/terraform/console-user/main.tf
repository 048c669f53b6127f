# People with console access and an access key that rotates: no secret in any plan or state.
#
# The password and the key are in Parameter Store of the hub account, encrypted with a key of your own. The outputs name
# the parameters. Run `terraform apply` on a schedule (daily is usual): it replaces keys after 15 days, makes the old ones
# inactive after 22 and deletes them after 30. `terraform plan` tells what is due, and why.

terraform {
  required_version = ">= 1.3"

  required_providers {
    crossaccount = {
      source = "crossaccount/crossaccount"
    }
  }
}

variable "engineers" {
  description = "Who works where: account ids by user name."
  type        = map(string)
}

variable "external_id" {
  description = "The external id that the member roles ask for."
  type        = string
}

variable "audit_bucket" {
  description = "The bucket of the hub account that gets a record of every change."
  type        = string
}

variable "secrets_kms_key_id" {
  description = "The KMS key of the hub account that encrypts passwords and keys."
  type        = string
}

provider "crossaccount" {
  deployment_id = "engineers"
  region        = "us-east-1"
  external_id   = var.external_id

  audit = {
    bucket = var.audit_bucket
    prefix = "engineers"
  }

  secrets = {
    kms_key_id = var.secrets_kms_key_id
  }
}

resource "crossaccount_iam_user" "engineer" {
  for_each = var.engineers

  account_id = each.value
  name       = each.key
  path       = "/engineering/"

  managed_policy_arns = ["arn:aws:iam::aws:policy/ReadOnlyAccess"]

  # The password is generated to the account's own password policy, and has to be changed at the first sign-in.
  console_access = {
    password_length = 32
  }

  access_key = {
    rotate_after_days = 15
    delete_after_days = 30
    # A key that is in use is neither disabled nor deleted: the plan says who uses it and since when.
    keep_if_used_within_days = 7
  }
}

output "passwords" {
  description = "The parameter with the first password of each engineer."
  value       = { for name, user in crossaccount_iam_user.engineer : name => user.console_access.password_parameter }
}

output "keys" {
  description = "What happens next to the keys of each engineer, and when."
  value = {
    for name, user in crossaccount_iam_user.engineer : name => [
      for key in user.access_keys : "${key.id} (${key.phase}): ${coalesce(key.next_action, "nothing")} at ${coalesce(key.next_action_at, "-")}"
    ]
  }
}
