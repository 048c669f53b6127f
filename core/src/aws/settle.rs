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

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::time::Duration;

    use tokio::time::Instant;
    use tokio_util::sync::CancellationToken;

    use super::{LONGEST_STEP, SettleLimits, jittered, settle};
    use crate::error::{Error, ErrorKind};

    fn not_yet(error: &Error) -> bool {
        error.kind() == ErrorKind::NotFound
    }

    fn missing(call: u32) -> Error {
        Error::new(ErrorKind::NotFound, format!("call {call}"))
    }

    /// Fails until the given call and counts.
    async fn run(limits: &SettleLimits, good_from: u32) -> (Result<u32, Error>, u32, Duration) {
        let calls = Cell::new(0);
        let began = Instant::now();
        let result = settle(limits, not_yet, || {
            calls.set(calls.get() + 1);
            let call = calls.get();
            async move {
                if call >= good_from {
                    Ok(call)
                } else {
                    Err(missing(call))
                }
            }
        })
        .await;
        (result, calls.get(), began.elapsed())
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_there_at_once_costs_no_time() {
        let limits = SettleLimits::new(Duration::from_mins(1));
        let (result, calls, took) = run(&limits, 1).await;
        assert_eq!((result.unwrap(), calls, took), (1, 1, Duration::ZERO));
    }

    #[tokio::test(start_paused = true)]
    async fn steps_grow_from_a_fifth_of_a_second() {
        let limits = SettleLimits::new(Duration::from_mins(1));
        let (result, calls, took) = run(&limits, 5).await;
        assert_eq!((result.unwrap(), calls), (5, 5));
        // 0.2 + 0.4 + 0.8 + 1.6 seconds, each between its half and itself.
        assert!(took >= Duration::from_millis(1500), "{took:?}");
        assert!(took <= Duration::from_millis(3010), "{took:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn waiting_ends_with_the_budget_and_the_last_error() {
        let limits = SettleLimits::new(Duration::from_secs(30));
        let (result, calls, took) = run(&limits, u32::MAX).await;
        assert_eq!(result.unwrap_err().message(), format!("call {calls}"));
        assert!(calls >= 8, "{calls}");
        assert!(
            took >= Duration::from_secs(30),
            "the last call is at the end of the budget"
        );
        assert!(took < Duration::from_millis(30_010), "{took:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_deadline_that_is_nearer_than_the_budget_counts() {
        let deadline = Instant::now() + Duration::from_secs(2);
        let limits = SettleLimits::new(Duration::from_secs(30)).until(deadline);
        let (result, _, took) = run(&limits, u32::MAX).await;
        assert!(result.is_err());
        assert!(took < Duration::from_millis(2010), "{took:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn another_error_is_returned_at_once() {
        let limits = SettleLimits::new(Duration::from_secs(30));
        let began = Instant::now();
        let result: Result<(), _> = settle(&limits, not_yet, || async {
            Err(Error::new(ErrorKind::AccessDenied, "no"))
        })
        .await;
        assert_eq!(result.unwrap_err().kind(), ErrorKind::AccessDenied);
        assert_eq!(began.elapsed(), Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn cancelling_ends_the_waiting_with_the_last_error() {
        let cancel = CancellationToken::new();
        let limits = SettleLimits::new(Duration::from_mins(5)).unless(cancel.clone());
        let cancelled = async {
            tokio::time::sleep(Duration::from_secs(3)).await;
            cancel.cancel();
        };
        let ((result, _, took), ()) = tokio::join!(run(&limits, u32::MAX), cancelled);
        assert_eq!(result.unwrap_err().kind(), ErrorKind::NotFound);
        assert!(took < Duration::from_millis(3010), "{took:?}");
    }

    #[test]
    fn jitter_stays_between_the_half_and_the_whole() {
        for _ in 0..200 {
            let pause = jittered(LONGEST_STEP);
            assert!(
                pause >= LONGEST_STEP / 2 && pause <= LONGEST_STEP,
                "{pause:?}"
            );
        }
    }
}
