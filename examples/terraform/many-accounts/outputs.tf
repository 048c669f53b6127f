output "users" {
  description = "The ARN and the complete tags of every user, by account and name."
  value = {
    for key, user in crossaccount_iam_user.member :
    key => { arn = user.arn, tags = user.tags_all }
  }
}

output "unlisted_users" {
  description = "Users below /people/ that this configuration does not know, by account."
  value = {
    for account_id, found in data.crossaccount_iam_users.people :
    account_id => setsubtract(
      [for user in found.users : user.name],
      [for user in crossaccount_iam_user.member : user.name if user.account_id == account_id],
    )
  }
}
