//! What a plan says about keys and password: what will happen and why, what is due and impossible, and what is refused.

use crossaccount_core::ids::{AccountId, UserName};
use crossaccount_core::password::effective_length;
use crossaccount_core::session::Target;
use crossaccount_core::user::{
    Changes, ConsoleAccess, ConsoleStep, KeyStep, NoCredentials, ObservedUser, Parameters,
    PasswordSource, Places, Refusal, Start, Step, StoredKey, StoredPassword, UserSpec,
};
use crossaccount_core::{Error, ErrorKind};
use jiff::Timestamp;

use super::IamUserModel;
use super::live::Subject;
use crate::crossaccount::ProviderState;
use crate::crossaccount::errors::{diagnostic, unchecked};
use crate::crossaccount::iam_user::credentials::{Unsettled, contradicting_intervals};
use crate::crossaccount::iam_user::seen::Planned;
use crate::crossaccount::iam_user::shown::{self, Credentials};
use crate::framework::Plan;
use crate::schema::{Diagnostic, Diagnostics, Field, IntoValue};
use crate::value::{Path, Value};

/// What happens to the credentials of a user.
#[derive(Debug, Default)]
pub(super) enum Outlook {
    /// It cannot be said yet: what the provider computes stays as the framework planned it.
    #[default]
    Open,
    /// There are none, and none are wanted.
    Untouched,
    /// This.
    Decided(Box<Decision>),
}

/// A decision about credentials.
#[derive(Debug)]
pub(super) struct Decision {
    /// The user that was looked at; nothing when there is none.
    pub(super) user: Option<ObservedUser>,
    /// What is to happen.
    pub(super) changes: Changes,
    /// The moment that it was decided for.
    at: Timestamp,
    /// Where the secrets will be.
    parameters: Parameters,
}

impl Decision {
    /// For a user that is to be created, and may exist.
    pub(super) fn about_creation(
        subject: &Subject<'_>,
        user: Option<ObservedUser>,
        nothing: &NoCredentials,
    ) -> Self {
        let at = subject.provider.clock.now();
        let start = match &user {
            Some(user) => Start::User(user),
            None => Start::Nothing(nothing),
        };
        let changes = preview(subject, start, at, Parameters::default());
        Self {
            changes,
            at,
            parameters: parameters(subject, Parameters::default()),
            user,
        }
    }

    /// For a user that exists.
    pub(super) fn about_change(
        subject: &Subject<'_>,
        prior: &IamUserModel,
        user: ObservedUser,
        at: Timestamp,
    ) -> Self {
        Self {
            changes: preview(subject, Start::User(&user), at, prior.parameters()),
            at,
            parameters: parameters(subject, prior.parameters()),
            user: Some(user),
        }
    }
}

/// What would happen, without what cannot be decided because a part of the wish is not known.
fn preview(
    subject: &Subject<'_>,
    start: Start<'_>,
    at: Timestamp,
    remembered: Parameters,
) -> Changes {
    let users = &subject.provider.users;
    let mut changes = users.preview(subject.target, subject.spec, start, at, remembered);
    if subject.planned.wanted_key().is_err() {
        changes.steps.retain(|step| !matches!(step, Step::Key(_)));
        changes.key_reasons.clear();
        changes.blocked.clear();
    }
    if subject.planned.wanted_console().is_err() {
        changes
            .steps
            .retain(|step| !matches!(step, Step::Console(_)));
        changes.console_reason = None;
    }
    changes
}

/// Where secrets will be: those that are kept follow the name of the user.
fn parameters(subject: &Subject<'_>, remembered: Parameters) -> Parameters {
    let places = subject
        .provider
        .users
        .places(subject.target, &subject.spec.name);
    let Some(Places {
        access_key,
        console_password,
    }) = places
    else {
        return remembered;
    };
    Parameters {
        access_key: Some(access_key),
        console_password: Some(console_password),
    }
}

