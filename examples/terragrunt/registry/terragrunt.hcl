# The registry in the hub account. Every variable of the module is passed in here, so that this file is all that has to be
# read, and changed, to know how the registry works.
#
#   cd examples/terragrunt/registry && CROSSACCOUNT_EXTERNAL_ID=... terragrunt apply

terraform {
  source = "../../terraform//registry"
}

generate "provider" {
  path      = "provider.generated.tf"
  if_exists = "overwrite_terragrunt"
  contents  = <<-HCL
    provider "aws" {
      region = "us-east-1"
    }
  HCL
}

remote_state {
  backend = "s3"
  generate = {
    path      = "backend.generated.tf"
    if_exists = "overwrite_terragrunt"
  }
  config = {
    bucket  = "example-terraform-state"
    key     = "crossaccount/registry.tfstate"
    region  = "us-east-1"
    encrypt = true
  }
}

inputs = {
  # The packages: `cargo package-lambdas`, uploaded under keys with their digests.
  code_bucket        = "example-packages"
  reconcile_code_key = "crossaccount/DIGEST/crossaccount-reconcile-x86_64.zip"
  provision_code_key = "crossaccount/DIGEST/crossaccount-provision-x86_64.zip"
  architecture       = "x86_64"

  # Whom the functions may manage.
  deployment_id          = "platform"
  allowed_account_ids    = ["222222222222", "333333333333"]
  forbidden_account_ids  = []
  default_account_id     = null
  user_path_prefix       = "/registry/"
  permissions_boundaries = ["arn:aws:iam::*:policy/UserBoundary"]
  allowed_policy_arns    = ["arn:aws:iam::aws:policy/AmazonEC2FullAccess", "arn:aws:iam::aws:policy/CloudWatchFullAccessV2"]
  allowed_groups         = []
  allow_inline_policies  = false
  allow_adoption         = false

  # What users have, and what happens when a row goes. ${AccountId} and the like are filled in by the functions.
  reconcile_default_properties = jsonencode({
    PermissionsBoundary = "arn:$${Partition}:iam::$${AccountId}:policy/UserBoundary"
    AccessKey           = { RotateAfterDays = 15, DeleteAfterDays = 30 }
  })
  provision_default_properties = jsonencode({
    PermissionsBoundary = "arn:$${Partition}:iam::$${AccountId}:policy/UserBoundary"
    ManagedPolicyArns = [
      "arn:$${Partition}:iam::aws:policy/AmazonEC2FullAccess",
      "arn:$${Partition}:iam::aws:policy/CloudWatchFullAccessV2",
    ]
    ConsoleAccess = {}
  })
  deletion_policy     = "delete"
  force_destroy       = false
  max_removals        = 10
  max_removal_percent = 20

  # The member role.
  member_role_name = "CrossAccountUserAdmin"
  member_role_path = "/"
  # Agreed with the member roles; not a secret, but kept out of the repository.
  external_id        = get_env("CROSSACCOUNT_EXTERNAL_ID")
  organization_id    = "o-a1b2c3d4e5"
  allowed_role_names = []
  session_duration   = 900

  # Passwords and access keys.
  secrets_location      = "hub"
  secrets_prefix        = "/crossaccount"
  secrets_key_arn       = null
  member_secrets_key_id = null

  # Records and reports. With hub.yaml in the same account: its outputs AuditBucket and KeyArn.
  audit_bucket_name       = null
  audit_key_arn           = null
  audit_prefix            = "crossaccount"
  report_bucket_name      = null
  report_prefix           = "reports"
  other_audit_writer_arns = []
  audit_retention_days    = 2557
  object_lock_days        = 0
  object_lock_mode        = "GOVERNANCE"

  # The registry.
  table_name           = "crossaccount-registry"
  row_key              = "UserNameAndAccountId"
  active               = true
  schedule             = "rate(1 hour)"
  schedule_alarm_hours = 3

  # The functions.
  reconcile_function_name = "crossaccount-reconcile"
  reconcile_role_name     = "crossaccount-reconcile"
  provision_function_name = "crossaccount-provision"
  provision_role_name     = "crossaccount-provision"
  timeout                 = 900
  memory_size             = 512
  # 0 reserves nothing: in an account whose concurrency quota is 10, as that of new ones is, AWS refuses every other number.
  reconcile_concurrency = 5
  provision_concurrency = 2
  accounts_at_once        = 16
  users_at_once           = 8
  lease_seconds           = 20
  log_level               = "INFO"
  log_retention_days      = 400
  alarm_topic_arn         = "arn:aws:sns:us-east-1:111111111111:alarms"
}
