# The keys: one for everything that the module stores but secrets, and one for passwords and access keys alone, so that whoever
# reads logs or records cannot read them.

locals {
  has_hub_secrets   = var.secrets_location == "hub"
  makes_secrets_key = local.has_hub_secrets && var.secrets_key_arn == null
  secrets_key_arn   = local.makes_secrets_key ? one(aws_kms_key.secrets[*].arn) : var.secrets_key_arn

  account_root = { AWS = "arn:${local.partition}:iam::${local.account_id}:root" }

  # Written out, because keys and roles name each other.
  function_arns = {
    for key, function in local.functions :
    key => "arn:${local.partition}:lambda:${local.region}:${local.account_id}:function:${function.name}"
  }

  # Managing a key is not using it. Who may do either is decided by the IAM policies of this account.
  administer_key = {
    Sid       = "Administer"
    Effect    = "Allow"
    Principal = local.account_root
    Action = [
      "kms:CancelKeyDeletion",
      "kms:CreateAlias",
      "kms:DeleteAlias",
      "kms:DescribeKey",
      "kms:DisableKey",
      "kms:EnableKey",
      "kms:EnableKeyRotation",
      "kms:GetKeyPolicy",
      "kms:GetKeyRotationStatus",
      "kms:ListGrants",
      "kms:ListKeyPolicies",
      "kms:ListResourceTags",
      "kms:PutKeyPolicy",
      "kms:RevokeGrant",
      "kms:ScheduleKeyDeletion",
      "kms:TagResource",
      "kms:UntagResource",
      "kms:UpdateAlias",
      "kms:UpdateKeyDescription",
    ]
    Resource = "*"
  }
}

resource "aws_kms_key" "records" {
  description             = "${var.table_name}, registry, audit records, logs and failures"
  enable_key_rotation     = true
  deletion_window_in_days = 30

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat(
      [
        local.administer_key,
        {
          Sid       = "UseThroughServices"
          Effect    = "Allow"
          Principal = local.account_root
          Action = [
            "kms:Decrypt",
            "kms:DescribeKey",
            "kms:Encrypt",
            "kms:GenerateDataKey",
            "kms:GenerateDataKeyWithoutPlaintext",
            "kms:ReEncryptFrom",
            "kms:ReEncryptTo",
          ]
          Resource = "*"
          Condition = {
            StringEquals = {
              "kms:CallerAccount" = local.account_id
              "kms:ViaService" = [
                "dynamodb.${local.region}.amazonaws.com",
                "lambda.${local.region}.amazonaws.com",
                "s3.${local.region}.amazonaws.com",
                "sqs.${local.region}.amazonaws.com",
              ]
            }
          }
        },
        {
          Sid       = "GrantToServices"
          Effect    = "Allow"
          Principal = local.account_root
          Action    = ["kms:CreateGrant"]
          Resource  = "*"
          Condition = {
            Bool = { "kms:GrantIsForAWSResource" = "true" }
            StringEquals = {
              "kms:CallerAccount" = local.account_id
              "kms:ViaService" = [
                "dynamodb.${local.region}.amazonaws.com",
                "lambda.${local.region}.amazonaws.com",
              ]
            }
          }
        },
      ],
      [
        for key, function in local.functions : {
          Sid       = "${title(key)}ReadsItsEnvironment"
          Effect    = "Allow"
          Principal = local.account_root
          Action    = ["kms:Decrypt"]
          Resource  = "*"
          Condition = {
            ArnEquals    = { "aws:PrincipalArn" = "arn:${local.partition}:iam::${local.account_id}:role/${function.role_name}" }
            StringEquals = { "kms:EncryptionContext:aws:lambda:FunctionArn" = local.function_arns[key] }
          }
        }
      ],
      [
        {
          Sid       = "LogsOfTheFunctions"
          Effect    = "Allow"
          Principal = { Service = "logs.${local.region}.${data.aws_partition.current.dns_suffix}" }
          Action = [
            "kms:Decrypt",
            "kms:DescribeKey",
            "kms:Encrypt",
            "kms:GenerateDataKey",
            "kms:GenerateDataKeyWithoutPlaintext",
            "kms:ReEncryptFrom",
            "kms:ReEncryptTo",
          ]
          Resource = "*"
          Condition = {
            ArnEquals = {
              "kms:EncryptionContext:aws:logs:arn" = [
                for function in local.functions :
                "arn:${local.partition}:logs:${local.region}:${local.account_id}:log-group:/crossaccount/${function.name}"
              ]
            }
          }
        },
      ],
    )
  })

  lifecycle {
    prevent_destroy = true
  }
}

resource "aws_kms_key" "secrets" {
  count = local.makes_secrets_key ? 1 : 0

  description             = "${var.table_name}, passwords and access keys of IAM users"
  enable_key_rotation     = true
  deletion_window_in_days = 30

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      local.administer_key,
      # Writing and reading are separate permissions; the IAM policies of this account say who has which.
      {
        Sid       = "UseThroughParameterStore"
        Effect    = "Allow"
        Principal = local.account_root
        Action    = ["kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey"]
        Resource  = "*"
        Condition = {
          StringEquals = {
            "kms:CallerAccount" = local.account_id
            "kms:ViaService"    = "ssm.${local.region}.amazonaws.com"
          }
          StringLike = { "kms:EncryptionContext:PARAMETER_ARN" = local.secret_parameters }
        }
      },
    ]
  })

  lifecycle {
    prevent_destroy = true
  }
}
