//! What is known about a parameter, without its value.

use crate::error::Error;

/// A parameter as its metadata shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ParameterState {
    /// There is no parameter of this name.
    Absent,
    /// It is ours: its tag names our owner.
    Ours {
        /// The id of the access key that it holds, as its description says; `None` for a password
        /// and when somebody changed the description.
        credential: Option<String>,
    },
    /// It belongs to somebody else. It is never overwritten or deleted.
    Foreign {
        /// The owner that its tag names, when there is a tag and it could be seen.
        owner: Option<String>,
    },
}

/// Whether the KMS key of the store can encrypt.
#[derive(Debug, Clone)]
pub enum KeyCheck {
    /// It is enabled, symmetric, and meant for encryption.
    Usable,
    /// KMS does not let us look at the key (`kms:DescribeKey` is denied). That says nothing about
    /// encrypting with it. The error is for a warning.
    Unknown(Error),
}
