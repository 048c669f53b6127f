//! The session policies that narrow a session of the member role.
//!
//! A session can do what the role and its session policy both permit, so these name no account and
//! no path: the role's own policy does. They keep a plan from changing anything even where a member
//! account gave the role far more than we ask for.

use serde_json::json;

use super::{Access, Feature, POLICY_VERSION, required_actions};

/// The number of characters that STS accepts for the session policies of one `AssumeRole` together.
pub const SESSION_POLICY_SIZE_LIMIT: usize = 2048;

/// The policy of a read session: exactly the calls that change nothing.
pub fn read_session_policy() -> String {
    allow(&[Access::Read])
}

/// The policy of a write session: every call that we make and nothing else.
pub fn write_session_policy() -> String {
    allow(&[Access::Read, Access::Write])
}

fn allow(accesses: &[Access]) -> String {
    let actions: Vec<_> = required_actions(&Feature::ALL)
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

    use super::{SESSION_POLICY_SIZE_LIMIT, read_session_policy, write_session_policy};
    use crate::permissions::{Access, Feature, required_actions};

    fn allowed(policy: &str) -> Vec<String> {
        let policy: Value = serde_json::from_str(policy).unwrap();
        let statements = policy["Statement"].as_array().unwrap();
        assert_eq!(statements.len(), 1);
        assert_eq!(statements[0]["Effect"], "Allow");
        serde_json::from_value(statements[0]["Action"].clone()).unwrap()
    }

    #[test]
    fn both_session_policies_fit_into_one_assume_role_call() {
        for policy in [read_session_policy(), write_session_policy()] {
            let length = policy.chars().count();
            assert!(length <= SESSION_POLICY_SIZE_LIMIT, "{length}");
        }
    }

    #[test]
    fn a_read_session_may_make_every_reading_call_and_no_other() {
        let mut allowed = allowed(&read_session_policy());
        allowed.sort();
        assert_eq!(
            allowed,
            [
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
    }

    #[test]
    fn no_write_of_the_table_is_in_the_read_policy_and_every_one_is_in_the_write_policy() {
        let (read, write) = (read_session_policy(), write_session_policy());
        for row in required_actions(&Feature::ALL) {
            let quoted = format!("{:?}", row.action);
            assert_eq!(read.contains(&quoted), row.access == Access::Read);
            assert!(write.contains(&quoted), "{quoted}");
        }
    }

    #[test]
    fn no_session_policy_uses_a_wildcard_action() {
        for policy in [read_session_policy(), write_session_policy()] {
            assert!(allowed(&policy).iter().all(|action| !action.contains('*')));
        }
    }
}
