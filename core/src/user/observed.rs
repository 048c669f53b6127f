//! What IAM has of one user.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::PolicyDocument;
use super::access_keys::{KeyTags, KeysObserved, ObservedKey, StoredKey};
use super::console_access::{CONSOLE_ACCESS_TAG, ObservedConsole};
use super::ownership::{MANAGED_BY_TAG, Owner, Ownership, QUARANTINED_TAG, is_reserved_tag};
use crate::ids::{GroupName, Path, PolicyArn, PolicyName, UserName};

/// The sets of a user that cost a call of their own to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a question of its own: to read it or not"
)]
pub struct Facets {
    /// Attached managed policies.
    pub managed_policies: bool,
    /// Inline policies with their documents.
    pub inline_policies: bool,
    /// Group memberships.
    pub groups: bool,
    /// Access keys with their last use.
    pub access_keys: bool,
    /// The login profile.
    pub console_access: bool,
    /// Both, when the tags of the user say that they are ours: whoever changes users has to know of
    /// credentials that are not wanted any more.
    pub own_credentials: bool,
}

impl Facets {
    /// Nothing but what `GetUser` answers.
    pub const NONE: Self = Self {
        managed_policies: false,
        inline_policies: false,
        groups: false,
        access_keys: false,
        console_access: false,
        own_credentials: false,
    };
    /// Everything.
    pub const ALL: Self = Self {
        managed_policies: true,
        inline_policies: true,
        groups: true,
        access_keys: true,
        console_access: true,
        own_credentials: true,
    };
}

/// A user as IAM has it. A set is `None` when it was not asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObservedUser {
    /// The name.
    pub name: UserName,
    /// The IAM path.
    pub path: Path,
    /// The ARN.
    pub arn: String,
    /// The id that is never used again: `AIDA…`.
    pub unique_id: String,
    /// When the user was created.
    pub create_date: Option<Timestamp>,
    /// When the console password was last used.
    pub password_last_used: Option<Timestamp>,
    /// The permissions boundary.
    pub permissions_boundary: Option<PolicyArn>,
    /// All tags, reserved ones too, without those of AWS itself (`aws:`).
    pub tags: BTreeMap<String, String>,
    /// Attached managed policies.
    pub managed_policy_arns: Option<BTreeSet<PolicyArn>>,
    /// Inline policies by name.
    pub inline_policies: Option<BTreeMap<PolicyName, PolicyDocument>>,
    /// Groups.
    pub groups: Option<BTreeSet<GroupName>>,
    /// Access keys.
    pub access_keys: Option<ObservedKeys>,
    /// Console access.
    pub console_access: Option<ObservedConsole>,
}

/// The access keys of a user, all of them, and what the secret store says about them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObservedKeys {
    /// The keys.
    pub keys: Vec<ObservedKey>,
    /// Which key the stored secret belongs to.
    pub stored: StoredKey,
}

impl ObservedUser {
    /// The tags that belong to people: all but the reserved ones.
    pub fn visible_tags(&self) -> BTreeMap<String, String> {
        self.tags
            .iter()
            .filter(|(key, _)| !is_reserved_tag(key))
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect()
    }

    /// Who manages the user by its ownership tag: the text of the tag.
    pub fn managed_by(&self) -> Option<&str> {
        self.tags.get(MANAGED_BY_TAG).map(String::as_str)
    }

    /// Whether the user is ours, nobody's, or somebody else's.
    pub fn ownership(&self, owner: &Owner) -> Ownership {
        Ownership::of(self.managed_by(), owner)
    }

    /// The access keys together with what the tags say about them: what `access_keys::decide` decides on.
    /// Nothing when the keys were not read.
    pub fn key_ring(&self) -> Option<KeysObserved> {
        let observed = self.access_keys.as_ref()?;
        Some(KeysObserved {
            keys: observed.keys.clone(),
            tags: KeyTags::read(&self.tags),
            stored: observed.stored.clone(),
        })
    }

    /// Whether the tags say that access keys of this user are ours, or that one was about to be made.
    pub fn has_own_keys(&self) -> bool {
        KeyTags::read(&self.tags).present
    }

    /// Whether the tags say that the login profile is ours.
    pub fn has_own_console_access(&self) -> bool {
        self.tags.contains_key(CONSOLE_ACCESS_TAG)
    }

    /// Whether a `quarantine` deletion has locked the user.
    pub fn is_quarantined(&self) -> bool {
        self.tags.contains_key(QUARANTINED_TAG)
    }
}
