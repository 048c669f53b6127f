# The registry in the hub account, as a module: a table of users, and the functions `reconcile` and `provision`.
# It makes what examples/cloudformation/registry.yaml makes; a test compares them.

terraform {
  required_version = ">= 1.3"

  required_providers {
    aws = {
      source = "hashicorp/aws"
      # With logging_config of functions and the state of rules.
      version = ">= 5.40"
    }
  }
}

data "aws_caller_identity" "current" {}

data "aws_partition" "current" {}

data "aws_region" "current" {}

locals {
  account_id = data.aws_caller_identity.current.account_id
  partition  = data.aws_partition.current.partition
  # Its id is its name in every version of the provider.
  region = data.aws_region.current.id
}
