//! Where audit records go.

use std::str::FromStr;

use crate::ids::{InvalidId, text_id};

/// The bucket of the audit records and how objects are written into it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditSettings {
    /// The bucket, reached with the hub credentials.
    pub bucket: BucketName,
    /// What all object keys begin with.
    pub prefix: KeyPrefix,
    /// The KMS key; without one the default encryption of the bucket applies.
    pub kms_key_id: Option<KmsKeyId>,
}

/// The name of a general purpose bucket: 3 to 63 lower-case letters, digits, dots and hyphens.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BucketName(String);
text_id!(BucketName);

impl FromStr for BucketName {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let invalid = |reason: &str| Err(InvalidId::new("bucket name", text, reason));
        if text.starts_with("s3://") || text.starts_with("arn:") {
            return invalid("give the name alone, not a URL or ARN");
        }
        if !(3..=63).contains(&text.len()) {
            return invalid("it must have 3 to 63 characters");
        }
        let alphanumeric = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        if !text
            .bytes()
            .all(|byte| alphanumeric(byte) || b".-".contains(&byte))
        {
            return invalid("use lower-case letters, digits, dots and hyphens");
        }
        let ends = [text.bytes().next(), text.bytes().last()];
        if !ends.into_iter().flatten().all(alphanumeric) {
            return invalid("it must begin and end with a letter or digit");
        }
        if text.contains("..") {
            return invalid("two dots must not follow each other");
        }
        Ok(Self(text.to_owned()))
    }
}

/// What object keys begin with, without a slash at either end; may be empty.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KeyPrefix(String);
text_id!(KeyPrefix);

impl FromStr for KeyPrefix {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let invalid = |reason: &str| Err(InvalidId::new("key prefix", text, reason));
        let prefix = text.trim_matches('/');
        let allowed =
            |character: char| character.is_ascii_alphanumeric() || "!-_.*'()/=".contains(character);
        // S3 allows 1024 bytes; the part behind the prefix has about 120.
        if prefix.len() > 800 {
            return invalid("it has more than 800 characters");
        }
        if !prefix.chars().all(allowed) {
            return invalid("use letters, digits and !-_.*'()/=");
        }
        if prefix.contains("//") {
            return invalid("two slashes must not follow each other");
        }
        Ok(Self(prefix.to_owned()))
    }
}

/// A KMS key: its id, its ARN, or an alias.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KmsKeyId(String);
text_id!(KmsKeyId);

impl FromStr for KmsKeyId {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let invalid = |reason: &str| Err(InvalidId::new("KMS key id", text, reason));
        if !(1..=2048).contains(&text.len()) {
            return invalid("it must have 1 to 2048 characters");
        }
        let allowed =
            |character: char| character.is_ascii_alphanumeric() || ":/_-".contains(character);
        if !text.chars().all(allowed) {
            return invalid("use a key id, a key ARN, or alias/NAME");
        }
        Ok(Self(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::{BucketName, KeyPrefix, KmsKeyId};

    #[rstest::rstest]
    #[case("crossaccount-audit", true)]
    #[case("a.b-1", true)]
    #[case("ab", false)]
    #[case("Audit", false)]
    #[case("-audit", false)]
    #[case("audit-", false)]
    #[case("a..b", false)]
    #[case("s3://audit", false)]
    #[case("arn:aws:s3:::audit", false)]
    #[case(&"a".repeat(64), false)]
    fn bucket_names_follow_the_rules_of_s3(#[case] text: &str, #[case] valid: bool) {
        assert_eq!(text.parse::<BucketName>().is_ok(), valid, "{text}");
    }

    #[rstest::rstest]
    #[case("", "")]
    #[case("audit", "audit")]
    #[case("/audit/iam/", "audit/iam")]
    fn slashes_around_a_prefix_do_not_matter(#[case] text: &str, #[case] prefix: &str) {
        assert_eq!(text.parse::<KeyPrefix>().unwrap().as_str(), prefix);
    }

    #[rstest::rstest]
    #[case("a//b")]
    #[case("a b")]
    #[case(&"a".repeat(801))]
    fn a_prefix_that_makes_bad_keys_is_refused(#[case] text: &str) {
        assert!(text.parse::<KeyPrefix>().is_err());
    }

    #[rstest::rstest]
    #[case("alias/audit", true)]
    #[case("arn:aws:kms:eu-central-1:111111111111:key/0d1b-2", true)]
    #[case("", false)]
    #[case("my key", false)]
    fn a_kms_key_is_an_id_arn_or_alias(#[case] text: &str, #[case] valid: bool) {
        assert_eq!(text.parse::<KmsKeyId>().is_ok(), valid, "{text}");
    }
}
