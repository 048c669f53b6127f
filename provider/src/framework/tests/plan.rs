//! `PlanResourceChange`.

use rstest::rstest;

use super::{Change, Harness, place, shown, thing_object};
use crate::value::{Object, Value};

fn config(name: &str) -> Object {
    Object::new().with("name", name)
}

fn existing(name: &str) -> Object {
    Object::new()
        .with("name", name)
        .with("size", 3)
        .with("id", "thing/1")
        .with("revision", 1)
        .with("label", "made")
        .with("report", Value::list([]))
}

#[tokio::test]
async fn a_creation_is_planned() {
    let mut harness = Harness::configured().await;
    let answer = harness
        .plan(Change::create(config("x").with("secret", "s")))
        .await;
    assert_eq!(shown(&answer.diagnostics), [""; 0]);
    let expected = config("x")
        .with("size", 3)
        .with("id", Value::UNKNOWN)
        .with("revision", Value::UNKNOWN)
        .with("label", Value::UNKNOWN)
        .with("report", Value::UNKNOWN);
    assert_eq!(thing_object(answer.planned_state.as_ref()), Some(expected));
    assert!(answer.requires_replace.is_empty());
    assert!(!answer.legacy_type_system);
    assert_eq!(answer.deferred, None);
}

#[tokio::test]
async fn a_write_only_value_reaches_the_plan_only_in_the_configuration() {
    let mut harness = Harness::configured().await;
    let answer = harness
        .plan(Change::create(config("peeks").with("secret", "s")))
        .await;
    assert_eq!(shown(&answer.diagnostics), [""; 0]);
    let planned = thing_object(answer.planned_state.as_ref()).unwrap();
    assert_eq!(planned.get("label"), &"a string then null".into());
    assert!(planned.get("secret").is_null());
}

#[tokio::test]
async fn a_plan_without_a_change_is_the_prior_state() {
    let mut harness = Harness::configured().await;
    let answer = harness
        .plan(Change::update(existing("x"), config("x")))
        .await;
    assert_eq!(
        thing_object(answer.planned_state.as_ref()),
        Some(existing("x"))
    );
}

#[tokio::test]
async fn a_resource_can_compute_values_in_the_plan() {
    let mut harness = Harness::configured().await;
    let answer = harness.plan(Change::create(config("computes"))).await;
    let planned = thing_object(answer.planned_state.as_ref()).unwrap();
    assert_eq!(planned.get("label"), &"computed in the plan".into());
}

#[tokio::test]
async fn replacements_are_sorted_without_duplicates_and_without_paths_that_lead_nowhere() {
    let mut harness = Harness::configured().await;
    let access = |level: &str| Object::new().with("level", level).with("mode", "ro");
    let prior = existing("moves")
        .with("zone", "a")
        .with("access", access("low"));
    let config = config("moves")
        .with("zone", "b")
        .with("access", access("high"));
    let answer = harness.plan(Change::update(prior, config)).await;
    assert_eq!(shown(&answer.diagnostics), [""; 0]);
    let places: Vec<String> = answer.requires_replace.iter().map(place).collect();
    assert_eq!(places, ["access/level", "label", "zone"]);
}

#[tokio::test]
async fn a_deletion_is_planned_as_null() {
    let mut harness = Harness::configured().await;
    let change = Change {
        private: b"{\"kept\":1}".to_vec(),
        ..Change::delete(existing("x"))
    };
    let answer = harness.plan(change).await;
    assert_eq!(shown(&answer.diagnostics), [""; 0]);
    assert_eq!(thing_object(answer.planned_state.as_ref()), None);
    assert_eq!(answer.planned_private, b"{\"kept\":1}");
}

#[rstest]
#[case::refused_by_the_resource("keep", "error [] Deletion refused")]
#[case::planned_as_an_object("undelete", "error [] Bug in the crossaccount provider")]
#[tokio::test]
async fn a_deletion_can_be_refused(#[case] name: &str, #[case] expected: &str) {
    let mut harness = Harness::configured().await;
    let answer = harness.plan(Change::delete(existing(name))).await;
    assert_eq!(shown(&answer.diagnostics), [expected]);
}

