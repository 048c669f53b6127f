//! The decision: rules over what exists, what is wanted, and the time.

use jiff::{SignedDuration, Timestamp};

use super::classify::{Current, Keys, Retiring};
use super::sentences::{date, days, days_between};
use super::timeline::{Guard, delete_at, disable_at, is_unused, next_of_retiring, rotate_at};
use super::{
    Demand, KeyDecision, KeyObstacle, KeyPolicy, KeyStatus, KeyStep, KeysObserved, LastUsed,
    NextAction, ObservedKey, StoredKey,
};

/// IAM, "IAM and AWS STS quotas": access keys of a user, inactive ones too. Not adjustable.
const PLACES: usize = 2;

/// Decides what to do about a user's access keys at the time `now`.
///
/// `wanted` is `None` when the user is to have no key of ours. Pure: the same arguments give the
/// same decision. Idempotent: in the state that the steps lead to, the scheduled decision of the
/// same time has no steps.
pub fn decide(
    now: Timestamp,
    wanted: Option<&KeyPolicy>,
    demand: Demand,
    observed: &KeysObserved,
) -> KeyDecision {
    let keys = Keys::of(observed);
    let decision = KeyDecision {
        views: keys.views(now, wanted),
        ..KeyDecision::default()
    };
    let Some(policy) = wanted else {
        return forget(decision, demand, &keys, observed);
    };
    let planner = Planner {
        now,
        policy,
        demand,
        observed,
        keys,
        decision,
    };
    planner.plan()
}

/// The user is to have no key of ours. The tags go last, so that a run that dies in between leaves
/// no key that nobody knows.
fn forget(
    mut decision: KeyDecision,
    demand: Demand,
    keys: &Keys<'_>,
    observed: &KeysObserved,
) -> KeyDecision {
    if demand == Demand::RotateNow {
        let sentence = "no access key is wanted for this user, so none is replaced: add access_key";
        decision.blocked.push(sentence.to_owned());
    }
    for key in keys.ours() {
        let sentence = format!(
            "access key {} is not wanted any more: it is deleted",
            key.id
        );
        decision.reasons.push(sentence);
        decision.steps.push(KeyStep::Delete(key.id.clone()));
    }
    if observed.tags.present {
        if decision.steps.is_empty() {
            let sentence = "the user has tags of access keys that do not exist: they are removed";
            decision.reasons.push(sentence.to_owned());
        }
        decision.steps.push(KeyStep::Forget);
    }
    decision
}

/// Why a new key is needed, the most urgent reason first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Need {
    NoCurrent,
    SecretLost,
    Demand,
    Trigger,
    Age,
}

/// How a place for a new key comes about.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Room {
    /// There is one.
    Free,
    /// The replaced key is due to be deleted.
    DueDeletion,
    /// The replaced key is not used, and the new key is not a matter of age only.
    EarlyDeletion,
    /// There is none: a fragment that says why, for a `now` and without one.
    Taken { warning: String, view: String },
}

/// The decision while it is made. `keys` and the statuses in it follow the steps so far.
struct Planner<'a> {
    now: Timestamp,
    policy: &'a KeyPolicy,
    demand: Demand,
    observed: &'a KeysObserved,
    keys: Keys<'a>,
    decision: KeyDecision,
}

impl<'a> Planner<'a> {
    fn plan(mut self) -> KeyDecision {
        self.settle_interrupted();
        let needs = self.needs();
        if let Some(obstacle) = self.obstacle(&needs) {
            return KeyDecision {
                steps: Vec::new(),
                reasons: Vec::new(),
                error: Some(obstacle),
                ..self.decision
            };
        }
        let due = self.due_removal();
        let room = self.room(&needs, due);
        let make = match (&room, needs.first()) {
            (_, None) => None,
            (Room::Taken { warning, view }, Some(need)) => {
                self.block_rotation(*need, warning, view);
                None
            }
            (Room::Free | Room::DueDeletion | Room::EarlyDeletion, Some(need)) => Some(*need),
        };

        let activated = self.activate_current(make, &room);
        let postponed = self.remove_retiring(make, &room, due, activated);
        self.deactivate_all();
        if let Some(need) = make {
            self.make_key(need);
        }
        if let Some((step, sentence)) = postponed {
            self.push(step, sentence);
        }
        self.decision
    }

