//! A model of one user in IAM, with its tags and its parameter, that carries out steps.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use crate::user::access_keys::{
    Demand, KEY_TAGS, KeyDecision, KeyPolicy, KeyStatus, KeyStep, KeyTags, KeysObserved, LastUsed,
    ObservedKey, StoredKey, decide,
};

/// The time of most tests.
pub(super) fn now() -> Timestamp {
    "2026-11-21T12:00:00Z".parse().unwrap()
}

pub(super) fn hours(count: i64) -> SignedDuration {
    SignedDuration::from_hours(count)
}

pub(super) fn days(count: i64) -> SignedDuration {
    SignedDuration::from_hours(24 * count)
}

/// A key that was made so long ago, active, and never used.
pub(super) fn key(id: &str, age: SignedDuration) -> ObservedKey {
    ObservedKey {
        id: id.to_owned(),
        status: KeyStatus::Active,
        create_date: now() - age,
        last_used: LastUsed::Never,
    }
}

pub(super) fn used(ago: SignedDuration) -> LastUsed {
    LastUsed::At {
        time: now() - ago,
        service: Some("s3".to_owned()),
        region: Some("eu-central-1".to_owned()),
    }
}

#[derive(Debug, Clone)]
pub(super) struct World {
    pub(super) now: Timestamp,
    pub(super) keys: Vec<ObservedKey>,
    pub(super) tags: BTreeMap<String, String>,
    pub(super) stored: StoredKey,
    /// Whether the metadata of the parameter can be read.
    pub(super) readable: bool,
    /// Keys that nobody of ours made.
    pub(super) foreign: Vec<String>,
    /// The key whose secret the process knows: lost when it dies.
    fresh: Option<String>,
    made: usize,
}

impl World {
    pub(super) fn new() -> Self {
        Self {
            now: now(),
            keys: Vec::new(),
            tags: BTreeMap::new(),
            stored: StoredKey::Absent,
            readable: true,
            foreign: Vec::new(),
            fresh: None,
            made: 0,
        }
    }

    /// Adds a key that the tags name as current and that the store holds.
    pub(super) fn current(mut self, key: ObservedKey) -> Self {
        self.stored = StoredKey::Holds(key.id.clone());
        self.tags.extend(KeyTags::name_current(&key.id, None, None));
        self.keys.push(key);
        self
    }

    /// Adds a key that was replaced so long ago.
    pub(super) fn retiring(mut self, key: ObservedKey, ago: SignedDuration) -> Self {
        let value = format!("{} {}", key.id, now() - ago);
        self.tags.insert(KEY_TAGS[1].to_owned(), value);
        self.keys.push(key);
        self
    }

    /// Adds a key that no tag names.
    pub(super) fn unnamed(mut self, key: ObservedKey) -> Self {
        self.keys.push(key);
        self
    }

    /// Opens an intent so long ago.
    pub(super) fn intent(mut self, ago: SignedDuration) -> Self {
        self.tags.extend(KeyTags::open_intent(now() - ago, &[]));
        self
    }

    pub(super) fn stored(mut self, stored: StoredKey) -> Self {
        self.stored = stored;
        self
    }

    pub(super) fn observe(&self) -> KeysObserved {
        KeysObserved {
            keys: self.keys.clone(),
            tags: KeyTags::read(&self.tags),
            stored: if self.readable {
                self.stored.clone()
            } else {
                StoredKey::Unknown
            },
        }
    }

    pub(super) fn decide(&self, wanted: Option<&KeyPolicy>, demand: Demand) -> KeyDecision {
        decide(self.now, wanted, demand, &self.observe())
    }

    /// The steps that are asked for now, as text.
    pub(super) fn steps(&self, wanted: Option<&KeyPolicy>, demand: Demand) -> Vec<String> {
        let steps = self.decide(wanted, demand).steps;
        steps.iter().map(ToString::to_string).collect()
    }

    pub(super) fn find(&self, id: &str) -> Option<&ObservedKey> {
        self.keys.iter().find(|key| key.id == id)
    }

    /// The current key that exists.
    pub(super) fn current_id(&self) -> Option<String> {
        let id = KeyTags::read(&self.tags).current?.id;
        self.find(&id).map(|key| key.id.clone())
    }

    /// The retiring key that exists.
    pub(super) fn retiring_id(&self) -> Option<String> {
        let id = KeyTags::read(&self.tags).retiring?.id;
        self.find(&id).map(|key| key.id.clone())
    }

    /// How many keys that the tags name work.
    pub(super) fn active_of_ours(&self) -> usize {
        [self.current_id(), self.retiring_id()]
            .iter()
            .flatten()
            .filter(|id| self.find(id).unwrap().status == KeyStatus::Active)
            .count()
    }

    /// The process dies: what only it knew is lost.
    pub(super) fn crash(&mut self) {
        self.fresh = None;
    }

    fn fresh(&self) -> String {
        self.fresh.clone().expect("a key was just made")
    }

    fn ours(&mut self, id: &str) -> &mut ObservedKey {
        assert!(!self.foreign.iter().any(|foreign| foreign == id), "{id}");
        self.keys.iter_mut().find(|key| key.id == id).unwrap()
    }

    fn name(&mut self, id: &str, step: (&Option<String>, Option<&super::super::TriggerHash>)) {
        let (retire, trigger) = step;
        let retire = retire.as_deref().map(|old| (old, self.now));
        self.ours(id);
        self.tags.extend(KeyTags::name_current(id, trigger, retire));
    }

    /// Does what AWS does.
    pub(super) fn execute(&mut self, step: &KeyStep) {
        match step {
            KeyStep::OpenIntent { beside } => {
                self.tags.extend(KeyTags::open_intent(self.now, beside));
            }
            KeyStep::Create => {
                assert!(self.keys.len() < 2, "LimitExceeded");
                self.made += 1;
                let id = format!("AKIANEW{}", self.made);
                self.keys.push(ObservedKey {
                    create_date: self.now,
                    ..key(&id, hours(0))
                });
                self.fresh = Some(id);
            }
            KeyStep::Verify => {
                let id = self.fresh();
                assert_eq!(self.ours(&id).status, KeyStatus::Active);
                assert_eq!(KeyTags::read(&self.tags).intent, Some(self.now));
            }
            KeyStep::Store => {
                assert!(!matches!(self.stored, StoredKey::Foreign(_)));
                self.stored = StoredKey::Holds(self.fresh());
            }
            KeyStep::NameCurrent { retire, trigger } => {
                let id = self.fresh();
                assert_eq!(self.stored, StoredKey::Holds(id.clone()));
                self.name(&id, (retire, trigger.as_ref()));
            }
            KeyStep::DeactivateNew => {
                let id = self.fresh();
                self.ours(&id).status = KeyStatus::Inactive;
            }
            KeyStep::AdoptInterrupted {
                id,
                retire,
                trigger,
            } => self.name(id, (retire, trigger.as_ref())),
            KeyStep::Activate(id) => self.ours(id).status = KeyStatus::Active,
            KeyStep::Deactivate(id) => self.ours(id).status = KeyStatus::Inactive,
            KeyStep::Delete(id) => {
                self.ours(id);
                self.keys.retain(|key| key.id != *id);
            }
            KeyStep::Forget => self.tags.retain(|key, _| !KEY_TAGS.contains(&key.as_str())),
        }
    }

    /// Decides and carries out, once.
    pub(super) fn run(&mut self, wanted: Option<&KeyPolicy>, demand: Demand) -> KeyDecision {
        let decision = self.decide(wanted, demand);
        for step in &decision.steps {
            self.execute(step);
        }
        decision
    }
}
