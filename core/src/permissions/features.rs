//! What a member role can be asked to permit, feature by feature.

use std::str::FromStr;

use crate::ids::InvalidId;

/// Whether a call changes anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Access {
    /// The call only looks.
    Read,
    /// The call changes something.
    Write,
    /// The call reads the value of a stored secret. Neither a plan nor a change makes it.
    ReadSecret,
}

impl Access {
    /// The name in documentation: `read`, `write` or `read secret`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::ReadSecret => "read secret",
        }
    }
}

/// A part of the product that needs permissions of its own in the member account.
///
/// [`Feature::Users`] is the base of everything that changes users; the others add to it.
/// [`Feature::DataSources`] alone makes a role that can only look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Feature {
    /// Create, read, rename, move and delete users that hold nothing foreign.
    Users,
    /// Keep the tags of a user.
    Tags,
    /// Set and remove permissions boundaries.
    PermissionsBoundary,
    /// Attach and detach managed policies.
    ManagedPolicies,
    /// Keep inline policies.
    InlinePolicies,
    /// Keep group memberships.
    Groups,
    /// Delete users together with everything that others created on them.
    ForceDestroy,
    /// Take all access from a user and keep the user.
    Quarantine,
    /// Look up one user or list the users of an account.
    DataSources,
    /// Keep console passwords.
    ConsoleAccess,
    /// Make, rotate and delete access keys.
    AccessKeys,
    /// Keep secrets in the member account itself (`secrets.location = "member"`).
    MemberSecrets,
    /// Read all users of an account with what they hold in one call, as the registry does. AWS knows no narrower
    /// permission for it: it shows roles and policies of the account too.
    Inventory,
}

impl Feature {
    /// All features, in the order of the documentation.
    pub const ALL: [Self; 13] = [
        Self::Users,
        Self::Tags,
        Self::PermissionsBoundary,
        Self::ManagedPolicies,
        Self::InlinePolicies,
        Self::Groups,
        Self::ForceDestroy,
        Self::Quarantine,
        Self::DataSources,
        Self::ConsoleAccess,
        Self::AccessKeys,
        Self::MemberSecrets,
        Self::Inventory,
    ];

    /// What a member role is for unless somebody chooses: everything that one user needs, with the secrets in the
    /// hub account.
    pub fn default_choice() -> Vec<Self> {
        let mut features = Self::ALL.to_vec();
        features.retain(|feature| !matches!(feature, Self::MemberSecrets | Self::Inventory));
        features
    }

    /// The name as it is written in configuration: `force_destroy`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Users => "users",
            Self::Tags => "tags",
            Self::PermissionsBoundary => "permissions_boundary",
            Self::ManagedPolicies => "managed_policies",
            Self::InlinePolicies => "inline_policies",
            Self::Groups => "groups",
            Self::ForceDestroy => "force_destroy",
            Self::Quarantine => "quarantine",
            Self::DataSources => "data_sources",
            Self::ConsoleAccess => "console_access",
            Self::AccessKeys => "access_keys",
            Self::MemberSecrets => "member_secrets",
            Self::Inventory => "inventory",
        }
    }
}

impl std::fmt::Display for Feature {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl FromStr for Feature {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        Self::ALL
            .into_iter()
            .find(|feature| feature.as_str() == text)
            .ok_or_else(|| {
                let names = Self::ALL.map(Self::as_str).join(", ");
                InvalidId::new("feature", text, format!("it must be one of {names}"))
            })
    }
}

#[cfg(test)]
mod tests {
    use super::Feature;

    #[test]
    fn every_feature_reads_back_from_its_name() {
        for feature in Feature::ALL {
            assert_eq!(feature.to_string().parse::<Feature>().unwrap(), feature);
        }
    }

    #[test]
    fn secrets_stay_in_the_hub_and_accounts_unread_unless_somebody_chooses() {
        let mut all = Feature::default_choice();
        assert!(!all.contains(&Feature::MemberSecrets));
        assert!(!all.contains(&Feature::Inventory));
        all.extend([Feature::MemberSecrets, Feature::Inventory]);
        assert_eq!(all, Feature::ALL);
    }

    #[test]
    fn an_unknown_feature_is_answered_with_the_known_ones() {
        let error = "admin".parse::<Feature>().unwrap_err().to_string();
        assert!(
            error.contains("users, tags, permissions_boundary"),
            "{error}"
        );
    }
}
