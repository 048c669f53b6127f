//! What it takes to remove a user, or to lock it: pure decisions about all kinds of children.

use std::collections::BTreeSet;

use super::ownership::{QUARANTINE_POLICY, QUARANTINED_TAG};
use super::{PolicyDocument, Step, UserSpec};
use crate::ids::{GroupName, PolicyArn, PolicyName};
use crate::secrets::ParameterName;

/// What happens to the user when it is no longer wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DeletionPolicy {
    /// The user is deleted.
    #[default]
    Delete,
    /// The user stays as it is; it is only forgotten.
    Retain,
    /// The user stays, with all access taken away: everything is denied, the console password is
    /// deleted, keys and certificates are made inactive.
    Quarantine,
}

impl DeletionPolicy {
    /// The policy as it is written in configurations.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Delete => "delete",
            Self::Retain => "retain",
            Self::Quarantine => "quarantine",
        }
    }
}

/// Everything that hangs on a user and would stop `DeleteUser` with a `DeleteConflict`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Children {
    /// Whether there is a console password.
    pub login_profile: bool,
    /// Ids of the access keys; inactive ones too.
    pub access_keys: BTreeSet<String>,
    /// Ids of the service-specific credentials.
    pub service_specific_credentials: BTreeSet<String>,
    /// Serial numbers of the MFA devices: an ARN for virtual ones and security keys.
    pub mfa_devices: BTreeSet<String>,
    /// Ids of the signing certificates.
    pub signing_certificates: BTreeSet<String>,
    /// Ids of the SSH public keys.
    pub ssh_public_keys: BTreeSet<String>,
    /// Names of the inline policies.
    pub inline_policies: BTreeSet<PolicyName>,
    /// ARNs of the attached policies.
    pub managed_policies: BTreeSet<PolicyArn>,
    /// Groups.
    pub groups: BTreeSet<GroupName>,
    /// Which of the credentials are ours by the tags of the user.
    pub own: OwnCredentials,
}

/// The credentials that we made, and where their secrets are.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct OwnCredentials {
    /// Whether the console password is ours.
    pub login_profile: bool,
    /// Ids of the access keys that are ours.
    pub access_keys: BTreeSet<String>,
    /// The parameter with the secret of the access key, if there is one of ours.
    pub access_key_parameter: Option<ParameterName>,
    /// The parameter with the console password, if there is one of ours.
    pub console_password_parameter: Option<ParameterName>,
}

/// A kind of child, as messages write it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ChildKind {
    /// The console password.
    LoginProfile,
    /// An access key.
    AccessKey,
    /// A service-specific credential.
    ServiceSpecificCredential,
    /// An MFA device.
    MfaDevice,
    /// A signing certificate.
    SigningCertificate,
    /// An SSH public key.
    SshPublicKey,
    /// An inline policy.
    InlinePolicy,
    /// An attached managed policy.
    ManagedPolicy,
    /// A group membership.
    Group,
}

impl ChildKind {
    fn as_str(self) -> &'static str {
        match self {
            Self::LoginProfile => "console password",
            Self::AccessKey => "access key",
            Self::ServiceSpecificCredential => "service-specific credential",
            Self::MfaDevice => "MFA device",
            Self::SigningCertificate => "signing certificate",
            Self::SshPublicKey => "SSH public key",
            Self::InlinePolicy => "inline policy",
            Self::ManagedPolicy => "attached policy",
            Self::Group => "group membership",
        }
    }
}

/// One thing that hangs on a user.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Child {
    /// What it is.
    pub kind: ChildKind,
    /// Its id, name or ARN; empty for the console password.
    pub id: String,
}

impl std::fmt::Display for Child {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.kind.as_str())?;
        if self.id.is_empty() {
            Ok(())
        } else {
            write!(formatter, " {}", self.id)
        }
    }
}

