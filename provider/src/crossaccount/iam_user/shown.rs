//! Credentials as a state or plan shows them: names and dates, never a secret.

use crossaccount_core::secrets::ParameterName;
use crossaccount_core::user::{
    Facets, KeyPhase, KeyView, LastUsed, ObservedUser, Parameters, Places, Start, StoredKey,
    StoredPassword, UserSpec,
};
use jiff::{Timestamp, Unit};

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
            own_credentials: true,
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
        next_action_at: at.map(in_seconds).into(),
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
    // Keys of somebody else may come and go.
    let ours = |keys: Vec<ShownKey>| -> Vec<_> {
        let foreign = Field::Known(KeyPhase::Foreign.as_str().to_owned());
        let ours = keys.into_iter().filter(|key| key.phase != foreign);
        ours.map(|key| (key.id, key.status, key.phase)).collect()
    };
    let before = ours(prior.access_keys.known().cloned().unwrap_or_default());
    let after = credentials.keys.iter().map(|view| shown(view, None));
    let same = before == ours(after.collect());
    (same && !reasons.is_empty()).then(|| reasons.join("; "))
}

/// A moment without fractions of a second, which tell nobody anything.
fn in_seconds(at: Timestamp) -> String {
    at.round(Unit::Second).unwrap_or(at).to_string()
}

#[cfg(test)]
mod tests {
    use crossaccount_core::user::{
        KeyPhase, KeyStatus, KeyView, LastUsed, ObservedConsole, ObservedKeys, ObservedUser,
        Parameters, StoredKey, StoredPassword,
    };

    use super::{
        Credentials, access_keys, as_before, as_planned, console_access, prevented, shown,
    };
    use crate::crossaccount::iam_user::IamUserModel;
    use crate::crossaccount::iam_user::credentials::{
        AccessKeyModel, ConsoleAccessModel, ShownKey,
    };
    use crate::schema::Field;

    fn text(text: &str) -> Field<String> {
        Field::Known(text.to_owned())
    }

    fn view(id: &str, phase: KeyPhase) -> KeyView {
        KeyView {
            id: id.to_owned(),
            status: KeyStatus::Active,
            phase,
            create_date: "2026-11-01T00:00:00Z".parse().unwrap(),
            last_used: LastUsed::Never,
            next_action: None,
            blocked: None,
        }
    }

    fn credentials(phases: &[(&str, KeyPhase)], blocked: &[&str]) -> Credentials {
        Credentials {
            keys: phases.iter().map(|(id, phase)| view(id, *phase)).collect(),
            blocked: blocked.iter().map(|reason| (*reason).to_owned()).collect(),
            parameters: Parameters {
                access_key: Some("/x/access-key".parse().unwrap()),
                console_password: None,
            },
        }
    }

    fn user(stored: StoredKey) -> ObservedUser {
        ObservedUser {
            name: "alice".parse().unwrap(),
            path: "/".parse().unwrap(),
            arn: String::new(),
            unique_id: "AIDA1".to_owned(),
            create_date: None,
            password_last_used: None,
            permissions_boundary: None,
            tags: [(
                "crossaccount:console-access".to_owned(),
                "managed 0".to_owned(),
            )]
            .into(),
            managed_policy_arns: None,
            inline_policies: None,
            groups: None,
            access_keys: Some(ObservedKeys {
                keys: Vec::new(),
                stored,
            }),
            console_access: None,
        }
    }

    fn model(keys: &[(&str, KeyPhase)]) -> IamUserModel {
        let keys = keys
            .iter()
            .map(|(id, phase)| shown(&view(id, *phase), None));
        IamUserModel {
            access_key: Field::Known(AccessKeyModel::default()),
            access_keys: Field::Known(keys.collect()),
            ..IamUserModel::default()
        }
    }

    fn places(field: &Field<Vec<ShownKey>>) -> Vec<Option<&str>> {
        let keys = field.known().unwrap().iter();
        keys.map(|key| key.secret_parameter.known().map(String::as_str))
            .collect()
    }

    const OURS: [(&str, KeyPhase); 2] = [("A", KeyPhase::Current), ("B", KeyPhase::Retiring)];

