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
mod tests;