#[rstest]
#[case::a_value_that_is_not_configured("invents", "error [zone] Bug in the crossaccount provider")]
#[case::no_object("vanishes", "error [] Bug in the crossaccount provider")]
#[tokio::test]
async fn an_illegal_plan_of_a_resource_never_reaches_terraform(
    #[case] name: &str,
    #[case] expected: &str,
) {
    let mut harness = Harness::configured().await;
    let answer = harness.plan(Change::create(config(name))).await;
    assert_eq!(shown(&answer.diagnostics), [expected]);
    assert_eq!(thing_object(answer.planned_state.as_ref()), None);
}

#[tokio::test]
async fn private_data_goes_from_state_to_plan() {
    let mut harness = Harness::configured().await;
    let mut change = Change::update(existing("private"), config("private"));
    change.private = b"{\"old\":true}".to_vec();
    let answer = harness.plan(change).await;
    assert_eq!(answer.planned_private, b"{\"old\":true,\"planned\":true}");
}

#[tokio::test]
async fn a_plan_is_deferred_only_when_terraform_allows_it() {
    let mut harness = Harness::configured().await;
    let change = Change::create(config("defers"));
    let answer = harness.plan(change.clone()).await;
    assert_eq!(
        shown(&answer.diagnostics),
        ["error [] Plan not possible yet"]
    );
    assert_eq!(answer.deferred, None);

    let answer = harness
        .plan(Change {
            deferral_allowed: true,
            ..change
        })
        .await;
    assert_eq!(shown(&answer.diagnostics), [""; 0]);
    let reason = answer.deferred.unwrap().reason();
    assert_eq!(reason.as_str_name(), "ABSENT_PREREQ");
}

#[tokio::test]
async fn a_plan_is_possible_while_the_provider_configuration_is_not_known() {
    let mut harness = Harness::with_unknown_configuration().await;
    let answer = harness.plan(Change::create(config("region"))).await;
    assert_eq!(shown(&answer.diagnostics), [""; 0]);
    let planned = thing_object(answer.planned_state.as_ref()).unwrap();
    assert_eq!(planned.get("label"), &Value::UNKNOWN);

    let mut harness = Harness::configured().await;
    let answer = harness.plan(Change::create(config("region"))).await;
    let planned = thing_object(answer.planned_state.as_ref()).unwrap();
    assert_eq!(planned.get("label"), &"here".into());
}

#[tokio::test]
async fn a_plan_before_configuration_is_an_error() {
    let mut harness = Harness::unconfigured().await;
    let answer = harness.plan(Change::create(config("x"))).await;
    assert_eq!(
        shown(&answer.diagnostics),
        ["error [] Provider not configured"]
    );
}

#[tokio::test]
async fn a_panic_in_a_plan_is_an_error_that_changes_nothing() {
    let mut harness = Harness::configured().await;
    let answer = harness
        .plan(Change::update(existing("x"), config("panic")))
        .await;
    assert_eq!(
        shown(&answer.diagnostics),
        ["error [] The provider panicked"]
    );
    assert!(answer.diagnostics[0].detail.contains("plan fell over"));
    assert_eq!(
        thing_object(answer.planned_state.as_ref()),
        Some(existing("x"))
    );
}

#[tokio::test]
async fn a_request_that_does_not_fit_the_schema_is_an_error_with_its_place() {
    let mut harness = Harness::configured().await;
    let mut request = Change::create(config("x")).plan();
    request.config.as_mut().unwrap().msgpack = b"\x81\xa4name\xa1x".to_vec();
    let answer = harness
        .client
        .plan_resource_change(request)
        .await
        .unwrap()
        .into_inner();
    assert_eq!(shown(&answer.diagnostics), ["error [] Unreadable request"]);
    assert!(
        answer.diagnostics[0].detail.contains("16 attributes"),
        "{answer:?}"
    );
}

#[tokio::test]
async fn an_unknown_resource_type_is_an_error() {
    let mut harness = Harness::configured().await;
    let mut request = Change::create(config("x")).plan();
    request.type_name = "test_other".to_owned();
    let answer = harness
        .client
        .plan_resource_change(request)
        .await
        .unwrap()
        .into_inner();
    assert_eq!(
        shown(&answer.diagnostics),
        ["error [] Unknown resource type"]
    );
}
