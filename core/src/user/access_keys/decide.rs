//! The decision: rules over what exists, what is wanted, and the time.

use jiff::Timestamp;

use super::{Demand, KeyDecision, KeyPolicy, KeysObserved};

/// Decides what to do about a user's access keys at the time `now`.
///
/// `wanted` is `None` when the user is to have no key of ours. Pure: the same arguments give the
/// same decision. Idempotent: in the state that the steps lead to, the decision of the same time
/// has no steps.
pub fn decide(
    now: Timestamp,
    wanted: Option<&KeyPolicy>,
    demand: Demand,
    observed: &KeysObserved,
) -> KeyDecision {
    let _ = (now, wanted, demand, observed);
    KeyDecision::default()
}
