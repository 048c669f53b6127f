//! Steps: one typed change each, one AWS write each.

use std::collections::{BTreeMap, BTreeSet};

use super::{ConsoleStep, KeyStep, PolicyDocument};
use crate::ids::{GroupName, Path, PolicyArn, PolicyName, UserName};
use crate::secrets::{ParameterName, SecretKind};

/// One change of one user. A list of steps, in order, is a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Creates the user with its path, boundary and tags in one call, so that it never exists
    /// without its boundary or without proof of ownership.
    CreateUser {
        /// The path.
        path: Path,
        /// The permissions boundary.
        permissions_boundary: Option<PolicyArn>,
        /// All tags, the ownership tag among them.
        tags: BTreeMap<String, String>,
    },
    /// Renames the user or moves it to another path. Unique id and children stay.
    UpdateUser {
        /// The new name, if it changes.
        new_name: Option<UserName>,
        /// The new path, if it changes.
        new_path: Option<Path>,
    },
    /// Sets or replaces the permissions boundary.
    PutPermissionsBoundary(PolicyArn),
    /// Removes the permissions boundary.
    DeletePermissionsBoundary,
    /// Removes tags.
    UntagUser(BTreeSet<String>),
    /// Adds tags or changes their values.
    TagUser(BTreeMap<String, String>),
    /// Attaches a managed policy.
    AttachPolicy(PolicyArn),
    /// Detaches a managed policy.
    DetachPolicy(PolicyArn),
    /// Creates or overwrites an inline policy.
    PutInlinePolicy(PolicyName, PolicyDocument),
    /// Deletes an inline policy.
    DeleteInlinePolicy(PolicyName),
    /// Adds the user to a group.
    AddToGroup(GroupName),
    /// Removes the user from a group.
    RemoveFromGroup(GroupName),
    /// Deletes the console password.
    DeleteLoginProfile,
    /// Makes an access key inactive.
    DeactivateAccessKey(String),
    /// Deletes an access key.
    DeleteAccessKey(String),
    /// Makes a service-specific credential inactive.
    DeactivateServiceSpecificCredential(String),
    /// Deletes a service-specific credential.
    DeleteServiceSpecificCredential(String),
    /// Takes an MFA device away from the user.
    DeactivateMfaDevice(String),
    /// Deletes a virtual MFA device that was taken away from the user.
    DeleteVirtualMfaDevice(String),
    /// Makes a signing certificate inactive.
    DeactivateSigningCertificate(String),
    /// Deletes a signing certificate.
    DeleteSigningCertificate(String),
    /// Makes an SSH public key inactive.
    DeactivateSshPublicKey(String),
    /// Deletes an SSH public key.
    DeleteSshPublicKey(String),
    /// One change of the access keys that are ours.
    Key(KeyStep),
    /// One change of the console access that is ours.
    Console(ConsoleStep),
    /// Puts a secret under the name that the user has now, and deletes it under the old one.
    MoveSecret {
        /// What is stored.
        kind: SecretKind,
        /// Where it is.
        from: ParameterName,
    },
    /// Deletes a secret whose credential is gone.
    DeleteSecret(ParameterName),
    /// Deletes the user.
    DeleteUser,
}

