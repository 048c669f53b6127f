# What the functions may do: take on the member role, write records, keep secrets, and each its own work. Nothing about IAM.

locals {
  member_role_arns = concat(
    ["arn:${local.partition}:iam::*:role${var.member_role_path}${var.member_role_name}"],
    [
      for place, name in var.allowed_role_names :
      "arn:${place == 0 ? local.partition : "*"}:iam::*:role/${name}"
    ],
  )

  shared_statements = {
    for key, function in local.functions : key => [
      # The whole of the function's power in member accounts.
      merge(
        {
          Sid      = "AssumeMemberRole"
          Effect   = "Allow"
          Action   = ["sts:AssumeRole"]
          Resource = local.member_role_arns
        },
        {
          for name, condition in { Condition = { StringEquals = { "aws:ResourceOrgID" = var.organization_id } } } :
          name => condition if var.organization_id != null
        },
      ),
      {
        Sid      = "WriteAuditRecords"
        Effect   = "Allow"
        Action   = ["s3:PutObject"]
        Resource = ["${local.audit_bucket_arn}/${var.audit_prefix}/*"]
      },
      # The key works for records and reports alone, and never for reading them. S3 names the bucket or the object.
      {
        Sid      = "EncryptAuditRecords"
        Effect   = "Allow"
        Action   = ["kms:GenerateDataKey"]
        Resource = [local.audit_key_arn]
        Condition = {
          StringEquals = { "kms:ViaService" = "s3.${local.region}.amazonaws.com" }
          StringLike = {
            "kms:EncryptionContext:aws:s3:arn" = [local.audit_bucket_arn, "${local.audit_bucket_arn}/*"]
          }
        }
      },
      {
        Sid    = "WriteLogs"
        Effect = "Allow"
        Action = ["logs:CreateLogStream", "logs:PutLogEvents"]
        Resource = [
          "arn:${local.partition}:logs:${local.region}:${local.account_id}:log-group:/crossaccount/${function.name}:log-stream:*",
        ]
      },
      # X-Ray knows no narrower resource.
      {
        Sid      = "WriteTraces"
        Effect   = "Allow"
        Action   = ["xray:PutTraceSegments", "xray:PutTelemetryRecords"]
        Resource = "*"
      },
      {
        Sid      = "ReadEnvironment"
        Effect   = "Allow"
        Action   = ["kms:Decrypt"]
        Resource = [aws_kms_key.records.arn]
        Condition = {
          StringEquals = { "kms:EncryptionContext:aws:lambda:FunctionArn" = local.function_arns[key] }
        }
      },
    ]
  }

  own_statements = {
    reconcile = [
      {
        Sid    = "KeepRegistry"
        Effect = "Allow"
        Action = [
          "dynamodb:DescribeTable",
          "dynamodb:Scan",
          "dynamodb:GetItem",
          "dynamodb:UpdateItem",
          "dynamodb:DeleteItem",
        ]
        Resource = [aws_dynamodb_table.registry.arn]
      },
      {
        Sid      = "ReadStream"
        Effect   = "Allow"
        Action   = ["dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator", "dynamodb:ListStreams"]
        Resource = ["${aws_dynamodb_table.registry.arn}/stream/*"]
      },
      {
        Sid      = "ReportFailures"
        Effect   = "Allow"
        Action   = ["sqs:SendMessage"]
        Resource = [aws_sqs_queue.failures.arn]
      },
      {
        Sid       = "UseKeyForRegistry"
        Effect    = "Allow"
        Action    = ["kms:Decrypt", "kms:DescribeKey"]
        Resource  = [aws_kms_key.records.arn]
        Condition = { StringEquals = { "kms:ViaService" = "dynamodb.${local.region}.amazonaws.com" } }
      },
      {
        Sid       = "EncryptFailures"
        Effect    = "Allow"
        Action    = ["kms:Decrypt", "kms:GenerateDataKey"]
        Resource  = [aws_kms_key.records.arn]
        Condition = { StringEquals = { "kms:ViaService" = "sqs.${local.region}.amazonaws.com" } }
      },
    ]
    provision = concat(
      [
        {
          Sid      = "WriteReports"
          Effect   = "Allow"
          Action   = ["s3:PutObject"]
          Resource = ["${local.report_bucket_arn}/${var.report_prefix}/*"]
        },
      ],
      [
        for statement in [
          {
            Sid      = "EncryptReports"
            Effect   = "Allow"
            Action   = ["kms:GenerateDataKey"]
            Resource = [local.audit_key_arn]
            Condition = {
              StringEquals = { "kms:ViaService" = "s3.${local.region}.amazonaws.com" }
              StringLike = {
                "kms:EncryptionContext:aws:s3:arn" = [local.report_bucket_arn, "${local.report_bucket_arn}/*"]
              }
            }
          },
        ] : statement if var.report_bucket_name != null
      ],
    )
  }

  secret_parameters = "arn:${local.partition}:ssm:${local.region}:${local.account_id}:parameter${var.secrets_prefix}/*"

  # Those of crossaccount's own function secret_store_policy: a test compares them.
  secret_store_condition = {
    StringLike = {
      "kms:ViaService"                      = "ssm.*"
      "kms:EncryptionContext:PARAMETER_ARN" = local.secret_parameters
    }
  }
}

resource "aws_iam_role" "this" {
  for_each = local.functions

  name        = each.value.role_name
  description = each.value.trusted

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid       = "LambdaAssumesRole"
        Effect    = "Allow"
        Principal = { Service = "lambda.amazonaws.com" }
        Action    = ["sts:AssumeRole"]
      },
    ]
  })
}

resource "aws_iam_role_policy" "this" {
  for_each = local.functions

  name = title(each.key)
  role = aws_iam_role.this[each.key].name

  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = concat(local.shared_statements[each.key], local.own_statements[each.key])
  })
}

resource "aws_iam_role_policy" "secret_store" {
  for_each = { for key, function in local.functions : key => function if local.has_hub_secrets }

  name = "SecretStore"
  role = aws_iam_role.this[each.key].name

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid      = "ListSecrets"
        Effect   = "Allow"
        Action   = ["ssm:DescribeParameters"]
        Resource = ["*"]
      },
      {
        Sid    = "KeepSecrets"
        Effect = "Allow"
        Action = [
          "ssm:ListTagsForResource",
          "ssm:PutParameter",
          "ssm:AddTagsToResource",
          "ssm:DeleteParameter",
        ]
        Resource = [local.secret_parameters]
      },
      {
        Sid      = "ReadSecrets"
        Effect   = "Allow"
        Action   = ["ssm:GetParameter"]
        Resource = [local.secret_parameters]
      },
      {
        Sid      = "FindKey"
        Effect   = "Allow"
        Action   = ["kms:DescribeKey"]
        Resource = [local.secrets_key_arn]
      },
      {
        Sid       = "EncryptSecrets"
        Effect    = "Allow"
        Action    = ["kms:Encrypt", "kms:GenerateDataKey"]
        Resource  = [local.secrets_key_arn]
        Condition = local.secret_store_condition
      },
      {
        Sid       = "DecryptSecrets"
        Effect    = "Allow"
        Action    = ["kms:Decrypt"]
        Resource  = [local.secrets_key_arn]
        Condition = local.secret_store_condition
      },
    ]
  })
}
