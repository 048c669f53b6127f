# The functions: `reconcile` follows the registry, `provision` is called.

locals {
  # concurrency: -1 is the provider's word for no reservation. Lambda would take 0 for an order to switch the function off.
  functions = {
    reconcile = {
      name        = var.reconcile_function_name
      role_name   = var.reconcile_role_name
      description = "Holds the IAM users of member accounts to the registry."
      trusted     = "The role of the function that follows the registry. Member roles trust it."
      code_key    = var.reconcile_code_key
      concurrency = var.reconcile_concurrency == 0 ? -1 : var.reconcile_concurrency
    }
    provision = {
      name        = var.provision_function_name
      role_name   = var.provision_role_name
      description = "Makes IAM users in member accounts on a call."
      trusted     = "The role of the function that makes users on a call. Member roles trust it."
      code_key    = var.provision_code_key
      concurrency = var.provision_concurrency == 0 ? -1 : var.provision_concurrency
    }
  }

  has_secrets = var.secrets_location != "off"

  # What both functions are told. null means that the function's own default counts.
  shared_environment = {
    CROSSACCOUNT_DEPLOYMENT_ID          = var.deployment_id
    CROSSACCOUNT_ACCOUNTS_AT_ONCE       = tostring(var.accounts_at_once)
    CROSSACCOUNT_USERS_AT_ONCE          = tostring(var.users_at_once)
    CROSSACCOUNT_AUDIT_BUCKET           = local.audit_bucket
    CROSSACCOUNT_AUDIT_PREFIX           = var.audit_prefix
    CROSSACCOUNT_AUDIT_KMS_KEY_ID       = local.audit_key_arn
    CROSSACCOUNT_SECRETS_LOCATION       = local.has_secrets ? var.secrets_location : null
    CROSSACCOUNT_SECRETS_PREFIX         = local.has_secrets ? var.secrets_prefix : null
    CROSSACCOUNT_SECRETS_KMS_KEY_ID     = local.has_hub_secrets ? local.secrets_key_arn : local.has_secrets ? var.member_secrets_key_id : null
    CROSSACCOUNT_ROLE_NAME              = "${var.member_role_path}${var.member_role_name}"
    CROSSACCOUNT_ALLOWED_ROLE_NAMES     = length(var.allowed_role_names) > 0 ? join(",", var.allowed_role_names) : null
    CROSSACCOUNT_SESSION_DURATION       = tostring(var.session_duration)
    CROSSACCOUNT_ALLOWED_ACCOUNT_IDS    = join(",", var.allowed_account_ids)
    CROSSACCOUNT_FORBIDDEN_ACCOUNT_IDS  = length(var.forbidden_account_ids) > 0 ? join(",", var.forbidden_account_ids) : null
    CROSSACCOUNT_USER_PATH_PREFIX       = var.user_path_prefix
    CROSSACCOUNT_PERMISSIONS_BOUNDARIES = join(",", var.permissions_boundaries)
    CROSSACCOUNT_ALLOWED_POLICY_ARNS    = length(var.allowed_policy_arns) > 0 ? join(",", var.allowed_policy_arns) : null
    CROSSACCOUNT_ALLOWED_GROUPS         = length(var.allowed_groups) > 0 ? join(",", var.allowed_groups) : null
    CROSSACCOUNT_ALLOW_INLINE_POLICIES  = tostring(var.allow_inline_policies)
    CROSSACCOUNT_ALLOW_ADOPTION         = tostring(var.allow_adoption)
    CROSSACCOUNT_LOG                    = var.log_level
  }

  # What each is told beside that.
  own_environment = {
    reconcile = {
      CROSSACCOUNT_DEFAULT_PROPERTIES  = var.reconcile_default_properties
      CROSSACCOUNT_REGISTRY_TABLE      = aws_dynamodb_table.registry.name
      CROSSACCOUNT_DEFAULT_ACCOUNT_ID  = var.default_account_id
      CROSSACCOUNT_DELETION_POLICY     = var.deletion_policy
      CROSSACCOUNT_FORCE_DESTROY       = tostring(var.force_destroy)
      CROSSACCOUNT_MAX_REMOVALS        = tostring(var.max_removals)
      CROSSACCOUNT_MAX_REMOVAL_PERCENT = tostring(var.max_removal_percent)
      CROSSACCOUNT_LEASE_SECONDS       = tostring(var.lease_seconds)
    }
    provision = {
      CROSSACCOUNT_DEFAULT_PROPERTIES = var.provision_default_properties
      CROSSACCOUNT_REPORT_BUCKET      = local.report_bucket
      CROSSACCOUNT_REPORT_PREFIX      = var.report_prefix
    }
  }
}

resource "aws_lambda_function" "this" {
  for_each = local.functions

  function_name                  = each.value.name
  description                    = each.value.description
  role                           = aws_iam_role.this[each.key].arn
  runtime                        = "provided.al2023"
  handler                        = "bootstrap"
  architectures                  = [var.architecture]
  s3_bucket                      = var.code_bucket
  s3_key                         = each.value.code_key
  timeout                        = var.timeout
  memory_size                    = var.memory_size
  reserved_concurrent_executions = each.value.concurrency
  kms_key_arn                    = aws_kms_key.records.arn

  environment {
    variables = merge(
      { for name, value in local.shared_environment : name => value if value != null },
      { for name, value in local.own_environment[each.key] : name => value if value != null },
      { CROSSACCOUNT_EXTERNAL_ID = var.external_id },
    )
  }

  logging_config {
    log_format = "JSON"
    log_group  = aws_cloudwatch_log_group.this[each.key].name
    # Lambda lets every line through. It takes one without a level for INFO, and metrics are such lines: with WARN here they
    # would be lost, and their alarms silent. var.log_level goes to the function itself.
    application_log_level = "TRACE"
    system_log_level      = "INFO"
  }

  tracing_config {
    mode = "Active"
  }

  lifecycle {
    precondition {
      condition     = var.audit_bucket_name == null || var.audit_key_arn != null
      error_message = "audit_bucket_name is given, so audit_key_arn must name the key of that bucket."
    }

    precondition {
      condition     = var.secrets_location != "member" || var.member_secrets_key_id != null
      error_message = "secrets_location is member, so member_secrets_key_id must name a key."
    }
  }

  depends_on = [aws_iam_role_policy.this, aws_iam_role_policy.secret_store]
}

resource "aws_cloudwatch_log_group" "this" {
  for_each = local.functions

  name              = "/crossaccount/${each.value.name}"
  retention_in_days = var.log_retention_days
  kms_key_id        = aws_kms_key.records.arn
  skip_destroy      = true
}
