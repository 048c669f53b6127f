//! Time as an argument: the core asks a [`Clock`] and never the machine.
//!
//! Sleeping is no part of it. Whoever waits uses `tokio::time`, whose clock a test can pause.

use std::fmt::Debug;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use aws_smithy_async::time::TimeSource;
use jiff::Timestamp;

/// Tells the time.
pub trait Clock: Debug + Send + Sync {
    /// The time now.
    fn now(&self) -> Timestamp;
}

/// The clock of the machine.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that asks the machine for the time"
    )]
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}

/// A clock that stands still until a test moves it.
#[doc(hidden)]
#[derive(Debug, Clone)]
pub struct TestClock(Arc<Mutex<Timestamp>>);

impl TestClock {
    /// A clock that shows `now`.
    pub fn at(now: Timestamp) -> Self {
        Self(Arc::new(Mutex::new(now)))
    }

    /// Moves the clock to `now`, also backwards.
    pub fn set(&self, now: Timestamp) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = now;
    }

    /// Moves the clock forward; a time beyond the range of timestamps leaves it where it is.
    pub fn advance(&self, by: Duration) {
        let mut now = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Ok(later) = now.checked_add(by) {
            *now = later;
        }
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Shows a [`Clock`] to the AWS SDK, so that signatures and the expiry of credentials follow it too.
#[derive(Debug, Clone)]
pub(crate) struct SdkTime(pub(crate) Arc<dyn Clock>);

impl TimeSource for SdkTime {
    fn now(&self) -> SystemTime {
        SystemTime::from(self.0.now())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::{Duration, SystemTime};

    use aws_smithy_async::time::TimeSource;

    use super::{Clock, SdkTime, TestClock};

    #[test]
    fn a_test_clock_moves_only_when_told() {
        let clock = TestClock::at("2026-01-02T03:04:05Z".parse().unwrap());
        assert_eq!(clock.now(), clock.now());
        clock.advance(Duration::from_secs(55));
        assert_eq!(clock.now().to_string(), "2026-01-02T03:05:00Z");
    }

    #[test]
    fn the_sdk_sees_the_same_time() {
        let clock = TestClock::at("1970-01-01T00:00:10Z".parse().unwrap());
        let expected = SystemTime::UNIX_EPOCH + Duration::from_secs(10);
        assert_eq!(SdkTime(Arc::new(clock)).now(), expected);
    }
}
