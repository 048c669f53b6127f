//! All changes of a user, credentials included, in the order in which they are safe.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::access_keys::{
    self, Demand, KeyDecision, KeyStep, KeyTags, KeyView, KeysObserved, StoredKey,
};
use super::console_access::{
    self, CONSOLE_ACCESS_TAG, ConsoleAccess, ConsoleDecision, ConsoleStep, ObservedConsole,
    StoredPassword,
};
use super::{ObservedUser, Owner, Parameters, Step, UserSpec, diff};
use crate::secrets::{ParameterName, SecretKind};

/// Everything that decides about the changes of a user, but for what IAM has.
#[derive(Debug, Clone)]
pub struct Wish<'a> {
    /// What is wanted.
    pub spec: &'a UserSpec,
    /// Who owns the user.
    pub owner: &'a Owner,
    /// The moment at which keys are old or young.
    pub now: Timestamp,
    /// What somebody asked for, whatever is due.
    pub demands: Demands,
    /// Where the secrets belong, by the wanted name of the user; `None` without a secret store.
    pub places: Option<Places>,
    /// Where the secrets were put, as the caller remembers it.
    pub remembered: Parameters,
}

/// What somebody asked for, whatever is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Demands {
    /// A new access key.
    pub new_key: bool,
    /// A new console password.
    pub new_password: bool,
}

/// The parameters of a user's secrets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Places {
    /// The parameter of the access key.
    pub access_key: ParameterName,
    /// The parameter of the console password.
    pub console_password: ParameterName,
}

/// What has to happen so that a user is as wanted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Changes {
    /// The steps, in order.
    pub steps: Vec<Step>,
    /// Why keys change: sentences for reviewers.
    pub key_reasons: Vec<String>,
    /// Why the password changes: a sentence for reviewers.
    pub console_reason: Option<String>,
    /// What is due with keys and cannot be done, and why.
    pub blocked: Vec<String>,
    /// The access keys as they are, and what happens to them next.
    pub keys: Vec<KeyView>,
    /// What of the wish cannot be had at all. There are no steps then.
    pub refusal: Option<Refusal>,
}

/// What of a wish cannot be had, and why. Nothing is changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// The access key.
    AccessKey(String),
    /// The console access.
    ConsoleAccess(String),
}

impl Refusal {
    /// Why.
    pub fn message(&self) -> &str {
        let (Self::AccessKey(message) | Self::ConsoleAccess(message)) = self;
        message
    }
}

impl Changes {
    /// Whether an access key or a password that was in use is replaced.
    pub fn rotates(&self) -> bool {
        self.steps.iter().any(|step| {
            matches!(
                step,
                Step::Key(
                    KeyStep::NameCurrent {
                        retire: Some(_),
                        ..
                    } | KeyStep::AdoptInterrupted {
                        retire: Some(_),
                        ..
                    }
                ) | Step::Console(ConsoleStep::UpdateProfile { .. })
            )
        })
    }

    /// Whether access keys change.
    pub fn touches_keys(&self) -> bool {
        self.steps.iter().any(|step| matches!(step, Step::Key(_)))
    }

    /// Whether the console access changes.
    pub fn touches_console(&self) -> bool {
        self.steps
            .iter()
            .any(|step| matches!(step, Step::Console(_)))
    }
}

/// The credentials of a user that does not exist yet: none, with what the store already holds at their
/// places.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoCredentials {
    /// The store at the place of the access key.
    pub stored_key: StoredKey,
    /// The store at the place of the password.
    pub stored_password: StoredPassword,
}

