//! The stored value: one JSON object for each credential. Consumers read it, so its field names are
//! a promise.
//!
//! Access key: `account_id`, `user_name`, `access_key_id`, `secret_access_key`, `created`.
//! Password: `account_id`, `user_name`, `password`, `console_url`, `created`.
//! `created` is an RFC 3339 time in UTC; everything is text.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::SecretKind;
use crate::ids::{AccountId, Partition, UserName};
use crate::secret::Secret;

/// A credential with its secret.
#[derive(Debug, Clone)]
pub enum SecretValue {
    /// An access key.
    AccessKey {
        /// The id of the key.
        id: String,
        /// The secret access key.
        secret: Secret,
        /// When IAM made it.
        created: Timestamp,
    },
    /// A console password.
    ConsolePassword {
        /// The password.
        password: Secret,
        /// When it was made.
        created: Timestamp,
    },
}

impl SecretValue {
    /// What kind of credential it is.
    pub fn kind(&self) -> SecretKind {
        match self {
            Self::AccessKey { .. } => SecretKind::AccessKey,
            Self::ConsolePassword { .. } => SecretKind::ConsolePassword,
        }
    }

    /// When the credential was made.
    pub fn created(&self) -> Timestamp {
        match self {
            Self::AccessKey { created, .. } | Self::ConsolePassword { created, .. } => *created,
        }
    }

    /// The JSON that is stored. `None` when it cannot be written as JSON, which does not happen.
    pub(super) fn encode(&self, subject: &Subject<'_>) -> Option<Secret> {
        let (account_id, user_name) = (subject.account_id.as_str(), subject.user_name.as_str());
        let text = match self {
            Self::AccessKey {
                id,
                secret,
                created,
            } => serde_json::to_string(&AccessKeyJson {
                account_id,
                user_name,
                access_key_id: id,
                secret_access_key: secret.expose(),
                created: &created.to_string(),
            }),
            Self::ConsolePassword { password, created } => serde_json::to_string(&PasswordJson {
                account_id,
                user_name,
                password: password.expose(),
                console_url: &console_url(subject.partition, subject.account_id),
                created: &created.to_string(),
            }),
        };
        let text = Zeroizing::new(text.ok()?);
        // SSM takes no value with double braces in it. All braces but the outermost stand in strings.
        let inner = text.strip_prefix('{')?.strip_suffix('}')?;
        let mut escaped = String::with_capacity(text.len() + 64);
        escaped.push('{');
        for character in inner.chars() {
            match character {
                '{' => escaped.push_str("\\u007b"),
                '}' => escaped.push_str("\\u007d"),
                other => escaped.push(other),
            }
        }
        escaped.push('}');
        Some(Secret::new(escaped))
    }

    /// Reads what [`SecretValue::encode`] has written. Fields that we do not know are ignored; `None`
    /// when it is something else. There is no reason, because it would repeat parts of the text.
    pub(super) fn decode(kind: SecretKind, text: &Secret) -> Option<Self> {
        match kind {
            SecretKind::AccessKey => {
                let stored: StoredAccessKey = serde_json::from_str(text.expose()).ok()?;
                Some(Self::AccessKey {
                    id: stored.access_key_id,
                    secret: Secret::new(stored.secret_access_key),
                    created: stored.created.parse().ok()?,
                })
            }
            SecretKind::ConsolePassword => {
                let stored: StoredPassword = serde_json::from_str(text.expose()).ok()?;
                Some(Self::ConsolePassword {
                    password: Secret::new(stored.password),
                    created: stored.created.parse().ok()?,
                })
            }
        }
    }
}

/// Whose credential it is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Subject<'a> {
    pub(super) partition: Partition,
    pub(super) account_id: &'a AccountId,
    pub(super) user_name: &'a UserName,
}

#[derive(Serialize)]
struct AccessKeyJson<'a> {
    account_id: &'a str,
    user_name: &'a str,
    access_key_id: &'a str,
    secret_access_key: &'a str,
    created: &'a str,
}

#[derive(Serialize)]
struct PasswordJson<'a> {
    account_id: &'a str,
    user_name: &'a str,
    password: &'a str,
    console_url: &'a str,
    created: &'a str,
}

#[derive(Deserialize)]
struct StoredAccessKey {
    access_key_id: String,
    secret_access_key: String,
    created: String,
}

#[derive(Deserialize)]
struct StoredPassword {
    password: String,
    created: String,
}

