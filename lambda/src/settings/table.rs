//! The variables, each once: its name, what it sets, and what counts when it is not set.

/// One variable of the environment.
#[derive(Debug, Clone, Copy)]
pub struct Variable {
    /// Its name.
    pub name: &'static str,
    /// Whether it must be set.
    pub required: bool,
    /// What counts when it is not set, as it would be written; empty when nothing does.
    pub default: &'static str,
    /// What it sets, as the reference says it.
    pub meaning: &'static str,
    /// An example of a value.
    pub example: &'static str,
    /// What it is about.
    pub subject: Subject,
}

/// What a variable is about: the chapters of the reference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Subject {
    /// What whoever writes about a user may ask for.
    Guardrails,
    /// Sessions with member accounts.
    Sessions,
    /// The audit records.
    Audit,
    /// The secret store.
    Secrets,
    /// What the function keeps in `DynamoDB`.
    Table,
    /// Whose users they are, what they have by default, and how much is done at once.
    Work,
    /// What happens when users are not wanted any more.
    Removals,
    /// The log.
    Log,
}

/// What the names of all variables begin with but those of AWS.
pub const PREFIX: &str = "CROSSACCOUNT_";
/// The Region.
pub const REGION: &str = "AWS_REGION";
/// See [`VARIABLES`].
pub const ALLOWED_ACCOUNT_IDS: &str = "CROSSACCOUNT_ALLOWED_ACCOUNT_IDS";
/// See [`VARIABLES`].
pub const FORBIDDEN_ACCOUNT_IDS: &str = "CROSSACCOUNT_FORBIDDEN_ACCOUNT_IDS";
/// See [`VARIABLES`].
pub const USER_PATH_PREFIX: &str = "CROSSACCOUNT_USER_PATH_PREFIX";
/// See [`VARIABLES`].
pub const PERMISSIONS_BOUNDARIES: &str = "CROSSACCOUNT_PERMISSIONS_BOUNDARIES";
/// See [`VARIABLES`].
pub const ALLOWED_POLICY_ARNS: &str = "CROSSACCOUNT_ALLOWED_POLICY_ARNS";
/// See [`VARIABLES`].
pub const ALLOWED_GROUPS: &str = "CROSSACCOUNT_ALLOWED_GROUPS";
/// See [`VARIABLES`].
pub const ALLOW_INLINE_POLICIES: &str = "CROSSACCOUNT_ALLOW_INLINE_POLICIES";
/// See [`VARIABLES`].
pub const ALLOWED_ROLE_NAMES: &str = "CROSSACCOUNT_ALLOWED_ROLE_NAMES";
/// See [`VARIABLES`].
pub const ALLOW_ADOPTION: &str = "CROSSACCOUNT_ALLOW_ADOPTION";
/// See [`VARIABLES`].
pub const ROLE_NAME: &str = "CROSSACCOUNT_ROLE_NAME";
/// See [`VARIABLES`].
pub const EXTERNAL_ID: &str = "CROSSACCOUNT_EXTERNAL_ID";
/// See [`VARIABLES`].
pub const SESSION_DURATION: &str = "CROSSACCOUNT_SESSION_DURATION";
/// See [`VARIABLES`].
pub const AUDIT_BUCKET: &str = "CROSSACCOUNT_AUDIT_BUCKET";
/// See [`VARIABLES`].
pub const AUDIT_PREFIX: &str = "CROSSACCOUNT_AUDIT_PREFIX";
/// See [`VARIABLES`].
pub const AUDIT_KMS_KEY_ID: &str = "CROSSACCOUNT_AUDIT_KMS_KEY_ID";
/// See [`VARIABLES`].
pub const SECRETS_KMS_KEY_ID: &str = "CROSSACCOUNT_SECRETS_KMS_KEY_ID";
/// See [`VARIABLES`].
pub const SECRETS_PREFIX: &str = "CROSSACCOUNT_SECRETS_PREFIX";
/// See [`VARIABLES`].
pub const SECRETS_LOCATION: &str = "CROSSACCOUNT_SECRETS_LOCATION";
/// See [`VARIABLES`]. Read before all others, in [`crate::logging`].
pub const LOG: &str = "CROSSACCOUNT_LOG";

/// The variable of functions that delete users when they are asked to; the registry has a setting of its own.
pub const ALLOW_FORCE_DESTROY: &str = "CROSSACCOUNT_ALLOW_FORCE_DESTROY";

/// A variable that may be missing.
pub const OPTIONAL: Variable = Variable {
    name: "",
    required: false,
    default: "",
    meaning: "",
    example: "",
    subject: Subject::Guardrails,
};
/// A variable that must be set.
pub const REQUIRED: Variable = Variable {
    required: true,
    ..OPTIONAL
};

