# The registry: one row per user. The function writes Result into each row, and keeps its leases and budgets beside them.

resource "aws_dynamodb_table" "registry" {
  name                        = var.table_name
  billing_mode                = "PAY_PER_REQUEST"
  hash_key                    = "UserName"
  range_key                   = var.row_key == "UserNameAndAccountId" ? "AccountId" : null
  stream_enabled              = true
  stream_view_type            = "NEW_AND_OLD_IMAGES"
  deletion_protection_enabled = true

  attribute {
    name = "UserName"
    type = "S"
  }

  dynamic "attribute" {
    for_each = var.row_key == "UserNameAndAccountId" ? ["AccountId"] : []

    content {
      name = attribute.value
      type = "S"
    }
  }

  # Leases and budgets of the function end by themselves. Rows have no such attribute.
  ttl {
    attribute_name = "ExpiresAt"
    enabled        = true
  }

  server_side_encryption {
    enabled     = true
    kms_key_arn = aws_kms_key.records.arn
  }

  point_in_time_recovery {
    enabled = true
  }

  lifecycle {
    prevent_destroy = true
  }
}
