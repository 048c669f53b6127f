//! What exists of a user's access keys.

use jiff::Timestamp;

use super::{KeyStatus, KeyTags};

/// When a key was used last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LastUsed {
    /// It could not be read. This never counts as unused.
    Unknown {
        /// Why, as a fragment without a full stop.
        why: String,
    },
    /// IAM knows of no use.
    Never,
    /// It was used.
    At {
        /// When.
        time: Timestamp,
        /// The service, such as `s3`, if IAM tells it.
        service: Option<String>,
        /// The region, if IAM tells it.
        region: Option<String>,
    },
}

/// One access key, as IAM lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObservedKey {
    /// The access key id: no secret.
    pub id: String,
    /// Whether it works.
    pub status: KeyStatus,
    /// When it was made.
    pub create_date: Timestamp,
    /// When it was used last.
    pub last_used: LastUsed,
}

/// Which key the secret store holds, as the metadata of the parameter tells. No secret is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoredKey {
    /// The metadata could not be read.
    Unknown,
    /// There is no parameter.
    Absent,
    /// The parameter is ours and holds the secret of the key with this id.
    Holds(String),
    /// The parameter belongs to this owner, or to nobody.
    Foreign(Option<String>),
}

/// Everything that exists of a user's access keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeysObserved {
    /// All keys of the user, whoever made them.
    pub keys: Vec<ObservedKey>,
    /// What the reserved tags of the user say.
    pub tags: KeyTags,
    /// What the secret store holds.
    pub stored: StoredKey,
}
