//! The properties, each once: what can be written, what it means, and what a change of it does.

use crossaccount_core::user::{MOST_DAYS, SHORTEST_PASSWORD};

/// One property of the resource, or of an object in it.
#[derive(Debug)]
pub struct Property {
    /// Its name.
    pub name: &'static str,
    /// What can be written.
    pub shape: Shape,
    /// Whether it must be there.
    pub required: bool,
    /// What an Update that changes it does.
    pub change: Change,
    /// What counts when it is left out, as it would be written; empty when nothing does.
    pub default: &'static str,
    /// What it does, as the reference says it.
    pub meaning: &'static str,
    /// An example of a value, in YAML.
    pub example: &'static str,
    /// Whether an error may repeat the value.
    pub shown: bool,
}

/// What can be written for a property.
///
/// `CloudFormation` makes texts of all scalars, so `true` and `"true"`, `14` and `"14"` are the same; nothing else is.
#[derive(Debug, Clone, Copy)]
pub enum Shape {
    /// A text.
    Text,
    /// `true` or `false`.
    Boolean,
    /// A whole number from the first to the second.
    Integer(u32, u32),
    /// One of these words.
    Choice(&'static [&'static str]),
    /// A list of texts.
    Texts,
    /// An object with these properties.
    Object(&'static [Property]),
    /// A list of objects with these properties.
    Objects(&'static [Property]),
    /// A policy document: an object, or a text that holds its JSON.
    Document,
}

/// What an Update that changes a property does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// The user is changed and stays the same one.
    InPlace,
    /// A new user is made, and the old one deleted after the update of the stack.
    Replaces,
    /// Nothing by itself: it counts in the next operation that asks for it.
    CountsLater,
}

/// What the parts of a table have in common.
const PLAIN: Property = Property {
    name: "",
    shape: Shape::Text,
    required: false,
    change: Change::InPlace,
    default: "",
    meaning: "",
    example: "",
    shown: true,
};

/// The properties of `Custom::CrossAccountIamUser`.
pub static PROPERTIES: &[Property] = &[
    Property {
        name: "AccountId",
        required: true,
        change: Change::Replaces,
        meaning: "Account of the user: 12 digits, between quotes, because YAML makes a number of digits and drops zeros at \
                  the beginning.",
        example: "\"222222222222\"",
        ..PLAIN
    },
    Property {
        name: "UserName",
        required: true,
        change: Change::Replaces,
        meaning: "Name of the user: 1 to 64 letters, digits and `_+=,.@-`.",
        example: "reporting",
        ..PLAIN
    },
    Property {
        name: "Path",
        default: "/",
        meaning: "IAM path, beginning and ending with `/`. The function may ask for a certain beginning.",
        example: "/machines/",
        ..PLAIN
    },
    Property {
        name: "RoleArn",
        meaning: "Member role to assume for this user instead of the one that the function assumes. It must belong to \
                  `AccountId`, and the function must allow its name.",
        example: "!Sub \"arn:${AWS::Partition}:iam::222222222222:role/ops/CrossAccountUserAdmin\"",
        change: Change::CountsLater,
        ..PLAIN
    },
    Property {
        name: "PermissionsBoundary",
        meaning: "ARN of the policy that is the user's permissions boundary. It is set in the call that creates the user, \
                  and before any permission is added. Without it the user has no boundary, which the function may refuse.",
        example: "!Sub \"arn:${AWS::Partition}:iam::222222222222:policy/Boundary\"",
        ..PLAIN
    },
    Property {
        name: "ManagedPolicyArns",
        shape: Shape::Texts,
        meaning: "ARNs of the managed policies that are attached to the user.",
        example: "[!Sub \"arn:${AWS::Partition}:iam::aws:policy/job-function/ViewOnlyAccess\"]",
        ..PLAIN
    },
    Property {
        name: "Policies",
        shape: Shape::Objects(POLICY),
        meaning: "Inline policies. Documents are compared by meaning: white space, key order and the order of actions are no \
                  change.",
        example: "[{PolicyName: read-reports, PolicyDocument: {Version: \"2012-10-17\", Statement: []}}]",
        ..PLAIN
    },
    Property {
        name: "Groups",
        shape: Shape::Texts,
        meaning: "Groups of the account that the user is in: at most 10.",
        example: "[auditors]",
        ..PLAIN
    },
    Property {
        name: "Tags",
        shape: Shape::Objects(TAG),
        default: "[]",
        meaning: "Tags of the user, at most 44: six of the 50 that IAM allows are kept for crossaccount. Tags that somebody \
                  else adds are removed. Tags of the stack are not copied.",
        example: "[{Key: team, Value: reporting}]",
        ..PLAIN
    },
    Property {
        name: "ConsoleAccess",
        shape: Shape::Object(CONSOLE_ACCESS),
        meaning: "Console access: a password that is generated to the account's own password policy and kept in the secret \
                  store of the function; `{}` takes all defaults. Without this property a password that was made here is \
                  deleted, and one that somebody else set is left alone. A password that somebody else set is only replaced \
                  with `AdoptionPolicy: adopt`.",
        example: "{PasswordLength: 32}",
        ..PLAIN
    },
    Property {
        name: "AccessKey",
        shape: Shape::Object(ACCESS_KEY),
        meaning: "An access key that is made, kept in the secret store of the function, replaced in time and deleted; `{}` \
                  takes all defaults. What is due is done by the schedule of the function and by every Update of the \
                  resource. Keys that somebody else made are left alone. Without this property the keys that were made here \
                  are deleted.",
        example: "{RotateAfterDays: 15}",
        ..PLAIN
    },
    Property {
        name: "AdoptionPolicy",
        shape: Shape::Choice(&["fail", "adopt"]),
        change: Change::CountsLater,
        default: "fail",
        meaning: "What to do when the user exists before it is created: `fail`, or `adopt` to take it over and bring it to the \
                  properties. A user that an interrupted Create of this resource made is always completed; one that another \
                  owner's tag names is never touched.",
        example: "adopt",
        ..PLAIN
    },
    Property {
        name: "DeletionPolicy",
        shape: Shape::Choice(&["delete", "retain", "quarantine"]),
        change: Change::CountsLater,
        default: "delete",
        meaning: "What a deletion does: `delete` deletes the user, `retain` leaves it as it is, `quarantine` keeps it and takes \
                  all access away (everything is denied, the console password is deleted, keys and certificates become \
                  inactive). A user that was adopted is retained unless this property is there. Not to be confused with the \
                  attribute `DeletionPolicy` beside `Properties`, with which CloudFormation itself keeps a resource and tells \
                  the function nothing.",
        example: "quarantine",
        ..PLAIN
    },
    Property {
        name: "ForceDestroy",
        shape: Shape::Boolean,
        change: Change::CountsLater,
        default: "false",
        meaning: "Whether a deletion also removes what was not created here: console password, access keys, MFA devices, \
                  certificates, SSH keys, service-specific credentials, policies and groups. Without it such things stop the \
                  deletion with an error that names them. A deletion reads the last properties that were deployed.",
        example: "true",
        ..PLAIN
    },
];

