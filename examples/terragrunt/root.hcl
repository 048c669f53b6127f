# What all layers share: the provider block and where state is kept.
#
# There is one layer per group of accounts (live/platform, live/research), not one per account: the
# account is an argument of the resource, so a layer with three hundred accounts is one state, one plan
# and one provider process.
#
#   cd live/platform && terragrunt apply
#   cd live && terragrunt run --all plan

locals {
  layer = basename(get_terragrunt_dir())
}

generate "provider" {
  path      = "provider.generated.tf"
  if_exists = "overwrite_terragrunt"
  contents  = <<-HCL
    provider "crossaccount" {
      # The owner tag on every user: two layers never take each other's users.
      deployment_id = "${local.layer}"
      region        = "us-east-1"
      external_id   = var.external_id

      # Also for removing users: an account whose users go is listed in leaving_accounts until they are gone.
      allowed_account_ids = concat(keys(var.accounts), var.leaving_accounts)

      audit = {
        bucket = "example-audit"
        prefix = "crossaccount/${local.layer}"
      }
    }
  HCL
}

remote_state {
  backend = "s3"
  generate = {
    path      = "backend.generated.tf"
    if_exists = "overwrite_terragrunt"
  }
  config = {
    bucket  = "example-terraform-state"
    key     = "crossaccount/${local.layer}.tfstate"
    region  = "us-east-1"
    encrypt = true
  }
}

inputs = {
  # Agreed with the member roles; not a secret, but kept out of the repository.
  external_id = get_env("CROSSACCOUNT_EXTERNAL_ID")
}
