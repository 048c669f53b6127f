# Many accounts times many teams: who exists where is data, and one resource block makes all of it.
#
# Each team lists its accounts and its members. A user gets the team's path, groups and policies, the
# boundary of its account, and the tags of the whole deployment. Taking an account out of the list and
# applying once removes its users: the account is an argument, so no provider block has to stay behind.
#
# It needs in each account: the policy boundaries/People (user-boundary.yaml with PolicyName=People,
# PolicyPath=/boundaries/ and MemberRolePath=/crossaccount/), the member role with RolePath=/crossaccount/
# and AllowForceDestroy=true (below: `role_name` and `force_destroy`), and the groups that teams name.

terraform {
  required_version = ">= 1.3"

  required_providers {
    crossaccount = {
      source = "crossaccount/crossaccount"
    }
  }
}

provider "crossaccount" {
  deployment_id = "people"
  region        = var.region
  role_name     = "crossaccount/CrossAccountUserAdmin"
  external_id   = var.external_id

  session = {
    name     = "people-${var.run_id}"
    duration = 3600
  }

  # Accounts that must never be touched, even when somebody adds one of them to a team.
  forbidden_account_ids = var.forbidden_account_ids

  # IAM quotas are per account: this many calls at a time in each of them.
  max_concurrency = 4

  default_tags = {
    ManagedBy  = "crossaccount"
    Repository = "example/people"
  }

  audit = {
    bucket     = var.audit_bucket
    prefix     = "people"
    kms_key_id = var.audit_kms_key_id
  }

  # A run that would delete more users than this stops at the next one and says how to go on.
  guardrails = {
    max_user_deletions = 20
  }
}

locals {
  # [{ team, account_id, name }, ...] for every team, account of the team and member of the team.
  memberships = flatten([
    for team_name, team in var.teams : [
      for pair in setproduct(team.accounts, team.members) : {
        team       = team_name
        account_id = pair[0]
        name       = pair[1]
      }
    ]
  ])
}

resource "crossaccount_iam_user" "member" {
  for_each = {
    for membership in local.memberships :
    "${membership.account_id}/${membership.name}" => membership
  }

  account_id = each.value.account_id
  name       = each.value.name
  path       = "/people/${each.value.team}/"

  # The boundary is a policy of the user's own account, so its ARN follows from the account.
  permissions_boundary = "arn:aws:iam::${each.value.account_id}:policy/boundaries/People"

  groups              = var.teams[each.value.team].groups
  managed_policy_arns = var.teams[each.value.team].managed_policy_arns

  inline_policies = {
    own-password = jsonencode({
      Version = "2012-10-17"
      Statement = [{
        Effect   = "Allow"
        Action   = ["iam:ChangePassword", "iam:GetUser"]
        Resource = ["arn:aws:iam::${each.value.account_id}:user/people/*/$${aws:username}"]
      }]
    })
  }

  # These win over default_tags of the provider; `tags_all` shows the outcome.
  tags = {
    Team = each.value.team
  }

  # People get keys and MFA devices by themselves. Removing a user takes all of that along.
  force_destroy = true
}

# What is in an account already, whoever made it: for finding users that no team lists.
data "crossaccount_iam_users" "people" {
  for_each = toset(flatten([for team in var.teams : team.accounts]))

  account_id  = each.value
  path_prefix = "/people/"
}
