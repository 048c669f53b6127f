//! The session policies that narrow a session of the member role.
//!
//! A session can do what the role and its session policy both permit, so these name no account and
//! no path: the role's own policy does. They keep a plan from changing anything even where a member
//! account gave the role far more than we ask for.

use serde_json::json;

use super::{Access, Feature, POLICY_VERSION, required_actions};
use crate::secrets::SecretLocation;

/// The number of characters that STS accepts for the session policies of one `AssumeRole` together.
pub const SESSION_POLICY_SIZE_LIMIT: usize = 2048;

/// The policy of a read session: exactly the calls that change nothing and show no secret.
///
/// A session has nothing to do with parameters unless secrets are kept in the member account.
pub fn read_session_policy(location: SecretLocation) -> String {
    allow(location, &[Access::Read])
}

/// The policy of a write session: every call that we make but those that read a secret.
pub fn write_session_policy(location: SecretLocation) -> String {
    allow(location, &[Access::Read, Access::Write])
}

/// The policy of a session that reads secrets in a member account, and can do nothing else.
pub fn secrets_session_policy() -> String {
    allow(SecretLocation::Member, &[Access::ReadSecret])
}

/// The policy of a read session that may look at all users of an account at once: for the registry.
pub fn inventory_session_policy(location: SecretLocation) -> String {
    let mut features = features(location);
    features.push(Feature::Inventory);
    document(&features, &[Access::Read])
}

fn allow(location: SecretLocation, accesses: &[Access]) -> String {
    document(&features(location), accesses)
}

fn features(location: SecretLocation) -> Vec<Feature> {
    let mut features = Feature::default_choice();
    if location == SecretLocation::Member {
        features.push(Feature::MemberSecrets);
    }
    features
}

fn document(features: &[Feature], accesses: &[Access]) -> String {
    let actions: Vec<_> = required_actions(features)
        .into_iter()
        .filter(|row| accesses.contains(&row.access))
        .map(|row| row.action)
        .collect();
    json!({
        "Version": POLICY_VERSION,
        "Statement": [{ "Effect": "Allow", "Action": actions, "Resource": "*" }],
    })
    .to_string()
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::{
        SESSION_POLICY_SIZE_LIMIT, inventory_session_policy, read_session_policy,
        secrets_session_policy, write_session_policy,
    };
    use crate::permissions::{Access, Feature, required_actions};
    use crate::secrets::SecretLocation;

    fn allowed(policy: &str) -> Vec<String> {
        let policy: Value = serde_json::from_str(policy).unwrap();
        let statements = policy["Statement"].as_array().unwrap();
        assert_eq!(statements.len(), 1);
        assert_eq!(statements[0]["Effect"], "Allow");
        serde_json::from_value(statements[0]["Action"].clone()).unwrap()
    }

    fn all() -> Vec<String> {
        let mut all = vec![secrets_session_policy()];
        for location in SecretLocation::ALL {
            all.push(read_session_policy(location));
            all.push(write_session_policy(location));
            all.push(inventory_session_policy(location));
        }
        all
    }

    #[test]
    fn every_session_policy_fits_into_one_assume_role_call() {
        for policy in all() {
            let length = policy.chars().count();
            assert!(length <= SESSION_POLICY_SIZE_LIMIT, "{length}");
        }
    }

    #[test]
    fn a_read_session_may_make_every_reading_call_and_no_other() {
        let mut iam = allowed(&read_session_policy(SecretLocation::Hub));
        iam.sort();
        assert_eq!(
            iam,
            [
                "iam:GetAccessKeyLastUsed",
                "iam:GetAccountPasswordPolicy",
                "iam:GetAccountSummary",
                "iam:GetLoginProfile",
                "iam:GetUser",
                "iam:GetUserPolicy",
                "iam:ListAccessKeys",
                "iam:ListAttachedUserPolicies",
                "iam:ListGroupsForUser",
                "iam:ListMFADevices",
                "iam:ListSSHPublicKeys",
                "iam:ListServiceSpecificCredentials",
                "iam:ListSigningCertificates",
                "iam:ListUserPolicies",
                "iam:ListUsers",
            ]
        );
        let mut member = allowed(&read_session_policy(SecretLocation::Member));
        member.retain(|action| !iam.contains(action));
        member.sort();
        assert_eq!(
            member,
            [
                "kms:DescribeKey",
                "ssm:DescribeParameters",
                "ssm:ListTagsForResource",
            ]
        );
    }

    #[test]
    fn each_session_policy_holds_the_rows_of_its_access() {
        let read = read_session_policy(SecretLocation::Member);
        let write = write_session_policy(SecretLocation::Member);
        let secrets = secrets_session_policy();
        let inventory = inventory_session_policy(SecretLocation::Member);
        for row in required_actions(&Feature::ALL) {
            let quoted = format!("{:?}", row.action);
            assert_eq!(inventory.contains(&quoted), row.access == Access::Read);
            if row.features == [Feature::Inventory] {
                // Nobody but the registry looks at whole accounts.
                assert!(!read.contains(&quoted) && !write.contains(&quoted));
                continue;
            }
            let held = (
                read.contains(&quoted),
                write.contains(&quoted),
                secrets.contains(&quoted),
            );
            let expected = match row.access {
                Access::Read => (true, true, false),
                Access::Write => (false, true, false),
                Access::ReadSecret => (false, false, true),
            };
            assert_eq!(held, expected, "{quoted}");
        }
        assert_eq!(allowed(&secrets), ["ssm:GetParameter", "kms:Decrypt"]);
    }

    #[test]
    fn with_the_secrets_in_the_hub_no_session_touches_parameters() {
        let policy = write_session_policy(SecretLocation::Hub);
        assert!(
            allowed(&policy)
                .iter()
                .all(|action| action.starts_with("iam:"))
        );
    }

    #[test]
    fn no_session_policy_uses_a_wildcard_action() {
        for policy in all() {
            assert!(allowed(&policy).iter().all(|action| !action.contains('*')));
        }
    }
}
