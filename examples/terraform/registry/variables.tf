# Everything that can be chosen, with the same meaning, the same defaults and the same limits as in
# examples/cloudformation/registry.yaml. One limit is narrower: reconcile_function_name is a part of other names here.

variable "code_bucket" {
  description = "The bucket that holds the archives which `cargo package-lambdas` made, in the Region of the module."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$", var.code_bucket))
    error_message = "code_bucket: must be the name of a bucket."
  }
}

variable "reconcile_code_key" {
  description = "The key of the archive of `reconcile` in that bucket. With the digest in it, as in crossaccount/3f6c.../crossaccount-reconcile-x86_64.zip, every new archive is deployed."
  type        = string
  nullable    = false

  validation {
    condition     = length(var.reconcile_code_key) >= 1 && length(var.reconcile_code_key) <= 1024
    error_message = "reconcile_code_key: must have 1 to 1024 characters."
  }
}

variable "provision_code_key" {
  description = "The key of the archive of `provision` in that bucket. With the digest in it, as in crossaccount/3f6c.../crossaccount-provision-x86_64.zip, every new archive is deployed."
  type        = string
  nullable    = false

  validation {
    condition     = length(var.provision_code_key) >= 1 && length(var.provision_code_key) <= 1024
    error_message = "provision_code_key: must have 1 to 1024 characters."
  }
}

variable "architecture" {
  description = "What the archives were built for."
  type        = string
  default     = "x86_64"
  nullable    = false

  validation {
    condition     = contains(["x86_64", "arm64"], var.architecture)
    error_message = "architecture: must be x86_64 or arm64."
  }
}

variable "deployment_id" {
  description = "Whose users these are. The ownership tag of every user is registry/ID or provision/ID, and a user with another tag, or none, is never changed. Never change it later."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[A-Za-z0-9_.-]{1,64}$", var.deployment_id))
    error_message = "deployment_id: must have 1 to 64 letters, digits or _.-."
  }
}

variable "allowed_account_ids" {
  description = "The accounts in which users are managed. [\"*\"] means every account whose member role trusts the hub. The environment of a function holds 4 KB, which is about 200 accounts."
  type        = list(string)
  nullable    = false

  validation {
    condition     = alltrue([for one in var.allowed_account_ids : can(regex("^(\\*|[0-9]{12})$", one))])
    error_message = "allowed_account_ids: must be [\"*\"] or account ids of 12 digits."
  }

  validation {
    condition     = length(var.allowed_account_ids) > 0 && (!contains(var.allowed_account_ids, "*") || length(var.allowed_account_ids) == 1)
    error_message = "allowed_account_ids: must name an account, or be [\"*\"] alone."
  }
}

variable "forbidden_account_ids" {
  description = "Accounts in which users are never managed."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for one in var.forbidden_account_ids : can(regex("^[0-9]{12}$", one))])
    error_message = "forbidden_account_ids: must be account ids of 12 digits."
  }
}

variable "default_account_id" {
  description = "The account of rows that name none, when var.row_key is UserName. null means that every row names its account."
  type        = string
  default     = null

  validation {
    condition     = var.default_account_id == null || can(regex("^[0-9]{12}$", var.default_account_id))
    error_message = "default_account_id: must be null or an account id of 12 digits."
  }
}

variable "user_path_prefix" {
  description = "Every user is at this path or below it, as in /people/. / means anywhere."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^/([A-Za-z0-9_+=,.@-]+/)*$", var.user_path_prefix))
    error_message = "user_path_prefix: must begin and end with a slash, without wildcards."
  }
}

variable "permissions_boundaries" {
  description = "ARNs of managed policies, one of which every user must have as its permissions boundary. Each may hold *, as in arn:aws:iam::*:policy/UserBoundary. [\"none\"] means that users need no boundary."
  type        = list(string)
  nullable    = false

  validation {
    condition     = alltrue([for one in var.permissions_boundaries : can(regex("^(none|arn:[!-+.-~-]+)$", one))])
    error_message = "permissions_boundaries: must be [\"none\"] or ARNs of managed policies."
  }

  validation {
    condition     = length(var.permissions_boundaries) > 0 && (!contains(var.permissions_boundaries, "none") || length(var.permissions_boundaries) == 1)
    error_message = "permissions_boundaries: must name a policy, or be [\"none\"] alone."
  }
}

variable "allowed_policy_arns" {
  description = "The managed policies that users may have. Each may hold *, as in arn:aws:iam::*:policy/teams/*. An empty list means none."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for one in var.allowed_policy_arns : can(regex("^arn:[!-+.-~-]+$", one))])
    error_message = "allowed_policy_arns: must be ARNs of managed policies."
  }
}

