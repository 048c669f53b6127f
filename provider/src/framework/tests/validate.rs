//! The three calls that check configuration.

use crossaccount_proto::tfplugin6::{
    ClientCapabilities, validate_data_resource_config, validate_provider_config,
    validate_resource_config,
};
use rstest::rstest;

use super::{Harness, message, shown, thing, thing_message};
use crate::value::{Object, Value};

async fn validate(config: Object, write_only_attributes_allowed: bool) -> Vec<String> {
    let mut harness = Harness::unconfigured().await;
    let request = validate_resource_config::Request {
        type_name: "test_thing".to_owned(),
        config: Some(thing_message(Some(config))),
        client_capabilities: Some(ClientCapabilities {
            write_only_attributes_allowed,
            ..Default::default()
        }),
    };
    let answer = harness
        .client
        .validate_resource_config(request)
        .await
        .unwrap();
    shown(&answer.into_inner().diagnostics)
}

fn config() -> Object {
    Object::new().with("name", "x")
}

#[rstest]
#[case::text(config().with("name", "a name that is too long"), "name")]
#[case::fraction(config().with("size", Value::Number("1.5".parse().unwrap())), "size")]
#[case::map_key(config().with("tags", Value::map([("long", "a".into())])), "tags/key long")]
#[case::map_value(config().with("tags", Value::map([("k", "c".into())])), "tags/key k")]
#[case::set_size(config().with("owners", Value::set([])), "owners")]
#[case::element_of_a_set(
    config().with("rules", Value::set([Object::new().with("port", 0).into()])),
    "rules/port"
)]
#[case::time_limit(
    config().with("timeouts", Object::new().with("create", "soon")),
    "timeouts/create"
)]
#[tokio::test]
async fn a_bad_value_is_an_error_on_its_attribute(#[case] config: Object, #[case] place: &str) {
    assert_eq!(
        validate(config, true).await,
        [format!("error [{place}] Invalid value")]
    );
}

#[rstest]
#[case::nothing_configured(Object::new())]
#[case::unknown_everywhere(
    Object::new()
        .with("name", Value::UNKNOWN)
        .with("size", Value::UNKNOWN)
        .with("tags", Value::map([("k", Value::UNKNOWN)]))
        .with("owners", Value::UNKNOWN)
        .with("rules", Value::set([Object::new().with("port", Value::UNKNOWN).into()]))
        .with("steps", Value::list([Value::UNKNOWN]))
        .with("timeouts", Value::UNKNOWN)
)]
#[case::a_set_that_may_become_smaller(
    config().with("owners", Value::set([Value::UNKNOWN, Value::UNKNOWN, Value::UNKNOWN]))
)]
#[tokio::test]
async fn null_and_unknown_are_possibly_valid(#[case] config: Object) {
    assert_eq!(validate(config, true).await, [""; 0]);
}

#[tokio::test]
async fn a_resource_adds_checks_of_its_own() {
    assert_eq!(
        validate(config().with("name", "odd"), true).await,
        ["warning [] Odd name"]
    );
}

#[tokio::test]
async fn a_write_only_value_is_refused_when_terraform_would_store_it() {
    let access = Object::new().with("level", "low").with("pin", "1");
    let config = config().with("secret", "s").with("access", access);
    assert_eq!(validate(config.clone(), true).await, [""; 0]);
    let summary = "Write-only argument is not supported";
    assert_eq!(
        validate(config, false).await,
        [
            format!("error [secret] {summary}"),
            format!("error [access/pin] {summary}")
        ]
    );
}

#[rstest]
#[case("here", &[])]
#[case("far too long a region", &["error [region] Invalid value"])]
#[case("nowhere", &["error [region] No such region"])]
#[tokio::test]
async fn the_provider_block_is_checked(#[case] region: &str, #[case] expected: &[&str]) {
    let mut harness = Harness::unconfigured().await;
    let config = Value::object([("region", region.into())]);
    let request = validate_provider_config::Request {
        config: Some(message(&config, &thing::provider_schema().ty())),
    };
    let answer = harness
        .client
        .validate_provider_config(request)
        .await
        .unwrap();
    assert_eq!(shown(&answer.into_inner().diagnostics), expected);
}

#[rstest]
#[case("x", &[])]
#[case("a name that is too long", &["error [name] Invalid value"])]
#[tokio::test]
async fn a_data_source_is_checked(#[case] name: &str, #[case] expected: &[&str]) {
    let mut harness = Harness::unconfigured().await;
    let config = Value::object([("name", name.into())]);
    let request = validate_data_resource_config::Request {
        type_name: "test_lookup".to_owned(),
        config: Some(message(&config, &thing::lookup_schema().ty())),
    };
    let answer = harness
        .client
        .validate_data_resource_config(request)
        .await
        .unwrap();
    assert_eq!(shown(&answer.into_inner().diagnostics), expected);
}

#[tokio::test]
async fn an_unknown_type_is_an_error() {
    let mut harness = Harness::unconfigured().await;
    let request = validate_data_resource_config::Request {
        type_name: "test_none".to_owned(),
        config: None,
    };
    let answer = harness
        .client
        .validate_data_resource_config(request)
        .await
        .unwrap();
    assert_eq!(
        shown(&answer.into_inner().diagnostics),
        ["error [] Unknown data source type"]
    );
}
