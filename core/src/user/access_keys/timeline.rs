//! When what is due, and what keeps a key that is due.

use jiff::{SignedDuration, Timestamp};

use super::sentences::{ago, date};
use super::{KeyPolicy, KeyStatus, LastUsed, NextAction, ObservedKey};

fn days(count: u32) -> SignedDuration {
    SignedDuration::from_hours(24 * i64::from(count))
}

/// So many days after a time, or the end of time.
fn after(time: Timestamp, count: u32) -> Timestamp {
    time.checked_add(days(count)).unwrap_or(Timestamp::MAX)
}

/// When a current key is replaced.
pub(super) fn rotate_at(policy: &KeyPolicy, key: &ObservedKey) -> Timestamp {
    after(key.create_date, policy.rotate_after_days())
}

/// When a key that was replaced `since` then is made inactive. A late rotation does not shorten the
/// overlap.
pub(super) fn disable_at(policy: &KeyPolicy, key: &ObservedKey, since: Timestamp) -> Timestamp {
    let overlap = policy.disable_after_days() - policy.rotate_after_days();
    after(key.create_date, policy.disable_after_days()).max(after(since, overlap))
}

/// When a key that was replaced `since` then is deleted.
pub(super) fn delete_at(policy: &KeyPolicy, key: &ObservedKey, since: Timestamp) -> Timestamp {
    let overlap = policy.delete_after_days() - policy.rotate_after_days();
    after(key.create_date, policy.delete_after_days()).max(after(since, overlap))
}

/// What happens next to a replaced key. When its end has come it is deleted at once, whether or not
/// it was made inactive before.
pub(super) fn next_of_retiring(
    policy: &KeyPolicy,
    now: Timestamp,
    key: &ObservedKey,
    since: Timestamp,
) -> (NextAction, Timestamp) {
    let disable = disable_at(policy, key, since);
    let delete = delete_at(policy, key, since);
    if key.status == KeyStatus::Inactive || now >= delete || disable >= delete {
        (NextAction::Delete, delete)
    } else {
        (NextAction::Disable, disable)
    }
}

/// Why a key is neither made inactive nor deleted by the schedule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Guard<'a> {
    /// It was used recently.
    Used {
        /// When.
        time: Timestamp,
        /// The service.
        service: Option<&'a str>,
        /// The region.
        region: Option<&'a str>,
    },
    /// Its last use could not be read.
    Unread(&'a str),
}

impl<'a> Guard<'a> {
    /// The guard of a key, if there is one.
    pub(super) fn of(policy: &KeyPolicy, now: Timestamp, key: &'a ObservedKey) -> Option<Self> {
        match &key.last_used {
            LastUsed::Unknown { why } => Some(Self::Unread(why)),
            LastUsed::Never => None,
            LastUsed::At {
                time,
                service,
                region,
            } => (after(*time, policy.keep_if_used_within_days()) >= now).then_some(Self::Used {
                time: *time,
                service: service.as_deref(),
                region: region.as_deref(),
            }),
        }
    }

    /// Goes on after "because it", or after the name of the key. The time that has passed is told for
    /// a `now` only.
    pub(super) fn describe(&self, now: Option<Timestamp>) -> String {
        match self {
            Self::Used {
                time,
                service,
                region,
            } => {
                let passed = now.map_or_else(String::new, |now| format!(" ({})", ago(now, *time)));
                let service =
                    service.map_or_else(String::new, |service| format!(" with {service}"));
                let region = region.map_or_else(String::new, |region| format!(" in {region}"));
                format!("was used on {}{passed}{service}{region}", date(*time))
            }
            Self::Unread(why) => format!("may be in use: its last use could not be read ({why})"),
        }
    }

    /// What to do about it.
    pub(super) fn advice(&self) -> &'static str {
        match self {
            Self::Used { .. } => {
                "let whatever uses it read the current key from the secret store instead"
            }
            Self::Unread(_) => "allow iam:GetAccessKeyLastUsed, then apply again",
        }
    }
}

/// Whether nobody has used a key for as long as a use would keep it. A key that was never used has to
/// be that old itself: a new one may be about to be used.
pub(super) fn is_unused(policy: &KeyPolicy, now: Timestamp, key: &ObservedKey) -> bool {
    match &key.last_used {
        LastUsed::Unknown { .. } => false,
        LastUsed::Never => after(key.create_date, policy.keep_if_used_within_days()) <= now,
        LastUsed::At { .. } => Guard::of(policy, now, key).is_none(),
    }
}

/// Whether a key was made while an intent was open. The clock of this machine and that of IAM may
/// differ by the five minutes that AWS accepts in a signature.
pub(super) fn made_under(intent: Timestamp, key: &ObservedKey) -> bool {
    let later = key.create_date.duration_since(intent);
    (SignedDuration::from_mins(-5)..=SignedDuration::from_mins(15)).contains(&later)
}
