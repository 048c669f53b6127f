//! Validated identifiers. Text is parsed once, at the edge; everything behind it takes these types.
//!
//! The rules are those of the IAM API reference (`CreateUser`, `AssumeRole`, "IAM and AWS STS quotas")
//! and of "IAM identifiers". Nothing here talks to AWS.

mod account;
mod arn;
mod external_id;
mod names;
mod region;
mod run;
mod tags;

pub use account::AccountId;
pub use arn::{PolicyArn, RoleArn, UserArn};
pub use external_id::check_external_id;
pub use names::{GroupName, Path, PolicyName, RoleName, UserName};
pub use region::{Partition, Region};
pub use run::{OperationId, RunId};
pub use tags::{TagKey, TagValue, keys_that_differ_by_case};

/// Why a text is not a valid identifier: a fragment that fits behind "`x` is not a valid user name: ".
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{kind} {text:?} is not valid: {reason}")]
pub struct InvalidId {
    kind: &'static str,
    text: String,
    reason: String,
}

impl InvalidId {
    pub(crate) fn new(kind: &'static str, text: &str, reason: impl Into<String>) -> Self {
        // A hostile or mistaken megabyte is not repeated in full.
        Self {
            kind,
            text: text.chars().take(200).collect(),
            reason: reason.into(),
        }
    }

    /// The rule that is broken, for a message whose subject is named elsewhere.
    pub fn reason(&self) -> &str {
        &self.reason
    }
}

/// Implements what all text identifiers share: reading, showing and comparing the text.
macro_rules! text_id {
    ($name:ident) => {
        impl $name {
            /// The identifier as AWS writes it.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }
        impl std::fmt::Display for $name {
            fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str(&self.0)
            }
        }
        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }
        impl TryFrom<String> for $name {
            type Error = $crate::ids::InvalidId;
            fn try_from(text: String) -> Result<Self, Self::Error> {
                text.parse()
            }
        }
        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }
    };
}
pub(crate) use text_id;