/// Where the users of an account sign in.
///
/// The hosts of the commercial, China and GovCloud (US) partitions are those of the AWS user guides.
/// For the other partitions no public page of AWS names the host: they are our best knowledge, and
/// nothing but this text depends on them.
pub fn console_url(partition: Partition, account_id: &AccountId) -> String {
    let host = match partition {
        Partition::Aws => "signin.aws.amazon.com",
        Partition::China => "signin.amazonaws.cn",
        Partition::UsGov => "signin.amazonaws-us-gov.com",
        Partition::Iso => "signin.c2shome.ic.gov",
        Partition::IsoB => "signin.sc2shome.sgov.gov",
        Partition::IsoE => "signin.csphome.adc-e.uk",
        Partition::IsoF => "signin.csphome.hci.ic.gov",
        Partition::Eusc => "signin.amazonaws-eusc.eu",
    };
    format!("https://{account_id}.{host}/console")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{ProptestConfig, prop_assert, prop_assert_eq, proptest};
    use serde_json::{Value, json};

    use super::{SecretValue, Subject, console_url};
    use crate::ids::{AccountId, Partition, UserName};
    use crate::secret::Secret;
    use crate::secrets::SecretKind;

    fn stored(value: &SecretValue) -> Secret {
        let account_id: AccountId = "222222222222".parse().unwrap();
        let user_name: UserName = "alice".parse().unwrap();
        let subject = Subject {
            partition: Partition::Aws,
            account_id: &account_id,
            user_name: &user_name,
        };
        value.encode(&subject).unwrap()
    }

    fn password(text: &str) -> SecretValue {
        SecretValue::ConsolePassword {
            password: Secret::new(text.to_owned()),
            created: "2026-01-02T03:04:05Z".parse().unwrap(),
        }
    }

    #[test]
    fn the_fields_of_an_access_key_are_a_promise() {
        let value = SecretValue::AccessKey {
            id: "AKIAEXAMPLE".to_owned(),
            secret: Secret::new("a/b+c".to_owned()),
            created: "2026-01-02T03:04:05Z".parse().unwrap(),
        };
        let text = stored(&value);
        let json: Value = serde_json::from_str(text.expose()).unwrap();
        assert_eq!(
            json,
            json!({
                "account_id": "222222222222",
                "user_name": "alice",
                "access_key_id": "AKIAEXAMPLE",
                "secret_access_key": "a/b+c",
                "created": "2026-01-02T03:04:05Z",
            })
        );
        let Some(SecretValue::AccessKey { id, secret, .. }) =
            SecretValue::decode(SecretKind::AccessKey, &text)
        else {
            panic!("an access key")
        };
        assert_eq!((id.as_str(), secret.expose()), ("AKIAEXAMPLE", "a/b+c"));
    }

    #[test]
    fn the_fields_of_a_password_are_a_promise() {
        let text = stored(&password("a\"b\\c"));
        let json: Value = serde_json::from_str(text.expose()).unwrap();
        assert_eq!(
            json,
            json!({
                "account_id": "222222222222",
                "user_name": "alice",
                "password": "a\"b\\c",
                "console_url": "https://222222222222.signin.aws.amazon.com/console",
                "created": "2026-01-02T03:04:05Z",
            })
        );
    }

    #[rstest::rstest]
    #[case("")]
    #[case("{}")]
    #[case("null")]
    #[case(r#"{"access_key_id":"AKIA","created":"2026-01-02T03:04:05Z"}"#)]
    #[case(r#"{"access_key_id":"AKIA","secret_access_key":"s","created":"yesterday"}"#)]
    fn something_else_in_the_parameter_is_not_taken_for_a_key(#[case] text: &str) {
        let text = Secret::new(text.to_owned());
        assert!(SecretValue::decode(SecretKind::AccessKey, &text).is_none());
    }

    #[test]
    fn debug_output_holds_no_secret() {
        assert!(!format!("{:?}", password("hunter2")).contains("hunter2"));
    }

    #[test]
    fn each_partition_has_its_own_sign_in_page() {
        let account_id = "222222222222".parse().unwrap();
        let mut pages: Vec<_> = Partition::ALL
            .iter()
            .map(|partition| console_url(*partition, &account_id))
            .collect();
        assert_eq!(
            pages[2],
            "https://222222222222.signin.amazonaws-us-gov.com/console"
        );
        pages.sort();
        pages.dedup();
        assert_eq!(pages.len(), Partition::ALL.len());
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        /// IAM allows U+0020 to U+00FF in a password, and SSM refuses double braces.
        #[test]
        fn every_password_reads_back_and_ssm_sees_no_double_braces(text in "[{}\u{20}-\u{ff}]{1,128}") {
            let stored = stored(&password(&text));
            prop_assert!(!stored.expose().contains("{{"));
            prop_assert!(!stored.expose().contains("}}"));
            prop_assert!(stored.expose().len() <= 4096);
            let value = SecretValue::decode(SecretKind::ConsolePassword, &stored);
            let Some(SecretValue::ConsolePassword { password, .. }) = value else {
                panic!("a password")
            };
            prop_assert_eq!(password.expose(), text);
        }
    }
}
