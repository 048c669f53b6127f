//! How much time an invocation has, and how much of it belongs to the answer.

use std::time::Duration;

use tokio::time::Instant;

/// Lambda lets no invocation run longer. A deadline that is further away is a clock that is wrong.
const LONGEST: Duration = Duration::from_mins(15);
/// A deadline that is nearer, or past, tells nothing: emulators send a constant (`cargo lambda` sends 600000).
const SHORTEST: Duration = Duration::from_secs(1);
/// What we then take for granted.
const ASSUMED: Duration = Duration::from_mins(1);
/// What the answer gets of the time that there is: enough for three attempts that hang, and for remembering it.
/// Never more than half of all.
const RESERVE: Duration = Duration::from_secs(20);
/// What is left at the end for telling Lambda how it went.
const LAST: Duration = Duration::from_millis(500);

/// The times up to which the parts of an invocation may last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deadline {
    work: Instant,
    reserve: Duration,
    end: Instant,
}

impl Deadline {
    /// From Lambda's deadline and the time, both in milliseconds since 1970.
    pub fn read(deadline_ms: u64, now_ms: u64, now: Instant) -> Self {
        let ahead = Duration::from_millis(deadline_ms.saturating_sub(now_ms));
        let time = if ahead < SHORTEST {
            ASSUMED
        } else {
            ahead.min(LONGEST)
        };
        Self::after(time, now)
    }

    /// So much time from now.
    fn after(time: Duration, now: Instant) -> Self {
        let time = time.saturating_sub(LAST.min(time / 10));
        let reserve = RESERVE.min(time / 2);
        Self {
            work: now + time.saturating_sub(reserve),
            reserve,
            end: now + time,
        }
    }

    /// When the work has to be over.
    pub fn work(&self) -> Instant {
        self.work
    }

    /// When work that is not over is given up: a moment later, so that what ends in time is also heard in time.
    pub fn patience(&self) -> Instant {
        self.work + self.reserve / 20
    }

    /// How long we wait to hear what became of an earlier delivery: as long as an answer may take, and no more than
    /// half of the work's time.
    pub fn looking_back(&self, now: Instant) -> Instant {
        let half = self.work.saturating_duration_since(now) / 2;
        now + half.min(self.reserve)
    }

    /// How long remembering the answer may keep it from being sent.
    pub fn remembering(&self, now: Instant) -> Instant {
        now + self.reserve * 3 / 20
    }

    /// When the last attempt to deliver has to be over. That leaves seven tenths of the reserve for the delivery, when
    /// the work and the remembering took all that they may.
    pub fn delivery(&self) -> Instant {
        self.end - self.reserve / 10
    }

    /// When everything has to be over.
    pub fn end(&self) -> Instant {
        self.end
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;
    use tokio::time::Instant;

    use super::Deadline;

    const NOW: u64 = 1_795_248_000_000;

    fn seconds(deadline_ms: u64) -> (f64, f64, f64) {
        let now = Instant::now();
        let deadline = Deadline::read(deadline_ms, NOW, now);
        let after = |time: Instant| (time - now).as_secs_f64();
        (
            after(deadline.work()),
            after(deadline.delivery()),
            after(deadline.end()),
        )
    }

    #[rstest::rstest]
    // A function of fifteen minutes, of one minute, of ten seconds.
    #[case(NOW + 900_000, (879.5, 897.5, 899.5))]
    #[case(NOW + 60_000, (39.5, 57.5, 59.5))]
    #[case(NOW + 10_000, (4.75, 9.025, 9.5))]
    #[case(NOW + 1_000, (0.45, 0.855, 0.9))]
    // Unknown: a constant of an emulator, the past, too near.
    #[case(600_000, (39.5, 57.5, 59.5))]
    #[case(0, (39.5, 57.5, 59.5))]
    #[case(NOW, (39.5, 57.5, 59.5))]
    #[case(NOW - 1, (39.5, 57.5, 59.5))]
    #[case(NOW + 999, (39.5, 57.5, 59.5))]
    // A wrong clock.
    #[case(NOW + 86_400_000, (879.5, 897.5, 899.5))]
    #[case(u64::MAX, (879.5, 897.5, 899.5))]
    fn work_delivery_and_end_have_their_times(
        #[case] deadline_ms: u64,
        #[case] times: (f64, f64, f64),
    ) {
        let (work, delivery, end) = seconds(deadline_ms);
        for (is, should) in [(work, times.0), (delivery, times.1), (end, times.2)] {
            assert!((is - should).abs() < 0.001, "{work} {delivery} {end}");
        }
    }

    proptest! {
        #[test]
        fn every_part_has_time_and_none_eats_the_next(deadline_ms: u64, now_ms: u64) {
            let now = Instant::now();
            let deadline = Deadline::read(deadline_ms, now_ms, now);
            let reserve = deadline.end() - deadline.work();
            prop_assert!(deadline.looking_back(now) > now);
            prop_assert!(deadline.looking_back(now) < deadline.work());
            // However late the work ends, the delivery keeps seven tenths of the reserve.
            let remembered = deadline.remembering(deadline.patience());
            let kept = (deadline.delivery() - remembered).as_secs_f64();
            prop_assert!((kept / reserve.as_secs_f64() - 0.7).abs() < 0.001, "{kept}");
            prop_assert!(deadline.delivery() < deadline.end());
            prop_assert!(deadline.end() <= now + Duration::from_mins(15));
            prop_assert!(deadline.work() - now >= reserve);
        }
    }
}
