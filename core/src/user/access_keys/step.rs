//! The steps of access keys: one call each.

use super::tags::{CURRENT_KEY_TAG, KEY_INTENT_TAG, KEY_TAGS, RETIRING_KEY_TAG};
use super::{KeyStatus, TriggerHash};

/// One change of a user's access keys. The order in a decision is the order of the calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyStep {
    /// Writes the intent tag: from now on a new key that no tag names is ours.
    OpenIntent {
        /// Keys that are there already and are not ours: one may be minutes old, and must not be taken
        /// for the new one after a crash.
        beside: Vec<String>,
    },
    /// Makes a key. Its secret is known to the running process only.
    Create,
    /// Proves that the new key works and that the intent is still ours.
    Verify,
    /// Puts the secret of the new key into the secret store, in place of the old one.
    Store,
    /// Names the new key as current and closes the intent, in one call.
    NameCurrent {
        /// The key that is replaced, retiring since the time of the decision. Without one the tag of
        /// the retiring key stays as it is.
        retire: Option<String>,
        /// The rotation trigger that the key is made for.
        trigger: Option<TriggerHash>,
    },
    /// Makes the new key inactive.
    DeactivateNew,
    /// Writes the same tags for a key whose secret is stored already.
    AdoptInterrupted {
        /// The key.
        id: String,
        /// As in [`KeyStep::NameCurrent`].
        retire: Option<String>,
        /// As in [`KeyStep::NameCurrent`].
        trigger: Option<TriggerHash>,
    },
    /// Makes a key active.
    Activate(String),
    /// Makes a key inactive.
    Deactivate(String),
    /// Deletes a key.
    Delete(String),
    /// Removes all three tags.
    Forget,
}

impl KeyStep {
    /// The action of the step, as policies and CloudTrail write it.
    pub fn action(&self) -> &'static str {
        match self {
            Self::OpenIntent { .. } | Self::NameCurrent { .. } | Self::AdoptInterrupted { .. } => {
                "iam:TagUser"
            }
            Self::Create => "iam:CreateAccessKey",
            Self::Verify => "sts:GetCallerIdentity",
            Self::Store => "ssm:PutParameter",
            Self::DeactivateNew | Self::Activate(_) | Self::Deactivate(_) => "iam:UpdateAccessKey",
            Self::Delete(_) => "iam:DeleteAccessKey",
            Self::Forget => "iam:UntagUser",
        }
    }

    /// The object of the step: a key id, and tag keys.
    pub fn detail(&self) -> Option<String> {
        match self {
            Self::OpenIntent { .. } => Some(KEY_INTENT_TAG.to_owned()),
            Self::Create | Self::Verify | Self::Store => None,
            Self::NameCurrent { retire, .. } => Some(naming("new key", retire.as_deref())),
            Self::AdoptInterrupted { id, retire, .. } => Some(naming(id, retire.as_deref())),
            Self::DeactivateNew => Some(format!("new key {}", KeyStatus::Inactive)),
            Self::Activate(id) => Some(format!("{id} {}", KeyStatus::Active)),
            Self::Deactivate(id) => Some(format!("{id} {}", KeyStatus::Inactive)),
            Self::Delete(id) => Some(id.clone()),
            Self::Forget => Some(KEY_TAGS.join(", ")),
        }
    }
}

fn naming(id: &str, retire: Option<&str>) -> String {
    match retire {
        Some(old) => format!("{CURRENT_KEY_TAG} {id}, {RETIRING_KEY_TAG} {old}"),
        None => format!("{CURRENT_KEY_TAG} {id}"),
    }
}

impl std::fmt::Display for KeyStep {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.action())?;
        match self.detail() {
            Some(detail) => write!(formatter, " {detail}"),
            None => Ok(()),
        }
    }
}
