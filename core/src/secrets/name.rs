//! Names of parameters: `{prefix}/{account id}/{encoded user name}/{kind}`.
//!
//! IAM allows characters in user names that SSM does not allow in parameter names. The encoding is
//! injective, so that no two users ever share a parameter, and can be undone by a reader: `_` is
//! written `__`, any other character that SSM does not allow `_` and two upper-case hexadecimal
//! digits.

use std::fmt::Write;

use super::settings::ParameterPrefix;
use crate::ids::{AccountId, InvalidId, UserName, text_id};

/// What a parameter holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum SecretKind {
    /// The current access key of a user.
    AccessKey,
    /// The console password of a user.
    ConsolePassword,
}

impl SecretKind {
    /// Both kinds.
    pub const ALL: [Self; 2] = [Self::AccessKey, Self::ConsolePassword];

    /// The last part of the parameter's name: `access-key` or `console-password`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AccessKey => "access-key",
            Self::ConsolePassword => "console-password",
        }
    }
}

impl std::fmt::Display for SecretKind {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// The name of a parameter. It begins with a slash and consists of what SSM allows.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ParameterName(String);
text_id!(ParameterName);

impl ParameterName {
    /// The name for one credential of one user. Different users and kinds have different names.
    pub fn new(
        prefix: &ParameterPrefix,
        account_id: &AccountId,
        user_name: &UserName,
        kind: SecretKind,
    ) -> Self {
        let user_name = encode(user_name.as_str());
        Self(format!("{prefix}/{account_id}/{user_name}/{kind}"))
    }

    /// Whose credential it is and of which kind, if the name is one of ours under any prefix.
    pub fn subject(&self) -> Option<(AccountId, UserName, SecretKind)> {
        let mut parts = self.0.rsplit('/');
        let kind = parts.next()?;
        let kind = SecretKind::ALL
            .into_iter()
            .find(|known| known.as_str() == kind)?;
        let user_name = decode(parts.next()?)?.parse().ok()?;
        let account_id = parts.next()?.parse().ok()?;
        Some((account_id, user_name, kind))
    }
}

impl std::str::FromStr for ParameterName {
    type Err = InvalidId;

    /// A name as SSM has it, also one that is not ours.
    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let allowed =
            |character: char| character.is_ascii_alphanumeric() || "_.-/".contains(character);
        if !(1..=1011).contains(&text.len()) {
            let reason = "it must have 1 to 1011 characters";
            return Err(InvalidId::new("parameter name", text, reason));
        }
        if !text.starts_with('/') || !text.chars().all(allowed) {
            let reason = "it must begin with a slash and hold letters, digits and _.-/ alone";
            return Err(InvalidId::new("parameter name", text, reason));
        }
        Ok(Self(text.to_owned()))
    }
}

fn encode(user_name: &str) -> String {
    let mut encoded = String::with_capacity(user_name.len());
    for byte in user_name.bytes() {
        match byte {
            b'_' => encoded.push_str("__"),
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'.' | b'-' => encoded.push(byte.into()),
            other => {
                // Writing into a String cannot fail.
                let _ = write!(encoded, "_{other:02X}");
            }
        }
    }
    encoded
}

/// Undoes [`encode`]; `None` when the text was not made by it.
fn decode(encoded: &str) -> Option<String> {
    let mut decoded = Vec::with_capacity(encoded.len());
    let mut rest = encoded.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'_' {
            decoded.push(byte);
            continue;
        }
        let first = rest.next()?;
        if first == b'_' {
            decoded.push(b'_');
            continue;
        }
        let digits = [first, rest.next()?];
        let digits = std::str::from_utf8(&digits).ok()?;
        decoded.push(u8::from_str_radix(digits, 16).ok()?);
    }
    let decoded = String::from_utf8(decoded).ok()?;
    // Only one text stands for a name: `_41` is not `A`.
    (encode(&decoded) == encoded).then_some(decoded)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{ProptestConfig, prop_assert, prop_assert_eq, proptest};

    use super::{ParameterName, SecretKind, decode, encode};
    use crate::secrets::ParameterPrefix;

    fn name(user_name: &str, kind: SecretKind) -> ParameterName {
        ParameterName::new(
            &ParameterPrefix::default(),
            &"222222222222".parse().unwrap(),
            &user_name.parse().unwrap(),
            kind,
        )
    }

    #[rstest::rstest]
    #[case("alice", "alice")]
    #[case("a.b-c", "a.b-c")]
    #[case("svc_ci", "svc__ci")]
    #[case("alice@example.com", "alice_40example.com")]
    #[case("a+b=c,d", "a_2Bb_3Dc_2Cd")]
    #[case("_40", "__40")]
    fn a_user_name_is_written_so_that_ssm_takes_it(#[case] user: &str, #[case] encoded: &str) {
        assert_eq!(encode(user), encoded);
        assert_eq!(decode(encoded).as_deref(), Some(user));
    }

    #[test]
    fn a_name_says_account_user_and_kind() {
        let name = name("alice@example.com", SecretKind::AccessKey);
        assert_eq!(
            name.as_str(),
            "/crossaccount/222222222222/alice_40example.com/access-key"
        );
        let (account_id, user_name, kind) = name.subject().unwrap();
        assert_eq!(account_id.as_str(), "222222222222");
        assert_eq!(user_name.as_str(), "alice@example.com");
        assert_eq!(kind, SecretKind::AccessKey);
    }

    #[rstest::rstest]
    #[case("/crossaccount/222222222222/alice/other")]
    #[case("/crossaccount/alice/access-key")]
    #[case("/crossaccount/222222222222/a_zz/access-key")]
    #[case("/crossaccount/222222222222/a_41/access-key")]
    #[case("/crossaccount/222222222222/a_/access-key")]
    fn a_name_that_we_did_not_make_has_no_subject(#[case] text: &str) {
        assert_eq!(text.parse::<ParameterName>().unwrap().subject(), None);
    }

    #[test]
    fn the_longest_name_fits_into_ssm() {
        let prefix: ParameterPrefix = format!("/{}", "p".repeat(700)).parse().unwrap();
        let longest = ParameterName::new(
            &prefix,
            &"222222222222".parse().unwrap(),
            &"@".repeat(64).parse().unwrap(),
            SecretKind::ConsolePassword,
        );
        let arn = "arn:aws-us-gov:ssm:ap-southeast-1:222222222222:parameter";
        assert!(arn.len() + longest.as_str().len() <= 1011);
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn every_user_name_has_a_name_of_its_own_that_reads_back(
            one in "[a-zA-Z0-9_+=,.@-]{1,64}",
            two in "[a-zA-Z0-9_+=,.@-]{1,64}",
        ) {
            prop_assert_eq!(decode(&encode(&one)), Some(one.clone()));
            prop_assert_eq!(encode(&one) == encode(&two), one == two);
            let name = name(&one, SecretKind::ConsolePassword);
            prop_assert!(name.as_str().parse::<ParameterName>().is_ok());
            let (_, user_name, kind) = name.subject().unwrap();
            prop_assert_eq!(user_name.as_str(), one);
            prop_assert_eq!(kind, SecretKind::ConsolePassword);
        }

        #[test]
        fn no_two_texts_stand_for_one_name(text in "[a-zA-Z0-9_.-]{0,12}") {
            if let Some(decoded) = decode(&text) {
                prop_assert_eq!(encode(&decoded), text);
            }
        }
    }
}
