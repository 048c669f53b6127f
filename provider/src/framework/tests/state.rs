//! `UpgradeResourceState` and `MoveResourceState`.

use crossaccount_proto::tfplugin6::{RawState, move_resource_state, upgrade_resource_state};
use rstest::rstest;

use super::{Harness, shown, thing_object};
use crate::value::Object;

async fn upgrade(version: i64, json: &str) -> upgrade_resource_state::Response {
    // Nothing was called before: state is upgraded by a provider that is not configured.
    let mut harness = Harness::unconfigured().await;
    let request = upgrade_resource_state::Request {
        type_name: "test_thing".to_owned(),
        version,
        raw_state: Some(RawState {
            json: json.as_bytes().to_vec(),
            ..Default::default()
        }),
    };
    harness
        .client
        .upgrade_resource_state(request)
        .await
        .unwrap()
        .into_inner()
}

#[rstest]
#[case::two_steps(0, "{\"title\": \"x\", \"size\": \"4\"}")]
#[case::one_step(1, "{\"name\": \"x\", \"size\": \"4\"}")]
#[case::current(2, "{\n  \"name\": \"x\",\n  \"size\": 4\n}")]
#[tokio::test]
async fn state_of_every_version_is_brought_to_the_current_one(
    #[case] version: i64,
    #[case] json: &str,
) {
    let answer = upgrade(version, json).await;
    assert_eq!(shown(&answer.diagnostics), [""; 0]);
    let expected = Object::new().with("name", "x").with("size", 4);
    assert_eq!(thing_object(answer.upgraded_state.as_ref()), Some(expected));
}

#[tokio::test]
async fn write_only_values_of_old_state_are_removed() {
    let answer = upgrade(2, "{\"name\": \"x\", \"secret\": \"leaked\"}").await;
    let expected = Object::new().with("name", "x");
    assert_eq!(thing_object(answer.upgraded_state.as_ref()), Some(expected));
}

#[rstest]
#[case::newer_version(3, "{}", "error [] State cannot be upgraded")]
#[case::negative_version(-1, "{}", "error [] State cannot be upgraded")]
#[case::no_json(2, "", "error [] State cannot be upgraded")]
#[case::null(2, "null", "error [] State cannot be upgraded")]
#[case::broken_json(1, "{\"name\": ", "error [] State cannot be upgraded")]
#[case::another_type(2, "{\"size\": true}", "error [size] Unreadable request")]
#[case::another_attribute(2, "{\"colour\": 1}", "error [] Unreadable request")]
#[case::step_fails(1, "{\"size\": \"big\"}", "error [] Bad size")]
#[tokio::test]
async fn state_that_cannot_be_read_is_an_error(
    #[case] version: i64,
    #[case] json: &str,
    #[case] expected: &str,
) {
    let answer = upgrade(version, json).await;
    assert_eq!(shown(&answer.diagnostics), [expected]);
    assert_eq!(answer.upgraded_state, None);
}

async fn moved(type_name: &str, json: &str) -> move_resource_state::Response {
    let mut harness = Harness::unconfigured().await;
    let request = move_resource_state::Request {
        source_provider_address: "registry.terraform.io/old/old".to_owned(),
        source_type_name: type_name.to_owned(),
        source_schema_version: 1,
        source_state: Some(RawState {
            json: json.as_bytes().to_vec(),
            ..Default::default()
        }),
        target_type_name: "test_thing".to_owned(),
        ..Default::default()
    };
    harness
        .client
        .move_resource_state(request)
        .await
        .unwrap()
        .into_inner()
}

#[tokio::test]
async fn state_of_a_supported_source_is_taken_over() {
    let answer = moved("old_thing", "{\"title\": \"x\"}").await;
    assert_eq!(shown(&answer.diagnostics), [""; 0]);
    let expected = Object::new().with("name", "x");
    assert_eq!(thing_object(answer.target_state.as_ref()), Some(expected));
}

#[rstest]
#[case::source("other_thing", "{}", "error [] State cannot be moved")]
#[case::json("old_thing", "{", "error [] State cannot be moved")]
#[case::content("old_thing", "{}", "error [] No title")]
#[tokio::test]
async fn other_state_is_not_taken_over(
    #[case] type_name: &str,
    #[case] json: &str,
    #[case] expected: &str,
) {
    let answer = moved(type_name, json).await;
    assert_eq!(shown(&answer.diagnostics), [expected]);
    assert_eq!(answer.target_state, None);
}