/// The variables that every function reads.
pub static VARIABLES: &[Variable] = &[
    Variable {
        name: ALLOWED_ACCOUNT_IDS,
        meaning: "The accounts in which users are managed, between commas. `*` allows every account whose member role trusts \
                  the hub.",
        example: "222222222222,333333333333",
        ..REQUIRED
    },
    Variable {
        name: FORBIDDEN_ACCOUNT_IDS,
        meaning: "Accounts that are never touched, between commas, whatever the list of allowed ones says.",
        example: "999999999999",
        ..OPTIONAL
    },
    Variable {
        name: USER_PATH_PREFIX,
        meaning: "What the path of every user begins with, between slashes. `/` allows every path. Steps such as `..`, empty \
                  steps and wildcards in a path are refused.",
        example: "/cloudformation/",
        ..REQUIRED
    },
    Variable {
        name: PERMISSIONS_BOUNDARIES,
        meaning: "Patterns of policy ARNs, between commas. Every user must have one of these policies as its permissions \
                  boundary. `none` makes boundaries optional: then whoever may ask for users and attach policies can make \
                  administrators.",
        example: "arn:aws:iam::*:policy/boundaries/*",
        ..REQUIRED
    },
    Variable {
        name: ALLOWED_POLICY_ARNS,
        meaning: "Patterns of the ARNs of managed policies that may be attached, between commas. When it is not \
                  set, no policy may be attached.",
        example: "arn:aws:iam::aws:policy/job-function/*,arn:aws:iam::*:policy/teams/*",
        ..OPTIONAL
    },
    Variable {
        name: ALLOWED_GROUPS,
        meaning: "Patterns of the names of groups that users may be put into, between commas. When it is not set, no group is \
                  allowed.",
        example: "auditors,team-*",
        ..OPTIONAL
    },
    Variable {
        name: ALLOW_INLINE_POLICIES,
        default: "false",
        meaning: "Whether users may have inline policies: `true` or `false`. What is in them is not looked at; the boundary \
                  limits it.",
        example: "true",
        ..OPTIONAL
    },
    Variable {
        name: ALLOWED_ROLE_NAMES,
        meaning: "Names of the roles that `RoleArn` may name, with their paths, between commas. When it is not set: the member \
                  role alone.",
        example: "CrossAccountUserAdmin,ops/CrossAccountUserAdmin",
        ..OPTIONAL
    },
    Variable {
        name: ALLOW_ADOPTION,
        default: "false",
        meaning: "Whether `AdoptionPolicy` may be `adopt`: `true` or `false`. A user that is adopted must have a path that is \
                  allowed, and may keep only what could also be given to it.",
        example: "true",
        ..OPTIONAL
    },
    Variable {
        name: REGION,
        meaning: "Region of what the function itself uses: STS, S3, DynamoDB and the secret store. Lambda sets it.",
        example: "eu-central-1",
        subject: Subject::Sessions,
        ..REQUIRED
    },
    Variable {
        name: ROLE_NAME,
        default: "CrossAccountUserAdmin",
        meaning: "Name of the member role that is assumed in each account, with its path when it has one.",
        example: "ops/CrossAccountUserAdmin",
        subject: Subject::Sessions,
        ..OPTIONAL
    },
    Variable {
        name: EXTERNAL_ID,
        meaning: "External id that the trust policy of the member roles asks for. It is never shown, and never taken from what \
                  users write.",
        example: "an-agreed-text",
        subject: Subject::Sessions,
        ..REQUIRED
    },
    Variable {
        name: SESSION_DURATION,
        default: "900",
        meaning: "Seconds that session credentials live before they are renewed: 900 to 3600. AWS allows no more when a role \
                  assumes a role.",
        example: "1800",
        subject: Subject::Sessions,
        ..OPTIONAL
    },
    Variable {
        name: AUDIT_BUCKET,
        meaning: "S3 bucket, in the hub account, that gets a record before and after each operation. When the first record \
                  cannot be written, nothing is changed.",
        example: "crossaccount-audit-111111111111",
        subject: Subject::Audit,
        ..REQUIRED
    },
    Variable {
        name: AUDIT_PREFIX,
        default: "crossaccount",
        meaning: "Prefix of the object keys.",
        example: "audit/cloudformation",
        subject: Subject::Audit,
        ..OPTIONAL
    },
    Variable {
        name: AUDIT_KMS_KEY_ID,
        meaning: "KMS key that encrypts the records: its id, ARN or alias. When it is not set: the encryption of the bucket.",
        example: "alias/crossaccount-audit",
        subject: Subject::Audit,
        ..OPTIONAL
    },
    Variable {
        name: SECRETS_KMS_KEY_ID,
        meaning: "KMS key that encrypts passwords and secret keys in SSM Parameter Store: its id, ARN or alias. Without it the \
                  function keeps no secrets, and `ConsoleAccess` and `AccessKey` are refused.",
        example: "alias/crossaccount-secrets",
        subject: Subject::Secrets,
        ..OPTIONAL
    },
    Variable {
        name: SECRETS_PREFIX,
        default: "/crossaccount",
        meaning: "What the names of all parameters begin with.",
        example: "/platform/users",
        subject: Subject::Secrets,
        ..OPTIONAL
    },
    Variable {
        name: SECRETS_LOCATION,
        default: "hub",
        meaning: "Account that holds the secrets: `hub`, or `member` for the account of each user.",
        example: "member",
        subject: Subject::Secrets,
        ..OPTIONAL
    },
    Variable {
        name: LOG,
        meaning: "How much is logged: `error`, `warn`, `info`, `debug`, `trace` or `off`. When it is not set: \
                  `AWS_LAMBDA_LOG_LEVEL`, which Lambda sets from the logging configuration of the function, else `info`.",
        example: "debug",
        subject: Subject::Log,
        ..OPTIONAL
    },
];