impl Step {
    /// The AWS action of the step, as policies and CloudTrail write it.
    pub fn action(&self) -> &'static str {
        match self {
            Self::Key(step) => step.action(),
            Self::Console(step) => step.action(),
            Self::MoveSecret { .. } => "ssm:PutParameter",
            Self::DeleteSecret(_) => "ssm:DeleteParameter",
            Self::CreateUser { .. } => "iam:CreateUser",
            Self::UpdateUser { .. } => "iam:UpdateUser",
            Self::PutPermissionsBoundary(_) => "iam:PutUserPermissionsBoundary",
            Self::DeletePermissionsBoundary => "iam:DeleteUserPermissionsBoundary",
            Self::UntagUser(_) => "iam:UntagUser",
            Self::TagUser(_) => "iam:TagUser",
            Self::AttachPolicy(_) => "iam:AttachUserPolicy",
            Self::DetachPolicy(_) => "iam:DetachUserPolicy",
            Self::PutInlinePolicy(..) => "iam:PutUserPolicy",
            Self::DeleteInlinePolicy(_) => "iam:DeleteUserPolicy",
            Self::AddToGroup(_) => "iam:AddUserToGroup",
            Self::RemoveFromGroup(_) => "iam:RemoveUserFromGroup",
            Self::DeleteLoginProfile => "iam:DeleteLoginProfile",
            Self::DeactivateAccessKey(_) => "iam:UpdateAccessKey",
            Self::DeleteAccessKey(_) => "iam:DeleteAccessKey",
            Self::DeactivateServiceSpecificCredential(_) => "iam:UpdateServiceSpecificCredential",
            Self::DeleteServiceSpecificCredential(_) => "iam:DeleteServiceSpecificCredential",
            Self::DeactivateMfaDevice(_) => "iam:DeactivateMFADevice",
            Self::DeleteVirtualMfaDevice(_) => "iam:DeleteVirtualMFADevice",
            Self::DeactivateSigningCertificate(_) => "iam:UpdateSigningCertificate",
            Self::DeleteSigningCertificate(_) => "iam:DeleteSigningCertificate",
            Self::DeactivateSshPublicKey(_) => "iam:UpdateSSHPublicKey",
            Self::DeleteSshPublicKey(_) => "iam:DeleteSSHPublicKey",
            Self::DeleteUser => "iam:DeleteUser",
        }
    }

    /// The object of the step besides the user: an ARN, a name or an id. Tags show their keys only.
    pub fn detail(&self) -> Option<String> {
        match self {
            Self::CreateUser { .. }
            | Self::DeletePermissionsBoundary
            | Self::DeleteLoginProfile
            | Self::DeleteUser => None,
            Self::Key(step) => step.detail(),
            Self::Console(step) => step.detail(),
            Self::MoveSecret { from, .. } | Self::DeleteSecret(from) => Some(from.to_string()),
            Self::UpdateUser { new_name, new_path } => {
                let name = new_name.as_ref().map(|name| format!("name {name}"));
                let path = new_path.as_ref().map(|path| format!("path {path}"));
                Some(name.into_iter().chain(path).collect::<Vec<_>>().join(", "))
            }
            Self::PutPermissionsBoundary(arn)
            | Self::AttachPolicy(arn)
            | Self::DetachPolicy(arn) => Some(arn.to_string()),
            Self::UntagUser(keys) => Some(
                keys.iter()
                    .map(String::as_str)
                    .collect::<Vec<_>>()
                    .join(", "),
            ),
            Self::TagUser(tags) => Some(
                tags.keys()
                    .map(String::as_str)
                    .collect::<Vec<_>>()
                    .join(", "),
            ),
            Self::PutInlinePolicy(name, _) | Self::DeleteInlinePolicy(name) => {
                Some(name.to_string())
            }
            Self::AddToGroup(name) | Self::RemoveFromGroup(name) => Some(name.to_string()),
            Self::DeactivateAccessKey(id)
            | Self::DeleteAccessKey(id)
            | Self::DeactivateServiceSpecificCredential(id)
            | Self::DeleteServiceSpecificCredential(id)
            | Self::DeactivateMfaDevice(id)
            | Self::DeleteVirtualMfaDevice(id)
            | Self::DeactivateSigningCertificate(id)
            | Self::DeleteSigningCertificate(id)
            | Self::DeactivateSshPublicKey(id)
            | Self::DeleteSshPublicKey(id) => Some(id.clone()),
        }
    }
}

impl std::fmt::Display for Step {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.action())?;
        match self.detail() {
            Some(detail) => write!(formatter, " {detail}"),
            None => Ok(()),
        }
    }
}