/// The steps that delete a user, or the children that we did not create and that stand in the way.
///
/// `recorded` is the spec that the user was made from: the members of its managed sets are ours to
/// remove. With `force_destroy` everything goes. The order takes access away first, so that a run
/// that dies in between leaves nobody with more than before: console password, keys and
/// service-specific credentials, their secrets in the store, then MFA devices, certificates, SSH keys, inline policies, attached
/// policies, groups, and the user. The permissions boundary stays to the end.
pub fn plan_removal(
    children: &Children,
    recorded: &UserSpec,
    force_destroy: bool,
) -> Result<Vec<Step>, Vec<Child>> {
    if !force_destroy {
        let foreign = foreign_children(children, recorded);
        if !foreign.is_empty() {
            return Err(foreign);
        }
    }
    let mut steps = Vec::new();
    if children.login_profile {
        steps.push(Step::DeleteLoginProfile);
    }
    steps.extend(
        children
            .access_keys
            .iter()
            .cloned()
            .map(Step::DeleteAccessKey),
    );
    steps.extend(
        children
            .service_specific_credentials
            .iter()
            .cloned()
            .map(Step::DeleteServiceSpecificCredential),
    );
    // A secret goes after what it opens, so that a deletion that dies in between leaves no credential
    // whose secret nobody has.
    let own = &children.own;
    let secrets = [&own.console_password_parameter, &own.access_key_parameter];
    steps.extend(
        secrets
            .into_iter()
            .flatten()
            .cloned()
            .map(Step::DeleteSecret),
    );
    for serial in &children.mfa_devices {
        steps.push(Step::DeactivateMfaDevice(serial.clone()));
        if is_virtual(serial) {
            steps.push(Step::DeleteVirtualMfaDevice(serial.clone()));
        }
    }
    steps.extend(
        children
            .signing_certificates
            .iter()
            .cloned()
            .map(Step::DeleteSigningCertificate),
    );
    steps.extend(
        children
            .ssh_public_keys
            .iter()
            .cloned()
            .map(Step::DeleteSshPublicKey),
    );
    steps.extend(
        children
            .inline_policies
            .iter()
            .cloned()
            .map(Step::DeleteInlinePolicy),
    );
    steps.extend(
        children
            .managed_policies
            .iter()
            .cloned()
            .map(Step::DetachPolicy),
    );
    steps.extend(children.groups.iter().cloned().map(Step::RemoveFromGroup));
    steps.push(Step::DeleteUser);
    Ok(steps)
}

/// Virtual devices have the ARN of an `mfa` resource; security keys are `u2f`, hardware tokens have a
/// bare serial number. Only virtual devices are objects of the account that remain.
fn is_virtual(serial: &str) -> bool {
    serial.starts_with("arn:") && serial.contains(":mfa/")
}

fn foreign_children(children: &Children, recorded: &UserSpec) -> Vec<Child> {
    let of = |kind: ChildKind, ids: &BTreeSet<String>| {
        ids.iter()
            .map(|id| Child {
                kind,
                id: id.clone(),
            })
            .collect::<Vec<_>>()
    };
    let mut foreign = Vec::new();
    if children.login_profile && !children.own.login_profile {
        foreign.push(Child {
            kind: ChildKind::LoginProfile,
            id: String::new(),
        });
    }
    let keys = children.access_keys.difference(&children.own.access_keys);
    foreign.extend(of(ChildKind::AccessKey, &keys.cloned().collect()));
    foreign.extend(of(
        ChildKind::ServiceSpecificCredential,
        &children.service_specific_credentials,
    ));
    foreign.extend(of(ChildKind::MfaDevice, &children.mfa_devices));
    foreign.extend(of(
        ChildKind::SigningCertificate,
        &children.signing_certificates,
    ));
    foreign.extend(of(ChildKind::SshPublicKey, &children.ssh_public_keys));
    let inline = children.inline_policies.iter().filter(|name| {
        name.as_str() != QUARANTINE_POLICY
            && !recorded
                .inline_policies
                .as_ref()
                .is_some_and(|ours| ours.contains_key(*name))
    });
    foreign.extend(inline.map(|name| Child {
        kind: ChildKind::InlinePolicy,
        id: name.to_string(),
    }));
    let managed = children.managed_policies.iter().filter(|arn| {
        !recorded
            .managed_policy_arns
            .as_ref()
            .is_some_and(|ours| ours.contains(*arn))
    });
    foreign.extend(managed.map(|arn| Child {
        kind: ChildKind::ManagedPolicy,
        id: arn.to_string(),
    }));
    let groups = children.groups.iter().filter(|name| {
        !recorded
            .groups
            .as_ref()
            .is_some_and(|ours| ours.contains(*name))
    });
    foreign.extend(groups.map(|name| Child {
        kind: ChildKind::Group,
        id: name.to_string(),
    }));
    foreign
}