variable "allowed_groups" {
  description = "The groups that users may be in. Each may hold *. An empty list means none."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for one in var.allowed_groups : can(regex("^[A-Za-z0-9_+=.@*?-]+$", one))])
    error_message = "allowed_groups: must be names of groups."
  }
}

variable "allow_inline_policies" {
  description = "Whether users may have policies of their own (Policies)."
  type        = bool
  default     = false
  nullable    = false
}

variable "allow_adoption" {
  description = "Whether the functions may take over a user that exists already (AdoptionPolicy adopt)."
  type        = bool
  default     = false
  nullable    = false
}

variable "reconcile_default_properties" {
  description = "What a user has where its row does not say otherwise: a JSON object with the properties of Custom::CrossAccountIamUser. In its texts $${AccountId}, $${UserName} and $${Partition} are filled in by the function."
  type        = string
  default     = "{\"AccessKey\": {}}"
  nullable    = false

  validation {
    condition     = can(keys(jsondecode(var.reconcile_default_properties))) && length(var.reconcile_default_properties) <= 2048
    error_message = "reconcile_default_properties: must be a JSON object of 2048 characters at most."
  }
}

variable "provision_default_properties" {
  description = "What a user has where the event does not say otherwise: as var.reconcile_default_properties. The policies in it have to be in var.allowed_policy_arns too."
  type        = string
  default     = "{\"ManagedPolicyArns\": [\"arn:$${Partition}:iam::aws:policy/AmazonEC2FullAccess\", \"arn:$${Partition}:iam::aws:policy/CloudWatchFullAccessV2\"], \"ConsoleAccess\": {}}"
  nullable    = false

  validation {
    condition     = can(keys(jsondecode(var.provision_default_properties))) && length(var.provision_default_properties) <= 2048
    error_message = "provision_default_properties: must be a JSON object of 2048 characters at most."
  }
}

variable "deletion_policy" {
  description = "What happens to a user whose row goes: delete; quarantine, which keeps it and takes all access away; retain, which leaves it as it is."
  type        = string
  default     = "delete"
  nullable    = false

  validation {
    condition     = contains(["delete", "quarantine", "retain"], var.deletion_policy)
    error_message = "deletion_policy: must be delete, quarantine or retain."
  }
}

variable "force_destroy" {
  description = "Whether credentials that others made for a user go with it. Otherwise they stop its deletion."
  type        = bool
  default     = false
  nullable    = false
}

variable "max_removals" {
  description = "How many users are removed within one hour of the clock at most. More are refused, and raise an alarm."
  type        = number
  default     = 10
  nullable    = false

  validation {
    condition     = var.max_removals >= 0 && var.max_removals <= 10000 && floor(var.max_removals) == var.max_removals
    error_message = "max_removals: must be a whole number, 0 to 10000."
  }
}

variable "max_removal_percent" {
  description = "Which share of the users of the registry one run of the schedule may remove, in percent."
  type        = number
  default     = 20
  nullable    = false

  validation {
    condition     = var.max_removal_percent >= 1 && var.max_removal_percent <= 100 && floor(var.max_removal_percent) == var.max_removal_percent
    error_message = "max_removal_percent: must be a whole number, 1 to 100."
  }
}

variable "member_role_name" {
  description = "The RoleName of the member role, in every member account."
  type        = string
  default     = "CrossAccountUserAdmin"
  nullable    = false

  validation {
    condition     = can(regex("^[A-Za-z0-9_+=,.@-]{1,64}$", var.member_role_name))
    error_message = "member_role_name: must have 1 to 64 letters, digits or _+=,.@-."
  }
}

variable "member_role_path" {
  description = "The RolePath of the member role."
  type        = string
  default     = "/"
  nullable    = false

  validation {
    condition     = can(regex("^/([A-Za-z0-9_+=,.@-]+/)*$", var.member_role_path))
    error_message = "member_role_path: must begin and end with a slash."
  }
}

variable "external_id" {
  description = "The ExternalId of the member roles."
  type        = string
  sensitive   = true
  nullable    = false

  validation {
    condition     = can(regex("^[A-Za-z0-9_+=,.@:/-]*$", var.external_id)) && length(var.external_id) >= 8 && length(var.external_id) <= 1224
    error_message = "external_id: must have 8 to 1224 letters, digits or _+=,.@:/-."
  }
}

