# Break-glass users: one per account, for the day on which single sign-on is down.
#
# `deletion_policy = "quarantine"` makes a mistake harmless. When such a user leaves the configuration,
# it loses its password, its keys are disabled and a deny-all policy is put on it, but the user and its
# history stay in the account until somebody who knows why deletes it.
#
# These are administrators without a permissions boundary. A member role that requires a boundary refuses them,
# so give them a member role of their own (RoleName of the template, `role_name` of the provider block).
#
# Two things have to be done by people, and before the emergency:
#
# - The password is in Parameter Store of the hub account, and nowhere else. On the day on which nobody gets
#   into the hub, nobody gets at it. So after each apply that sets a password, read it out
#   (`aws ssm get-parameter --with-decryption`) and seal it outside of AWS.
# - Without an MFA device the user can do nothing but register one. Sign in once and register it, and keep the
#   device with the sealed password.

terraform {
  required_version = ">= 1.3"

  required_providers {
    crossaccount = {
      source = "crossaccount/crossaccount"
    }
  }
}

variable "accounts" {
  description = "The accounts that get a break-glass user."
  type        = set(string)
}

variable "leaving_accounts" {
  description = "Accounts whose break-glass user is to go: the provider may still touch them."
  type        = set(string)
  default     = []
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
  description = "The KMS key of the hub account that encrypts the passwords. Let few people use it: this is the seal."
  type        = string
}

provider "crossaccount" {
  deployment_id       = "break-glass"
  region              = "us-east-1"
  external_id         = var.external_id
  allowed_account_ids = setunion(var.accounts, var.leaving_accounts)

  audit = {
    bucket = var.audit_bucket
    prefix = "break-glass"
  }

  # Apart from the secrets of other deployments, so that a policy can close this prefix to everybody else.
  secrets = {
    prefix     = "/break-glass"
    kms_key_id = var.secrets_kms_key_id
  }

  # Emergency access is never removed by an ordinary run: raise this for the run that is to do it.
  guardrails = {
    max_user_deletions = 0
  }
}

resource "crossaccount_iam_user" "break_glass" {
  for_each = var.accounts

  account_id = each.value
  name       = "break-glass"
  path       = "/emergency/"

  managed_policy_arns = ["arn:aws:iam::aws:policy/AdministratorAccess"]

  # Without a second factor the user can do nothing but register one.
  inline_policies = {
    require-mfa = jsonencode({
      Version = "2012-10-17"
      Statement = [{
        Effect = "Deny"
        NotAction = [
          "iam:CreateVirtualMFADevice",
          "iam:EnableMFADevice",
          "iam:GetUser",
          "iam:ListMFADevices",
          "sts:GetSessionToken",
        ]
        Resource  = "*"
        Condition = { BoolIfExists = { "aws:MultiFactorAuthPresent" = "false" } }
      }]
    })
  }

  # After it was used, change the trigger: the next apply sets a new password, which has to be sealed again.
  console_access = {
    password_length         = 40
    password_reset_required = false
    password_reset_trigger  = "2026-11"
  }

  # A user of this name that exists already is taken over instead of being an error.
  adoption_policy = "adopt"
  deletion_policy = "quarantine"

  tags = {
    Purpose = "break-glass"
  }
}