/// What the store holds for a user that does not exist. Nobody is asked when no credential is wanted.
pub(super) async fn nothing(
    provider: &ProviderState,
    target: &Target,
    spec: &UserSpec,
) -> Result<NoCredentials, Error> {
    if spec.access_key.is_none() && spec.console_access.is_none() {
        return Ok(NoCredentials {
            stored_key: StoredKey::Unknown,
            stored_password: StoredPassword::Unknown,
        });
    }
    provider.users.no_credentials(target, spec, false).await
}

/// What no account has to be asked about: contradicting intervals, and credentials without a secret store.
pub(super) fn refused(provider: &ProviderState, planned: &IamUserModel) -> Diagnostics {
    let mut found = Diagnostics::new();
    if let Err(Unsettled::Contradicts(problem)) = planned.wanted_key() {
        found.push(contradicting_intervals(&problem));
    }
    if provider.users.store().is_some() {
        return found;
    }
    let generates = planned
        .wanted_console()
        .is_ok_and(|console| console.as_ref().is_some_and(ConsoleAccess::is_stored));
    let wanted = [
        (
            "access_key",
            "an access key",
            planned.access_key.known().is_some(),
        ),
        ("console_access", "a generated password", generates),
    ];
    for (attribute, what, _) in wanted.into_iter().filter(|(.., wanted)| *wanted) {
        found.push(
            Diagnostic::error(
                "No secret store",
                format!(
                    "The user gets {what}, and the provider block configures no place for the secret. Set secrets = {{ \
                     kms_key_id = \"…\" }} there."
                ),
            )
            .at(Path::attribute(attribute)),
        );
    }
    found
}

/// What the decision itself says, and whether new secrets can be made and kept.
pub(super) async fn check(subject: &Subject<'_>, decision: &Decision) -> Diagnostics {
    let mut found = spoken(
        &subject.target.account_id,
        &subject.spec.name,
        &decision.changes,
    );
    if found.has_errors() {
        return found;
    }
    let (length, key) = tokio::join!(
        password_length(subject, &decision.changes),
        kms_key(subject, &decision.changes)
    );
    found.append(length);
    found.append(key);
    found
}

/// The refusal and the warnings of a decision.
fn spoken(account_id: &AccountId, name: &UserName, changes: &Changes) -> Diagnostics {
    let tell = |what: &str| format!("Account {account_id}, user {name}: {what}.");
    let blocked = changes.blocked.iter().map(|reason| {
        Diagnostic::warning("Change of access keys is blocked", tell(reason))
            .at(Path::attribute("access_key"))
    });
    let refusal = changes.refusal.as_ref().map(|refusal| {
        let (summary, attribute) = match refusal {
            Refusal::AccessKey(_) => ("Access key cannot be had", "access_key"),
            Refusal::ConsoleAccess(_) => ("Console access cannot be had", "console_access"),
        };
        Diagnostic::error(summary, tell(refusal.message())).at(Path::attribute(attribute))
    });
    blocked.chain(refusal).collect()
}

/// Whether the account's password policy allows the password that is to be generated.
async fn password_length(subject: &Subject<'_>, changes: &Changes) -> Diagnostics {
    let Some(PasswordSource::Generated { length }) = subject
        .spec
        .console_access
        .as_ref()
        .map(|console| &console.source)
    else {
        return Diagnostics::new();
    };
    if !changes.steps.contains(&Step::Console(ConsoleStep::Store)) {
        return Diagnostics::new();
    }
    let policy = match subject.provider.users.password_policy(subject.target).await {
        Ok(policy) => policy,
        Err(error) => return unchecked("Password policy", &error).into(),
    };
    match effective_length(*length, &policy) {
        Ok(_) => Diagnostics::new(),
        Err(error) => {
            let error = error.in_account(&subject.target.account_id);
            let place = Path::attribute("console_access").with_attribute("password_length");
            diagnostic(&error).at(place).into()
        }
    }
}

