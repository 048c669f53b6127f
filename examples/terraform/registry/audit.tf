# The audit records and the reports: a bucket that exists already, such as that of hub.yaml, or one that the module makes.

locals {
  makes_audit_bucket = var.audit_bucket_name == null
  audit_bucket       = local.makes_audit_bucket ? one(aws_s3_bucket.audit[*].bucket) : var.audit_bucket_name
  audit_bucket_arn   = local.makes_audit_bucket ? one(aws_s3_bucket.audit[*].arn) : "arn:${local.partition}:s3:::${var.audit_bucket_name}"
  audit_key_arn      = local.makes_audit_bucket ? aws_kms_key.records.arn : var.audit_key_arn
  report_bucket      = var.report_bucket_name == null ? local.audit_bucket : var.report_bucket_name
  report_bucket_arn  = var.report_bucket_name == null ? local.audit_bucket_arn : "arn:${local.partition}:s3:::${var.report_bucket_name}"

  # One of each for the bucket that the module makes.
  audit_buckets = local.makes_audit_bucket ? 1 : 0
}

resource "aws_s3_bucket" "audit" {
  count = local.audit_buckets

  bucket_prefix       = "crossaccount-audit-"
  object_lock_enabled = var.object_lock_days > 0

  lifecycle {
    prevent_destroy = true
  }
}

resource "aws_s3_bucket_public_access_block" "audit" {
  count = local.audit_buckets

  bucket                  = aws_s3_bucket.audit[0].id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_ownership_controls" "audit" {
  count = local.audit_buckets

  bucket = aws_s3_bucket.audit[0].id

  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}

resource "aws_s3_bucket_versioning" "audit" {
  count = local.audit_buckets

  bucket = aws_s3_bucket.audit[0].id

  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_server_side_encryption_configuration" "audit" {
  count = local.audit_buckets

  bucket = aws_s3_bucket.audit[0].id

  rule {
    bucket_key_enabled = true

    apply_server_side_encryption_by_default {
      sse_algorithm     = "aws:kms"
      kms_master_key_id = aws_kms_key.records.arn
    }
  }
}

resource "aws_s3_bucket_logging" "audit" {
  count = local.audit_buckets

  bucket        = aws_s3_bucket.audit[0].id
  target_bucket = aws_s3_bucket.access_log[0].id
  target_prefix = "audit/"
}

resource "aws_s3_bucket_object_lock_configuration" "audit" {
  count = var.object_lock_days > 0 ? local.audit_buckets : 0

  bucket = aws_s3_bucket.audit[0].id

  rule {
    default_retention {
      mode = var.object_lock_mode
      days = var.object_lock_days
    }
  }

  depends_on = [aws_s3_bucket_versioning.audit]
}

resource "aws_s3_bucket_lifecycle_configuration" "audit" {
  count = local.audit_buckets

  bucket = aws_s3_bucket.audit[0].id

  rule {
    id     = "KeepRecordsCheaply"
    status = "Enabled"

    filter {}

    transition {
      storage_class = "STANDARD_IA"
      days          = 90
    }

    expiration {
      days = var.audit_retention_days
    }

    # Nobody overwrites or deletes, so what is not current has expired. What Object Lock holds stays so long.
    noncurrent_version_expiration {
      noncurrent_days = 1
    }
  }

  # The marker of an expired record has a rule of its own: S3 refuses it beside days.
  rule {
    id     = "LeaveNoRemains"
    status = "Enabled"

    filter {}

    expiration {
      expired_object_delete_marker = true
    }

    abort_incomplete_multipart_upload {
      days_after_initiation = 7
    }
  }

  depends_on = [aws_s3_bucket_versioning.audit]
}

