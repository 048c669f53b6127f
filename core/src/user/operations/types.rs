//! What operations take and what they lead to.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::audit::Status;
use crate::aws::SettleLimits;
use crate::error::{Error, ErrorKind};
use crate::ids::UserName;
use crate::user::{DeletionPolicy, ObservedUser, Owner, Parameters, Step, UserSpec};

/// What an operation may take.
#[derive(Debug, Clone)]
pub struct Limits {
    /// When no further step is begun.
    pub deadline: Instant,
    /// Cancelled when the user asks to stop: no operation begins after that, and no waiting goes on.
    /// An operation that has begun is brought to its end.
    pub cancelled: CancellationToken,
}

impl Limits {
    /// Limits that end after this time, counted from now.
    pub fn within(time: Duration, cancelled: CancellationToken) -> Self {
        Self {
            deadline: Instant::now() + time,
            cancelled,
        }
    }

    pub(in crate::user) fn check_time(&self) -> Result<(), Error> {
        if Instant::now() < self.deadline {
            return Ok(());
        }
        Err(Error::new(
            ErrorKind::TimedOut,
            "the time for this operation is used up",
        )
        .with_advice("Run it again: it goes on where it stopped. `timeouts` gives it more time."))
    }

    pub(super) fn check_start(&self) -> Result<(), Error> {
        if self.cancelled.is_cancelled() {
            return Err(Error::new(
                ErrorKind::Cancelled,
                "the run was interrupted before this operation began; nothing was changed",
            ));
        }
        self.check_time()
    }

    pub(in crate::user) fn settle(&self, budget: Duration) -> SettleLimits {
        SettleLimits::new(budget)
            .until(self.deadline)
            .unless(self.cancelled.clone())
    }
}

/// What to do when the user exists before it is created.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Adoption {
    /// Refuse, unless an earlier run of this deployment made it.
    #[default]
    Fail,
    /// Take it over, unless somebody else owns it.
    Adopt,
}

/// What makes a user ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proof {
    /// A state or a stack remembers it. Its tag may be gone: the next change brings it back.
    Remembered,
    /// Its tag and nothing else. Without it the user was handed over, and is left alone.
    Tag,
}

/// The user that a face remembers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    /// The name that it had.
    pub name: UserName,
    /// Its unique id. A user of the same name with another id is a stranger.
    pub unique_id: String,
    /// What makes it ours.
    pub proof: Proof,
    /// Where its secrets were put.
    pub parameters: Parameters,
    /// The ids of its access keys, as far as they are known: a key that is expected costs no second round trip.
    pub access_keys: BTreeSet<String>,
}

/// At which moment credentials are old or young, and which of them an operation may change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scope {
    /// The moment: that of the plan, so that an apply does what the plan showed.
    pub at: Timestamp,
    /// Whether access keys may change. What else is due is told, and left to the next plan.
    pub access_keys: bool,
    /// Whether the console access may change.
    pub console_access: bool,
}

impl Scope {
    /// Everything that is due at a moment.
    pub fn everything(at: Timestamp) -> Self {
        Self {
            at,
            access_keys: true,
            console_access: true,
        }
    }
}

/// How a user is removed.
#[derive(Debug, Clone)]
pub struct Removal {
    /// Delete, retain or quarantine.
    pub policy: DeletionPolicy,
    /// Whether things that we did not create are removed with the user.
    pub force_destroy: bool,
    /// What the user was made from: the members of its managed sets are ours to remove.
    pub recorded: UserSpec,
}

/// What an operation led to: what exists now, and what went wrong, both at once.
#[derive(Debug)]
pub struct Outcome {
    /// The user as it is now; `None` when there is none, or when the operation did not get far
    /// enough to know.
    pub user: Option<ObservedUser>,
    /// What happened, as the audit record says it.
    pub status: Status,
    /// Whether the user existed before a creation and was taken over.
    pub existed: bool,
    /// What the caller should tell, though nothing failed.
    pub warnings: Vec<String>,
    /// The step that failed.
    pub failed_step: Option<Step>,
    /// Success, or why not.
    pub result: Result<(), Error>,
}

impl Outcome {
    pub(super) fn failed(error: Error) -> Self {
        Self {
            user: None,
            status: Status::Failed,
            existed: false,
            warnings: Vec::new(),
            failed_step: None,
            result: Err(error),
        }
    }

    pub(super) fn done(status: Status, user: Option<ObservedUser>) -> Self {
        Self {
            user,
            status,
            existed: false,
            warnings: Vec::new(),
            failed_step: None,
            result: Ok(()),
        }
    }
}

/// What all operations of one face share.
#[derive(Debug, Clone)]
pub struct UsersSettings {
    /// The owner tag of everything that is made.
    pub owner: Owner,
    /// How many users one run may delete or quarantine; `None` sets no limit.
    pub max_user_deletions: Option<u32>,
}