variable "organization_id" {
  description = "The AWS organisation to which every member account must belong, such as o-a1b2c3d4e5. null when there is none."
  type        = string
  default     = null

  validation {
    condition     = var.organization_id == null || can(regex("^o-[a-z0-9]{10,32}$", var.organization_id))
    error_message = "organization_id: must be null or an organisation id such as o-a1b2c3d4e5."
  }
}

variable "allowed_role_names" {
  description = "Names of roles, with their paths, that rows and events may choose with RoleArn, as in teams/UserAdmin. An empty list means the member role alone."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for one in var.allowed_role_names : can(regex("^[A-Za-z0-9_+=.@/-]*[A-Za-z0-9_+=.@-]$", one))])
    error_message = "allowed_role_names: must be names of roles, without wildcards and without a slash before them."
  }
}

variable "session_duration" {
  description = "How long sessions in member accounts last, in seconds."
  type        = number
  default     = 900
  nullable    = false

  validation {
    condition     = var.session_duration >= 900 && var.session_duration <= 3600 && floor(var.session_duration) == var.session_duration
    error_message = "session_duration: must be a whole number, 900 to 3600."
  }
}

variable "secrets_location" {
  description = "Where passwords and access keys are stored. off means that users get none."
  type        = string
  default     = "hub"
  nullable    = false

  validation {
    condition     = contains(["off", "hub", "member"], var.secrets_location)
    error_message = "secrets_location: must be off, hub or member."
  }
}

variable "secrets_prefix" {
  description = "The names of the parameters that hold passwords and access keys begin with this."
  type        = string
  default     = "/crossaccount"
  nullable    = false

  validation {
    condition     = can(regex("^(/[A-Za-z0-9_.-]+){1,12}$", var.secrets_prefix))
    error_message = "secrets_prefix: must begin with a slash, not end with one, and hold letters, digits and _.- between slashes."
  }
}

variable "secrets_key_arn" {
  description = "The KMS key for secrets in the hub account. null means that this module makes one."
  type        = string
  default     = null

  validation {
    condition     = var.secrets_key_arn == null || can(regex("^arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/[A-Za-z0-9-]+$", var.secrets_key_arn))
    error_message = "secrets_key_arn: must be null or the ARN of a KMS key."
  }
}

variable "member_secrets_key_id" {
  description = "The KMS key for secrets in member accounts, as an alias that exists in each, such as alias/crossaccount."
  type        = string
  default     = null

  validation {
    condition     = var.member_secrets_key_id == null || can(regex("^alias/[A-Za-z0-9/_-]+$", var.member_secrets_key_id))
    error_message = "member_secrets_key_id: must be null or an alias such as alias/crossaccount."
  }
}

variable "audit_bucket_name" {
  description = "A bucket for audit records that exists already, such as the output AuditBucket of hub.yaml. Its policy has to let both functions write: OtherAuditWriterArns of hub.yaml. null means that this module makes one."
  type        = string
  default     = null

  validation {
    condition     = var.audit_bucket_name == null || can(regex("^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$", var.audit_bucket_name))
    error_message = "audit_bucket_name: must be null or the name of a bucket."
  }
}

variable "audit_key_arn" {
  description = "The KMS key of that bucket, such as the output KeyArn of hub.yaml."
  type        = string
  default     = null

  validation {
    condition     = var.audit_key_arn == null || can(regex("^arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/[A-Za-z0-9-]+$", var.audit_key_arn))
    error_message = "audit_key_arn: must be null or the ARN of a KMS key."
  }
}

variable "audit_prefix" {
  description = "The keys of audit records begin with this."
  type        = string
  default     = "crossaccount"
  nullable    = false

  validation {
    condition     = can(regex("^[A-Za-z0-9!_.'()-]+(/[A-Za-z0-9!_.'()-]+)*$", var.audit_prefix))
    error_message = "audit_prefix: must hold letters, digits and !_.'()-, with slashes between them."
  }
}

variable "report_bucket_name" {
  description = "The bucket that gets a report of every run of `provision`, when it is not that of the audit records. The objects are encrypted with the same key."
  type        = string
  default     = null

  validation {
    condition     = var.report_bucket_name == null || can(regex("^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$", var.report_bucket_name))
    error_message = "report_bucket_name: must be null or the name of a bucket."
  }
}

variable "report_prefix" {
  description = "The keys of reports begin with this."
  type        = string
  default     = "reports"
  nullable    = false

  validation {
    condition     = can(regex("^[A-Za-z0-9!_.'()-]+(/[A-Za-z0-9!_.'()-]+)*$", var.report_prefix))
    error_message = "report_prefix: must hold letters, digits and !_.'()-, with slashes between them."
  }
}

