# The research accounts.

include "root" {
  path = find_in_parent_folders("root.hcl")
}

terraform {
  source = "../../modules//users"
}

inputs = {
  accounts = {
    "555555555555" = {
      carol = { path = "/research/" }
    }
  }
}
