//! `ReadDataSource`.

use crossaccount_proto::tfplugin6::{ClientCapabilities, read_data_source};
use rstest::rstest;

use super::{Harness, message, shown, thing};
use crate::value::{Value, msgpack};

fn request(name: &str) -> read_data_source::Request {
    let config = Value::object([("name", name.into())]);
    read_data_source::Request {
        type_name: "test_lookup".to_owned(),
        config: Some(message(&config, &thing::lookup_schema().ty())),
        ..Default::default()
    }
}

#[tokio::test]
async fn a_data_source_is_read_with_defaults_filled_in() {
    let mut harness = Harness::configured().await;
    let answer = harness
        .client
        .read_data_source(request("x"))
        .await
        .unwrap()
        .into_inner();
    assert_eq!(shown(&answer.diagnostics), [""; 0]);
    let ty = thing::lookup_schema().ty();
    let state = msgpack::decode(&answer.state.unwrap().msgpack, &ty).unwrap();
    let expected = Value::object([
        ("name", "x".into()),
        ("depth", 1.into()),
        ("found", "x in here".into()),
    ]);
    assert_eq!(state, expected);
}

#[rstest]
#[case::not_found("missing", "error [] Not found")]
#[case::no_result("nothing", "error [] Bug in the crossaccount provider")]
#[case::panic("panic", "error [] The provider panicked")]
#[tokio::test]
async fn a_failed_read_has_no_result(#[case] name: &str, #[case] expected: &str) {
    let mut harness = Harness::configured().await;
    let answer = harness
        .client
        .read_data_source(request(name))
        .await
        .unwrap()
        .into_inner();
    assert_eq!(shown(&answer.diagnostics), [expected]);
    assert_eq!(answer.state, None);
}

#[tokio::test]
async fn unknown_values_in_a_result_are_an_error() {
    let mut harness = Harness::configured().await;
    let answer = harness
        .client
        .read_data_source(request("unknown"))
        .await
        .unwrap()
        .into_inner();
    assert_eq!(
        shown(&answer.diagnostics),
        ["error [found] Bug in the crossaccount provider"]
    );
}

#[tokio::test]
async fn a_data_source_needs_a_known_provider_configuration() {
    let mut harness = Harness::with_unknown_configuration().await;
    let answer = harness
        .client
        .read_data_source(request("x"))
        .await
        .unwrap()
        .into_inner();
    assert_eq!(
        shown(&answer.diagnostics),
        ["error [] Provider configuration not known yet"]
    );
    let mut request = request("x");
    request.client_capabilities = Some(ClientCapabilities {
        deferral_allowed: true,
        ..Default::default()
    });
    let answer = harness
        .client
        .read_data_source(request)
        .await
        .unwrap()
        .into_inner();
    assert_eq!(shown(&answer.diagnostics), [""; 0]);
    assert!(answer.deferred.is_some());
}