    fn push(&mut self, step: KeyStep, reason: String) {
        self.decision.steps.push(step);
        self.decision.reasons.push(reason);
    }

    /// Says what is due and not done: as a warning, and at the key.
    fn block(&mut self, key: Option<&ObservedKey>, warning: String, view: String) {
        self.decision.blocked.push(warning);
        let views = &mut self.decision.views;
        if let Some(shown) = key.and_then(|key| views.iter_mut().find(|view| view.id == key.id)) {
            shown.blocked = Some(view);
        }
    }

    /// Completes the interrupted rotation whose key is stored, and deletes what other ones left.
    ///
    /// The intent tag makes these keys ours, and the next intent overwrites it. So no new key is
    /// made before they are settled, and nothing is settled before the store can be read: the key may
    /// be the one that everybody reads by now.
    fn settle_interrupted(&mut self) {
        if self.observed.stored == StoredKey::Unknown {
            for key in self.keys.interrupted.clone() {
                let sentence = format!(
                    "access key {} was left by an interrupted rotation, and the secret store could \
                     not be asked whether it holds its secret: allow ssm:DescribeParameters, then \
                     apply again",
                    key.id
                );
                self.block(Some(key), sentence.clone(), sentence);
            }
            return;
        }
        let stored = match &self.observed.stored {
            StoredKey::Holds(id) => Some(id),
            StoredKey::Unknown | StoredKey::Absent | StoredKey::Foreign(_) => None,
        };
        let mut interrupted = std::mem::take(&mut self.keys.interrupted);
        // Adoption closes the intent, and with it the proof that the others are ours: it goes last.
        interrupted.sort_by_key(|key| Some(&key.id) == stored);
        for key in interrupted {
            if Some(&key.id) == stored {
                self.adopt(key);
            } else {
                let sentence = format!(
                    "access key {} was left by an interrupted rotation, and its secret was never \
                     stored: it is deleted",
                    key.id
                );
                self.push(KeyStep::Delete(key.id.clone()), sentence);
            }
        }
    }

    fn adopt(&mut self, key: &'a ObservedKey) {
        let trigger = self.policy.rotation_trigger();
        let old = self.keys.current.replace(Current { key, trigger });
        let mut sentence = format!(
            "access key {} was made and stored by an interrupted rotation: it becomes the current \
             key",
            key.id
        );
        if let Some(Current { key: old, .. }) = old {
            sentence.push_str(&self.fate_of_replaced(old));
            let since = self.now;
            self.keys.retiring = Some(Retiring { key: old, since });
        }
        let step = KeyStep::AdoptInterrupted {
            id: key.id.clone(),
            retire: old.map(|old| old.key.id.clone()),
            trigger: trigger.cloned(),
        };
        self.push(step, sentence);
        // What was asked for and interrupted is done now. A key that has been in the store for a while
        // is not what somebody wants who asks for a new one.
        if self.now.duration_since(key.create_date) < SignedDuration::from_hours(1) {
            self.demand = Demand::Scheduled;
        }
    }

    /// Why a new key is needed. An inactive key is not replaced for its age, and not on request: the
    /// new one would be as inactive as the old one.
    fn needs(&mut self) -> Vec<Need> {
        let Some(Current { key, trigger }) = self.keys.current else {
            return vec![Need::NoCurrent];
        };
        let mut needs = Vec::new();
        match &self.observed.stored {
            StoredKey::Absent => needs.push(Need::SecretLost),
            StoredKey::Holds(id) if *id != key.id => needs.push(Need::SecretLost),
            StoredKey::Holds(_) | StoredKey::Unknown | StoredKey::Foreign(_) => {}
        }
        if self.demand == Demand::RotateNow {
            needs.push(Need::Demand);
        }
        let wanted = self.policy.rotation_trigger();
        if wanted.is_some() && wanted != trigger {
            needs.push(Need::Trigger);
        }
        match self.policy.status() {
            KeyStatus::Active => {
                if self.now >= rotate_at(self.policy, key) {
                    needs.push(Need::Age);
                }
            }
            KeyStatus::Inactive => {
                if let Some(need @ (Need::Demand | Need::Trigger)) = needs.first().copied() {
                    let reason = "its status is to be Inactive: set status to Active first";
                    self.block_rotation(need, reason, reason);
                    needs.clear();
                }
            }
        }
        needs
    }

