//! Credentials as a state or plan shows them: names and dates, never a secret.

use crossaccount_core::secrets::ParameterName;
use crossaccount_core::user::{
    Facets, KeyPhase, KeyView, LastUsed, ObservedUser, Parameters, Places, Start, StoredKey,
    StoredPassword, UserSpec,
};
use jiff::Timestamp;

use super::IamUserModel;
use super::credentials::{ConsoleAccessModel, ShownKey};
use crate::crossaccount::ProviderState;
use crate::schema::Field;

/// What there is to tell about the credentials of a user.
#[derive(Debug, Clone, Default)]
pub(in crate::crossaccount) struct Credentials {
    /// The access keys, as the core tells about them.
    pub(super) keys: Vec<KeyView>,
    /// What is due with them and cannot be done, and why.
    pub(super) blocked: Vec<String>,
    /// Where the secrets are.
    pub(super) parameters: Parameters,
}

impl Credentials {
    /// What there is to tell about a user that was looked at, for what a model wants and remembers. Calls nobody.
    pub(super) fn of(
        provider: &ProviderState,
        user: &ObservedUser,
        model: &IamUserModel,
        at: Timestamp,
    ) -> Self {
        let Ok(target) = model.target() else {
            return Self::default();
        };
        let spec = UserSpec {
            access_key: model.wanted_key().unwrap_or_default(),
            console_access: model.wanted_console().unwrap_or_default(),
            ..UserSpec::named(user.name.clone())
        };
        let remembered = model.parameters();
        let changes =
            provider
                .users
                .preview(&target, &spec, Start::User(user), at, remembered.clone());
        Self {
            keys: changes.keys,
            blocked: changes.blocked,
            parameters: or_regular(remembered, provider.users.places(&target, &user.name)),
        }
    }
}

/// The parameters that are remembered, and where none is, the one that the user's name gives.
fn or_regular(remembered: Parameters, places: Option<Places>) -> Parameters {
    let (access_key, password) = places
        .map(|places| (places.access_key, places.console_password))
        .unzip();
    Parameters {
        access_key: remembered.access_key.or(access_key),
        console_password: remembered.console_password.or(password),
    }
}

impl IamUserModel {
    /// The parameters that the state remembers.
    pub(super) fn parameters(&self) -> Parameters {
        let keys = self.access_keys.known().into_iter().flatten();
        let mut parameters = keys.filter_map(|key| key.secret_parameter.known()?.parse().ok());
        let console = self.console_access.known();
        Parameters {
            access_key: parameters.next(),
            console_password: console
                .and_then(|console| console.password_parameter.known()?.parse().ok()),
        }
    }

    /// The ids of the access keys that the state remembers.
    pub(super) fn key_ids(&self) -> impl Iterator<Item = String> {
        let keys = self.access_keys.known().into_iter().flatten();
        keys.filter_map(|key| key.id.known().cloned())
    }

    /// The credentials to look at: those that are managed. Keys that were shown once go on being shown.
    pub(super) fn credential_facets(&self) -> Facets {
        let shows_keys = self
            .access_keys
            .known()
            .is_some_and(|keys| !keys.is_empty());
        Facets {
            access_keys: !self.access_key.is_null() || shows_keys,
            console_access: !self.console_access.is_null(),
            ..Facets::NONE
        }
    }
}

/// `access_keys` of a user: null when nobody looked, or when there is nothing to manage and nothing to show.
pub(super) fn access_keys(
    user: &ObservedUser,
    credentials: &Credentials,
    before: &IamUserModel,
) -> Field<Vec<ShownKey>> {
    let Some(observed) = &user.access_keys else {
        return Field::Null;
    };
    let place = credentials.parameters.access_key.as_ref();
    let shown: Vec<ShownKey> = credentials
        .keys
        .iter()
        .map(|view| {
            let stored = match &observed.stored {
                StoredKey::Holds(id) if *id == view.id => place.map(ToString::to_string),
                // Nobody could look: what was known stays.
                StoredKey::Unknown => remembered(&view.id, before),
                StoredKey::Holds(_) | StoredKey::Absent | StoredKey::Foreign(_) => None,
            };
            shown(view, stored.filter(|_| view.phase == KeyPhase::Current))
        })
        .collect();
    if shown.is_empty() && before.access_key.is_null() {
        Field::Null
    } else {
        Field::Known(shown)
    }
}

fn remembered(id: &str, before: &IamUserModel) -> Option<String> {
    let mut keys = before.access_keys.known().into_iter().flatten();
    let key = keys.find(|key| key.id.known().is_some_and(|known| known == id))?;
    key.secret_parameter.known().cloned()
}