/// The user as it is, or that there is none.
#[derive(Debug, Clone, Copy)]
pub enum Start<'a> {
    /// The user.
    User(&'a ObservedUser),
    /// There is no user yet.
    Nothing(&'a NoCredentials),
}

/// The steps that lead from what IAM has to what is wanted, credentials included, and why.
///
/// Pure. The order: credentials that go are taken away first; then everything of [`diff`]; secrets
/// follow a new name; new credentials come last, when the user is limited as it should be, and only the
/// lock of a quarantine is lifted after them.
pub fn changes(wish: &Wish<'_>, start: Start<'_>) -> Changes {
    let none = BTreeMap::new();
    let (user, tags) = match start {
        Start::User(user) => (Some(user), &user.tags),
        Start::Nothing(_) => (None, &none),
    };
    let keys = decide_keys(wish, start);
    let console = decide_console(wish, start, tags);
    let refusal = keys
        .error
        .map(|obstacle| Refusal::AccessKey(obstacle.to_string()))
        .or(console.refusal.map(Refusal::ConsoleAccess));
    let mut changes = Changes {
        key_reasons: keys.reasons,
        console_reason: console.reason,
        blocked: keys.blocked,
        keys: keys.views,
        refusal,
        steps: Vec::new(),
    };
    if changes.refusal.is_some() {
        return changes;
    }
    let console_steps = console.steps.into_iter().map(Step::Console);
    let key_steps = keys.steps.into_iter().map(Step::Key);
    let (mut first, mut last) = (Vec::new(), Vec::new());
    // What is not wanted is only taken away, what is wanted may be given.
    match &wish.spec.console_access {
        None => first.extend(console_steps),
        Some(_) => last.extend(console_steps),
    }
    match &wish.spec.access_key {
        None => first.extend(key_steps),
        Some(_) => last.extend(key_steps),
    }
    first.extend(forgotten_secret(wish, user));
    let mut base = diff(wish.spec, wish.owner, user);
    let lifting = if user.is_some_and(ObservedUser::is_quarantined) {
        base.len().saturating_sub(2)
    } else {
        base.len()
    };
    let lift = base.split_off(lifting);
    changes.steps = first;
    changes.steps.append(&mut base);
    changes.steps.extend(moves(wish, user));
    changes.steps.append(&mut last);
    changes.steps.extend(lift);
    if user.is_none() {
        mark_at_creation(&mut changes.steps);
    }
    changes
}

/// A new user gets the tag of its console access with its other tags, in the same call.
fn mark_at_creation(steps: &mut Vec<Step>) {
    let mark = steps
        .iter()
        .position(|step| matches!(step, Step::Console(ConsoleStep::Mark(_))));
    let Some(Step::Console(ConsoleStep::Mark(mark))) = mark.map(|place| steps.remove(place)) else {
        return;
    };
    if let Some(Step::CreateUser { tags, .. }) = steps.first_mut() {
        tags.insert(CONSOLE_ACCESS_TAG.to_owned(), mark);
    }
}

fn decide_keys(wish: &Wish<'_>, start: Start<'_>) -> KeyDecision {
    let ring = match start {
        Start::User(user) => user.key_ring(),
        Start::Nothing(nothing) => Some(KeysObserved {
            keys: Vec::new(),
            tags: KeyTags::default(),
            stored: nothing.stored_key.clone(),
        }),
    };
    let demand = if wish.demands.new_key {
        Demand::RotateNow
    } else {
        Demand::Scheduled
    };
    match ring {
        Some(ring) => access_keys::decide(wish.now, wish.spec.access_key.as_ref(), demand, &ring),
        None => KeyDecision::default(),
    }
}

fn decide_console(
    wish: &Wish<'_>,
    start: Start<'_>,
    tags: &BTreeMap<String, String>,
) -> ConsoleDecision {
    let observed = match start {
        Start::User(user) => user.console_access.clone(),
        Start::Nothing(nothing) => Some(ObservedConsole {
            profile: None,
            stored: nothing.stored_password.clone(),
        }),
    };
    let wanted = wish.spec.console_access.as_ref();
    match observed {
        Some(observed) => {
            console_access::decide(wanted, wish.demands.new_password, tags, &observed)
        }
        None => ConsoleDecision::default(),
    }
}

/// The secret of keys that are no longer wanted goes when they are gone.
fn forgotten_secret(wish: &Wish<'_>, user: Option<&ObservedUser>) -> Option<Step> {
    let keys = user?.access_keys.as_ref()?;
    let ours = matches!(keys.stored, StoredKey::Holds(_));
    let place = wish.remembered.access_key.as_ref();
    let place = place.or(wish.places.as_ref().map(|places| &places.access_key))?;
    (wish.spec.access_key.is_none() && ours).then(|| Step::DeleteSecret(place.clone()))
}

/// Secrets that stay and whose place is another one now: the user was renamed, or the prefix changed.
fn moves(wish: &Wish<'_>, user: Option<&ObservedUser>) -> Vec<Step> {
    let (Some(user), Some(places)) = (user, &wish.places) else {
        return Vec::new();
    };
    let keys = user.access_keys.as_ref();
    let holds_key = keys.is_some_and(|keys| matches!(keys.stored, StoredKey::Holds(_)));
    let console = user.console_access.as_ref();
    let holds_password = console.is_some_and(|console| console.stored == StoredPassword::Ours);
    let keeps_password = wish
        .spec
        .console_access
        .as_ref()
        .is_some_and(ConsoleAccess::is_stored);
    let candidates = [
        (
            SecretKind::AccessKey,
            &wish.remembered.access_key,
            &places.access_key,
            holds_key && wish.spec.access_key.is_some(),
        ),
        (
            SecretKind::ConsolePassword,
            &wish.remembered.console_password,
            &places.console_password,
            holds_password && keeps_password,
        ),
    ];
    candidates
        .into_iter()
        .filter_map(|(kind, from, to, stays)| {
            let from = from.as_ref().filter(|from| *from != to && stays)?;
            Some(Step::MoveSecret {
                kind,
                from: from.clone(),
            })
        })
        .collect()
}