/// The steps that take all access away from a user and keep it.
///
/// The tag goes first: it tells a later run that the deny-all policy is there to be lifted, even when
/// this run dies before it is written. Keys and certificates are made inactive and not deleted, so that the
/// decision can be taken back and a forensic trail stays. MFA devices stay: they protect.
pub fn plan_quarantine(children: &Children, owner: &str) -> Vec<Step> {
    let tags = [(QUARANTINED_TAG.to_owned(), owner.to_owned())].into();
    let mut steps = vec![Step::TagUser(tags)];
    if let (Ok(name), Ok(document)) = (
        QUARANTINE_POLICY.parse(),
        DENY_ALL.parse::<PolicyDocument>(),
    ) {
        steps.push(Step::PutInlinePolicy(name, document));
    }
    if children.login_profile {
        steps.push(Step::DeleteLoginProfile);
    }
    steps.extend(
        children
            .access_keys
            .iter()
            .cloned()
            .map(Step::DeactivateAccessKey),
    );
    // The password opens nothing any more. The secret of a key stays with its key.
    if let Some(parameter) = &children.own.console_password_parameter {
        steps.push(Step::DeleteSecret(parameter.clone()));
    }
    steps.extend(
        children
            .service_specific_credentials
            .iter()
            .cloned()
            .map(Step::DeactivateServiceSpecificCredential),
    );
    steps.extend(
        children
            .signing_certificates
            .iter()
            .cloned()
            .map(Step::DeactivateSigningCertificate),
    );
    steps.extend(
        children
            .ssh_public_keys
            .iter()
            .cloned()
            .map(Step::DeactivateSshPublicKey),
    );
    steps
}

/// The policy of a quarantined user: 75 characters of the 2048 that inline policies may have.
const DENY_ALL: &str =
    r#"{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"*","Resource":"*"}]}"#;

/// How many characters of the inline quota the quarantine policy needs.
pub(crate) const QUARANTINE_SIZE: usize = DENY_ALL.len();

#[cfg(test)]
mod tests {
    use super::{
        Child, ChildKind, Children, DENY_ALL, OwnCredentials, plan_quarantine, plan_removal,
    };
    use crate::user::{PolicyDocument, Step, UserSpec};

    fn ids(texts: &[&str]) -> std::collections::BTreeSet<String> {
        texts.iter().map(|text| (*text).to_owned()).collect()
    }

    fn everything() -> Children {
        Children {
            login_profile: true,
            access_keys: ids(&["AKIA1", "AKIA2"]),
            service_specific_credentials: ids(&["ACCA1"]),
            mfa_devices: ids(&["arn:aws:iam::222222222222:mfa/phone", "GAHT12345678"]),
            signing_certificates: ids(&["CERT1"]),
            ssh_public_keys: ids(&["APKA1"]),
            inline_policies: ["own".parse().unwrap()].into(),
            managed_policies: ["arn:aws:iam::aws:policy/ReadOnlyAccess".parse().unwrap()].into(),
            groups: ["engineers".parse().unwrap()].into(),
            own: OwnCredentials::default(),
        }
    }

    fn own() -> OwnCredentials {
        OwnCredentials {
            login_profile: true,
            access_keys: ids(&["AKIA1"]),
            access_key_parameter: Some("/c/222222222222/alice/access-key".parse().unwrap()),
            console_password_parameter: Some(
                "/c/222222222222/alice/console-password".parse().unwrap(),
            ),
        }
    }

    fn spec() -> UserSpec {
        UserSpec::named("alice".parse().unwrap())
    }

    #[test]
    fn access_goes_first_and_the_user_last() {
        let actions: Vec<&str> = plan_removal(&everything(), &spec(), true)
            .unwrap()
            .iter()
            .map(Step::action)
            .collect();
        assert_eq!(
            actions,
            [
                "iam:DeleteLoginProfile",
                "iam:DeleteAccessKey",
                "iam:DeleteAccessKey",
                "iam:DeleteServiceSpecificCredential",
                "iam:DeactivateMFADevice",
                "iam:DeactivateMFADevice",
                "iam:DeleteVirtualMFADevice",
                "iam:DeleteSigningCertificate",
                "iam:DeleteSSHPublicKey",
                "iam:DeleteUserPolicy",
                "iam:DetachUserPolicy",
                "iam:RemoveUserFromGroup",
                "iam:DeleteUser",
            ]
        );
    }

