//! What a decision says: steps, and sentences for people.

use jiff::Timestamp;

use super::{KeyStatus, KeyStep, LastUsed};

/// What asks for the decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Demand {
    /// The schedule, an apply or a plan: what is due happens.
    Scheduled,
    /// Somebody wants a new key now, however old the current one is.
    RotateNow,
}

/// Where a key is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum KeyPhase {
    /// The key of the secret store.
    Current,
    /// It was replaced and still works.
    Retiring,
    /// It was replaced and is inactive.
    Disabled,
    /// Ours, left by a rotation that was interrupted.
    Interrupted,
    /// Not made by us: reported and never touched.
    Foreign,
}

impl KeyPhase {
    /// The phase as it is shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Current => "current",
            Self::Retiring => "retiring",
            Self::Disabled => "disabled",
            Self::Interrupted => "interrupted",
            Self::Foreign => "foreign",
        }
    }
}

/// What the schedule does next with a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NextAction {
    /// It is replaced by a new key.
    Rotate,
    /// It is made inactive.
    Disable,
    /// It is deleted.
    Delete,
}

impl NextAction {
    /// The action as it is shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Rotate => "rotate",
            Self::Disable => "disable",
            Self::Delete => "delete",
        }
    }
}

/// One key before the steps, as it is shown. It changes with the key and the policy, and not merely
/// because time passes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyView {
    /// The access key id.
    pub id: String,
    /// Whether it works.
    pub status: KeyStatus,
    /// Where it is in its life.
    pub phase: KeyPhase,
    /// When it was made.
    pub create_date: Timestamp,
    /// When it was used last.
    pub last_used: LastUsed,
    /// What the schedule does next and when, also when that time has passed and it is blocked.
    pub next_action: Option<(NextAction, Timestamp)>,
    /// Why what is due cannot be done: a sentence.
    pub blocked: Option<String>,
}

/// Why a wanted key cannot exist.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyObstacle {
    /// Keys that somebody else made take both places that IAM has for a user.
    #[error(
        "the access keys {} were not made by crossaccount, and IAM allows two keys for a user: delete \
         one of them, then apply again", .0.join(" and ")
    )]
    ForeignKeys(Vec<String>),
    /// The parameter that is to hold the secret belongs to somebody else.
    #[error(
        "the parameter for the secret of the access key belongs to {}, and is never overwritten: \
         delete it or use another prefix, then apply again",
        .0.as_deref().map_or("nobody known".to_owned(), |owner| format!("{owner:?}"))
    )]
    ForeignParameter(Option<String>),
}

/// What to do about a user's access keys, and why.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct KeyDecision {
    /// What to do, in this order. Empty when there is an error.
    pub steps: Vec<KeyStep>,
    /// One sentence for each change, for whoever reviews the plan.
    pub reasons: Vec<String>,
    /// What is due and cannot be done, why, and what to do about it.
    pub blocked: Vec<String>,
    /// All keys of the user before the steps: current, retiring or disabled, interrupted, foreign.
    pub views: Vec<KeyView>,
    /// Why the wanted key cannot exist.
    pub error: Option<KeyObstacle>,
}
