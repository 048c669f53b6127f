//! How many calls run at the same time where nobody can tell how many AWS takes.
//!
//! The quotas of Parameter Store differ between accounts (higher throughput is a setting that costs money), and the member
//! role could not ask for them. So the number is found out, in the way in which TCP finds out how much a network takes
//! (RFC 5681, slow start and congestion avoidance): it doubles with each round of calls until one has to be repeated, is
//! halved then, and grows by one a round after that.

use std::sync::{Arc, Mutex, PoisonError};

use aws_sdk_ssm::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::context::BeforeTransmitInterceptorContextRef;
use aws_smithy_runtime_api::client::interceptors::dyn_dispatch_hint;
use aws_smithy_runtime_api::client::retries::RequestAttempts;
use tokio::sync::{AcquireError, Semaphore, SemaphorePermit};

/// Always possible: with three writes a second, which is the least that Parameter Store takes, the retries of the SDK bring so
/// many calls through.
const LEAST: usize = 8;
/// Each call holds a connection.
const MOST: usize = 256;

/// How many calls may run, and why that many.
#[derive(Debug, PartialEq, Eq)]
struct Window {
    calls: usize,
    /// Up to here the window doubles in a round.
    doubles_until: usize,
    /// Calls that went well since the window grew last.
    went_well: usize,
}

impl Window {
    const FIRST: Self = Self {
        calls: LEAST,
        doubles_until: MOST,
        went_well: 0,
    };

    /// A call went well while all places were taken.
    fn widen(&mut self) {
        self.went_well += 1;
        let needed = if self.calls < self.doubles_until {
            1
        } else {
            self.calls
        };
        if self.went_well >= needed {
            self.went_well = 0;
            self.calls = (self.calls + 1).min(MOST);
        }
    }

    /// A call has to be repeated.
    fn narrow(&mut self) {
        let half = (self.calls / 2).max(LEAST);
        *self = Self {
            calls: half,
            doubles_until: half,
            went_well: 0,
        };
    }
}

/// Places for calls, as many as [`Window`] says.
#[derive(Debug)]
pub(super) struct Pace {
    places: Semaphore,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    window: Window,
    /// Places that are to go, and that a call still holds.
    surplus: usize,
}

impl Pace {
    pub(super) fn new() -> Self {
        Self {
            places: Semaphore::new(Window::FIRST.calls),
            state: Mutex::new(State {
                window: Window::FIRST,
                surplus: 0,
            }),
        }
    }

    /// Waits for a place.
    pub(super) async fn place(&self) -> Result<Place<'_>, AcquireError> {
        Ok(Place {
            permit: Some(self.places.acquire().await?),
            pace: self,
        })
    }

    fn change(&self, change: impl FnOnce(&mut Window)) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let before = state.window.calls;
        change(&mut state.window);
        let after = state.window.calls;
        let more = after.saturating_sub(before);
        let kept = more.min(state.surplus);
        state.surplus -= kept;
        self.places.add_permits(more - kept);
        let fewer = before.saturating_sub(after);
        state.surplus += fewer - self.places.forget_permits(fewer);
    }

    fn is_full(&self) -> bool {
        self.places.available_permits() == 0
    }
}

/// A place of a [`Pace`], given back at the end.
#[derive(Debug)]
pub(super) struct Place<'a> {
    permit: Option<SemaphorePermit<'a>>,
    pace: &'a Pace,
}

impl Place<'_> {
    /// The call went well. Places that nobody needed tell nothing about what AWS takes.
    pub(super) fn went_well(self) {
        if self.pace.is_full() {
            self.pace.change(Window::widen);
        }
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let pace = self.pace;
        let mut state = pace.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.surplus > 0
            && let Some(permit) = self.permit.take()
        {
            state.surplus -= 1;
            permit.forget();
        }
    }
}

/// Tells a [`Pace`] of calls that the SDK repeats: they were throttled, or their answer was lost.
#[derive(Debug)]
pub(super) struct Repeats(pub(super) Arc<Pace>);

#[dyn_dispatch_hint]
impl Intercept for Repeats {
    fn name(&self) -> &'static str {
        "crossaccount repeats"
    }

    fn read_before_transmit(
        &self,
        _context: &BeforeTransmitInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        cfg: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if cfg
            .load::<RequestAttempts>()
            .is_some_and(|attempts| attempts.attempts() > 1)
        {
            self.0.change(Window::narrow);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use futures_util::FutureExt as _;

    use super::{LEAST, MOST, Pace, Place, Window};

    /// Takes places until there are no more.
    fn fill(pace: &Pace) -> Vec<Place<'_>> {
        std::iter::from_fn(|| pin!(pace.place()).now_or_never())
            .map(Result::unwrap)
            .collect()
    }

    fn a_round_goes_well(pace: &Pace) -> usize {
        let places = fill(pace);
        let number = places.len();
        for place in places {
            // The next in the queue takes the place at once; here the last one finds others free.
            place.went_well();
        }
        number
    }

    #[test]
    fn the_window_doubles_each_round_until_a_call_is_repeated() {
        let mut window = Window::FIRST;
        let mut rounds = vec![window.calls];
        for _ in 0..3 {
            for _ in 0..window.calls {
                window.widen();
            }
            rounds.push(window.calls);
        }
        assert_eq!(rounds, [8, 16, 32, 64]);
        window.narrow();
        assert_eq!(window.calls, 32);
        for _ in 0..32 {
            window.widen();
        }
        assert_eq!(window.calls, 33, "then it grows by one a round");
    }

    #[test]
    fn the_window_stays_within_its_ends() {
        let mut window = Window::FIRST;
        for _ in 0..20 {
            window.narrow();
        }
        assert_eq!(window.calls, LEAST);
        for _ in 0..MOST * MOST {
            window.widen();
        }
        assert_eq!(window.calls, MOST);
    }

    #[test]
    fn there_are_as_many_places_as_the_window_says() {
        let pace = Pace::new();
        assert_eq!(a_round_goes_well(&pace), LEAST);
        // Only the first of the round found every place taken.
        assert_eq!(fill(&pace).len(), LEAST + 1);
    }

    #[test]
    fn places_that_go_while_calls_hold_them_are_not_given_back() {
        let pace = Pace::new();
        for _ in 0..LEAST {
            pace.change(Window::widen);
        }
        let places = fill(&pace);
        assert_eq!(places.len(), 2 * LEAST);
        pace.change(Window::narrow);
        assert_eq!(fill(&pace).len(), 0);
        drop(places);
        assert_eq!(fill(&pace).len(), LEAST);
    }

    #[test]
    fn a_place_that_is_not_gone_yet_counts_when_the_window_grows_again() {
        let pace = Pace::new();
        for _ in 0..LEAST {
            pace.change(Window::widen);
        }
        let places = fill(&pace);
        pace.change(Window::narrow);
        for _ in 0..LEAST {
            pace.change(Window::widen);
        }
        drop(places);
        assert_eq!(fill(&pace).len(), LEAST + 1);
    }

    #[test]
    fn a_call_that_was_given_up_gives_its_place_back() {
        let pace = Pace::new();
        drop(fill(&pace));
        assert_eq!(fill(&pace).len(), LEAST);
    }
}
