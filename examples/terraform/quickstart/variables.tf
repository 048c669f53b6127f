variable "accounts" {
  description = "The member accounts. Write them as strings: an id may begin with zero."
  type        = list(string)
}

variable "leaving_accounts" {
  description = "Accounts that were member accounts and whose users are to be removed."
  type        = list(string)
  default     = []
}

variable "boundary_name" {
  description = "The policy of each account that is the permissions boundary of its users, with its path when it has one. Null for none."
  type        = string
  default     = null
}

variable "users" {
  description = "The users that every account gets, by name."
  type = map(object({
    path                = optional(string, "/")
    team                = string
    managed_policy_arns = optional(set(string), [])
    inline_policies     = optional(map(string), {})
  }))
  default = {
    alice = {
      team                = "platform"
      path                = "/engineering/"
      managed_policy_arns = ["arn:aws:iam::aws:policy/ReadOnlyAccess"]
    }
    build = {
      team = "platform"
      path = "/machines/"
      inline_policies = {
        identify = <<-JSON
          {
            "Version": "2012-10-17",
            "Statement": [{ "Effect": "Allow", "Action": "sts:GetCallerIdentity", "Resource": "*" }]
          }
        JSON
      }
    }
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

variable "region" {
  description = "The Region of STS and of the audit bucket."
  type        = string
  default     = "us-east-1"
}