    /// Why a needed key cannot exist at all. A key that works goes on working under a parameter of
    /// somebody else, which is said and stops nothing.
    fn obstacle(&mut self, needs: &[Need]) -> Option<KeyObstacle> {
        if let StoredKey::Foreign(owner) = &self.observed.stored {
            let obstacle = KeyObstacle::ForeignParameter(owner.clone());
            if !needs.is_empty() {
                return Some(obstacle);
            }
            let key = self.keys.current.map(|current| current.key);
            let sentence = obstacle.to_string();
            self.block(key, sentence.clone(), sentence);
        }
        let foreign = &self.keys.foreign;
        (self.keys.current.is_none() && foreign.len() >= PLACES)
            .then(|| KeyObstacle::ForeignKeys(foreign.iter().map(|key| key.id.clone()).collect()))
    }

    /// What the schedule does to the replaced key now. A recent use stops it, and that is said.
    fn due_removal(&mut self) -> Option<NextAction> {
        let Retiring { key, since } = self.keys.retiring?;
        let (action, at) = next_of_retiring(self.policy, self.now, key, since);
        // A key that this decision retires, or that was retired at the very same time, has its turn
        // later.
        if self.now < at || self.now <= since {
            return None;
        }
        let Some(guard) = Guard::of(self.policy, self.now, key) else {
            return Some(action);
        };
        let what = match action {
            // The order to deactivate all keys does it without asking who uses them.
            NextAction::Disable if self.policy.status() == KeyStatus::Inactive => return None,
            NextAction::Disable => "made inactive",
            NextAction::Delete | NextAction::Rotate => "deleted",
        };
        let sentence = |now| {
            format!(
                "access key {} is due to be {what} since {} and is kept, because it {}: {}",
                key.id,
                date(at),
                guard.describe(now),
                guard.advice()
            )
        };
        self.block(Some(key), sentence(Some(self.now)), sentence(None));
        None
    }

    fn room(&self, needs: &[Need], due: Option<NextAction>) -> Room {
        if let Some(key) = self.keys.interrupted.first() {
            let reason = format!("access key {} has to be settled first", key.id);
            return Room::Taken {
                warning: reason.clone(),
                view: reason,
            };
        }
        let taken = self.keys.count();
        if taken < PLACES {
            return Room::Free;
        }
        let Some(retiring) = self.keys.retiring.filter(|_| taken == PLACES) else {
            let reason = self.foreign_in_the_way();
            return Room::Taken {
                warning: reason.clone(),
                view: reason,
            };
        };
        if due == Some(NextAction::Delete) {
            Room::DueDeletion
        } else if needs.iter().any(|need| *need != Need::Age)
            && self.now > retiring.since
            && is_unused(self.policy, self.now, retiring.key)
        {
            Room::EarlyDeletion
        } else {
            Room::Taken {
                warning: self.retiring_in_the_way(retiring, Some(self.now)),
                view: self.retiring_in_the_way(retiring, None),
            }
        }
    }

    fn foreign_in_the_way(&self) -> String {
        let ids: Vec<&str> = self
            .keys
            .foreign
            .iter()
            .map(|key| key.id.as_str())
            .collect();
        format!(
            "IAM allows two keys for a user, and {}, not made by crossaccount, takes one place: \
             delete it",
            ids.join(", ")
        )
    }

    fn retiring_in_the_way(&self, retiring: Retiring<'_>, now: Option<Timestamp>) -> String {
        let Retiring { key, since } = retiring;
        let end = delete_at(self.policy, key, since);
        let why = match Guard::of(self.policy, self.now, key) {
            Some(guard) => format!("{}: {}", guard.describe(now), guard.advice()),
            None if self.now < end => format!("keeps its place until {}", date(end)),
            None => "was replaced just now".to_owned(),
        };
        let mut reason = format!("IAM allows two keys for a user, and {} {why}", key.id);
        if !self.keys.foreign.is_empty() {
            reason.push_str("; ");
            reason.push_str(&self.foreign_in_the_way());
        }
        reason
    }

