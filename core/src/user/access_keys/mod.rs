//! Access keys of one user: which steps the wanted state and the time of day ask for.
//!
//! ```text
//! KeyPolicy, Demand ---+
//!                      +--> decide(now) --> KeyDecision: steps, reasons, what is blocked, views
//! KeysObserved --------+      pure
//! ```
//!
//! The state lives on the user as three reserved tags ([`KeyTags`]), and the secret in the secret
//! store. A new key is announced ([`KeyStep::OpenIntent`]), made, verified, stored and only then named
//! by one call that changes all three tags. A process may die between any two of these steps: the
//! next decision finds a key that no tag names and that was made while the intent was open, and
//! knows that it is ours. If its secret is stored it becomes the current key, else it is deleted.
//!
//! Nothing here calls AWS, looks at the clock or draws random numbers.

mod classify;
mod decide;
mod decision;
mod observed;
mod policy;
mod sentences;
mod step;
mod tags;
mod timeline;

use std::collections::BTreeSet;

pub use decide::decide;
pub use decision::{Demand, KeyDecision, KeyObstacle, KeyPhase, KeyView, NextAction};
pub use observed::{KeysObserved, LastUsed, ObservedKey, StoredKey};
pub use policy::{
    KeyIntervals, KeyPolicy, KeyPolicyProblem, KeyStatus, LONGEST_TRIGGER, MOST_DAYS, TriggerHash,
};
pub use step::KeyStep;
pub use tags::{CURRENT_KEY_TAG, KEY_INTENT_TAG, KEY_TAGS, KeyTags, RETIRING_KEY_TAG};

/// The keys among all of a user's that are ours: those that the tags name, and one that an interrupted
/// rotation left. Pure.
pub fn own_keys(tags: &KeyTags, keys: &[ObservedKey]) -> BTreeSet<String> {
    let observed = KeysObserved {
        keys: keys.to_vec(),
        tags: tags.clone(),
        stored: StoredKey::Unknown,
    };
    let keys = classify::Keys::of(&observed);
    keys.ours().map(|key| key.id.clone()).collect()
}

#[cfg(test)]
mod tests;
