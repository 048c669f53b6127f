//! The one table: which call needs which permission, for which features, within which limits.
//!
//! To let a feature make a new call, add a row here; all policies follow. The resource types and
//! condition keys are those of "Actions, resources, and condition keys for AWS Identity and Access
//! Management", "... AWS Systems Manager" and "... AWS Key Management Service" in the AWS Service
//! Authorization Reference.

use super::{Access, Feature};

/// On what an action is permitted, and which limits of a member role apply to it.
///
/// Each scope becomes one statement of the member role's policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Scope {
    /// The account as a whole: IAM offers no narrower resource for the call.
    Account,
    /// Looking a user up, wherever its path is. A user that does not exist has no path, so a role
    /// that is limited to a path would answer "denied" for a user that somebody deleted, and nobody
    /// could tell the one from the other.
    FindUser,
    /// Reading what users below the path prefix hold.
    ReadUser,
    /// Changes of users below the path prefix that give no user more power.
    ChangeUser,
    /// Changes of users below the path prefix that give power. Where a boundary is required they
    /// work only on a user that has it: otherwise a grant to an older user without one would be the
    /// way around the boundary.
    GrantToUser,
    /// Making credentials for users below the path prefix that carry the ownership tag. IAM offers no
    /// condition on the boundary for these calls, so this is what keeps a mistake from making a key
    /// for a stranger's user: first the tag has to be set, which is a call of its own.
    IssueCredentials,
    /// Attaching managed policies: a grant, limited to the allowed policies as well.
    AttachPolicy,
    /// Detaching managed policies, limited to the allowed ones, so that a policy which others
    /// attached to restrict a user stays where it is.
    DetachPolicy,
    /// Removing boundaries: denied outright where a boundary is required.
    RemoveBoundary,
    /// Groups below the group path prefix: IAM checks membership changes against the group.
    Group,
    /// Virtual MFA devices. Their ARN does not name the user. IAM refuses to delete an enabled one,
    /// and disabling is limited to users below the path prefix.
    VirtualMfaDevice,
    /// The parameters of the account's own users below the parameter prefix.
    Parameter,
    /// Looking at the KMS keys of the account.
    Key,
    /// Encryption with keys of the account, by Parameter Store alone and for those parameters alone.
    KeyThroughParameterStore,
}

impl Scope {
    /// All scopes, in the order of their statements.
    pub(super) const ALL: [Self; 14] = [
        Self::Account,
        Self::FindUser,
        Self::ReadUser,
        Self::ChangeUser,
        Self::GrantToUser,
        Self::IssueCredentials,
        Self::AttachPolicy,
        Self::DetachPolicy,
        Self::RemoveBoundary,
        Self::Group,
        Self::VirtualMfaDevice,
        Self::Parameter,
        Self::Key,
        Self::KeyThroughParameterStore,
    ];

    /// The id of the statement in a member role's policy.
    pub fn statement_id(self) -> &'static str {
        match self {
            Self::Account => "ReadAccount",
            Self::FindUser => "FindUsers",
            Self::ReadUser => "ReadUsers",
            Self::ChangeUser => "ChangeUsers",
            Self::GrantToUser => "GrantToUsers",
            Self::IssueCredentials => "IssueCredentials",
            Self::AttachPolicy => "AttachPolicies",
            Self::DetachPolicy => "DetachPolicies",
            Self::RemoveBoundary => "RemoveBoundaries",
            Self::Group => "ChangeGroupMembership",
            Self::VirtualMfaDevice => "DeleteVirtualMfaDevices",
            Self::Parameter => "KeepSecrets",
            Self::Key => "FindKeys",
            Self::KeyThroughParameterStore => "EncryptSecrets",
        }
    }

    /// Whether the scope demands that the user has the required boundary.
    pub(super) fn needs_boundary(self) -> bool {
        match self {
            Self::GrantToUser | Self::AttachPolicy => true,
            Self::Account
            | Self::FindUser
            | Self::ReadUser
            | Self::ChangeUser
            | Self::IssueCredentials
            | Self::DetachPolicy
            | Self::RemoveBoundary
            | Self::Group
            | Self::VirtualMfaDevice
            | Self::Parameter
            | Self::Key
            | Self::KeyThroughParameterStore => false,
        }
    }

    /// Whether the scope is limited to the allowed managed policies.
    pub(super) fn needs_allowed_policy(self) -> bool {
        match self {
            Self::AttachPolicy | Self::DetachPolicy => true,
            Self::Account
            | Self::FindUser
            | Self::ReadUser
            | Self::ChangeUser
            | Self::GrantToUser
            | Self::IssueCredentials
            | Self::RemoveBoundary
            | Self::Group
            | Self::VirtualMfaDevice
            | Self::Parameter
            | Self::Key
            | Self::KeyThroughParameterStore => false,
        }
    }
}

