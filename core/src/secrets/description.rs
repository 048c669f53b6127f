//! The description of a parameter: it tells which credential is stored, so that nobody has to read
//! the value to find out.
//!
//! Tags cannot do that: SSM takes no tags together with a new value, and a tag that changes a moment
//! later than the value would lie in between.

use super::{SecretKind, SecretValue};
use crate::ids::{AccountId, UserName};

/// `access key AKIA… of IAM user alice in account 222222222222`.
pub(super) fn describe(
    value: &SecretValue,
    user_name: &UserName,
    account_id: &AccountId,
) -> String {
    let what = match value {
        SecretValue::AccessKey { id, .. } => format!("access key {id}"),
        SecretValue::ConsolePassword { .. } => "console password".to_owned(),
    };
    format!("{what} of IAM user {user_name} in account {account_id}")
}

/// The access key that a description names, when it is one of ours for this kind.
pub(super) fn credential(kind: SecretKind, description: &str) -> Option<String> {
    match kind {
        SecretKind::ConsolePassword => None,
        SecretKind::AccessKey => {
            let rest = description.strip_prefix("access key ")?;
            let (id, _) = rest.split_once(" of IAM user ")?;
            let valid = !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_alphanumeric());
            valid.then(|| id.to_owned())
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::{credential, describe};
    use crate::secret::Secret;
    use crate::secrets::{SecretKind, SecretValue};

    #[test]
    fn a_description_names_the_key_and_never_its_secret() {
        let value = SecretValue::AccessKey {
            id: "AKIAEXAMPLE".to_owned(),
            secret: Secret::new("hunter2".to_owned()),
            created: Timestamp::UNIX_EPOCH,
        };
        let text = describe(
            &value,
            &"alice".parse().unwrap(),
            &"222222222222".parse().unwrap(),
        );
        assert_eq!(
            text,
            "access key AKIAEXAMPLE of IAM user alice in account 222222222222"
        );
        assert_eq!(
            credential(SecretKind::AccessKey, &text).as_deref(),
            Some("AKIAEXAMPLE")
        );
        assert_eq!(credential(SecretKind::ConsolePassword, &text), None);
    }

    #[rstest::rstest]
    #[case("")]
    #[case("console password of IAM user alice in account 222222222222")]
    #[case("access key  of IAM user alice in account 222222222222")]
    #[case("access key one two of IAM user alice")]
    #[case("the key of IAM user alice")]
    fn a_description_that_somebody_changed_names_no_key(#[case] text: &str) {
        assert_eq!(credential(SecretKind::AccessKey, text), None);
    }
}
