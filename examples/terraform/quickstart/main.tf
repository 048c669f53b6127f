# Quickstart: the same users in every account of a list, with one provider block.
#
# The account is an ordinary argument, so `for_each` runs over accounts and users alike. `cargo demo`
# applies exactly this configuration. Before you apply it to AWS, give each account its member role:
# see examples/cloudformation.
#
#   terraform init
#   terraform apply -var 'accounts=["222222222222"]' -var external_id=... -var audit_bucket=...

terraform {
  required_version = ">= 1.3"

  required_providers {
    crossaccount = {
      source = "crossaccount/crossaccount"
    }
  }
}

provider "crossaccount" {
  deployment_id = "quickstart"
  region        = var.region
  external_id   = var.external_id

  # Nothing happens in an account that is not in the list, whatever the rest of the configuration says.
  allowed_account_ids = var.accounts

  default_tags = {
    ManagedBy = "crossaccount"
  }

  audit = {
    bucket = var.audit_bucket
    prefix = "crossaccount"
  }
}

locals {
  # One entry per account and user, under a key that stays the same when either list grows.
  assignments = {
    for pair in setproduct(var.accounts, keys(var.users)) :
    "${pair[0]}/${pair[1]}" => {
      account_id = pair[0]
      name       = pair[1]
      user       = var.users[pair[1]]
    }
  }
}

resource "crossaccount_iam_user" "this" {
  for_each = local.assignments

  account_id = each.value.account_id
  name       = each.value.name
  path       = each.value.user.path

  managed_policy_arns = each.value.user.managed_policy_arns
  inline_policies     = each.value.user.inline_policies

  tags = {
    Team = each.value.user.team
  }
}
