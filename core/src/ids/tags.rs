//! Keys and values of IAM tags.

use std::collections::BTreeMap;
use std::str::FromStr;
use std::sync::LazyLock;

use regex::Regex;

use super::{InvalidId, text_id};

/// Characters that IAM allows in tag keys and values.
static ALLOWED: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$").ok());

fn check(kind: &'static str, text: &str, longest: usize) -> Result<(), InvalidId> {
    let length = text.chars().count();
    if length > longest {
        let reason = format!("it has {length} characters, and at most {longest} are allowed");
        return Err(InvalidId::new(kind, text, reason));
    }
    if ALLOWED
        .as_ref()
        .is_some_and(|allowed| allowed.is_match(text))
    {
        Ok(())
    } else {
        Err(InvalidId::new(
            kind,
            text,
            "use letters, digits, spaces and _.:/=+-@",
        ))
    }
}

/// The key of a tag: 1 to 128 characters, not starting with `aws:` in any case.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TagKey(String);
text_id!(TagKey);

impl FromStr for TagKey {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        if text.is_empty() {
            return Err(InvalidId::new("tag key", text, "it is empty"));
        }
        if text
            .get(..4)
            .is_some_and(|prefix| prefix.eq_ignore_ascii_case("aws:"))
        {
            return Err(InvalidId::new(
                "tag key",
                text,
                "the prefix aws: is reserved by AWS",
            ));
        }
        check("tag key", text, 128)?;
        Ok(Self(text.to_owned()))
    }
}

/// Two different keys that AWS takes for the same one: it compares tag keys without regard to case.
pub fn keys_that_differ_by_case<'a>(
    keys: impl IntoIterator<Item = &'a str>,
) -> Option<(&'a str, &'a str)> {
    let mut seen: BTreeMap<String, &str> = BTreeMap::new();
    for key in keys {
        if let Some(first) = seen.insert(key.to_lowercase(), key)
            && first != key
        {
            return Some((first, key));
        }
    }
    None
}

/// The value of a tag: 0 to 256 characters.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TagValue(String);
text_id!(TagValue);

impl FromStr for TagValue {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        check("tag value", text, 256)?;
        Ok(Self(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::{TagKey, TagValue, keys_that_differ_by_case};

    #[rstest::rstest]
    #[case(&["Team", "Stage"], None)]
    #[case(&["Team", "Team"], None)]
    #[case(&["Stage", "Team", "team"], Some(("Team", "team")))]
    fn keys_that_aws_takes_for_the_same_are_found(
        #[case] keys: &[&str],
        #[case] found: Option<(&str, &str)>,
    ) {
        assert_eq!(keys_that_differ_by_case(keys.iter().copied()), found);
    }

    #[rstest::rstest]
    #[case("Team", true)]
    #[case("cost center/é", true)]
    #[case("aws:created", false)]
    #[case("AWS:created", false)]
    #[case("", false)]
    #[case("a#b", false)]
    #[case(&"k".repeat(129), false)]
    fn tag_keys_follow_the_rules_of_iam(#[case] text: &str, #[case] valid: bool) {
        assert_eq!(text.parse::<TagKey>().is_ok(), valid);
    }

    #[rstest::rstest]
    #[case("", true)]
    #[case("Platform Team", true)]
    #[case("a*b", false)]
    #[case(&"v".repeat(257), false)]
    fn tag_values_follow_the_rules_of_iam(#[case] text: &str, #[case] valid: bool) {
        assert_eq!(text.parse::<TagValue>().is_ok(), valid);
    }
}
