output "user_arns" {
  description = "The ARN of every user, by account and name."
  value       = { for key, user in crossaccount_iam_user.this : key => user.arn }
}

output "users_per_account" {
  description = "How many users of this configuration each account has."
  value = {
    for account in var.accounts :
    account => length([for user in crossaccount_iam_user.this : user if user.account_id == account])
  }
}
