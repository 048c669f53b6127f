//! The variables that the jobs add to those of all functions: [`crossaccount_lambda::settings::table`].

use crossaccount_lambda::settings::table::{OPTIONAL, REQUIRED, Subject, Variable};

/// See [`PROVISION`].
pub const DEPLOYMENT_ID: &str = "CROSSACCOUNT_DEPLOYMENT_ID";
/// See [`PROVISION`].
pub const DEFAULT_PROPERTIES: &str = "CROSSACCOUNT_DEFAULT_PROPERTIES";
/// See [`PROVISION`].
pub const ACCOUNTS_AT_ONCE: &str = "CROSSACCOUNT_ACCOUNTS_AT_ONCE";
/// See [`PROVISION`].
pub const USERS_AT_ONCE: &str = "CROSSACCOUNT_USERS_AT_ONCE";
/// See [`PROVISION`].
pub const REPORT_BUCKET: &str = "CROSSACCOUNT_REPORT_BUCKET";
/// See [`PROVISION`].
pub const REPORT_PREFIX: &str = "CROSSACCOUNT_REPORT_PREFIX";
/// See [`RECONCILE`].
pub const REGISTRY_TABLE: &str = "CROSSACCOUNT_REGISTRY_TABLE";
/// See [`RECONCILE`].
pub const DEFAULT_ACCOUNT_ID: &str = "CROSSACCOUNT_DEFAULT_ACCOUNT_ID";
/// See [`RECONCILE`].
pub const DELETION_POLICY: &str = "CROSSACCOUNT_DELETION_POLICY";
/// See [`RECONCILE`].
pub const FORCE_DESTROY: &str = "CROSSACCOUNT_FORCE_DESTROY";
/// See [`RECONCILE`].
pub const MAX_REMOVALS: &str = "CROSSACCOUNT_MAX_REMOVALS";
/// See [`RECONCILE`].
pub const MAX_REMOVAL_PERCENT: &str = "CROSSACCOUNT_MAX_REMOVAL_PERCENT";
/// See [`RECONCILE`].
pub const LEASE_SECONDS: &str = "CROSSACCOUNT_LEASE_SECONDS";

const DEPLOYMENT: Variable = Variable {
    name: DEPLOYMENT_ID,
    meaning: "Whose users these are: 1 to 64 letters, digits and `_.-`. The ownership tag of every user that the function \
              makes is the name of the function, a slash and this. A user with another tag, or none, is never changed.",
    example: "platform",
    subject: Subject::Work,
    ..REQUIRED
};

const DEFAULTS: Variable = Variable {
    name: DEFAULT_PROPERTIES,
    example: r#"{"PermissionsBoundary": "arn:${Partition}:iam::${AccountId}:policy/UserBoundary", "AccessKey": {}}"#,
    subject: Subject::Work,
    ..OPTIONAL
};

const ACCOUNTS: Variable = Variable {
    name: ACCOUNTS_AT_ONCE,
    default: "16",
    meaning: "In how many accounts work goes on at the same time: 1 to 256.",
    example: "32",
    subject: Subject::Work,
    ..OPTIONAL
};

const USERS: Variable = Variable {
    name: USERS_AT_ONCE,
    default: "8",
    meaning: "On how many users of one account work goes on at the same time: 1 to 64. The IAM quotas of an account are \
              shared with everybody else who works there.",
    example: "4",
    subject: Subject::Work,
    ..OPTIONAL
};

/// The default properties of `provision`: what the system gave that it replaces, with current policies, and a console
/// password that has to be changed at the first sign-in.
pub const PROVISION_DEFAULTS: &str = r#"{"ManagedPolicyArns": ["arn:${Partition}:iam::aws:policy/AmazonEC2FullAccess", "arn:${Partition}:iam::aws:policy/CloudWatchFullAccessV2"], "ConsoleAccess": {}}"#;
/// The default properties of `reconcile`: an access key that rotates.
pub const RECONCILE_DEFAULTS: &str = r#"{"AccessKey": {}}"#;

