//! Where secrets are kept and how they are encrypted.

use std::str::FromStr;

use super::KmsKeyId;
use crate::ids::{InvalidId, text_id};

/// The secret store of a process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretsSettings {
    /// What the names of all parameters begin with.
    pub prefix: ParameterPrefix,
    /// The KMS key that encrypts them. `alias/aws/ssm` is the key that AWS manages.
    pub kms_key_id: KmsKeyId,
    /// The account that holds them.
    pub location: SecretLocation,
}

/// The account that holds the secrets.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum SecretLocation {
    /// The hub account, written with the hub credentials.
    #[default]
    Hub,
    /// The member account of each user, written with its member role.
    Member,
}

impl SecretLocation {
    /// Both locations.
    pub const ALL: [Self; 2] = [Self::Hub, Self::Member];

    /// The name as it is written in configuration: `hub` or `member`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Hub => "hub",
            Self::Member => "member",
        }
    }
}

impl std::fmt::Display for SecretLocation {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl FromStr for SecretLocation {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        Self::ALL
            .into_iter()
            .find(|location| location.as_str() == text)
            .ok_or_else(|| InvalidId::new("secret location", text, "it must be hub or member"))
    }
}

/// What the names of all parameters begin with: `/crossaccount` by default.
///
/// It begins with a slash and has 1 to 12 parts, because a name has at most 15 and ours adds three
/// (the naming constraints of `PutParameter` in the SSM API reference). A slash at its end does not
/// count.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ParameterPrefix(String);
text_id!(ParameterPrefix);

impl Default for ParameterPrefix {
    fn default() -> Self {
        Self("/crossaccount".to_owned())
    }
}

/// SSM counts the ARN in front of a name too, 1011 characters in all. The rest of our names has at
/// most 227 of them: account, encoded user name, kind.
const LONGEST_PREFIX: usize = 700;
const MOST_PARTS: usize = 12;

impl FromStr for ParameterPrefix {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let invalid = |reason: &str| Err(InvalidId::new("parameter prefix", text, reason));
        let Some(rest) = text.strip_prefix('/') else {
            return invalid("it must begin with a slash");
        };
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        if rest.is_empty() {
            return invalid("it names no folder; an example is /crossaccount");
        }
        if rest.len() > LONGEST_PREFIX {
            return invalid("it has more than 700 characters");
        }
        if rest.split('/').any(str::is_empty) {
            return invalid("two slashes must not follow each other");
        }
        if rest.split('/').count() > MOST_PARTS {
            return invalid("it has more than 12 parts, and SSM allows 15 in a whole name");
        }
        let allowed =
            |character: char| character.is_ascii_alphanumeric() || "_.-/".contains(character);
        if !rest.chars().all(allowed) {
            return invalid("use letters, digits and _.- between slashes");
        }
        let reserved = |word: &str| {
            rest.get(..word.len())
                .is_some_and(|start| start.eq_ignore_ascii_case(word))
        };
        if reserved("aws") || reserved("ssm") {
            return invalid("names that begin with aws or ssm are reserved by AWS");
        }
        Ok(Self(format!("/{rest}")))
    }
}

#[cfg(test)]
mod tests {
    use super::{ParameterPrefix, SecretLocation};

    #[rstest::rstest]
    #[case("/crossaccount", "/crossaccount")]
    #[case("/crossaccount/", "/crossaccount")]
    #[case("/platform/iam_users-2.0", "/platform/iam_users-2.0")]
    #[case("/a/b/c/d/e/f/g/h/i/j/k/l", "/a/b/c/d/e/f/g/h/i/j/k/l")]
    fn a_prefix_is_a_folder_with_or_without_a_slash_at_its_end(
        #[case] text: &str,
        #[case] prefix: &str,
    ) {
        assert_eq!(text.parse::<ParameterPrefix>().unwrap().as_str(), prefix);
    }

    #[rstest::rstest]
    #[case("")]
    #[case("/")]
    #[case("//")]
    #[case("crossaccount")]
    #[case("/a//b")]
    #[case("/a b")]
    #[case("/a*")]
    #[case("/${x}")]
    #[case("/aws/users")]
    #[case("/AWSusers")]
    #[case("/ssm")]
    #[case("/a/b/c/d/e/f/g/h/i/j/k/l/m")]
    #[case(&format!("/{}", "a".repeat(701)))]
    fn a_prefix_that_ssm_would_refuse_is_refused(#[case] text: &str) {
        assert!(text.parse::<ParameterPrefix>().is_err(), "{text}");
    }

    #[test]
    fn the_default_prefix_and_both_locations_read_back() {
        let prefix = ParameterPrefix::default();
        assert_eq!(prefix.as_str().parse::<ParameterPrefix>().unwrap(), prefix);
        for location in SecretLocation::ALL {
            assert_eq!(
                location.to_string().parse::<SecretLocation>().unwrap(),
                location
            );
        }
        assert!("Hub".parse::<SecretLocation>().is_err());
    }
}