variable "other_audit_writer_arns" {
  description = "ARNs of roles that may write audit records into the bucket that this module makes. Each may hold *."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for one in var.other_audit_writer_arns : can(regex("^arn:aws[a-z-]*:iam::[0-9]{12}:role/[!-~]+$", one))])
    error_message = "other_audit_writer_arns: must be ARNs of roles."
  }
}

variable "audit_retention_days" {
  description = "After how many days audit records and reports are deleted in the bucket that this module makes."
  type        = number
  default     = 2557
  nullable    = false

  validation {
    condition     = var.audit_retention_days >= 365 && floor(var.audit_retention_days) == var.audit_retention_days
    error_message = "audit_retention_days: must be a whole number, 365 or more."
  }
}

variable "object_lock_days" {
  description = "For how many days nobody can delete an audit record (S3 Object Lock). 0 means no lock. Decide before the first deployment."
  type        = number
  default     = 0
  nullable    = false

  validation {
    condition     = var.object_lock_days >= 0 && var.object_lock_days <= 36500 && floor(var.object_lock_days) == var.object_lock_days
    error_message = "object_lock_days: must be a whole number, 0 to 36500."
  }
}

variable "object_lock_mode" {
  description = "GOVERNANCE lets principals with a special permission delete locked records, COMPLIANCE nobody at all."
  type        = string
  default     = "GOVERNANCE"
  nullable    = false

  validation {
    condition     = contains(["GOVERNANCE", "COMPLIANCE"], var.object_lock_mode)
    error_message = "object_lock_mode: must be GOVERNANCE or COMPLIANCE."
  }
}

variable "table_name" {
  description = "The name of the registry table."
  type        = string
  default     = "crossaccount-registry"
  nullable    = false

  validation {
    condition     = can(regex("^[A-Za-z0-9_.-]{3,255}$", var.table_name))
    error_message = "table_name: must have 3 to 255 letters, digits or _.-."
  }
}

variable "row_key" {
  description = "What names a row: UserNameAndAccountId, for the same user name in many accounts; UserName, for rows that name a user and, if they like, an account. Decide before the first apply: another one later, as another table_name, would need a new table, and prevent_destroy of the old one stops that."
  type        = string
  default     = "UserNameAndAccountId"
  nullable    = false

  validation {
    condition     = contains(["UserNameAndAccountId", "UserName"], var.row_key)
    error_message = "row_key: must be UserNameAndAccountId or UserName."
  }
}

variable "active" {
  description = "Whether the functions follow the table. false switches the stream and the schedule off, and nothing is changed but by a call."
  type        = bool
  default     = true
  nullable    = false
}

variable "schedule" {
  description = "How often every account is compared with the registry, as an EventBridge schedule. Access keys rotate by their age then."
  type        = string
  default     = "rate(1 hour)"
  nullable    = false

  validation {
    condition     = can(regex("^(rate|cron)\\([A-Za-z0-9 ?*,/#-]+\\)$", var.schedule))
    error_message = "schedule: must be a schedule such as rate(1 hour)."
  }
}

variable "schedule_alarm_hours" {
  description = "After how many hours without a run of the schedule an alarm tells of it. More than schedule lets pass between two runs."
  type        = number
  default     = 3
  nullable    = false

  validation {
    condition     = var.schedule_alarm_hours >= 1 && var.schedule_alarm_hours <= 168 && floor(var.schedule_alarm_hours) == var.schedule_alarm_hours
    error_message = "schedule_alarm_hours: must be a whole number from 1 to 168."
  }
}

variable "reconcile_function_name" {
  description = "The name of the function that follows the registry, and the beginning of the names of its rule, its queue and all alarms."
  type        = string
  default     = "crossaccount-reconcile"
  nullable    = false

  validation {
    condition     = can(regex("^[A-Za-z0-9_-]{1,58}$", var.reconcile_function_name))
    error_message = "reconcile_function_name: must have 1 to 58 letters, digits or _-, because the rule NAME-hours may have 64."
  }
}

variable "reconcile_role_name" {
  description = "The name of its role. The member roles trust it, so it is fixed before there is a registry."
  type        = string
  default     = "crossaccount-reconcile"
  nullable    = false

  validation {
    condition     = can(regex("^[A-Za-z0-9_+=,.@-]{1,64}$", var.reconcile_role_name))
    error_message = "reconcile_role_name: must have 1 to 64 letters, digits or _+=,.@-."
  }
}