/// One row of the table: an action, and what it is needed for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RequiredAction {
    /// The action as policies write it: `iam:CreateUser`.
    pub action: &'static str,
    /// Whether the call changes anything.
    pub access: Access,
    /// On what the action is permitted.
    pub scope: Scope,
    /// The features that make the call.
    pub features: &'static [Feature],
}

const fn row(
    action: &'static str,
    access: Access,
    scope: Scope,
    features: &'static [Feature],
) -> RequiredAction {
    RequiredAction {
        action,
        access,
        scope,
        features,
    }
}

/// Deleting a user looks for everything that stands in the way before it touches anything, so the
/// base feature reads every kind of thing that a user can hold.
const TABLE: &[RequiredAction] = {
    use Access::{Read, ReadSecret, Write};
    use Feature::{
        AccessKeys, ConsoleAccess, DataSources, ForceDestroy, Groups, InlinePolicies, Inventory,
        ManagedPolicies, MemberSecrets, PermissionsBoundary, Quarantine, Tags, Users,
    };
    use Scope::{
        Account, AttachPolicy, ChangeUser, DetachPolicy, FindUser, GrantToUser, Group,
        IssueCredentials, Key, KeyThroughParameterStore, Parameter, ReadUser, RemoveBoundary,
        VirtualMfaDevice,
    };
    &[
        row("iam:GetAccountSummary", Read, Account, &[Users]),
        row("iam:ListUsers", Read, Account, &[DataSources]),
        row(
            "iam:GetAccountPasswordPolicy",
            Read,
            Account,
            &[ConsoleAccess],
        ),
        row("ssm:DescribeParameters", Read, Account, &[MemberSecrets]),
        row(
            "iam:GetAccountAuthorizationDetails",
            Read,
            Account,
            &[Inventory],
        ),
        row("iam:GetUser", Read, FindUser, &[Users, DataSources]),
        row(
            "iam:ListUserPolicies",
            Read,
            ReadUser,
            &[Users, InlinePolicies, ForceDestroy, DataSources],
        ),
        row(
            "iam:GetUserPolicy",
            Read,
            ReadUser,
            &[InlinePolicies, DataSources],
        ),
        row(
            "iam:ListAttachedUserPolicies",
            Read,
            ReadUser,
            &[Users, ManagedPolicies, ForceDestroy, DataSources],
        ),
        row(
            "iam:ListGroupsForUser",
            Read,
            ReadUser,
            &[Users, Groups, ForceDestroy, DataSources],
        ),
        row(
            "iam:GetLoginProfile",
            Read,
            ReadUser,
            &[Users, ForceDestroy, Quarantine, ConsoleAccess],
        ),
        row(
            "iam:ListAccessKeys",
            Read,
            ReadUser,
            &[Users, ForceDestroy, Quarantine, AccessKeys],
        ),
        row("iam:GetAccessKeyLastUsed", Read, ReadUser, &[AccessKeys]),
        row("iam:ListMFADevices", Read, ReadUser, &[Users, ForceDestroy]),
        row(
            "iam:ListSSHPublicKeys",
            Read,
            ReadUser,
            &[Users, ForceDestroy, Quarantine],
        ),
        row(
            "iam:ListSigningCertificates",
            Read,
            ReadUser,
            &[Users, ForceDestroy, Quarantine],
        ),
        row(
            "iam:ListServiceSpecificCredentials",
            Read,
            ReadUser,
            &[Users, ForceDestroy, Quarantine],
        ),
        row("iam:UpdateUser", Write, ChangeUser, &[Users]),
        row("iam:DeleteUser", Write, ChangeUser, &[Users]),
        row(
            "iam:TagUser",
            Write,
            ChangeUser,
            &[Users, Tags, Quarantine, ConsoleAccess, AccessKeys],
        ),
        row(
            "iam:UntagUser",
            Write,
            ChangeUser,
            &[Tags, ConsoleAccess, AccessKeys],
        ),
        row(
            "iam:DeleteUserPolicy",
            Write,
            ChangeUser,
            &[InlinePolicies, ForceDestroy],
        ),
        row(
            "iam:DeleteLoginProfile",
            Write,
            ChangeUser,
            &[ForceDestroy, Quarantine, ConsoleAccess],
        ),
        row(
            "iam:DeleteAccessKey",
            Write,
            ChangeUser,
            &[ForceDestroy, AccessKeys],
        ),
        row(
            "iam:DeactivateMFADevice",
            Write,
            ChangeUser,
            &[ForceDestroy],
        ),
        row("iam:DeleteSSHPublicKey", Write, ChangeUser, &[ForceDestroy]),
        row(
            "iam:DeleteSigningCertificate",
            Write,
            ChangeUser,
            &[ForceDestroy],
        ),
        row(
            "iam:DeleteServiceSpecificCredential",
            Write,
            ChangeUser,
            &[ForceDestroy],
        ),
        row(
            "iam:UpdateAccessKey",
            Write,
            ChangeUser,
            &[Quarantine, AccessKeys],
        ),
        row("iam:UpdateSSHPublicKey", Write, ChangeUser, &[Quarantine]),
        row(
            "iam:UpdateSigningCertificate",
            Write,
            ChangeUser,
            &[Quarantine],
        ),
        row(
            "iam:UpdateServiceSpecificCredential",
            Write,
            ChangeUser,
            &[Quarantine],
        ),
        row("iam:CreateUser", Write, GrantToUser, &[Users]),
        row(
            "iam:PutUserPermissionsBoundary",
            Write,
            GrantToUser,
            &[PermissionsBoundary],
        ),
        row(
            "iam:PutUserPolicy",
            Write,
            GrantToUser,
            &[InlinePolicies, Quarantine],
        ),
        row(
            "iam:CreateLoginProfile",
            Write,
            IssueCredentials,
            &[ConsoleAccess],
        ),
        row(
            "iam:UpdateLoginProfile",
            Write,
            IssueCredentials,
            &[ConsoleAccess],
        ),
        row(
            "iam:CreateAccessKey",
            Write,
            IssueCredentials,
            &[AccessKeys],
        ),
        row(
            "iam:AttachUserPolicy",
            Write,
            AttachPolicy,
            &[ManagedPolicies],
        ),
        row(
            "iam:DetachUserPolicy",
            Write,
            DetachPolicy,
            &[ManagedPolicies, ForceDestroy],
        ),
        row(
            "iam:DeleteUserPermissionsBoundary",
            Write,
            RemoveBoundary,
            &[PermissionsBoundary],
        ),
        row("iam:AddUserToGroup", Write, Group, &[Groups]),
        row(
            "iam:RemoveUserFromGroup",
            Write,
            Group,
            &[Groups, ForceDestroy],
        ),
        row(
            "iam:DeleteVirtualMFADevice",
            Write,
            VirtualMfaDevice,
            &[ForceDestroy],
        ),
        row("ssm:ListTagsForResource", Read, Parameter, &[MemberSecrets]),
        row("ssm:PutParameter", Write, Parameter, &[MemberSecrets]),
        // A parameter gets its tags together with its first value, and SSM asks for both permissions.
        row("ssm:AddTagsToResource", Write, Parameter, &[MemberSecrets]),
        row("ssm:DeleteParameter", Write, Parameter, &[MemberSecrets]),
        row("ssm:GetParameter", ReadSecret, Parameter, &[MemberSecrets]),
        row("kms:DescribeKey", Read, Key, &[MemberSecrets]),
        // Parameter Store calls KMS in our name: Encrypt for standard parameters, GenerateDataKey for
        // advanced ones ("How Parameter Store uses AWS KMS", KMS developer guide).
        row(
            "kms:Encrypt",
            Write,
            KeyThroughParameterStore,
            &[MemberSecrets],
        ),
        row(
            "kms:GenerateDataKey",
            Write,
            KeyThroughParameterStore,
            &[MemberSecrets],
        ),
        row(
            "kms:Decrypt",
            ReadSecret,
            KeyThroughParameterStore,
            &[MemberSecrets],
        ),
    ]
};

