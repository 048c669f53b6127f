//! What is wanted of one user.

use std::collections::{BTreeMap, BTreeSet};

use super::{ConsoleAccess, KeyPolicy, PolicyDocument};
use crate::ids::{GroupName, Path, PolicyArn, PolicyName, TagKey, TagValue, UserName};

/// The wanted state of one IAM user.
///
/// A set that is `None` is not managed: it is neither read nor changed. A set that is `Some` is
/// exclusive: what is not in it is removed from the user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserSpec {
    /// The name.
    pub name: UserName,
    /// The IAM path.
    pub path: Path,
    /// The permissions boundary; `None` means that the user has none.
    pub permissions_boundary: Option<PolicyArn>,
    /// The managed policies that are attached to the user itself.
    pub managed_policy_arns: Option<BTreeSet<PolicyArn>>,
    /// The inline policies by name.
    pub inline_policies: Option<BTreeMap<PolicyName, PolicyDocument>>,
    /// The groups that the user is in.
    pub groups: Option<BTreeSet<GroupName>>,
    /// All tags but the reserved ones; always managed.
    pub tags: BTreeMap<TagKey, TagValue>,
    /// The access key that is made, stored and rotated; `None`: keys of ours are deleted, others stay.
    pub access_key: Option<KeyPolicy>,
    /// The console access; `None`: a login profile of ours is deleted, another stays.
    pub console_access: Option<ConsoleAccess>,
}

impl UserSpec {
    /// A user with this name, in the path `/`, that has nothing and of which only the boundary and the
    /// tags are managed.
    pub fn named(name: UserName) -> Self {
        Self {
            name,
            path: Path::default(),
            permissions_boundary: None,
            managed_policy_arns: None,
            inline_policies: None,
            groups: None,
            tags: BTreeMap::new(),
            access_key: None,
            console_access: None,
        }
    }

    /// Which sets are managed.
    pub fn facets(&self) -> super::Facets {
        super::Facets {
            managed_policies: self.managed_policy_arns.is_some(),
            inline_policies: self.inline_policies.is_some(),
            groups: self.groups.is_some(),
            access_keys: self.access_key.is_some(),
            console_access: self.console_access.is_some(),
            own_credentials: true,
        }
    }
}