    #[rstest::rstest]
    #[case::it_is_stored(StoredKey::Holds("A".to_owned()), Some("/x/access-key"))]
    #[case::another_is_stored(StoredKey::Holds("B".to_owned()), None)]
    #[case::nothing_is_stored(StoredKey::Absent, None)]
    #[case::nobody_could_look(StoredKey::Unknown, Some("/remembered/access-key"))]
    fn only_the_current_key_has_a_parameter_and_only_when_its_secret_is_there(
        #[case] stored: StoredKey,
        #[case] expected: Option<&str>,
    ) {
        let mut before = model(&OURS);
        if let Field::Known(keys) = &mut before.access_keys {
            keys[0].secret_parameter = text("/remembered/access-key");
        }
        let found = access_keys(&user(stored), &credentials(&OURS, &[]), &before);
        assert_eq!(places(&found), [expected, None]);
    }

    #[test]
    fn a_user_whose_keys_are_not_managed_shows_them_when_there_are_any() {
        let nothing = IamUserModel::default();
        let foreign = credentials(&[("C", KeyPhase::Foreign)], &[]);
        let user = user(StoredKey::Absent);
        assert_eq!(places(&access_keys(&user, &foreign, &nothing)), [None]);
        assert!(access_keys(&user, &credentials(&[], &[]), &nothing).is_null());
        let managed = access_keys(&user, &credentials(&[], &[]), &model(&[]));
        assert_eq!(managed, Field::Known(Vec::new()));
    }

    #[rstest::rstest]
    #[case::it_was_deleted(false, "crossaccount:console-access", true)]
    #[case::it_is_somebody_elses(true, "team", true)]
    #[case::it_is_ours(true, "crossaccount:console-access", false)]
    fn console_access_without_a_profile_of_ours_is_null(
        #[case] profile: bool,
        #[case] tag: &str,
        #[case] null: bool,
    ) {
        let mut user = user(StoredKey::Absent);
        user.tags = [(tag.to_owned(), "x".to_owned())].into();
        user.console_access = Some(ObservedConsole {
            profile: profile.then_some(crossaccount_core::user::LoginProfile {
                create_date: None,
                password_reset_required: false,
            }),
            stored: StoredPassword::Ours,
        });
        let before = Field::Known(ConsoleAccessModel {
            password_reset_required: Field::Known(true),
            ..ConsoleAccessModel::default()
        });
        let place = "/x/console-password".parse().unwrap();
        let found = console_access(&user, Some(&place), &before);
        assert_eq!(found.is_null(), null);
        if let Field::Known(found) = found {
            assert_eq!(found.password_parameter, text("/x/console-password"));
            // A user who has chosen a new password is no difference.
            assert_eq!(found.password_reset_required, Field::Known(true));
        }
    }

    #[test]
    fn a_planned_change_that_something_got_in_the_way_of_is_told() {
        let prior = model(&[("A", KeyPhase::Current)]);
        let after = [("A", KeyPhase::Current), ("C", KeyPhase::Foreign)];
        let found = prevented(&prior, &credentials(&after, &["C takes a place"]), &[]);
        assert_eq!(found.as_deref(), Some("C takes a place"));
        let told = ["C takes a place".to_owned()];
        assert_eq!(
            prevented(&prior, &credentials(&after, &["C takes a place"]), &told),
            None
        );
        let rotated = [("D", KeyPhase::Current), ("A", KeyPhase::Retiring)];
        assert_eq!(
            prevented(&prior, &credentials(&rotated, &["A is in use"]), &[]),
            None
        );
        assert_eq!(prevented(&prior, &credentials(&after, &[]), &[]), None);
    }

    #[test]
    fn a_change_that_failed_leaves_its_credentials_to_the_next_plan() {
        let prior = IamUserModel {
            last_key_change: text("before"),
            ..model(&OURS)
        };
        let planned = IamUserModel {
            access_key: Field::Null,
            last_key_change: text("after"),
            ..IamUserModel::default()
        };
        let state = as_before(&planned, Some(&prior));
        assert_eq!(state.last_key_change, text("before"));
        assert_eq!(state.access_key, prior.access_key);
        assert!(as_before(&planned, None).last_key_change.is_null());
    }

    #[test]
    fn a_change_that_succeeded_says_what_the_plan_said() {
        let planned = IamUserModel {
            access_keys: Field::Unknown,
            console_access: Field::Known(ConsoleAccessModel {
                password_parameter: text("/x/console-password"),
                last_password_change: text("because"),
                ..ConsoleAccessModel::default()
            }),
            ..IamUserModel::default()
        };
        let mut state = model(&OURS);
        as_planned(&mut state, &planned);
        assert_eq!(state.access_keys, model(&OURS).access_keys);
        assert_eq!(state.console_access, planned.console_access);
        let known = model(&[]);
        as_planned(&mut state, &known);
        assert_eq!(state.access_keys, known.access_keys);
        assert!(state.console_access.is_null());
    }
}
