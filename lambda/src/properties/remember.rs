//! The lenient way: properties of a Delete, and those before an Update.
//!
//! Properties of any past release and shape live in stacks for ever, and a Delete that fails because one of them is no
//! longer valid cannot be repaired by anybody. So nothing here fails. What is read here proves nothing either: whose a
//! user is stands in its tags.

use std::collections::BTreeSet;
use std::str::FromStr;

use crossaccount_core::ids::{AccountId, GroupName, PolicyArn, PolicyName, RoleArn, UserName};
use crossaccount_core::user::{DeletionPolicy, PolicyDocument, UserSpec};
use serde_json::{Map, Value};

/// What can be read from properties of any age and shape.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Remembered {
    /// The account.
    pub account_id: Option<AccountId>,
    /// The name of the user.
    pub name: Option<UserName>,
    /// The role to assume instead of the usual member role.
    pub role_arn: Option<RoleArn>,
    /// What the managed sets name.
    pub managed: Managed,
    /// What a deletion does, when the properties say something about it. A word that means nothing to us counts as
    /// `quarantine`, which neither destroys what somebody wanted to keep nor leaves anybody access.
    pub deletion_policy: Option<DeletionPolicy>,
    /// Whether a deletion also removes what was not created here: only when the properties clearly say so.
    pub force_destroy: bool,
}

/// What the managed sets of remembered properties name; `None` for a set that is not managed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Managed {
    /// Managed policies.
    pub managed_policy_arns: Option<BTreeSet<PolicyArn>>,
    /// Inline policies.
    pub inline_policies: Option<BTreeSet<PolicyName>>,
    /// Groups.
    pub groups: Option<BTreeSet<GroupName>>,
}

impl Remembered {
    /// The user as far as it is remembered, for [`crossaccount_core::user::Removal`]: the members of its sets are ours
    /// to remove. The name is that of the physical id, which counts. Documents are not remembered, for a removal goes by
    /// the names.
    pub fn recorded_spec(&self, name: UserName) -> UserSpec {
        let nothing = r#"{"Statement":[]}"#.parse::<PolicyDocument>().ok();
        let inline_policies = self.managed.inline_policies.as_ref().zip(nothing);
        UserSpec {
            managed_policy_arns: self.managed.managed_policy_arns.clone(),
            inline_policies: inline_policies.map(|(names, nothing)| {
                let empty = |name: &PolicyName| (name.clone(), nothing.clone());
                names.iter().map(empty).collect()
            }),
            groups: self.managed.groups.clone(),
            ..UserSpec::named(name)
        }
    }
}

/// Takes what can be read and never fails. Pure.
pub fn remember(properties: &Map<String, Value>) -> Remembered {
    let get = |name: &str| properties.get(name).filter(|value| !value.is_null());
    Remembered {
        account_id: get("AccountId").and_then(id),
        name: get("UserName").and_then(id),
        role_arn: get("RoleArn").and_then(id),
        managed: Managed {
            managed_policy_arns: get("ManagedPolicyArns").map(ids),
            inline_policies: get("Policies").map(policy_names),
            groups: get("Groups").map(ids),
        },
        deletion_policy: get("DeletionPolicy").and_then(deletion_policy),
        force_destroy: get("ForceDestroy").is_some_and(is_true),
    }
}

/// The text of a scalar, without spaces around it.
fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.trim().to_owned()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

fn id<T: FromStr>(value: &Value) -> Option<T> {
    text(value)?.parse().ok()
}

/// The identifiers of a list; a text is one or more between commas.
fn ids<T: FromStr + Ord>(value: &Value) -> BTreeSet<T> {
    match value {
        Value::Array(elements) => elements.iter().filter_map(id).collect(),
        Value::String(text) => {
            let parts = text.split(',');
            parts.filter_map(|part| part.trim().parse().ok()).collect()
        }
        _ => BTreeSet::new(),
    }
}

/// The names in a list of policies, a map of name to document, or a list of names.
fn policy_names(value: &Value) -> BTreeSet<PolicyName> {
    match value {
        Value::Array(elements) => {
            let name = |element: &Value| match element {
                Value::Object(policy) => policy.get("PolicyName").and_then(id),
                name => id(name),
            };
            elements.iter().filter_map(name).collect()
        }
        Value::Object(policies) if policies.contains_key("PolicyName") => policies
            .get("PolicyName")
            .and_then(id)
            .into_iter()
            .collect(),
        Value::Object(policies) => policies
            .keys()
            .filter_map(|name| name.parse().ok())
            .collect(),
        _ => BTreeSet::new(),
    }
}

fn deletion_policy(value: &Value) -> Option<DeletionPolicy> {
    let word = text(value).map(|word| word.to_ascii_lowercase());
    match word.as_deref() {
        Some("") => None,
        Some("delete") => Some(DeletionPolicy::Delete),
        Some("retain") => Some(DeletionPolicy::Retain),
        Some(_) | None => Some(DeletionPolicy::Quarantine),
    }
}

fn is_true(value: &Value) -> bool {
    match value {
        Value::Bool(flag) => *flag,
        Value::String(text) => text.trim().eq_ignore_ascii_case("true"),
        _ => false,
    }
}
