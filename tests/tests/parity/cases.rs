//! The table.

use serde_json::{Value, json};

use super::trace::Aspect;

/// The names that users of these cases have: each is looked at after every step.
pub(super) const NAMES: [&str; 2] = ["alice", "alice.new"];

/// One user from its beginning to its end.
#[derive(Debug, Clone)]
pub(super) struct Case {
    pub(super) name: &'static str,
    /// A user `alice` that is there already.
    pub(super) before: Option<Before>,
    pub(super) steps: Vec<Step>,
    /// Differences that are meant.
    pub(super) meant: Vec<Meant>,
}

/// A user that is there already, with a policy and a tag.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Before {
    OfNobody,
    OfAnother,
}

/// What happens. Only what a face does leaves a trace.
#[derive(Debug, Clone)]
pub(super) enum Step {
    /// The user is declared like this: properties, with `{account}` for the id of the account.
    Set(Value),
    /// It is declared no more.
    Remove,
    /// So many days pass.
    Days(f64),
    /// Somebody does this with other tools.
    ByHand(Hand),
}

/// What somebody does with other tools.
#[derive(Debug, Clone, Copy)]
pub(super) enum Hand {
    Attach,
    Tag,
    Claim,
    Key,
    Login,
    Delete,
}

/// A difference that is meant.
#[derive(Debug, Clone)]
pub(super) struct Meant {
    /// Which trace, counted from 0.
    pub(super) step: usize,
    pub(super) aspect: Aspect,
    pub(super) reason: &'static str,
}

pub(super) fn document(action: &str) -> Value {
    let statement = json!({"Effect": "Allow", "Action": action, "Resource": "*"});
    json!({"Version": "2012-10-17", "Statement": [statement]})
}

/// The least that a user is declared with.
pub(super) fn user() -> Value {
    json!({"AccountId": "{account}", "UserName": NAMES[0]})
}

/// That, and more.
pub(super) fn with(more: &Value) -> Value {
    let mut user = user();
    for (name, value) in more.as_object().into_iter().flatten() {
        user[name] = value.clone();
    }
    user
}

fn full(more: &Value) -> Value {
    let mut full = with(&json!({
        "Path": "/people/",
        "PermissionsBoundary": "arn:aws:iam::{account}:policy/Boundary",
        "ManagedPolicyArns": ["arn:aws:iam::aws:policy/ReadOnlyAccess"],
        "Policies": [{"PolicyName": "queues", "PolicyDocument": document("sqs:*")}],
        "Groups": ["engineers"],
        "Tags": [{"Key": "Team", "Value": "core"}],
        "ConsoleAccess": {"PasswordLength": 24},
        "AccessKey": {"RotateAfterDays": 15, "DeleteAfterDays": 30},
    }));
    for (name, value) in more.as_object().into_iter().flatten() {
        full[name] = value.clone();
    }
    full
}

const NO_PLAN: &str =
    "the plan of Terraform looks and refuses; a stack has no plan, so IAM refuses";

fn set(more: Value) -> Step {
    Step::Set(with(&more))
}

/// A life of one user that is declared like this, one after the other, and then removed.
fn life(name: &'static str, declarations: impl IntoIterator<Item = Value>) -> Case {
    let mut steps: Vec<_> = declarations.into_iter().map(set).collect();
    steps.push(Step::Remove);
    case(name, None, steps)
}

fn case(name: &'static str, before: Option<Before>, steps: impl IntoIterator<Item = Step>) -> Case {
    Case {
        name,
        before,
        steps: steps.into_iter().collect(),
        meant: Vec::new(),
    }
}

impl Case {
    fn differs(mut self, step: usize, aspects: &[Aspect], reason: &'static str) -> Self {
        self.meant.extend(aspects.iter().map(|&aspect| Meant {
            step,
            aspect,
            reason,
        }));
        self
    }
}