/// Whether the KMS key of the secret store can encrypt what is to be stored. Asked once for each account.
async fn kms_key(subject: &Subject<'_>, changes: &Changes) -> Diagnostics {
    let stores = |step: &&Step| {
        matches!(
            step,
            Step::Key(KeyStep::Store) | Step::Console(ConsoleStep::Store)
        )
    };
    let Some(step) = changes.steps.iter().find(stores) else {
        return Diagnostics::new();
    };
    let Some(store) = subject.provider.users.store() else {
        return Diagnostics::new();
    };
    let attribute = match step {
        Step::Key(_) => "access_key",
        _ => "console_access",
    };
    match store.check_key(subject.target).await {
        // Whoever may not look at the key may still be allowed to encrypt with it.
        Ok(_) => Diagnostics::new(),
        Err(error)
            if error.kind() == ErrorKind::Rejected || error.kind() == ErrorKind::NotFound =>
        {
            let error = error
                .in_account(&subject.target.account_id)
                .while_doing("use secrets.kms_key_id of the provider block");
            diagnostic(&error).at(Path::attribute(attribute)).into()
        }
        Err(error) => unchecked("KMS key of the secret store", &error).into(),
    }
}

/// Shows what happens to the credentials, and hands the decision over to the apply.
pub(super) fn show(
    outlook: &Outlook,
    prior: Option<&IamUserModel>,
    planned: &IamUserModel,
    plan: &mut Plan,
) {
    let nothing = IamUserModel::default();
    let before = prior.unwrap_or(&nothing);
    let decision = match outlook {
        Outlook::Open => return,
        Outlook::Untouched => {
            plan.set("access_keys", before.access_keys.clone().into_value());
            plan.set(
                "last_key_change",
                before.last_key_change.clone().into_value(),
            );
            return;
        }
        Outlook::Decided(decision) => decision,
    };
    let exists = prior.is_none() && decision.user.is_some();
    let keys_change = planned.wanted_key().is_err() || decision.changes.touches_keys();
    let console_changes = planned.wanted_console().is_err() || decision.changes.touches_console();
    show_keys(decision, before, planned, keys_change, plan);
    let reason = |reasons: &str, before: &Field<String>| {
        // What a user has who exists although it is to be created can be another thing by the time of the apply.
        if exists || reasons.is_empty() {
            Value::UNKNOWN
        } else {
            Value::from(distinct(reasons, before.known(), decision.at))
        }
    };
    let key_reasons = decision.changes.key_reasons.join("; ");
    let last_key_change = if keys_change {
        reason(&key_reasons, &before.last_key_change)
    } else {
        before.last_key_change.clone().into_value()
    };
    plan.set("last_key_change", last_key_change);
    if planned.wanted_console().is_ok() {
        let before = before
            .console_access
            .known()
            .map(|console| &console.last_password_change);
        let before = before.unwrap_or(&Field::Null);
        let console_reason = decision
            .changes
            .console_reason
            .as_deref()
            .unwrap_or_default();
        let last_password_change = if console_changes {
            reason(console_reason, before)
        } else {
            before.clone().into_value()
        };
        let place = decision.parameters.console_password.as_ref();
        let place = place
            .filter(|_| is_generated(planned))
            .map(ToString::to_string);
        set_console(plan, "last_password_change", last_password_change);
        set_console(plan, "password_parameter", place.into_value());
    }
    let handed_over = Planned {
        at: decision.at,
        access_keys: keys_change,
        console_access: console_changes,
        blocked: decision.changes.blocked.clone(),
    };
    Planned::keep(Some(&handed_over), &mut plan.private);
}