fn shown(view: &KeyView, secret_parameter: Option<String>) -> ShownKey {
    let text = |text: &str| Field::Known(text.to_owned());
    let (date, service) = match &view.last_used {
        LastUsed::At { time, service, .. } => (Some(time.to_string()), service.clone()),
        LastUsed::Never | LastUsed::Unknown { .. } => (None, None),
    };
    let (action, at) = view.next_action.unzip();
    ShownKey {
        id: text(&view.id),
        status: text(view.status.as_str()),
        phase: text(view.phase.as_str()),
        create_date: Field::Known(view.create_date.to_string()),
        last_used_date: date.into(),
        last_used_service: service.into(),
        secret_parameter: secret_parameter.into(),
        next_action: action.map(|action| action.as_str().to_owned()).into(),
        next_action_at: at.map(|at| at.to_string()).into(),
        blocked: view.blocked.clone().into(),
    }
}

/// `console_access` of a user: null when it has no login profile of ours. What IAM does not tell is as it was.
pub(super) fn console_access(
    user: &ObservedUser,
    place: Option<&ParameterName>,
    before: &Field<ConsoleAccessModel>,
) -> Field<ConsoleAccessModel> {
    let (Field::Known(model), Some(observed)) = (before, &user.console_access) else {
        return Field::Null;
    };
    if observed.profile.is_none() || !user.has_own_console_access() {
        return Field::Null;
    }
    let place = place.filter(|_| model.password_version.is_null());
    let password_parameter = match &observed.stored {
        StoredPassword::Ours => place.map(ToString::to_string).into(),
        StoredPassword::Unknown => match &model.password_parameter {
            Field::Known(name) => Field::Known(name.clone()),
            Field::Null | Field::Unknown => Field::Null,
        },
        StoredPassword::Absent | StoredPassword::Foreign(_) => Field::Null,
    };
    Field::Known(ConsoleAccessModel {
        password: Field::Null,
        password_parameter,
        last_password_change: known_or_null(&model.last_password_change),
        ..model.clone()
    })
}

/// The field, or null when it is not known.
pub(super) fn known_or_null<T: Clone>(field: &Field<T>) -> Field<T> {
    field.known().cloned().into()
}

/// The state of credentials after a change that did not come to its end: what was wanted before still is in the state, so
/// that the next plan shows the rest of the change.
pub(super) fn as_before(planned: &IamUserModel, prior: Option<&IamUserModel>) -> IamUserModel {
    let mut model = planned.clone();
    if let Some(prior) = prior {
        model.console_access = prior.console_access.clone();
        model.access_key = prior.access_key.clone();
        model.access_keys = prior.access_keys.clone();
        model.last_key_change = prior.last_key_change.clone();
        return model;
    }
    // What a creation left is destroyed next, and read for that.
    model.access_keys = Field::Null;
    model.last_key_change = Field::Null;
    if let Field::Known(console) = &mut model.console_access {
        console.last_password_change = Field::Null;
    }
    model
}

/// What the plan said is what the state says: Terraform takes nothing else from an apply that succeeded.
pub(super) fn as_planned(state: &mut IamUserModel, planned: &IamUserModel) {
    if !planned.access_keys.is_unknown() {
        state.access_keys = planned.access_keys.clone();
    }
    let Field::Known(console) = &planned.console_access else {
        state.console_access = Field::Null;
        return;
    };
    let password_parameter = match (&console.password_parameter, &state.console_access) {
        (Field::Unknown, Field::Known(found)) => found.password_parameter.clone(),
        (planned, _) => known_or_null(planned),
    };
    state.console_access = Field::Known(ConsoleAccessModel {
        password: Field::Null,
        password_parameter,
        last_password_change: known_or_null(&console.last_password_change),
        ..console.clone()
    });
}

/// Why a planned change of access keys did not take place, should that be so: something got in its way after the plan.
pub(super) fn prevented(
    prior: &IamUserModel,
    credentials: &Credentials,
    told: &[String],
) -> Option<String> {
    let reasons: Vec<&str> = credentials
        .blocked
        .iter()
        .filter(|reason| !told.contains(reason))
        .map(String::as_str)
        .collect();
    let before = prior.access_keys.known().map_or(&[][..], Vec::as_slice);
    let after = credentials.keys.iter().map(|view| shown(view, None));
    let same = before.len() == credentials.keys.len()
        && before.iter().zip(after).all(|(before, after)| {
            before.id == after.id && before.status == after.status && before.phase == after.phase
        });
    (same && !reasons.is_empty()).then(|| reasons.join("; "))
}