pub(super) fn cases() -> Vec<Case> {
    let mut cases = missing();
    cases.extend(declarations());
    cases.extend(credentials());
    cases.extend(existing());
    cases.extend(ends());
    cases
}

/// Users that somebody deleted. The first ones, because the refresh of Terraform waits for IAM to show them.
fn missing() -> Vec<Case> {
    vec![
        case(
            "a user that somebody deleted is made anew",
            None,
            [
                set(json!({})),
                Step::ByHand(Hand::Delete),
                set(json!({"Path": "/people/"})),
                Step::Remove,
            ],
        ),
        case(
            "a user that somebody deleted is not missed",
            None,
            [set(json!({})), Step::ByHand(Hand::Delete), Step::Remove],
        ),
    ]
}

/// What a user is declared with.
fn declarations() -> Vec<Case> {
    let arn = |name: &str| format!("arn:aws:iam::aws:policy/{name}");
    let tag = |key: &str, value: &str| json!({"Key": key, "Value": value});
    let inline =
        |name: &str, action: &str| json!({"PolicyName": name, "PolicyDocument": document(action)});
    vec![
        life("a user alone", [json!({})]),
        case(
            "everything at once",
            None,
            [Step::Set(full(&json!({}))), Step::Remove],
        ),
        life(
            "tags",
            [
                json!({"Tags": [tag("Team", "core"), tag("Stage", "test")]}),
                json!({"Tags": [tag("Team", "platform"), tag("Owner", "alice")]}),
                json!({}),
            ],
        ),
        life(
            "groups",
            [
                json!({"Groups": ["engineers"]}),
                json!({"Groups": ["readers"]}),
                json!({"Groups": []}),
            ],
        ),
        life(
            "inline policies",
            [
                json!({"Policies": [inline("one", "sqs:*"), inline("two", "sns:*")]}),
                json!({"Policies": [inline("two", "sns:Publish"), inline("three", "ec2:*")]}),
                json!({"Policies": []}),
            ],
        ),
        life(
            "managed policies",
            [
                json!({"ManagedPolicyArns": [arn("ReadOnlyAccess")]}),
                json!({"ManagedPolicyArns": [arn("IAMReadOnlyAccess"), arn("job-function/ViewOnlyAccess")]}),
                json!({"ManagedPolicyArns": []}),
            ],
        ),
        life(
            "path",
            [
                json!({"Path": "/people/"}),
                json!({"Path": "/machines/"}),
                json!({}),
            ],
        ),
        life(
            "boundary",
            [
                json!({"PermissionsBoundary": "arn:aws:iam::{account}:policy/Boundary"}),
                json!({"PermissionsBoundary": "arn:aws:iam::{account}:policy/OtherBoundary"}),
                json!({}),
            ],
        ),
        case(
            "what is not managed stays",
            None,
            [
                set(json!({})),
                Step::ByHand(Hand::Attach),
                set(json!({"Path": "/people/"})),
            ],
        ),
        case(
            "what somebody changed is brought back with the next change",
            None,
            [
                set(json!({"ManagedPolicyArns": []})),
                Step::ByHand(Hand::Attach),
                Step::ByHand(Hand::Tag),
                set(json!({"ManagedPolicyArns": [], "Path": "/people/"})),
                Step::Remove,
            ],
        ),
        case(
            "another name",
            None,
            [
                set(json!({})),
                set(json!({"UserName": NAMES[1]})),
                Step::Remove,
            ],
        )
        .differs(
            1,
            &[Aspect::Writes, Aspect::Audit],
            "the physical id holds the name, so CloudFormation replaces; Terraform renames",
        ),
    ]
}

