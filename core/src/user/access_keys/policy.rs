//! What is wanted of a user's access key.

use sha2::{Digest, Sha256};

use super::KeysObserved;

/// The longest interval of a key: a hundred years.
pub const MOST_DAYS: u32 = 36_500;
/// The longest text that asks for a new key or password when it changes.
pub const LONGEST_TRIGGER: usize = 1024;

/// Whether a key works.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum KeyStatus {
    /// AWS accepts the key.
    #[default]
    Active,
    /// AWS refuses the key; it can be made active again.
    Inactive,
}

impl KeyStatus {
    /// The status as IAM writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "Active",
            Self::Inactive => "Inactive",
        }
    }

    /// Reads a status of IAM. A status that is not `Active`, such as `Expired`, counts as inactive.
    pub fn of_iam(text: &str) -> Self {
        if text == "Active" {
            Self::Active
        } else {
            Self::Inactive
        }
    }
}

impl std::fmt::Display for KeyStatus {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// The fingerprint of a rotation trigger: the first 16 hexadecimal digits of its SHA-256.
///
/// The trigger itself may be text that does not fit into a tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TriggerHash(String);

impl TriggerHash {
    const LENGTH: usize = 16;

    /// The fingerprint of a trigger as it is written in a configuration.
    pub fn of(trigger: &str) -> Self {
        let hex = format!("{:x}", Sha256::digest(trigger.as_bytes()));
        Self(hex.chars().take(Self::LENGTH).collect())
    }

    /// Reads a fingerprint from a tag; anything else is none.
    pub(super) fn read(text: &str) -> Option<Self> {
        let is_hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        (text.len() == Self::LENGTH && text.bytes().all(is_hex)).then(|| Self(text.to_owned()))
    }

    /// The fingerprint as it stands in the tag.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// After how many days what happens to a key. Days have 24 hours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyIntervals {
    /// The age at which a key is replaced.
    pub rotate_after_days: u32,
    /// The age at which a replaced key is made inactive; if not given, halfway between the others.
    pub disable_after_days: Option<u32>,
    /// The age at which a replaced key is deleted.
    pub delete_after_days: u32,
    /// A replaced key that was used within so many days is neither made inactive nor deleted.
    pub keep_if_used_within_days: u32,
}

impl Default for KeyIntervals {
    /// A new key after 15 days, the old one inactive at 22 and deleted at 30, unless it was used
    /// within 7 days.
    fn default() -> Self {
        Self {
            rotate_after_days: 15,
            disable_after_days: None,
            delete_after_days: 30,
            keep_if_used_within_days: 7,
        }
    }
}

/// Intervals that contradict each other.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {message}")]
pub struct KeyPolicyProblem {
    /// The interval to change: `rotate_after_days`, `disable_after_days` or `delete_after_days`.
    pub field: &'static str,
    /// What is wrong and what to write.
    pub message: String,
}

/// The wanted access key of a user, with intervals that fit each other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyPolicy {
    rotate_after_days: u32,
    disable_after_days: u32,
    delete_after_days: u32,
    keep_if_used_within_days: u32,
    status: KeyStatus,
    rotation_trigger: Option<TriggerHash>,
    reactivates: bool,
}

impl KeyPolicy {
    /// Checks that the intervals fit each other.
    ///
    /// `1 <= rotate <= disable <= delete`, `rotate < delete`, and `delete <= 2 x rotate`: IAM allows
    /// two keys for a user, so the third one cannot be made before the first one is deleted.
    pub fn new(
        intervals: KeyIntervals,
        status: KeyStatus,
        rotation_trigger: Option<TriggerHash>,
    ) -> Result<Self, KeyPolicyProblem> {
        let rotate = intervals.rotate_after_days;
        let delete = intervals.delete_after_days;
        let problem = |field, message| Err(KeyPolicyProblem { field, message });
        if rotate == 0 {
            let message = "a key is replaced after one day at the earliest".to_owned();
            return problem("rotate_after_days", message);
        }
        if delete <= rotate {
            let message = format!(
                "a key is replaced after {rotate} days, so it cannot be deleted after {delete} \
                 days: use more than {rotate}"
            );
            return problem("delete_after_days", message);
        }
        if u64::from(delete) > 2 * u64::from(rotate) {
            let message = format!(
                "IAM allows two keys for a user, so a key has to be deleted before the next but \
                 one is made: use {} at most, twice rotate_after_days",
                2 * u64::from(rotate)
            );
            return problem("delete_after_days", message);
        }
        let disable = intervals
            .disable_after_days
            .unwrap_or(rotate + (delete - rotate) / 2);
        if disable < rotate || disable > delete {
            let message = format!(
                "a key is made inactive after it is replaced ({rotate} days) and before it is \
                 deleted ({delete} days): use {rotate} to {delete}"
            );
            return problem("disable_after_days", message);
        }
        Ok(Self {
            rotate_after_days: rotate,
            disable_after_days: disable,
            delete_after_days: delete,
            keep_if_used_within_days: intervals.keep_if_used_within_days,
            status,
            rotation_trigger,
            reactivates: true,
        })
    }

