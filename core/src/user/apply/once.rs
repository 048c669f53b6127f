//! Requests that must not be carried out twice: each makes another secret.
//!
//! The SDK sends them once. What failed without being carried out is tried again here; what may have been
//! carried out is remembered, so that its trace can be looked for before the next try.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use crate::aws::{is_settling, may_have_committed};
use crate::error::{Error, ErrorKind};

/// How often such a request is tried before giving up.
const TRIES: u32 = 3;

/// The tries of one request.
#[derive(Debug, Default)]
pub(super) struct Once {
    tries: AtomicU32,
    lost: AtomicBool,
    unseen: AtomicBool,
}

impl Once {
    /// Notes how a try ended.
    pub(super) fn note<T>(&self, answer: Result<T, Error>) -> Result<T, Error> {
        self.tries.fetch_add(1, Ordering::Relaxed);
        if answer.as_ref().is_err_and(may_have_committed) {
            self.lost.store(true, Ordering::Relaxed);
        }
        answer
    }

    /// Whether an earlier try may have been carried out.
    pub(super) fn is_lost(&self) -> bool {
        self.lost.load(Ordering::Relaxed)
    }

    /// The trace of lost tries was looked for, and removed if there was one. Without one the try may still have been
    /// carried out: IAM lists new things late.
    pub(super) fn looked(&self, found: bool) {
        self.lost.store(false, Ordering::Relaxed);
        if !found {
            self.unseen.store(true, Ordering::Relaxed);
        }
    }

    /// Whether a try may have left something that nobody could see.
    pub(super) fn is_unseen(&self) -> bool {
        self.unseen.load(Ordering::Relaxed)
    }

    /// Whether another try may help.
    pub(super) fn waits(&self, error: &Error) -> bool {
        let again = matches!(error.kind(), ErrorKind::Throttled | ErrorKind::Unavailable);
        is_settling(error) || (again && self.tries.load(Ordering::Relaxed) < TRIES)
    }
}
