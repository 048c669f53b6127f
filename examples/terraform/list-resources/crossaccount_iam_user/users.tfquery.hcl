# The users of an account below a path: terraform query -generate-config-out=users.tf

list "crossaccount_iam_user" "engineering" {
  provider = crossaccount
  limit    = 50

  config {
    account_id  = "222222222222"
    path_prefix = "/engineering/"
  }
}
