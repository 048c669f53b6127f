# When `reconcile` runs: after changes of rows, and every hour. What fails for good is kept in a queue.

# Changes of rows, within seconds. A row that fails is tried again by itself, and then kept in the failure queue.
resource "aws_lambda_event_source_mapping" "stream" {
  function_name                  = aws_lambda_function.this["reconcile"].arn
  event_source_arn               = aws_dynamodb_table.registry.stream_arn
  enabled                        = var.active
  starting_position              = "TRIM_HORIZON"
  batch_size                     = 25
  parallelization_factor         = 1
  maximum_retry_attempts         = 10
  bisect_batch_on_function_error = true
  function_response_types        = ["ReportBatchItemFailures"]

  destination_config {
    on_failure {
      destination_arn = aws_sqs_queue.failures.arn
    }
  }
}

# Everything else: what a change of a row does not tell, keys that grow old, users without a row.
resource "aws_cloudwatch_event_rule" "hours" {
  name                = "${var.reconcile_function_name}-hours"
  description         = "Compares member accounts with the registry (crossaccount)."
  schedule_expression = var.schedule
  state               = var.active ? "ENABLED" : "DISABLED"
}

resource "aws_cloudwatch_event_target" "hours" {
  rule      = aws_cloudwatch_event_rule.hours.name
  target_id = "Reconcile"
  arn       = aws_lambda_function.this["reconcile"].arn
  input     = "{\"Job\": \"Reconcile\"}"
}

resource "aws_lambda_permission" "hours" {
  statement_id  = "Hours"
  function_name = aws_lambda_function.this["reconcile"].function_name
  action        = "lambda:InvokeFunction"
  principal     = "events.amazonaws.com"
  # It names the account too. A source_account beside it would keep EventBridge out, says its user guide (Troubleshooting).
  source_arn = aws_cloudwatch_event_rule.hours.arn
}

# The next hour does the same work: one more delivery is enough.
resource "aws_lambda_function_event_invoke_config" "deliveries" {
  function_name                = aws_lambda_function.this["reconcile"].function_name
  qualifier                    = "$LATEST"
  maximum_retry_attempts       = 1
  maximum_event_age_in_seconds = 3600

  destination_config {
    on_failure {
      destination = aws_sqs_queue.failures.arn
    }
  }
}

resource "aws_sqs_queue" "failures" {
  name                              = "${var.reconcile_function_name}-failures"
  kms_master_key_id                 = aws_kms_key.records.arn
  kms_data_key_reuse_period_seconds = 300
  message_retention_seconds         = 1209600
}

resource "aws_sqs_queue_policy" "failures" {
  queue_url = aws_sqs_queue.failures.url

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid       = "TlsOnly"
        Effect    = "Deny"
        Principal = "*"
        Action    = "sqs:*"
        Resource  = aws_sqs_queue.failures.arn
        Condition = { Bool = { "aws:SecureTransport" = "false" } }
      },
      {
        Sid       = "OnlyTheFunctionSends"
        Effect    = "Deny"
        Principal = "*"
        Action    = "sqs:SendMessage"
        Resource  = aws_sqs_queue.failures.arn
        Condition = { ArnNotEquals = { "aws:PrincipalArn" = aws_iam_role.this["reconcile"].arn } }
      },
    ]
  })
}
