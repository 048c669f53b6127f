//! Every AWS call of an operation fails in every way, and one more apply ends in exactly the wanted state.
//!
//! The machinery is the same for all operations: [`Case`] is one set of accounts and what happens in it, [`table`]
//! finds the calls of a clean run and makes each of them fail in a case of its own, and `history` reads the log of
//! calls and the audit bucket. What is done, and what must be there afterwards, is an [`Operation`].

mod case;
mod credentials;
mod credentials_outcome;
mod history;
mod pages;
mod table;
mod unlisted;
mod unseen;
mod users;

use harness::{Fault, FaultKind};

pub(super) use case::Case;
pub(super) use table::{Operation, places, table};
pub(crate) use table::{assert_none_failed, run};
pub(super) use users::UserOperation;

/// How a call fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Failure {
    /// Refused to the end of all retries, because there are too many calls.
    Throttled,
    /// Refused to the end of all retries, for no reason.
    ServerError,
    /// Never carried out, and never answered.
    DroppedBeforeCommit,
    /// Carried out, and not answered once.
    DroppedAfterCommitOnce,
    /// Carried out each time, and never answered.
    DroppedAfterCommit,
    /// Carried out, and the provider dies with SIGKILL before it knows.
    Killed,
}

impl Failure {
    pub(super) const ALL: [Self; 6] = [
        Self::Throttled,
        Self::ServerError,
        Self::DroppedBeforeCommit,
        Self::DroppedAfterCommitOnce,
        Self::DroppedAfterCommit,
        Self::Killed,
    ];
    /// Not carried out, carried out and not known, and nobody left to know. For calls whose retries another table
    /// proves with all six.
    pub(super) const ESSENTIAL: [Self; 3] =
        [Self::ServerError, Self::DroppedAfterCommit, Self::Killed];

    /// All failures of a read that differ in what follows: the call has no effect, so that one that is lost, in either
    /// way, is one that is refused, and the SDK treats all passing refusals alike.
    pub(super) const OF_READS: [Self; 2] = [Self::ServerError, Self::Killed];
    /// For operations whose reads are those of another one: a death in a read is one after the write before it.
    pub(super) const ESSENTIAL_OF_READS: [Self; 1] = [Self::ServerError];

    /// The fault that makes a call fail like this.
    pub(super) fn fault(self, call: &Place) -> Fault {
        let kind = match self {
            Self::Throttled => FaultKind::Throttle,
            Self::ServerError => FaultKind::HttpError {
                status: 500,
                code: "InternalFailure".to_owned(),
            },
            Self::DroppedBeforeCommit => FaultKind::DropBeforeCommit,
            Self::DroppedAfterCommitOnce | Self::DroppedAfterCommit => FaultKind::DropAfterCommit,
            Self::Killed => FaultKind::HoldAfterCommit,
        };
        let fault = Fault::new(kind, &call.action).from_call(call.number);
        match self {
            Self::DroppedAfterCommitOnce | Self::Killed => fault.times(1),
            _ => fault.always(),
        }
    }
}

/// One call of a clean run: the nth of its action.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    /// Whether it is about the hub account.
    pub(super) hub: bool,
    pub(super) action: String,
    pub(super) number: u32,
}

impl Place {
    pub(super) fn is_write(&self) -> bool {
        is_write(&self.action)
    }
}

fn is_write(action: &str) -> bool {
    let reads = [
        "iam:Get",
        "iam:List",
        "sts:",
        "kms:",
        "s3:Head",
        "s3:Get",
        "s3:List",
        "ssm:Get",
        "ssm:List",
        "ssm:Describe",
    ];
    !reads.iter().any(|read| action.starts_with(read))
}