const POLICY: &[Property] = &[
    Property {
        name: "PolicyName",
        required: true,
        meaning: "Name of the policy: 1 to 128 letters, digits and `_+=,.@-`.",
        example: "read-reports",
        ..PLAIN
    },
    Property {
        name: "PolicyDocument",
        shape: Shape::Document,
        required: true,
        meaning: "The policy: an object, or a text that holds its JSON. All inline policies of a user together have at most \
                  2048 characters without white space.",
        example: "{Version: \"2012-10-17\", Statement: [{Effect: Allow, Action: \"s3:GetObject\", Resource: \"*\"}]}",
        shown: false,
        ..PLAIN
    },
];

const TAG: &[Property] = &[
    Property {
        name: "Key",
        required: true,
        meaning: "Key of the tag: 1 to 128 letters, digits, spaces and `_.:/=+-@`, not beginning with `aws:` or \
                  `crossaccount:`. No two keys differ by case alone.",
        example: "team",
        ..PLAIN
    },
    Property {
        name: "Value",
        required: true,
        meaning: "Value of the tag: at most 256 letters, digits, spaces and `_.:/=+-@`.",
        example: "reporting",
        shown: false,
        ..PLAIN
    },
];

const CONSOLE_ACCESS: &[Property] = &[
    Property {
        name: "PasswordLength",
        shape: Shape::Integer(SHORTEST_PASSWORD as u32, LONGEST_PASSWORD),
        meaning: "Number of characters of the password. A change sets a new password. When it is left out: 24, or more when the \
                  account's password policy asks for it.",
        example: "32",
        ..PLAIN
    },
    Property {
        name: "PasswordResetRequired",
        shape: Shape::Boolean,
        change: Change::CountsLater,
        default: "true",
        meaning: "Whether the user has to choose a new password at the next sign-in. Counts when a password is set; what the \
                  user does later is no change.",
        example: "false",
        ..PLAIN
    },
    Property {
        name: "PasswordResetTrigger",
        meaning: "Any text of 1 to 1024 characters, but never a secret: CloudFormation shows it. A change sets a new password.",
        example: "\"2026-11\"",
        shown: false,
        ..PLAIN
    },
];

const ACCESS_KEY: &[Property] = &[
    Property {
        name: "RotateAfterDays",
        shape: DAYS,
        default: "15",
        meaning: "Age in days at which a key is replaced by a new one.",
        example: "15",
        ..PLAIN
    },
    Property {
        name: "DisableAfterDays",
        shape: DAYS,
        meaning: "Age in days at which a replaced key is made inactive. When it is left out: halfway between `RotateAfterDays` \
                  and `DeleteAfterDays`.",
        example: "22",
        ..PLAIN
    },
    Property {
        name: "DeleteAfterDays",
        shape: DAYS,
        default: "30",
        meaning: "Age in days at which a replaced key is deleted: more than `RotateAfterDays`, and at most twice as much, \
                  because IAM allows two keys for a user. A late rotation does not shorten the time between.",
        example: "30",
        ..PLAIN
    },
    Property {
        name: "KeepIfUsedWithinDays",
        shape: Shape::Integer(0, MOST_DAYS),
        default: "7",
        meaning: "A replaced key that was used within so many days is neither made inactive nor deleted.",
        example: "7",
        ..PLAIN
    },
    Property {
        name: "Status",
        shape: Shape::Choice(&["Active", "Inactive"]),
        default: "Active",
        meaning: "Whether the keys that were made here work. `Inactive` turns all of them off, and none is replaced.",
        example: "Inactive",
        ..PLAIN
    },
    Property {
        name: "RotationTrigger",
        meaning: "Any text of 1 to 1024 characters, but never a secret: CloudFormation shows it. A change replaces the key now, \
                  whatever its age.",
        example: "\"2026-11\"",
        shown: false,
        ..PLAIN
    },
];

const DAYS: Shape = Shape::Integer(1, MOST_DAYS);
/// The longest password as a number of a template.
const LONGEST_PASSWORD: u32 = crossaccount_core::user::LONGEST_PASSWORD as u32;
