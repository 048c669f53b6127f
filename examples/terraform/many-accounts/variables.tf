variable "teams" {
  description = "Teams: in which accounts, who, and with what."
  type = map(object({
    accounts            = set(string)
    members             = set(string)
    groups              = optional(set(string), [])
    managed_policy_arns = optional(set(string), [])
  }))
  default = {
    platform = {
      accounts            = ["222222222222", "333333333333", "444444444444"]
      members             = ["alice", "bob"]
      groups              = ["operators"]
      managed_policy_arns = ["arn:aws:iam::aws:policy/ReadOnlyAccess"]
    }
    research = {
      accounts = ["444444444444", "555555555555"]
      members  = ["carol"]
    }
  }

  # A person in two teams that share an account would be one user with two wishes.
  validation {
    condition = length(distinct(flatten([
      for team in var.teams : [for pair in setproduct(team.accounts, team.members) : join("/", pair)]
      ]))) == sum(concat([0], [
      for team in var.teams : length(team.accounts) * length(team.members)
    ]))
    error_message = "A person may be in one team per account only."
  }
}

variable "external_id" {
  description = "The external id that the member roles ask for."
  type        = string
}

variable "audit_bucket" {
  description = "The bucket of the hub account that gets a record of every change."
  type        = string
}

variable "audit_kms_key_id" {
  description = "The key that encrypts audit records; null for the bucket's own default."
  type        = string
  default     = null
}

variable "forbidden_account_ids" {
  description = "Accounts in which nothing may ever be changed."
  type        = list(string)
  default     = []
}

variable "run_id" {
  description = "Part of the session name, so that CloudTrail shows which run made a call."
  type        = string
  default     = "manual"
}

variable "region" {
  description = "The Region of STS and of the audit bucket."
  type        = string
  default     = "us-east-1"
}