fn show_keys(
    decision: &Decision,
    before: &IamUserModel,
    planned: &IamUserModel,
    keys_change: bool,
    plan: &mut Plan,
) {
    if keys_change {
        return plan.set_unknown("access_keys");
    }
    let shown = match &decision.user {
        None => Field::Null,
        Some(user) => {
            let credentials = Credentials {
                keys: decision.changes.keys.clone(),
                blocked: Vec::new(),
                parameters: decision.parameters.clone(),
            };
            let before = IamUserModel {
                access_key: planned.access_key.clone(),
                access_keys: before.access_keys.clone(),
                ..IamUserModel::default()
            };
            shown::access_keys(user, &credentials, &before)
        }
    };
    plan.set("access_keys", shown.into_value());
}

fn is_generated(planned: &IamUserModel) -> bool {
    let wanted = planned.wanted_console();
    wanted.is_ok_and(|console| console.as_ref().is_some_and(ConsoleAccess::is_stored))
}

fn set_console(plan: &mut Plan, name: &str, value: Value) {
    let planned = plan
        .planned
        .as_mut()
        .map(|planned| planned.get_mut("console_access"));
    if let Some(Value::Object(console)) = planned {
        console.set(name, value);
    }
}

/// A reason that differs from the one of the change before, so that a plan shows a second change of the same kind.
fn distinct(reason: &str, before: Option<&String>, at: Timestamp) -> String {
    if before.is_some_and(|before| before == reason) {
        format!("{reason} ({})", at.strftime("%Y-%m-%dT%H:%M:%SZ"))
    } else {
        reason.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use crossaccount_core::secrets::{ParameterName, SecretKind};
    use crossaccount_core::user::{
        ConsoleAccess, Demands, KeyStatus, LastUsed, LoginProfile, NoCredentials, ObservedConsole,
        ObservedKey, ObservedKeys, ObservedUser, Parameters, Places, Start, StoredKey,
        StoredPassword, UserSpec, Wish, changes,
    };

    use super::{Decision, Outlook, show, spoken};
    use crate::crossaccount::iam_user::IamUserModel;
    use crate::crossaccount::iam_user::credentials::{AccessKeyModel, ConsoleAccessModel};
    use crate::crossaccount::iam_user::seen::Planned;
    use crate::framework::Plan;
    use crate::schema::Field;
    use crate::value::{Object, Value};

    const NOW: &str = "2026-11-21T05:00:00Z";
    const PASSWORD: &str = "/crossaccount/222222222222/alice/console-password";

    fn text(text: &str) -> Field<String> {
        Field::Known(text.to_owned())
    }

    fn places() -> Places {
        let place = |kind| {
            let (account, name) = ("222222222222".parse().unwrap(), "alice".parse().unwrap());
            ParameterName::new(&"/crossaccount".parse().unwrap(), &account, &name, kind)
        };
        Places {
            access_key: place(SecretKind::AccessKey),
            console_password: place(SecretKind::ConsolePassword),
        }
    }

    /// A user whose key AKIA1 was made on this day, with console access.
    fn user(made: &str) -> ObservedUser {
        ObservedUser {
            name: "alice".parse().unwrap(),
            path: "/".parse().unwrap(),
            arn: "arn:aws:iam::222222222222:user/alice".to_owned(),
            unique_id: "AIDA1".to_owned(),
            create_date: None,
            password_last_used: None,
            permissions_boundary: None,
            tags: [
                ("crossaccount:current-key".to_owned(), "AKIA1".to_owned()),
                (
                    "crossaccount:console-access".to_owned(),
                    ConsoleAccess::generated().mark(),
                ),
            ]
            .into(),
            managed_policy_arns: None,
            inline_policies: None,
            groups: None,
            access_keys: Some(ObservedKeys {
                keys: vec![key("AKIA1", made)],
                stored: StoredKey::Holds("AKIA1".to_owned()),
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

    fn key(id: &str, made: &str) -> ObservedKey {
        ObservedKey {
            id: id.to_owned(),
            status: KeyStatus::Active,
            create_date: format!("{made}T00:00:00Z").parse().unwrap(),
            last_used: LastUsed::Never,
        }
    }

    /// A state or plan of a user with all defaults.
    fn model() -> IamUserModel {
        IamUserModel {
            access_key: Field::Known(AccessKeyModel::default()),
            console_access: Field::Known(ConsoleAccessModel {
                password_reset_required: Field::Known(true),
                password_parameter: text(PASSWORD),
                last_password_change: text("the first"),
                ..ConsoleAccessModel::default()
            }),
            last_key_change: text("the first"),
            ..IamUserModel::default()
        }
    }

    fn decide(planned: &IamUserModel, user: Option<ObservedUser>) -> Decision {
        let spec = UserSpec {
            access_key: planned.wanted_key().unwrap(),
            console_access: planned.wanted_console().unwrap(),
            ..UserSpec::named("alice".parse().unwrap())
        };
        let nothing = NoCredentials {
            stored_key: StoredKey::Absent,
            stored_password: StoredPassword::Absent,
        };
        let places = places();
        let wish = Wish {
            spec: &spec,
            owner: &"test".parse().unwrap(),
            now: NOW.parse().unwrap(),
            demands: Demands::default(),
            places: Some(places.clone()),
            remembered: Parameters::default(),
        };
        let start = user.as_ref().map_or(Start::Nothing(&nothing), Start::User);
        Decision {
            changes: changes(&wish, start),
            at: NOW.parse().unwrap(),
            parameters: Parameters {
                access_key: Some(places.access_key),
                console_password: Some(places.console_password),
            },
            user,
        }
    }

    fn shown(
        prior: Option<&IamUserModel>,
        planned: &IamUserModel,
        user: Option<ObservedUser>,
    ) -> Plan {
        let mut plan = Plan {
            planned: Some(Object::from(planned.clone())),
            ..Plan::default()
        };
        let outlook = Outlook::Decided(Box::new(decide(planned, user)));
        show(&outlook, prior, planned, &mut plan);
        plan
    }

    fn console<'a>(plan: &'a Plan, name: &str) -> &'a Value {
        plan.get("console_access").as_object().unwrap().get(name)
    }

    /// The state that a refresh of this user leaves.
    fn refreshed(user: &ObservedUser) -> IamUserModel {
        let plan = shown(None, &model(), Some(user.clone()));
        let planned = IamUserModel::try_from(plan.planned.as_ref().unwrap()).unwrap();
        IamUserModel {
            access_keys: planned.access_keys,
            ..model()
        }
    }

    #[test]
    fn a_user_whose_credentials_are_not_due_is_planned_as_it_is() {
        let user = user("2026-11-20");
        let prior = refreshed(&user);
        assert_eq!(prior.access_keys.known().map(Vec::len), Some(1));
        let plan = shown(Some(&prior), &prior, Some(user));
        assert_eq!(plan.planned, Some(Object::from(prior)));
        let planned = Planned::read(&plan.private).unwrap();
        assert!(!planned.access_keys && !planned.console_access);
    }

    #[test]
    fn a_due_rotation_shows_without_any_change_of_the_configuration() {
        let user = user("2026-11-01");
        let prior = refreshed(&user);
        let plan = shown(Some(&prior), &prior, Some(user));
        assert!(plan.get("access_keys").is_unknown());
        let reason = plan.get("last_key_change").as_str().unwrap();
        assert!(reason.contains("AKIA1"), "{reason}");
        assert_eq!(
            console(&plan, "last_password_change"),
            &Value::from("the first")
        );
        let planned = Planned::read(&plan.private).unwrap();
        assert!(planned.access_keys && !planned.console_access);
        assert_eq!(planned.at.to_string(), NOW);
    }

    #[test]
    fn both_plans_of_a_change_say_the_same() {
        let user = user("2026-11-01");
        let prior = refreshed(&user);
        let first = shown(Some(&prior), &prior, Some(user.clone()));
        let second = shown(Some(&prior), &prior, Some(user));
        assert_eq!(first.planned, second.planned);
    }

    #[test]
    fn a_new_user_gets_both_and_the_plan_names_the_parameter() {
        let planned = model();
        let plan = shown(None, &planned, None);
        assert!(plan.get("access_keys").is_unknown());
        assert!(!plan.get("last_key_change").is_unknown());
        assert_eq!(console(&plan, "password_parameter"), &Value::from(PASSWORD));
        assert!(
            console(&plan, "last_password_change")
                .as_str()
                .unwrap()
                .contains("new password")
        );
    }

    #[test]
    fn what_happens_to_a_user_that_exists_before_its_creation_is_left_open() {
        let plan = shown(None, &model(), Some(user("2026-11-01")));
        assert!(plan.get("last_key_change").is_unknown());
    }

    #[test]
    fn a_second_change_for_the_same_reason_is_a_change_all_the_same() {
        let mut user = user("2026-11-20");
        user.console_access.as_mut().unwrap().stored = StoredPassword::Absent;
        let mut prior = refreshed(&user);
        let first = shown(Some(&prior), &prior, Some(user.clone()));
        let first = console(&first, "last_password_change")
            .as_str()
            .unwrap()
            .to_owned();
        if let Field::Known(console) = &mut prior.console_access {
            console.last_password_change = text(&first);
        }
        let second = shown(Some(&prior), &prior, Some(user));
        let second = console(&second, "last_password_change").as_str().unwrap();
        assert!(second.starts_with(&first) && second != first, "{second}");
    }

    #[test]
    fn credentials_that_are_not_wanted_any_more_show_why_keys_go() {
        let user = user("2026-11-20");
        let prior = refreshed(&user);
        let planned = IamUserModel::default();
        let plan = shown(Some(&prior), &planned, Some(user));
        assert!(plan.get("access_keys").is_unknown());
        assert!(
            plan.get("last_key_change")
                .as_str()
                .unwrap()
                .contains("not wanted")
        );
        let planned = Planned::read(&plan.private).unwrap();
        assert!(planned.access_keys && planned.console_access);
    }

    #[test]
    fn what_cannot_be_decided_yet_stays_open() {
        let planned = IamUserModel {
            access_key: Field::Unknown,
            ..model()
        };
        let mut plan = Plan {
            planned: Some(Object::from(planned.clone())),
            ..Plan::default()
        };
        let decision = decide(&model(), Some(user("2026-11-20")));
        let prior = refreshed(&user("2026-11-20"));
        show(
            &Outlook::Decided(Box::new(decision)),
            Some(&prior),
            &planned,
            &mut plan,
        );
        assert!(plan.get("access_keys").is_unknown());
        assert!(plan.get("last_key_change").is_unknown());
        assert!(Planned::read(&plan.private).unwrap().access_keys);
    }

    #[test]
    fn a_blocked_change_is_a_warning_and_an_impossible_one_an_error() {
        let (account_id, name) = ("222222222222".parse().unwrap(), "alice".parse().unwrap());
        let mut blocked = user("2026-11-01");
        blocked
            .access_keys
            .as_mut()
            .unwrap()
            .keys
            .push(key("AKIA9", "2026-01-01"));
        let found = spoken(&account_id, &name, &decide(&model(), Some(blocked)).changes);
        assert!(!found.has_errors());
        assert!(found.iter().all(|found| found.detail.contains("AKIA9")));
        assert_eq!(found.iter().count(), 1);

        let mut foreign = user("2026-11-20");
        foreign.tags.clear();
        let found = spoken(&account_id, &name, &decide(&model(), Some(foreign)).changes);
        let places: Vec<_> = found
            .iter()
            .map(|found| found.attribute.clone().unwrap().to_string())
            .collect();
        assert!(found.has_errors());
        assert_eq!(places, ["console_access"]);
    }
}