    /// The policy of somebody who did not ask for an active key in so many words: one that was made inactive by hand,
    /// after a leak for example, stays so until it is replaced.
    #[must_use]
    pub fn leaving_inactive(self) -> Self {
        Self {
            reactivates: false,
            ..self
        }
    }

    /// The policy for a change that somebody asks for beside the configuration: status and trigger are
    /// those that the user has, so that nothing but the key changes and the configuration still fits.
    #[must_use]
    pub fn as_observed(&self, observed: &KeysObserved) -> Self {
        let current = observed.tags.current.as_ref();
        let key = current.and_then(|current| observed.keys.iter().find(|key| key.id == current.id));
        Self {
            status: key.map_or(self.status, |key| key.status),
            rotation_trigger: current.and_then(|current| current.trigger.clone()),
            ..self.clone()
        }
    }

    /// The policy of somebody who asks for an active key, in so many words or by what was done to the user.
    #[must_use]
    pub fn reactivating(self) -> Self {
        Self {
            reactivates: true,
            ..self
        }
    }

    /// The age at which a key is replaced.
    pub fn rotate_after_days(&self) -> u32 {
        self.rotate_after_days
    }

    /// The age at which a replaced key is made inactive.
    pub fn disable_after_days(&self) -> u32 {
        self.disable_after_days
    }

    /// The age at which a replaced key is deleted.
    pub fn delete_after_days(&self) -> u32 {
        self.delete_after_days
    }

    /// A replaced key that was used within so many days is kept.
    pub fn keep_if_used_within_days(&self) -> u32 {
        self.keep_if_used_within_days
    }

    /// Whether the current key works.
    pub fn status(&self) -> KeyStatus {
        self.status
    }

    /// Whether a current key that is inactive is made active when that is its wanted status.
    pub fn reactivates(&self) -> bool {
        self.reactivates
    }

    /// A new key is made when this differs from what the current key was made for.
    pub fn rotation_trigger(&self) -> Option<&TriggerHash> {
        self.rotation_trigger.as_ref()
    }
}

#[cfg(test)]
mod tests {
    use super::{KeyIntervals, KeyPolicy, KeyStatus, TriggerHash};

    fn check(rotate: u32, disable: Option<u32>, delete: u32) -> Result<u32, &'static str> {
        let intervals = KeyIntervals {
            rotate_after_days: rotate,
            disable_after_days: disable,
            delete_after_days: delete,
            keep_if_used_within_days: 7,
        };
        KeyPolicy::new(intervals, KeyStatus::Active, None)
            .map(|policy| policy.disable_after_days())
            .map_err(|problem| problem.field)
    }

    #[rstest::rstest]
    #[case::the_defaults(15, None, 30, Ok(22))]
    #[case::the_shortest(1, None, 2, Ok(1))]
    #[case::disable_at_once(15, Some(15), 30, Ok(15))]
    #[case::never_disabled(15, Some(30), 30, Ok(30))]
    #[case::huge(u32::MAX - 1, None, u32::MAX, Ok(u32::MAX - 1))]
    #[case::no_rotation(0, None, 30, Err("rotate_after_days"))]
    #[case::delete_before_rotate(30, None, 15, Err("delete_after_days"))]
    #[case::delete_with_rotate(30, None, 30, Err("delete_after_days"))]
    #[case::three_keys(15, None, 31, Err("delete_after_days"))]
    #[case::disable_too_early(15, Some(14), 30, Err("disable_after_days"))]
    #[case::disable_too_late(15, Some(31), 30, Err("disable_after_days"))]
    fn intervals_have_to_fit_each_other(
        #[case] rotate: u32,
        #[case] disable: Option<u32>,
        #[case] delete: u32,
        #[case] expected: Result<u32, &'static str>,
    ) {
        assert_eq!(check(rotate, disable, delete), expected);
    }

    #[test]
    fn the_fingerprint_of_a_trigger_is_the_beginning_of_its_sha256() {
        assert_eq!(TriggerHash::of("abc").as_str(), "ba7816bf8f01cfea");
    }

    #[rstest::rstest]
    #[case("Active", KeyStatus::Active)]
    #[case("Inactive", KeyStatus::Inactive)]
    #[case("Expired", KeyStatus::Inactive)]
    fn every_status_but_active_counts_as_inactive(#[case] text: &str, #[case] status: KeyStatus) {
        assert_eq!(KeyStatus::of_iam(text), status);
    }
}
