//! `ReadResource`.

use crossaccount_proto::tfplugin6::{ClientCapabilities, read_resource};
use rstest::rstest;

use super::{Harness, shown, thing_message, thing_object};
use crate::value::Object;

fn state(name: &str) -> Object {
    Object::new()
        .with("name", name)
        .with("size", 3)
        .with("document", "a b")
}

async fn read(harness: &mut Harness, state: Option<Object>) -> read_resource::Response {
    let request = read_resource::Request {
        type_name: "test_thing".to_owned(),
        current_state: Some(thing_message(state)),
        private: b"{\"kept\":1}".to_vec(),
        ..Default::default()
    };
    harness
        .client
        .read_resource(request)
        .await
        .unwrap()
        .into_inner()
}

#[rstest]
#[case::nothing_changed("x", Some(state("x")))]
#[case::drift("drift", Some(state("drift").with("size", 99)))]
#[case::gone("nothing", None)]
#[case::equal_values_keep_their_form("respace", Some(state("respace")))]
#[case::write_only_values_are_removed("leak", Some(state("leak")))]
#[tokio::test]
async fn a_read_answers_with_what_is_there(#[case] name: &str, #[case] expected: Option<Object>) {
    let mut harness = Harness::configured().await;
    let answer = read(&mut harness, Some(state(name))).await;
    assert_eq!(shown(&answer.diagnostics), [""; 0]);
    assert_eq!(thing_object(answer.new_state.as_ref()), expected);
    assert_eq!(answer.private, b"{\"kept\":1}");
}

#[rstest]
#[case::error("fail", "error [] Failed")]
#[case::error_with_a_state("partial", "error [] Half")]
#[case::panic("panic", "error [] The provider panicked")]
#[case::another_type("misfit", "error [size] Bug in the crossaccount provider")]
#[tokio::test]
async fn a_failed_read_keeps_the_state(#[case] name: &str, #[case] expected: &str) {
    let mut harness = Harness::configured().await;
    let answer = read(&mut harness, Some(state(name))).await;
    assert_eq!(shown(&answer.diagnostics), [expected]);
    assert_eq!(thing_object(answer.new_state.as_ref()), Some(state(name)));
    assert_eq!(answer.private, b"{\"kept\":1}");
}

#[tokio::test]
async fn unknown_values_in_a_read_are_an_error_and_null() {
    let mut harness = Harness::configured().await;
    let answer = read(&mut harness, Some(state("unknown").with("label", "l"))).await;
    assert_eq!(
        shown(&answer.diagnostics),
        ["error [label] Bug in the crossaccount provider"]
    );
    assert_eq!(
        thing_object(answer.new_state.as_ref()),
        Some(state("unknown"))
    );
}

#[tokio::test]
async fn a_read_can_change_private_data() {
    let mut harness = Harness::configured().await;
    let answer = read(&mut harness, Some(state("private"))).await;
    assert_eq!(answer.private, b"{\"secret_length\":6}");
}

#[tokio::test]
async fn a_read_of_nothing_is_nothing() {
    let mut harness = Harness::configured().await;
    let answer = read(&mut harness, None).await;
    assert_eq!(shown(&answer.diagnostics), [""; 0]);
    assert_eq!(thing_object(answer.new_state.as_ref()), None);
}

#[tokio::test]
async fn while_the_provider_configuration_is_not_known_the_state_stays_and_a_warning_says_so() {
    let mut harness = Harness::with_unknown_configuration().await;
    let answer = read(&mut harness, Some(state("drift"))).await;
    assert_eq!(
        shown(&answer.diagnostics),
        ["warning [] Object not refreshed"]
    );
    assert_eq!(
        thing_object(answer.new_state.as_ref()),
        Some(state("drift"))
    );

    let request = read_resource::Request {
        type_name: "test_thing".to_owned(),
        current_state: Some(thing_message(Some(state("drift")))),
        client_capabilities: Some(ClientCapabilities {
            deferral_allowed: true,
            ..Default::default()
        }),
        ..Default::default()
    };
    let answer = harness
        .client
        .read_resource(request)
        .await
        .unwrap()
        .into_inner();
    assert_eq!(shown(&answer.diagnostics), [""; 0]);
    assert_eq!(
        answer.deferred.unwrap().reason().as_str_name(),
        "PROVIDER_CONFIG_UNKNOWN"
    );
}