/// The variables of `provision` beside those of all functions.
pub static PROVISION: &[Variable] = &[
    DEPLOYMENT,
    Variable {
        default: PROVISION_DEFAULTS,
        meaning: "The properties that count where the event does not say otherwise: a JSON object with the names of \
                  [`Custom::CrossAccountIamUser`](../cloudformation/custom-resource.md). A user that gets its access by \
                  `Groups` gets no `ManagedPolicyArns` from here. In its texts `${AccountId}`, `${UserName}` and \
                  `${Partition}` are filled in.",
        ..DEFAULTS
    },
    ACCOUNTS,
    USERS,
    Variable {
        name: REPORT_BUCKET,
        meaning: "S3 bucket, in the hub account, that gets a report of each run. When it is not set: the bucket of the audit \
                  records.",
        example: "crossaccount-reports-111111111111",
        subject: Subject::Audit,
        ..OPTIONAL
    },
    Variable {
        name: REPORT_PREFIX,
        default: "reports",
        meaning: "Prefix of the object keys of reports.",
        example: "reports/provision",
        subject: Subject::Audit,
        ..OPTIONAL
    },
];

/// The variables of `reconcile` beside those of all functions.
pub static RECONCILE: &[Variable] = &[
    DEPLOYMENT,
    Variable {
        default: RECONCILE_DEFAULTS,
        meaning: "The properties that count where a row does not say otherwise: a JSON object with the names of \
                  [`Custom::CrossAccountIamUser`](../cloudformation/custom-resource.md). In its texts, and in those of rows, \
                  `${AccountId}`, `${UserName}` and `${Partition}` are filled in.",
        ..DEFAULTS
    },
    ACCOUNTS,
    USERS,
    Variable {
        name: REGISTRY_TABLE,
        meaning: "DynamoDB table, in the hub account, whose rows are the users. Its key is `UserName`, or `UserName` and \
                  `AccountId`.",
        example: "crossaccount-registry",
        subject: Subject::Table,
        ..REQUIRED
    },
    Variable {
        name: DEFAULT_ACCOUNT_ID,
        meaning: "The account of rows that name none. Without it such a row is an error.",
        example: "222222222222",
        subject: Subject::Table,
        ..OPTIONAL
    },
    Variable {
        name: DELETION_POLICY,
        default: "delete",
        meaning: "What happens to a user whose row goes: `delete`; `quarantine`, which keeps it and takes all access away; \
                  `retain`, which leaves it as it is.",
        example: "quarantine",
        subject: Subject::Removals,
        ..OPTIONAL
    },
    Variable {
        name: FORCE_DESTROY,
        default: "false",
        meaning: "Whether what the registry could not have given goes with the user: `true` or `false`. Otherwise MFA \
                  devices, certificates, SSH keys, and policies and groups outside of what is allowed stop the deletion.",
        example: "true",
        subject: Subject::Removals,
        ..OPTIONAL
    },
    Variable {
        name: MAX_REMOVALS,
        default: "10",
        meaning: "How many users are removed within one hour of the clock (UTC) at most, by stream and schedule together: 0 to \
                  10000. More are refused, and none of them is removed by that run.",
        example: "25",
        subject: Subject::Removals,
        ..OPTIONAL
    },
    Variable {
        name: MAX_REMOVAL_PERCENT,
        default: "20",
        meaning: "Which share of the registry's users one run of the schedule may remove, in percent: 1 to 100. One user \
                  always counts as few.",
        example: "50",
        subject: Subject::Removals,
        ..OPTIONAL
    },
    Variable {
        name: LEASE_SECONDS,
        default: "20",
        meaning: "Seconds after which work on a user that has gone silent gives way to another run: 1 to 900.",
        example: "30",
        subject: Subject::Table,
        ..OPTIONAL
    },
];
