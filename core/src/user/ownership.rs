//! Proof of ownership: reserved tags on the user itself.
//!
//! They come with `GetUser` at no extra call, and every face sees the same. They are never shown
//! among a user's tags.

use crate::ids::{InvalidId, TagValue};

/// The prefix of all tags that crossaccount keeps for itself.
pub const RESERVED_PREFIX: &str = "crossaccount:";
/// The tag that names the owner: a deployment, or a stack and logical id.
pub const MANAGED_BY_TAG: &str = "crossaccount:managed-by";
/// The tag of a user that a `quarantine` deletion locked; its value is the owner that did it.
pub const QUARANTINED_TAG: &str = "crossaccount:quarantined-by";
/// The inline policy that denies everything to a quarantined user.
pub const QUARANTINE_POLICY: &str = "crossaccount-quarantine";

/// Whether a tag key is kept for crossaccount. IAM compares tag keys without regard to case.
pub fn is_reserved_tag(key: &str) -> bool {
    key.get(..RESERVED_PREFIX.len())
        .is_some_and(|prefix| prefix.eq_ignore_ascii_case(RESERVED_PREFIX))
}

/// Who owns the users that this process makes: the value of the ownership tag.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Owner(TagValue);

impl Owner {
    /// The owner as it stands in the tag.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl std::fmt::Display for Owner {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl std::str::FromStr for Owner {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        if text.trim().is_empty() {
            return Err(InvalidId::new("deployment id", text, "it is empty"));
        }
        Ok(Self(text.parse()?))
    }
}

/// Whose user it is, seen from one owner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ownership {
    /// The tag names this owner.
    Ours,
    /// There is no ownership tag.
    Nobody,
    /// The tag names somebody else.
    Other(String),
}

impl Ownership {
    /// Reads the tag's value.
    pub fn of(tag: Option<&str>, owner: &Owner) -> Self {
        match tag {
            None => Self::Nobody,
            Some(tag) if tag == owner.as_str() => Self::Ours,
            Some(other) => Self::Other(other.to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Owner, Ownership, is_reserved_tag};

    #[rstest::rstest]
    #[case("crossaccount:managed-by", true)]
    #[case("CrossAccount:anything", true)]
    #[case("crossaccount", false)]
    #[case("team", false)]
    fn reserved_tags_are_known_by_their_prefix_in_any_case(#[case] key: &str, #[case] is: bool) {
        assert_eq!(is_reserved_tag(key), is);
    }

    #[test]
    fn only_the_exact_owner_is_us() {
        let owner: Owner = "platform".parse().unwrap();
        assert_eq!(Ownership::of(Some("platform"), &owner), Ownership::Ours);
        assert_eq!(Ownership::of(None, &owner), Ownership::Nobody);
        assert_eq!(
            Ownership::of(Some("Platform"), &owner),
            Ownership::Other("Platform".to_owned())
        );
    }
}
