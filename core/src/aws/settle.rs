//! Waiting for IAM to show what was just written. IAM is eventually consistent: a user that was
//! created a moment ago may not be found yet, a name that was just freed may be still in use.
//!
//! This is no retry of failed calls: the caller says which error means "not yet".

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::error::Error;

const FIRST_STEP: Duration = Duration::from_millis(200);
const LONGEST_STEP: Duration = Duration::from_secs(5);

/// How long waiting may take.
#[derive(Debug, Clone)]
pub struct SettleLimits {
    budget: Duration,
    deadline: Option<Instant>,
    cancel: CancellationToken,
}

impl SettleLimits {
    /// Waits at most `budget` after the first call of the operation has failed.
    pub fn new(budget: Duration) -> Self {
        Self {
            budget,
            deadline: None,
            cancel: CancellationToken::new(),
        }
    }

    /// Ends waiting at this moment too.
    #[must_use]
    pub fn until(mut self, deadline: Instant) -> Self {
        self.deadline = Some(deadline);
        self
    }

    /// Ends waiting when the token is cancelled. A call in flight is never dropped.
    #[must_use]
    pub fn unless(mut self, cancel: CancellationToken) -> Self {
        self.cancel = cancel;
        self
    }
}

/// Calls `operation` until it succeeds, fails with an error that waiting does not help, or the limits
/// are reached; then its last error is returned. It is called at least once, and sleeping never goes
/// beyond the budget or the deadline.
pub async fn settle<T, F, Fut>(
    limits: &SettleLimits,
    should_wait: impl Fn(&Error) -> bool,
    mut operation: F,
) -> Result<T, Error>
where
    F: FnMut() -> Fut,
    Fut: Future<Output = Result<T, Error>>,
{
    let mut end = None;
    let mut step = FIRST_STEP;
    loop {
        let error = match operation().await {
            Ok(value) => return Ok(value),
            Err(error) => error,
        };
        if !should_wait(&error) {
            return Err(error);
        }
        let now = Instant::now();
        let end = *end.get_or_insert_with(|| {
            let end = now + limits.budget;
            limits.deadline.map_or(end, |deadline| end.min(deadline))
        });
        if now >= end || limits.cancel.is_cancelled() {
            return Err(error);
        }
        let pause = jittered(step).min(end - now);
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = limits.cancel.cancelled() => return Err(error),
        }
        step = (step * 2).min(LONGEST_STEP);
    }
}

/// Between half of the step and the whole step, so that a hundred accounts do not ask in one moment.
fn jittered(step: Duration) -> Duration {
    // The standard library's only source of randomness; good enough to spread load.
    let random = RandomState::new().hash_one(0u8) % 1000;
    let share = u32::try_from(random).unwrap_or_default();
    step / 2 + step / 2 * share / 1000
}
