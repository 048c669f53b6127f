//! The physical id: which user a request is about.

use std::fmt;

use crossaccount_core::ids::{AccountId, UserName};

/// What a physical id says.
///
/// It is computed from the properties that identify a user, and from nothing else: the same user has the same id in
/// every version, process and Region, so that CloudFormation never takes an update for a replacement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PhysicalId {
    /// A user: `crossaccount:v1:222222222222:alice`.
    User {
        /// Its account.
        account_id: AccountId,
        /// Its name.
        name: UserName,
    },
    /// Nothing was made and nothing can have been made: `crossaccount:v1:nothing`. The answer to a refused Create.
    Nothing,
    /// An id that we never gave. CloudFormation makes one up when it deletes what never answered.
    Other(String),
}

const PREFIX: &str = "crossaccount:v1:";
const NOTHING: &str = "nothing";

impl PhysicalId {
    /// Reads an id of any origin.
    pub fn read(text: &str) -> Self {
        let other = || Self::Other(text.to_owned());
        let Some(rest) = text.strip_prefix(PREFIX) else {
            return other();
        };
        if rest == NOTHING {
            return Self::Nothing;
        }
        let Some((account_id, name)) = rest.split_once(':') else {
            return other();
        };
        match (account_id.parse(), name.parse()) {
            (Ok(account_id), Ok(name)) => Self::User { account_id, name },
            _ => other(),
        }
    }
}

impl fmt::Display for PhysicalId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::User { account_id, name } => write!(formatter, "{PREFIX}{account_id}:{name}"),
            Self::Nothing => write!(formatter, "{PREFIX}{NOTHING}"),
            Self::Other(text) => formatter.write_str(text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::PhysicalId;

    /// These texts stand in stacks of our users: they never change.
    #[rstest::rstest]
    #[case("crossaccount:v1:222222222222:alice", true)]
    #[case("crossaccount:v1:222222222222:first.last+tag=1,x@example.com_-", true)]
    #[case("crossaccount:v1:nothing", true)]
    #[case("crossaccount:v1:222222222222", false)]
    #[case("crossaccount:v1:22222:alice", false)]
    #[case("crossaccount:v2:222222222222:alice", false)]
    #[case("people-Alice-1AB2C3D4", false)]
    #[case("2026/11/21/[$LATEST]0123456789abcdef", false)]
    #[case("", false)]
    fn ids_of_ours_are_known_and_every_text_survives(#[case] text: &str, #[case] ours: bool) {
        let id = PhysicalId::read(text);
        assert_eq!(!matches!(id, PhysicalId::Other(_)), ours, "{id:?}");
        assert_eq!(id.to_string(), text);
    }
}