    fn block_rotation(&mut self, need: Need, warning: &str, view: &str) {
        let key = self.keys.current.map(|current| current.key);
        let due = match (need, key) {
            (Need::Age, Some(key)) => format!(
                "access key {} is due to be replaced since {} and cannot be replaced now",
                key.id,
                date(rotate_at(self.policy, key))
            ),
            (Need::NoCurrent | Need::Age, _) => {
                "a new access key is needed and cannot be made now".to_owned()
            }
            (Need::SecretLost, _) => {
                format!("{} and it cannot be replaced now", self.lost_secret(key))
            }
            (Need::Demand, _) => "a new access key was asked for and is not made".to_owned(),
            (Need::Trigger, _) => {
                "the rotation trigger has changed and no new access key is made".to_owned()
            }
        };
        self.block(key, format!("{due}: {warning}"), format!("{due}: {view}"));
    }

    fn lost_secret(&self, current: Option<&ObservedKey>) -> String {
        let id = current.map_or("", |key| key.id.as_str());
        match &self.observed.stored {
            StoredKey::Holds(other) => {
                format!("the secret store holds access key {other} in place of {id},")
            }
            StoredKey::Unknown | StoredKey::Absent | StoredKey::Foreign(_) => {
                format!("the secret of access key {id} is not in the secret store,")
            }
        }
    }

    /// Activates the current key, unless it is replaced right now: then it stays as it is. One case of
    /// that needs it active all the same: the schedule deletes the last active key to make room.
    fn activate_current(&mut self, make: Option<Need>, room: &Room) -> bool {
        let Some(Current { key, .. }) = self.keys.current else {
            return false;
        };
        let retiring = self.keys.retiring.map(|retiring| retiring.key.status);
        let stands_in = make == Some(Need::Age)
            && *room == Room::DueDeletion
            && retiring == Some(KeyStatus::Active);
        let wanted = self.policy.status() == KeyStatus::Active
            && key.status == KeyStatus::Inactive
            && (make.is_none() || stands_in);
        if wanted && !self.policy.reactivates() {
            let sentence = format!(
                "access key {} is inactive, and stays so until it is replaced: nothing asks for it to be active",
                key.id
            );
            self.block(Some(key), sentence.clone(), sentence);
            return false;
        }
        if wanted {
            let sentence = format!("access key {} is inactive: it is made active", key.id);
            self.push(KeyStep::Activate(key.id.clone()), sentence);
        }
        wanted
    }

    /// Removes the replaced key, if its time has come or if its place is needed. The schedule never
    /// takes the last active key: it waits for the new key, which is returned as a step for later, or
    /// for a person.
    fn remove_retiring(
        &mut self,
        make: Option<Need>,
        room: &Room,
        due: Option<NextAction>,
        activated: bool,
    ) -> Option<(KeyStep, String)> {
        let Retiring { key, since } = self.keys.retiring?;
        if make.is_some() && *room == Room::EarlyDeletion {
            let sentence = format!(
                "access key {} {}: it is deleted before its time to make room for the new key",
                key.id,
                self.unused(key)
            );
            self.delete_retiring(key, sentence);
            return None;
        }
        let action = due?;
        let replaced = days_between(since, self.now);
        let sentence = format!(
            "access key {} was replaced {replaced} ago and {}: it is {}",
            key.id,
            self.unused(key),
            match action {
                NextAction::Disable => "made inactive",
                NextAction::Delete | NextAction::Rotate => "deleted",
            }
        );
        let step = match action {
            NextAction::Disable => KeyStep::Deactivate(key.id.clone()),
            NextAction::Delete | NextAction::Rotate => KeyStep::Delete(key.id.clone()),
        };
        let another = self
            .keys
            .current
            .is_some_and(|current| current.key.status == KeyStatus::Active);
        let last = key.status == KeyStatus::Active
            && self.policy.status() == KeyStatus::Active
            && !another
            && !activated;
        match (last, make) {
            (true, Some(_)) if *room == Room::Free => return Some((step, sentence)),
            (true, None) => {
                let sentence = format!(
                    "access key {} was replaced and is due to go, and is kept, because no other key \
                     of this user that we made is active",
                    key.id
                );
                self.block(Some(key), sentence.clone(), sentence);
            }
            (true, Some(_)) | (false, _) => match action {
                NextAction::Disable => {
                    // The order to deactivate everything says it once.
                    if self.policy.status() == KeyStatus::Active {
                        self.push(step, sentence);
                    }
                }
                NextAction::Delete | NextAction::Rotate => self.delete_retiring(key, sentence),
            },
        }
        None
    }