/// The actions that `features` need in a member account, each once, in the order of the table.
///
/// The order and the repetition of `features` do not matter.
pub fn required_actions(features: &[Feature]) -> Vec<RequiredAction> {
    TABLE
        .iter()
        .filter(|row| {
            row.features
                .iter()
                .any(|feature| features.contains(feature))
        })
        .copied()
        .collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::{Scope, TABLE, required_actions};
    use crate::permissions::{Access, Feature};

    fn actions(features: &[Feature]) -> Vec<&'static str> {
        required_actions(features)
            .iter()
            .map(|row| row.action)
            .collect()
    }

    #[test]
    fn every_action_stands_in_the_table_once() {
        let unique: BTreeSet<_> = TABLE.iter().map(|row| row.action).collect();
        assert_eq!(unique.len(), TABLE.len());
    }

    #[test]
    fn actions_that_only_look_have_the_names_of_reads_and_the_others_do_not() {
        for row in TABLE {
            let (service, name) = row.action.split_once(':').unwrap();
            let reads = ["Get", "List", "Describe"]
                .iter()
                .any(|start| name.starts_with(start));
            let secret = matches!(row.action, "ssm:GetParameter" | "kms:Decrypt");
            let expected = match (secret, reads) {
                (true, _) => Access::ReadSecret,
                (false, true) => Access::Read,
                (false, false) => Access::Write,
            };
            assert_eq!(row.access, expected, "{}", row.action);
            if service == "iam" {
                assert_eq!(
                    row.access == Access::Read,
                    matches!(
                        row.scope,
                        Scope::Account | Scope::FindUser | Scope::ReadUser
                    ),
                    "{}",
                    row.action
                );
            }
        }
    }

    /// All actions that the source below a directory names, this module aside.
    fn actions_named_below(directory: &Path, found: &mut BTreeSet<String>) {
        let action = regex::Regex::new(r#""((?:iam|ssm|kms):[A-Za-z]+)""#).unwrap();
        for entry in std::fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() && !path.ends_with("permissions") {
                actions_named_below(&path, found);
            } else if path.is_file() {
                let text = std::fs::read_to_string(&path).unwrap();
                found.extend(action.captures_iter(&text).map(|found| found[1].to_owned()));
            }
        }
    }

    #[test]
    fn the_table_holds_every_call_that_the_code_makes_and_no_other() {
        let mut made = BTreeSet::new();
        actions_named_below(
            &Path::new(env!("CARGO_MANIFEST_DIR")).join("src"),
            &mut made,
        );
        let table: BTreeSet<_> = TABLE
            .iter()
            // Parameter Store makes these calls, not we.
            .filter(|row| row.scope != Scope::KeyThroughParameterStore)
            .map(|row| row.action.to_owned())
            .collect();
        assert_eq!(made, table);
    }

    #[test]
    fn every_scope_and_every_feature_is_used() {
        for scope in Scope::ALL {
            assert!(TABLE.iter().any(|row| row.scope == scope), "{scope:?}");
        }
        for feature in Feature::ALL {
            assert!(!actions(&[feature]).is_empty(), "{feature}");
        }
    }

    #[test]
    fn no_feature_but_member_secrets_touches_parameters_and_keys() {
        let elsewhere = actions(&Feature::default_choice());
        assert!(elsewhere.iter().all(|action| action.starts_with("iam:")));
        let secrets = actions(&[Feature::MemberSecrets]);
        assert!(secrets.iter().all(|action| !action.starts_with("iam:")));
    }

    #[test]
    fn data_sources_alone_change_nothing() {
        assert_eq!(
            actions(&[Feature::DataSources]),
            [
                "iam:ListUsers",
                "iam:GetUser",
                "iam:ListUserPolicies",
                "iam:GetUserPolicy",
                "iam:ListAttachedUserPolicies",
                "iam:ListGroupsForUser",
            ]
        );
    }

    #[rstest::rstest]
    #[case(Feature::PermissionsBoundary, "iam:PutUserPermissionsBoundary")]
    #[case(Feature::PermissionsBoundary, "iam:DeleteUserPermissionsBoundary")]
    #[case(Feature::ManagedPolicies, "iam:AttachUserPolicy")]
    #[case(Feature::Groups, "iam:AddUserToGroup")]
    #[case(Feature::ForceDestroy, "iam:DeactivateMFADevice")]
    #[case(Feature::ForceDestroy, "iam:DeleteVirtualMFADevice")]
    #[case(Feature::ForceDestroy, "iam:DeleteSSHPublicKey")]
    #[case(Feature::ForceDestroy, "iam:DeleteSigningCertificate")]
    #[case(Feature::ForceDestroy, "iam:DeleteServiceSpecificCredential")]
    #[case(Feature::Quarantine, "iam:UpdateSSHPublicKey")]
    #[case(Feature::ConsoleAccess, "iam:GetAccountPasswordPolicy")]
    #[case(Feature::ConsoleAccess, "iam:CreateLoginProfile")]
    #[case(Feature::ConsoleAccess, "iam:UpdateLoginProfile")]
    #[case(Feature::AccessKeys, "iam:CreateAccessKey")]
    #[case(Feature::AccessKeys, "iam:GetAccessKeyLastUsed")]
    #[case(Feature::MemberSecrets, "ssm:PutParameter")]
    #[case(Feature::MemberSecrets, "kms:Decrypt")]
    #[case(Feature::DataSources, "iam:ListUsers")]
    #[case(Feature::Inventory, "iam:GetAccountAuthorizationDetails")]
    fn an_action_goes_when_its_only_feature_goes(#[case] feature: Feature, #[case] action: &str) {
        let others: Vec<_> = Feature::ALL
            .into_iter()
            .filter(|other| *other != feature)
            .collect();
        assert!(actions(&[feature]).contains(&action));
        assert!(!actions(&others).contains(&action));
    }

    #[test]
    fn the_order_in_which_features_are_named_does_not_matter() {
        let mut reversed = Feature::ALL;
        reversed.reverse();
        assert_eq!(actions(&Feature::ALL), actions(&reversed));
        assert_eq!(actions(&Feature::ALL).len(), TABLE.len());
    }
}