/// Passwords and keys.
fn credentials() -> Vec<Case> {
    let key = |key: Value| json!({"AccessKey": key});
    let console = |console: Value| json!({"ConsoleAccess": console});
    let tagged = |value: &str| json!({"AccessKey": {}, "Tags": [{"Key": "Run", "Value": value}]});
    vec![
        life(
            "rotation trigger",
            [
                key(json!({"RotationTrigger": "one"})),
                key(json!({"RotationTrigger": "two"})),
                key(json!({"RotationTrigger": "three"})),
            ],
        ),
        life(
            "status of the key",
            [
                key(json!({})),
                key(json!({"Status": "Inactive"})),
                key(json!({"Status": "Active"})),
            ],
        ),
        life(
            "a key that comes and goes",
            [json!({}), key(json!({})), json!({})],
        ),
        life(
            "console access that comes and goes",
            [json!({}), console(json!({})), json!({})],
        ),
        life(
            "password reset",
            [
                console(json!({"PasswordResetTrigger": "one"})),
                console(json!({"PasswordResetTrigger": "two"})),
                console(json!({"PasswordResetTrigger": "two", "PasswordLength": 40})),
                console(json!({
                    "PasswordResetTrigger": "three", "PasswordLength": 40, "PasswordResetRequired": false,
                })),
            ],
        ),
        case(
            "what is due of a key is done with the next change",
            None,
            [
                set(tagged("1")),
                Step::Days(16.0),
                set(tagged("2")),
                Step::Days(8.0),
                set(tagged("3")),
                Step::Days(8.0),
                set(tagged("4")),
                Step::Remove,
            ],
        ),
        case(
            "a key of somebody else is left alone",
            None,
            [
                set(json!({})),
                Step::ByHand(Hand::Key),
                set(key(json!({}))),
                set(key(json!({"RotationTrigger": "one"}))),
            ],
        ),
    ]
}

/// Users that were there before.
fn existing() -> Vec<Case> {
    let adopt = json!({"AdoptionPolicy": "adopt", "Path": "/people/", "AccessKey": {}});
    let mut deleted = adopt.clone();
    deleted["DeletionPolicy"] = json!("delete");
    deleted["ForceDestroy"] = json!(true);
    vec![
        case(
            "a foreign user of the same name",
            Some(Before::OfNobody),
            [set(json!({})), Step::Remove],
        )
        .differs(0, &[Aspect::Writes, Aspect::Audit], NO_PLAN),
        case(
            "a user of another owner is not adopted",
            Some(Before::OfAnother),
            [set(adopt.clone()), Step::Remove],
        )
        .differs(0, &[Aspect::Writes, Aspect::Audit], NO_PLAN),
        case("adoption", Some(Before::OfNobody), [set(adopt.clone())]),
        case(
            "adoption, and deletion because the template says so",
            Some(Before::OfNobody),
            [set(deleted), Step::Remove],
        ),
        case(
            "adoption, and an end of which nothing is said",
            Some(Before::OfNobody),
            [
                set(json!({"AdoptionPolicy": "adopt", "ManagedPolicyArns": []})),
                Step::Remove,
            ],
        )
        .differs(
            1,
            &[Aspect::Writes, Aspect::User, Aspect::Credentials, Aspect::Audit],
            "a roll-back sends a Delete too, so a user that existed before is kept unless DeletionPolicy is written",
        ),
    ]
}

/// What an end does.
fn ends() -> Vec<Case> {
    let ending = |policy: &str| Step::Set(full(&json!({"DeletionPolicy": policy})));
    let forced = json!({"ForceDestroy": true});
    vec![
        case("retain", None, [ending("retain"), Step::Remove]),
        case("quarantine", None, [ending("quarantine"), Step::Remove]),
        case(
            "things that somebody made stop a deletion",
            None,
            [set(json!({})), Step::ByHand(Hand::Key), Step::Remove],
        ),
        case(
            "force destroy",
            None,
            [
                set(forced),
                Step::ByHand(Hand::Key),
                Step::ByHand(Hand::Login),
                Step::ByHand(Hand::Attach),
                Step::Remove,
            ],
        ),
    ]
}