resource "aws_s3_bucket_policy" "audit" {
  count = local.audit_buckets

  bucket = aws_s3_bucket.audit[0].id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid       = "TlsOnly"
        Effect    = "Deny"
        Principal = "*"
        Action    = "s3:*"
        Resource  = [local.audit_bucket_arn, "${local.audit_bucket_arn}/*"]
        Condition = { Bool = { "aws:SecureTransport" = "false" } }
      },
      {
        Sid       = "ModernTlsOnly"
        Effect    = "Deny"
        Principal = "*"
        Action    = "s3:*"
        Resource  = [local.audit_bucket_arn, "${local.audit_bucket_arn}/*"]
        Condition = { NumericLessThan = { "s3:TlsVersion" = "1.2" } }
      },
      # The lifecycle of the bucket is not bound by this: records end when their time is over, and not before.
      {
        Sid       = "NobodyDeletes"
        Effect    = "Deny"
        Principal = "*"
        Action    = ["s3:DeleteObject", "s3:DeleteObjectVersion", "s3:BypassGovernanceRetention"]
        Resource  = "${local.audit_bucket_arn}/*"
      },
      {
        Sid       = "OnlyTheFunctionsWrite"
        Effect    = "Deny"
        Principal = "*"
        Action    = "s3:PutObject"
        Resource  = "${local.audit_bucket_arn}/*"
        Condition = {
          ArnNotLike = {
            "aws:PrincipalArn" = concat(
              [aws_iam_role.this["reconcile"].arn, aws_iam_role.this["provision"].arn],
              var.other_audit_writer_arns,
            )
          }
        }
      },
      {
        Sid       = "NobodyOverwrites"
        Effect    = "Deny"
        Principal = "*"
        Action    = "s3:PutObject"
        Resource  = "${local.audit_bucket_arn}/*"
        Condition = { Null = { "s3:if-none-match" = "true" } }
      },
      {
        Sid       = "NoOtherEncryption"
        Effect    = "Deny"
        Principal = "*"
        Action    = "s3:PutObject"
        Resource  = "${local.audit_bucket_arn}/*"
        Condition = { StringNotEqualsIfExists = { "s3:x-amz-server-side-encryption" = "aws:kms" } }
      },
      {
        Sid       = "NoOtherKey"
        Effect    = "Deny"
        Principal = "*"
        Action    = "s3:PutObject"
        Resource  = "${local.audit_bucket_arn}/*"
        Condition = {
          StringNotEqualsIfExists = {
            "s3:x-amz-server-side-encryption-aws-kms-key-id" = aws_kms_key.records.arn
          }
        }
      },
    ]
  })

  depends_on = [aws_s3_bucket_public_access_block.audit]
}

resource "aws_s3_bucket" "access_log" {
  count = local.audit_buckets

  bucket_prefix = "crossaccount-access-log-"

  lifecycle {
    prevent_destroy = true
  }
}

resource "aws_s3_bucket_public_access_block" "access_log" {
  count = local.audit_buckets

  bucket                  = aws_s3_bucket.access_log[0].id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_ownership_controls" "access_log" {
  count = local.audit_buckets

  bucket = aws_s3_bucket.access_log[0].id

  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}

resource "aws_s3_bucket_versioning" "access_log" {
  count = local.audit_buckets

  bucket = aws_s3_bucket.access_log[0].id

  versioning_configuration {
    status = "Enabled"
  }
}

# S3 delivers access logs into buckets with this encryption only.
resource "aws_s3_bucket_server_side_encryption_configuration" "access_log" {
  count = local.audit_buckets

  bucket = aws_s3_bucket.access_log[0].id

  rule {
    apply_server_side_encryption_by_default {
      sse_algorithm = "AES256"
    }
  }
}

resource "aws_s3_bucket_lifecycle_configuration" "access_log" {
  count = local.audit_buckets

  bucket = aws_s3_bucket.access_log[0].id

  rule {
    id     = "Expire"
    status = "Enabled"

    filter {}

    expiration {
      days = var.log_retention_days
    }

    noncurrent_version_expiration {
      noncurrent_days = 30
    }
  }

  rule {
    id     = "LeaveNoRemains"
    status = "Enabled"

    filter {}

    expiration {
      expired_object_delete_marker = true
    }

    abort_incomplete_multipart_upload {
      days_after_initiation = 7
    }
  }

  depends_on = [aws_s3_bucket_versioning.access_log]
}

resource "aws_s3_bucket_policy" "access_log" {
  count = local.audit_buckets

  bucket = aws_s3_bucket.access_log[0].id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid       = "S3DeliversAccessLogs"
        Effect    = "Allow"
        Principal = { Service = "logging.s3.amazonaws.com" }
        Action    = "s3:PutObject"
        Resource  = "${aws_s3_bucket.access_log[0].arn}/audit/*"
        Condition = {
          ArnEquals    = { "aws:SourceArn" = local.audit_bucket_arn }
          StringEquals = { "aws:SourceAccount" = local.account_id }
        }
      },
      {
        Sid       = "TlsOnly"
        Effect    = "Deny"
        Principal = "*"
        Action    = "s3:*"
        Resource  = [aws_s3_bucket.access_log[0].arn, "${aws_s3_bucket.access_log[0].arn}/*"]
        Condition = { Bool = { "aws:SecureTransport" = "false" } }
      },
      {
        Sid       = "ModernTlsOnly"
        Effect    = "Deny"
        Principal = "*"
        Action    = "s3:*"
        Resource  = [aws_s3_bucket.access_log[0].arn, "${aws_s3_bucket.access_log[0].arn}/*"]
        Condition = { NumericLessThan = { "s3:TlsVersion" = "1.2" } }
      },
    ]
  })

  depends_on = [aws_s3_bucket_public_access_block.access_log]
}
