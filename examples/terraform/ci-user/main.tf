# A CI user whose access key configures another provider, without the secret ever being in a plan or a state.
#
# The ephemeral resource reads the key from the secret store each time that Terraform runs, and Terraform forgets it
# afterwards. It needs Terraform 1.10 or OpenTofu 1.11.

terraform {
  required_version = ">= 1.10"

  required_providers {
    crossaccount = {
      source = "crossaccount/crossaccount"
    }
    aws = {
      source = "hashicorp/aws"
    }
  }
}

variable "account_id" {
  description = "The account in which the pipeline works."
  type        = string
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
  description = "The KMS key of the hub account that encrypts access keys."
  type        = string
}

variable "rotation" {
  description = "Change this text to replace the key now. The old one works for some days more, so this is no answer to a leak: see \"A key has leaked\" in docs/SEMANTICS.md."
  type        = string
  default     = "1"
}

provider "crossaccount" {
  deployment_id = "pipelines"
  region        = "us-east-1"
  external_id   = var.external_id

  audit = {
    bucket = var.audit_bucket
    prefix = "pipelines"
  }

  secrets = {
    kms_key_id = var.secrets_kms_key_id
  }
}

resource "crossaccount_iam_user" "ci" {
  account_id = var.account_id
  name       = "ci-deploy"
  path       = "/ci/"

  managed_policy_arns = ["arn:aws:iam::aws:policy/ReadOnlyAccess"]

  access_key = {
    rotate_after_days = 15
    delete_after_days = 30
    rotation_trigger  = var.rotation
  }
}

ephemeral "crossaccount_iam_access_key" "ci" {
  account_id = crossaccount_iam_user.ci.account_id
  name       = crossaccount_iam_user.ci.name
  # Not known before the user exists: Terraform waits for it, so that one apply makes both.
  unique_id = crossaccount_iam_user.ci.unique_id
}

# A provider that works as the CI user.
provider "aws" {
  alias      = "ci"
  region     = "us-east-1"
  access_key = ephemeral.crossaccount_iam_access_key.ci.id
  secret_key = ephemeral.crossaccount_iam_access_key.ci.secret
}
