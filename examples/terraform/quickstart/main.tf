# Quickstart: the same users in every account of a list, with one provider block.
#
# The account is an ordinary argument, so `for_each` runs over accounts and users alike. `cargo demo`
# applies exactly this configuration. Before you apply it to AWS, make the audit bucket, give each account
# its permissions boundary and its member role, and put the provider into a filesystem mirror, where `init`
# finds it: the steps are in README.md at the top of the repository.
#
#   terraform init
#   terraform apply -var 'accounts=["222222222222"]' -var boundary_name=UserBoundary \
#     -var external_id=... -var audit_bucket=...
#
# To take an account out, move it from `accounts` to `leaving_accounts` and apply: its users are removed.
# Afterwards it need not be anywhere.

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

  # Nothing happens in an account that is not in the list, whatever the rest of the configuration says. This
  # includes removing users, so an account that leaves stays in it until its users are gone.
  allowed_account_ids = concat(var.accounts, var.leaving_accounts)

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

  # Member roles that require a boundary refuse users without one.
  permissions_boundary = var.boundary_name == null ? null : "arn:aws:iam::${each.value.account_id}:policy/${var.boundary_name}"

  managed_policy_arns = each.value.user.managed_policy_arns
  inline_policies     = each.value.user.inline_policies

  tags = {
    Team = each.value.user.team
  }
}
