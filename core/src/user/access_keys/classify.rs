//! Whose a key is, and where it is in its life.

use jiff::Timestamp;

use super::timeline::{made_under, next_of_retiring, rotate_at};
use super::{
    KeyPhase, KeyPolicy, KeyStatus, KeyView, KeysObserved, NextAction, ObservedKey, TriggerHash,
};

/// The key that the secret store should hold.
#[derive(Debug, Clone, Copy)]
pub(super) struct Current<'a> {
    pub(super) key: &'a ObservedKey,
    pub(super) trigger: Option<&'a TriggerHash>,
}

/// The key that was replaced.
#[derive(Debug, Clone, Copy)]
pub(super) struct Retiring<'a> {
    pub(super) key: &'a ObservedKey,
    pub(super) since: Timestamp,
}

/// The keys of a user, by what the tags say about them.
#[derive(Debug, Clone)]
pub(super) struct Keys<'a> {
    pub(super) current: Option<Current<'a>>,
    pub(super) retiring: Option<Retiring<'a>>,
    /// No tag names them, and they were made while the intent was open.
    pub(super) interrupted: Vec<&'a ObservedKey>,
    /// All others.
    pub(super) foreign: Vec<&'a ObservedKey>,
}

impl<'a> Keys<'a> {
    /// Sorts the keys. A tag that names a key that does not exist counts as absent.
    pub(super) fn of(observed: &'a KeysObserved) -> Self {
        let tags = &observed.tags;
        let mut keys = Self {
            current: None,
            retiring: None,
            interrupted: Vec::new(),
            foreign: Vec::new(),
        };
        for key in &observed.keys {
            let current = tags.current.as_ref().filter(|tag| tag.id == key.id);
            let retiring = tags.retiring.as_ref().filter(|tag| tag.id == key.id);
            if let Some(tag) = current {
                let trigger = tag.trigger.as_ref();
                keys.current = Some(Current { key, trigger });
            } else if let Some(tag) = retiring {
                let since = tag.since;
                keys.retiring = Some(Retiring { key, since });
            } else if tags.intent.is_some_and(|intent| made_under(intent, key))
                && !tags.beside.contains(&key.id)
            {
                keys.interrupted.push(key);
            } else {
                keys.foreign.push(key);
            }
        }
        keys
    }

    /// How many of the two places of the user are taken.
    pub(super) fn count(&self) -> usize {
        usize::from(self.current.is_some())
            + usize::from(self.retiring.is_some())
            + self.interrupted.len()
            + self.foreign.len()
    }

    /// The keys that are ours.
    pub(super) fn ours(&self) -> impl Iterator<Item = &'a ObservedKey> {
        let current = self.current.map(|current| current.key);
        let retiring = self.retiring.map(|retiring| retiring.key);
        current
            .into_iter()
            .chain(retiring)
            .chain(self.interrupted.iter().copied())
    }

    /// All keys as they are shown: ours first, in the order of their lives.
    pub(super) fn views(&self, now: Timestamp, wanted: Option<&KeyPolicy>) -> Vec<KeyView> {
        let mut views = Vec::new();
        if let Some(Current { key, .. }) = self.current {
            let next = wanted
                .filter(|policy| policy.status() == KeyStatus::Active)
                .map(|policy| (NextAction::Rotate, rotate_at(policy, key)));
            views.push(view(key, KeyPhase::Current, next));
        }
        if let Some(Retiring { key, since }) = self.retiring {
            let phase = match key.status {
                KeyStatus::Active => KeyPhase::Retiring,
                KeyStatus::Inactive => KeyPhase::Disabled,
            };
            let next = wanted.map(|policy| next_of_retiring(policy, now, key, since));
            views.push(view(key, phase, next));
        }
        for key in &self.interrupted {
            views.push(view(key, KeyPhase::Interrupted, None));
        }
        for key in &self.foreign {
            views.push(view(key, KeyPhase::Foreign, None));
        }
        views.sort_by_key(|view| (view.phase, view.create_date, view.id.clone()));
        views
    }
}

fn view(
    key: &ObservedKey,
    phase: KeyPhase,
    next_action: Option<(NextAction, Timestamp)>,
) -> KeyView {
    KeyView {
        id: key.id.clone(),
        status: key.status,
        phase,
        create_date: key.create_date,
        last_used: key.last_used.clone(),
        next_action,
        blocked: None,
    }
}
