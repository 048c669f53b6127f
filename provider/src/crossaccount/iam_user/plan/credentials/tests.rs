use crossaccount_core::secrets::{ParameterName, SecretKind};
use crossaccount_core::user::{
    ConsoleAccess, Demands, KeyStatus, LastUsed, LoginProfile, NoCredentials, ObservedConsole,
    ObservedKey, ObservedKeys, ObservedUser, Parameters, Places, Start, StoredKey, StoredPassword,
    UserSpec, Wish, changes,
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

fn shown(prior: Option<&IamUserModel>, planned: &IamUserModel, user: Option<ObservedUser>) -> Plan {
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
