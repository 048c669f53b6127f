//! All changes of a user, credentials included, in the order in which they are safe.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::access_keys::{
    self, Demand, KeyDecision, KeyPolicy, KeyStep, KeyTags, KeyView, KeysObserved, StoredKey,
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
    let mut key_steps: Vec<Step> = keys.steps.into_iter().map(Step::Key).collect();
    let (mut first, mut last) = (Vec::new(), Vec::new());
    // What is not wanted is only taken away, what is wanted may be given.
    match &wish.spec.console_access {
        None => first.extend(console_steps),
        Some(_) => last.extend(console_steps),
    }
    match &wish.spec.access_key {
        None => {
            // The tags go last: a run that dies before leaves no secret that nobody knows of.
            let forget = key_steps
                .iter()
                .position(|step| *step == Step::Key(KeyStep::Forget));
            let place = forget.unwrap_or(key_steps.len());
            key_steps.splice(place..place, forgotten_secret(wish, user));
            first.extend(key_steps);
        }
        Some(_) => last.extend(key_steps),
    }
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
    let policy = wish.spec.access_key.clone();
    let policy = match start {
        // The quarantine made the key inactive, and not somebody by hand.
        Start::User(user) if user.is_quarantined() => policy.map(KeyPolicy::reactivating),
        Start::User(_) | Start::Nothing(_) => policy,
    };
    let demand = if wish.demands.new_key {
        Demand::RotateNow
    } else {
        Demand::Scheduled
    };
    match ring {
        Some(ring) => access_keys::decide(wish.now, policy.as_ref(), demand, &ring),
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use jiff::{SignedDuration, Timestamp};

    use super::{Changes, Demands, NoCredentials, Places, Start, Wish, changes};
    use crate::user::access_keys::CURRENT_KEY_TAG;
    use crate::user::console_access::CONSOLE_ACCESS_TAG;
    use crate::user::{
        ConsoleAccess, KeyIntervals, KeyPolicy, KeyStatus, LastUsed, LoginProfile, MANAGED_BY_TAG,
        ObservedConsole, ObservedKey, ObservedKeys, ObservedUser, Owner, Parameters,
        QUARANTINED_TAG, Step, StoredKey, StoredPassword, UserSpec,
    };

    const KEY: &str = "AKIAEXAMPLE1";

    fn now() -> Timestamp {
        "2026-06-01T00:00:00Z".parse().unwrap()
    }

    fn owner() -> Owner {
        "platform".parse().unwrap()
    }

    fn parameters(user: &str) -> Parameters {
        Parameters {
            access_key: Some(
                format!("/c/222222222222/{user}/access-key")
                    .parse()
                    .unwrap(),
            ),
            console_password: Some(
                format!("/c/222222222222/{user}/console-password")
                    .parse()
                    .unwrap(),
            ),
        }
    }

    fn spec(name: &str) -> UserSpec {
        UserSpec {
            access_key: Some(
                KeyPolicy::new(KeyIntervals::default(), KeyStatus::Active, None).unwrap(),
            ),
            console_access: Some(ConsoleAccess::generated()),
            ..UserSpec::named(name.parse().unwrap())
        }
    }

    /// A user that has what `spec` asks for, with a key of this age.
    fn user(days: i64) -> ObservedUser {
        let mark = ConsoleAccess::generated().mark();
        ObservedUser {
            name: "alice".parse().unwrap(),
            path: "/".parse().unwrap(),
            arn: "arn:aws:iam::222222222222:user/alice".to_owned(),
            unique_id: "AIDA1".to_owned(),
            create_date: None,
            password_last_used: None,
            permissions_boundary: None,
            tags: [
                (MANAGED_BY_TAG, "platform"),
                (CURRENT_KEY_TAG, KEY),
                (CONSOLE_ACCESS_TAG, mark.as_str()),
            ]
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .into(),
            managed_policy_arns: None,
            inline_policies: None,
            groups: None,
            access_keys: Some(ObservedKeys {
                keys: vec![ObservedKey {
                    id: KEY.to_owned(),
                    status: KeyStatus::Active,
                    create_date: now() - SignedDuration::from_hours(24 * days),
                    last_used: LastUsed::Never,
                }],
                stored: StoredKey::Holds(KEY.to_owned()),
            }),
            console_access: Some(ObservedConsole {
                profile: Some(LoginProfile {
                    create_date: None,
                    password_reset_required: true,
                }),
                stored: StoredPassword::Ours,
            }),
        }
    }

    fn of(spec: &UserSpec, start: Start<'_>) -> Changes {
        let places = parameters(spec.name.as_str());
        let wish = Wish {
            spec,
            owner: &owner(),
            now: now(),
            demands: Demands::default(),
            places: Some(Places {
                access_key: places.access_key.unwrap(),
                console_password: places.console_password.unwrap(),
            }),
            remembered: parameters("alice"),
        };
        changes(&wish, start)
    }

    fn actions(changes: &Changes) -> Vec<String> {
        changes
            .steps
            .iter()
            .map(|step| step.action().to_owned())
            .collect()
    }

    fn nothing(stored_key: StoredKey, stored_password: StoredPassword) -> NoCredentials {
        NoCredentials {
            stored_key,
            stored_password,
        }
    }

    #[test]
    fn a_new_user_gets_its_credentials_last_and_the_mark_of_its_password_with_its_creation() {
        let spec = UserSpec {
            groups: Some(["engineers".parse().unwrap()].into()),
            ..spec("alice")
        };
        let start = nothing(StoredKey::Absent, StoredPassword::Absent);
        let changes = of(&spec, Start::Nothing(&start));
        assert_eq!(
            actions(&changes),
            [
                "iam:CreateUser",
                "iam:AddUserToGroup",
                "ssm:PutParameter",
                "iam:CreateLoginProfile",
                "iam:TagUser",
                "iam:CreateAccessKey",
                "sts:GetCallerIdentity",
                "ssm:PutParameter",
                "iam:TagUser",
            ]
        );
        let Step::CreateUser { tags, .. } = &changes.steps[0] else {
            panic!("{:?}", changes.steps[0])
        };
        assert_eq!(
            tags.get(CONSOLE_ACCESS_TAG),
            Some(&ConsoleAccess::generated().mark())
        );
    }

    #[test]
    fn a_user_that_has_everything_needs_nothing() {
        let changes = of(&spec("alice"), Start::User(&user(14)));
        assert_eq!(changes.steps, []);
        assert_eq!(changes.keys.len(), 1);
    }

    #[test]
    fn a_due_rotation_has_a_reason_and_counts_as_one() {
        let changes = of(&spec("alice"), Start::User(&user(16)));
        assert!(changes.rotates());
        assert!(
            changes.key_reasons[0].contains("16 days"),
            "{:?}",
            changes.key_reasons
        );
    }

    #[rstest::rstest]
    #[case(StoredKey::Foreign(None), StoredPassword::Absent)]
    #[case(StoredKey::Absent, StoredPassword::Foreign(None))]
    fn a_parameter_of_somebody_else_refuses_everything(
        #[case] key: StoredKey,
        #[case] password: StoredPassword,
    ) {
        let start = nothing(key, password);
        let changes = of(&spec("alice"), Start::Nothing(&start));
        assert_eq!(changes.steps, []);
        assert!(changes.refusal.is_some());
    }

    #[test]
    fn credentials_that_are_not_wanted_go_first_and_their_secrets_with_them() {
        let bare = UserSpec {
            tags: BTreeMap::from([("team".parse().unwrap(), "core".parse().unwrap())]),
            ..UserSpec::named("alice".parse().unwrap())
        };
        let changes = of(&bare, Start::User(&user(1)));
        assert_eq!(
            actions(&changes),
            [
                "iam:DeleteLoginProfile",
                "ssm:DeleteParameter",
                "iam:UntagUser",
                "iam:DeleteAccessKey",
                "ssm:DeleteParameter",
                "iam:UntagUser",
                "iam:TagUser",
            ]
        );
    }

    #[test]
    fn secrets_follow_a_user_that_is_renamed() {
        let changes = of(&spec("alicia"), Start::User(&user(1)));
        let steps: Vec<String> = changes.steps.iter().map(ToString::to_string).collect();
        assert_eq!(
            steps,
            [
                "iam:UpdateUser name alicia",
                "ssm:PutParameter /c/222222222222/alice/access-key",
                "ssm:PutParameter /c/222222222222/alice/console-password",
            ]
        );
    }

    #[test]
    fn the_lock_of_a_quarantine_is_lifted_after_everything_else() {
        let mut locked = user(1);
        locked
            .tags
            .insert(QUARANTINED_TAG.to_owned(), "platform".to_owned());
        if let Some(keys) = &mut locked.access_keys {
            keys.keys[0].status = KeyStatus::Inactive;
        }
        let changes = of(&spec("alice"), Start::User(&locked));
        assert_eq!(
            actions(&changes),
            [
                "iam:UpdateAccessKey",
                "iam:DeleteUserPolicy",
                "iam:UntagUser"
            ]
        );
    }

    #[test]
    fn what_was_not_observed_is_left_alone() {
        let bare = UserSpec::named("alice".parse().unwrap());
        let unseen = ObservedUser {
            access_keys: None,
            console_access: None,
            ..user(1)
        };
        assert_eq!(of(&bare, Start::User(&unseen)).steps, []);
    }
}