    fn delete_retiring(&mut self, key: &ObservedKey, sentence: String) {
        self.push(KeyStep::Delete(key.id.clone()), sentence);
        self.keys.retiring = None;
    }

    fn unused(&self, key: &ObservedKey) -> String {
        match &key.last_used {
            LastUsed::At { time, .. } => {
                format!("has not been used for {}", days_between(*time, self.now))
            }
            LastUsed::Never | LastUsed::Unknown { .. } => "was never used".to_owned(),
        }
    }

    /// `status = Inactive` is an order: it asks nobody who uses the keys.
    fn deactivate_all(&mut self) {
        if self.policy.status() == KeyStatus::Active {
            return;
        }
        let active: Vec<&ObservedKey> = self
            .keys
            .ours()
            .filter(|key| key.status == KeyStatus::Active)
            .collect();
        for key in active {
            let sentence = format!(
                "the status is to be Inactive: access key {} is made inactive",
                key.id
            );
            self.push(KeyStep::Deactivate(key.id.clone()), sentence);
        }
    }

    fn make_key(&mut self, need: Need) {
        let old = self.keys.current.map(|current| current.key);
        let reason = self.reason(need, old);
        self.decision.reasons.push(reason);
        // A current key that IAM does not list is gone, or was made a moment ago: then it must not become a key that
        // nobody knows. A tag about a key that is gone does no harm.
        let unlisted = self.observed.tags.current.as_ref();
        let unlisted = unlisted.filter(|_| self.keys.retiring.is_none());
        let retire = old.map(|old| &old.id).or(unlisted.map(|tag| &tag.id));
        let beside = self.keys.foreign.iter().map(|key| key.id.clone()).collect();
        self.decision.steps.extend([
            KeyStep::OpenIntent { beside },
            KeyStep::Create,
            KeyStep::Verify,
            KeyStep::Store,
            KeyStep::NameCurrent {
                retire: retire.cloned(),
                trigger: self.policy.rotation_trigger().cloned(),
            },
        ]);
        if self.policy.status() == KeyStatus::Inactive {
            let sentence = "the status is to be Inactive: the new key is made inactive";
            self.push(KeyStep::DeactivateNew, sentence.to_owned());
        }
    }

    fn reason(&self, need: Need, old: Option<&ObservedKey>) -> String {
        let Some(old) = old else {
            return match &self.observed.tags.current {
                Some(gone) => format!(
                    "access key {} does not exist any more: a new key is made",
                    gone.id
                ),
                None => "the user gets an access key".to_owned(),
            };
        };
        let why = match need {
            Need::NoCurrent | Need::Age => format!(
                "access key {} is {} old and is replaced after {}",
                old.id,
                days_between(old.create_date, self.now),
                days(self.policy.rotate_after_days())
            ),
            Need::SecretLost => format!("{} so it is replaced", self.lost_secret(Some(old))),
            Need::Demand => format!("a new key was asked for in place of access key {}", old.id),
            Need::Trigger => format!(
                "the rotation trigger has changed, so access key {} is replaced",
                old.id
            ),
        };
        format!("{why}: a new key is made{}", self.fate_of_replaced(old))
    }

    /// What becomes of a key that is replaced now.
    fn fate_of_replaced(&self, old: &ObservedKey) -> String {
        let delete = delete_at(self.policy, old, self.now);
        let disable = disable_at(self.policy, old, self.now);
        let works = old.status == KeyStatus::Active && self.policy.status() == KeyStatus::Active;
        if works {
            let id = &old.id;
            format!(
                ", and {id} keeps working until {}",
                date(disable.min(delete))
            )
        } else {
            format!(", and {} stays inactive until {}", old.id, date(delete))
        }
    }
}
