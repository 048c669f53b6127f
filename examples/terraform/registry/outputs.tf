output "table_name" {
  description = "The registry. Whoever may write its rows decides about users in other accounts."
  value       = aws_dynamodb_table.registry.name
}

output "table_arn" {
  description = "The ARN of the registry."
  value       = aws_dynamodb_table.registry.arn
}

output "function_names" {
  description = "The names of the functions reconcile and provision."
  value       = { for key, function in aws_lambda_function.this : key => function.function_name }
}

output "function_arns" {
  description = "The ARNs of the functions. Whoever calls provision needs lambda:InvokeFunction on it."
  value       = { for key, function in aws_lambda_function.this : key => function.arn }
}

output "role_arns" {
  description = "The ARNs of their roles: HubPrincipalArnPatterns of the member roles."
  value       = { for key, role in aws_iam_role.this : key => role.arn }
}

output "audit_bucket" {
  description = "Where every operation is recorded."
  value       = local.audit_bucket
}

output "failure_queue_url" {
  description = "Changes of rows that failed ten times."
  value       = aws_sqs_queue.failures.url
}

output "key_arn" {
  description = "The key of registry, logs and failures, and of the audit records that the module keeps."
  value       = aws_kms_key.records.arn
}

output "secrets_key_arn" {
  description = "The key of passwords and access keys; null when they are kept elsewhere. Readers need kms:Decrypt on it, and ssm:GetParameter on the parameters."
  value       = local.secrets_key_arn
}
