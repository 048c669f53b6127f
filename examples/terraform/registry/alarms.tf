# The alarms. The metrics in the namespace CrossAccount come from the functions themselves, in the embedded metric format.

locals {
  alarms = {
    reconcile-errors = {
      description = "A run of `reconcile` failed. Lambda delivers its batch again; the next hour does what it left."
      namespace   = "AWS/Lambda"
      metric      = "Errors"
      dimensions  = { FunctionName = aws_lambda_function.this["reconcile"].function_name }
      statistic   = "Sum"
      threshold   = 0
      period      = 300
      periods     = 1
    }
    reconcile-throttles = {
      description = "More batches came than reconcile_concurrency or the account lets through, for a quarter of an hour. They wait."
      namespace   = "AWS/Lambda"
      metric      = "Throttles"
      dimensions  = { FunctionName = aws_lambda_function.this["reconcile"].function_name }
      statistic   = "Sum"
      threshold   = 0
      period      = 300
      periods     = 3
    }
    iterator-age = {
      description = "Changes of rows wait for more than a quarter of an hour. After a day they would be lost to the stream."
      namespace   = "AWS/Lambda"
      metric      = "IteratorAge"
      dimensions  = { FunctionName = aws_lambda_function.this["reconcile"].function_name }
      statistic   = "Maximum"
      threshold   = 900000
      period      = 300
      periods     = 1
    }
    destination = {
      description = "A batch that failed could not be put into the failure queue."
      namespace   = "AWS/Lambda"
      metric      = "DestinationDeliveryFailures"
      dimensions  = { FunctionName = aws_lambda_function.this["reconcile"].function_name }
      statistic   = "Sum"
      threshold   = 0
      period      = 300
      periods     = 1
    }
    failure-queue = {
      description = "There are changes of rows in the failure queue that failed ten times. Read them, then delete them."
      namespace   = "AWS/SQS"
      metric      = "ApproximateNumberOfMessagesVisible"
      dimensions  = { QueueName = aws_sqs_queue.failures.name }
      statistic   = "Maximum"
      threshold   = 0
      period      = 300
      periods     = 1
    }
    users-failed = {
      description = "Users could not be brought to what their rows say. Each row has the reason in Result."
      namespace   = "CrossAccount"
      metric      = "UsersFailed"
      dimensions  = { Function = "reconcile", DeploymentId = var.deployment_id }
      statistic   = "Sum"
      threshold   = 0
      period      = 300
      periods     = 1
    }
    accounts-failed = {
      description = "Member accounts could not be looked at. The log names them, with the reason."
      namespace   = "CrossAccount"
      metric      = "AccountsFailed"
      dimensions  = { Function = "reconcile", DeploymentId = var.deployment_id }
      statistic   = "Sum"
      threshold   = 0
      period      = 300
      periods     = 1
    }
    postponed = {
      description = "For three hours users had to wait for the next run. Give `reconcile` more time, or raise accounts_at_once."
      namespace   = "CrossAccount"
      metric      = "Postponed"
      dimensions  = { Function = "reconcile", DeploymentId = var.deployment_id }
      statistic   = "Sum"
      threshold   = 0
      period      = 3600
      periods     = 3
    }
    removals-refused = {
      description = "More users would have been removed than max_removals and max_removal_percent allow, so none was. Look at the table."
      namespace   = "CrossAccount"
      metric      = "RemovalsRefused"
      dimensions  = { Function = "reconcile", DeploymentId = var.deployment_id }
      statistic   = "Sum"
      threshold   = 0
      period      = 300
      periods     = 1
    }
    provision-errors = {
      description = "A call of `provision` failed as a whole."
      namespace   = "AWS/Lambda"
      metric      = "Errors"
      dimensions  = { FunctionName = aws_lambda_function.this["provision"].function_name }
      statistic   = "Sum"
      threshold   = 0
      period      = 300
      periods     = 1
    }
    reports-failed = {
      description = "A run of `provision` could not write its report. What it did stands in its answer and in the audit records."
      namespace   = "CrossAccount"
      metric      = "ReportsFailed"
      dimensions  = { Function = "provision", DeploymentId = var.deployment_id }
      statistic   = "Sum"
      threshold   = 0
      period      = 300
      periods     = 1
    }
  }
}

resource "aws_cloudwatch_metric_alarm" "this" {
  for_each = local.alarms

  alarm_name          = "${var.reconcile_function_name}-${each.key}"
  alarm_description   = each.value.description
  namespace           = each.value.namespace
  metric_name         = each.value.metric
  dimensions          = each.value.dimensions
  statistic           = each.value.statistic
  period              = each.value.period
  evaluation_periods  = each.value.periods
  threshold           = each.value.threshold
  comparison_operator = "GreaterThanThreshold"
  treat_missing_data  = "notBreaching"
  alarm_actions       = var.alarm_topic_arn == null ? [] : [var.alarm_topic_arn]
}

# The one alarm about something that did not happen.
resource "aws_cloudwatch_metric_alarm" "hours_missed" {
  count = var.active ? 1 : 0

  alarm_name          = "${var.reconcile_function_name}-hours-missed"
  alarm_description   = "The schedule did not come to its end for schedule_alarm_hours, so no access key rotated. Look at the log and the rule. After a first apply, and after active was false, this is in alarm until the first run."
  namespace           = "CrossAccount"
  metric_name         = "ScheduledRuns"
  dimensions          = { Function = "reconcile", DeploymentId = var.deployment_id }
  statistic           = "Sum"
  period              = 3600
  evaluation_periods  = var.schedule_alarm_hours
  threshold           = 1
  comparison_operator = "LessThanThreshold"
  treat_missing_data  = "breaching"
  alarm_actions       = var.alarm_topic_arn == null ? [] : [var.alarm_topic_arn]
}