    #[test]
    fn credentials_of_ours_are_no_obstacle_and_their_secrets_go_after_them() {
        let children = Children {
            login_profile: true,
            access_keys: ids(&["AKIA1"]),
            own: own(),
            ..Children::default()
        };
        let steps: Vec<String> = plan_removal(&children, &spec(), false)
            .unwrap()
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(
            steps,
            [
                "iam:DeleteLoginProfile",
                "iam:DeleteAccessKey AKIA1",
                "ssm:DeleteParameter /c/222222222222/alice/console-password",
                "ssm:DeleteParameter /c/222222222222/alice/access-key",
                "iam:DeleteUser",
            ]
        );
    }

    #[test]
    fn a_key_of_somebody_else_stops_the_deletion_although_another_is_ours() {
        let children = Children {
            access_keys: ids(&["AKIA1", "AKIA2"]),
            own: own(),
            ..Children::default()
        };
        let foreign = plan_removal(&children, &spec(), false).unwrap_err();
        assert_eq!(foreign.len(), 1);
        assert_eq!(foreign[0].to_string(), "access key AKIA2");
    }

    #[test]
    fn a_quarantine_keeps_the_secret_of_the_key_and_deletes_the_password() {
        let children = Children {
            own: own(),
            ..everything()
        };
        let steps = plan_quarantine(&children, "platform");
        let deleted: Vec<String> = steps
            .iter()
            .filter(|step| matches!(step, Step::DeleteSecret(_)))
            .map(ToString::to_string)
            .collect();
        assert_eq!(
            deleted,
            ["ssm:DeleteParameter /c/222222222222/alice/console-password"]
        );
    }

    #[test]
    fn the_boundary_stays_to_the_end() {
        let steps = plan_removal(&everything(), &spec(), true).unwrap();
        assert!(!steps.contains(&Step::DeletePermissionsBoundary));
    }

    #[test]
    fn every_foreign_child_is_named_without_force_destroy() {
        let foreign = plan_removal(&everything(), &spec(), false).unwrap_err();
        assert_eq!(foreign.len(), 11);
        assert_eq!(foreign[0].to_string(), "console password");
        assert_eq!(foreign[1].to_string(), "access key AKIA1");
    }

    #[test]
    fn what_the_spec_manages_is_ours_to_remove() {
        let spec = UserSpec {
            managed_policy_arns: Some(everything().managed_policies),
            inline_policies: Some(
                [(
                    "own".parse().unwrap(),
                    DENY_ALL.parse::<PolicyDocument>().unwrap(),
                )]
                .into(),
            ),
            groups: Some(everything().groups),
            ..spec()
        };
        let children = Children {
            inline_policies: everything().inline_policies,
            managed_policies: everything().managed_policies,
            groups: everything().groups,
            ..Children::default()
        };
        assert_eq!(plan_removal(&children, &spec, false).unwrap().len(), 4);
        let mut more = children;
        more.groups.insert("auditors".parse().unwrap());
        assert_eq!(
            plan_removal(&more, &spec, false).unwrap_err(),
            [Child {
                kind: ChildKind::Group,
                id: "auditors".to_owned()
            }]
        );
    }

    #[test]
    fn the_lock_of_an_earlier_quarantine_is_ours() {
        let children = Children {
            inline_policies: [super::QUARANTINE_POLICY.parse().unwrap()].into(),
            ..Children::default()
        };
        assert_eq!(plan_removal(&children, &spec(), false).unwrap().len(), 2);
    }

    #[test]
    fn a_quarantine_denies_everything_before_it_disables_credentials_and_deletes_no_key() {
        let steps = plan_quarantine(&everything(), "platform");
        assert!(matches!(steps[0], Step::TagUser(_)));
        assert!(matches!(steps[1], Step::PutInlinePolicy(..)));
        assert!(!steps.iter().any(|step| matches!(
            step,
            Step::DeleteAccessKey(_) | Step::DeleteUser | Step::DeactivateMfaDevice(_)
        )));
        assert_eq!(
            steps
                .iter()
                .filter(|step| matches!(step, Step::DeactivateAccessKey(_)))
                .count(),
            2
        );
    }
}