variable "provision_function_name" {
  description = "The name of the function that makes users on a call."
  type        = string
  default     = "crossaccount-provision"
  nullable    = false

  validation {
    condition     = can(regex("^[A-Za-z0-9_-]{1,64}$", var.provision_function_name))
    error_message = "provision_function_name: must have 1 to 64 letters, digits or _-."
  }
}

variable "provision_role_name" {
  description = "The name of its role. The member roles trust it too."
  type        = string
  default     = "crossaccount-provision"
  nullable    = false

  validation {
    condition     = can(regex("^[A-Za-z0-9_+=,.@-]{1,64}$", var.provision_role_name))
    error_message = "provision_role_name: must have 1 to 64 letters, digits or _+=,.@-."
  }
}

variable "timeout" {
  description = "How long one run may take, in seconds. A run stops in good order before that, and the next one goes on."
  type        = number
  default     = 900
  nullable    = false

  validation {
    condition     = var.timeout >= 60 && var.timeout <= 900 && floor(var.timeout) == var.timeout
    error_message = "timeout: must be a whole number, 60 to 900."
  }
}

variable "memory_size" {
  description = "The memory of each function in MB, and with it its share of a processor."
  type        = number
  default     = 512
  nullable    = false

  validation {
    condition     = var.memory_size >= 128 && var.memory_size <= 3008 && floor(var.memory_size) == var.memory_size
    error_message = "memory_size: must be a whole number, 128 to 3008."
  }
}

variable "reconcile_concurrency" {
  description = "How many batches of the stream, with the schedule, are worked on at the same time. More wait, and none is lost. 0 reserves nothing: as many as the account has room for. AWS refuses every other number in an account whose concurrency quota is 10, as that of new ones is."
  type        = number
  default     = 5
  nullable    = false

  validation {
    condition     = (var.reconcile_concurrency == 0 || var.reconcile_concurrency >= 2) && floor(var.reconcile_concurrency) == var.reconcile_concurrency
    error_message = "reconcile_concurrency: must be 0, which reserves nothing, or a whole number, 2 or more."
  }
}

variable "provision_concurrency" {
  description = "How many calls of `provision` are worked on at the same time. More are refused. 0 reserves nothing, as with var.reconcile_concurrency."
  type        = number
  default     = 2
  nullable    = false

  validation {
    condition     = var.provision_concurrency >= 0 && floor(var.provision_concurrency) == var.provision_concurrency
    error_message = "provision_concurrency: must be 0, which reserves nothing, or a whole number."
  }
}

variable "accounts_at_once" {
  description = "In how many accounts a function works at the same time."
  type        = number
  default     = 16
  nullable    = false

  validation {
    condition     = var.accounts_at_once >= 1 && var.accounts_at_once <= 256 && floor(var.accounts_at_once) == var.accounts_at_once
    error_message = "accounts_at_once: must be a whole number, 1 to 256."
  }
}

variable "users_at_once" {
  description = "On how many users of one account a function works at the same time."
  type        = number
  default     = 8
  nullable    = false

  validation {
    condition     = var.users_at_once >= 1 && var.users_at_once <= 64 && floor(var.users_at_once) == var.users_at_once
    error_message = "users_at_once: must be a whole number, 1 to 64."
  }
}

variable "lease_seconds" {
  description = "Seconds after which work on a user that has gone silent gives way to another run."
  type        = number
  default     = 20
  nullable    = false

  validation {
    condition     = var.lease_seconds >= 1 && var.lease_seconds <= 900 && floor(var.lease_seconds) == var.lease_seconds
    error_message = "lease_seconds: must be a whole number, 1 to 900."
  }
}

variable "log_level" {
  description = "How much the functions log. Metrics are written at any level, and secrets are in no line at any level."
  type        = string
  default     = "INFO"
  nullable    = false

  validation {
    condition     = contains(["TRACE", "DEBUG", "INFO", "WARN", "ERROR"], var.log_level)
    error_message = "log_level: must be TRACE, DEBUG, INFO, WARN or ERROR."
  }
}

variable "log_retention_days" {
  description = "After how many days log lines are deleted."
  type        = number
  default     = 400
  nullable    = false

  validation {
    condition     = contains([30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653], var.log_retention_days)
    error_message = "log_retention_days: must be a number of days that CloudWatch Logs knows."
  }
}

variable "alarm_topic_arn" {
  description = "The SNS topic that alarms go to. null means that they are only shown."
  type        = string
  default     = null

  validation {
    condition     = var.alarm_topic_arn == null || can(regex("^arn:aws[a-z-]*:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_.-]+$", var.alarm_topic_arn))
    error_message = "alarm_topic_arn: must be null or the ARN of an SNS topic."
  }
}
