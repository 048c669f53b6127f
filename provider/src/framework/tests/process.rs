//! What concerns the process: configuration, interrupts, calls that are given up, calls that are
//! not offered.

use std::time::Duration;

use crossaccount_proto::tfplugin6::provider_server::Provider as _;
use crossaccount_proto::tfplugin6::{generate_resource_config, stop_provider};
use tonic::Code;

use super::thing::TestProvider;
use super::{Change, Harness, shown, thing_object};
use crate::framework::Server;
use crate::value::{Object, Value};

#[tokio::test]
async fn warnings_and_errors_of_a_configuration_are_both_shown() {
    let mut harness = Harness::unconfigured().await;
    let answer = harness
        .configure(Value::object([("region", "forbidden".into())]))
        .await;
    assert_eq!(
        shown(&answer.diagnostics),
        ["warning [] Old region", "error [] Forbidden region"]
    );
    let answer = harness
        .plan(Change::create(Object::new().with("name", "x")))
        .await;
    assert_eq!(
        shown(&answer.diagnostics),
        ["error [] Provider not configured"]
    );
}

fn create(name: &str) -> Change {
    let config = Object::new().with("name", name);
    Change::create(config.clone()).proposing(config.with("id", Value::UNKNOWN))
}

#[tokio::test]
async fn a_stop_reaches_operations_that_run_and_they_answer_with_what_exists() {
    let mut harness = Harness::configured().await;
    let mut stopper = harness.client.clone();
    let observed = harness.provider.observed.clone();
    let apply = tokio::spawn(async move { harness.apply(create("stop")).await });
    observed.begun.notified().await;
    let answer = stopper
        .stop_provider(stop_provider::Request {})
        .await
        .unwrap()
        .into_inner();
    assert_eq!(answer.error, "");
    let answer = apply.await.unwrap();
    assert_eq!(shown(&answer.diagnostics), ["error [] Stopped"]);
    assert_eq!(
        thing_object(answer.new_state.as_ref()).unwrap().get("id"),
        &"thing/1".into()
    );
}

#[tokio::test]
async fn a_stop_does_not_reach_later_operations() {
    let mut harness = Harness::configured().await;
    harness
        .client
        .stop_provider(stop_provider::Request {})
        .await
        .unwrap();
    let observed = harness.provider.observed.clone();
    let mut stopper = harness.client.clone();
    let apply = tokio::spawn(async move { harness.apply(create("stop")).await });
    // The operation waits for a stop: only a second one ends it.
    observed.begun.notified().await;
    stopper
        .stop_provider(stop_provider::Request {})
        .await
        .unwrap();
    assert_eq!(
        shown(&apply.await.unwrap().diagnostics),
        ["error [] Stopped"]
    );
}

/// The server is called without a connection, so that the call is dropped for certain before the
/// work may go on.
#[tokio::test]
async fn work_goes_on_when_the_call_is_given_up() {
    let provider = TestProvider::default();
    let observed = provider.observed.clone();
    let server = Server::new(provider);
    let configure = super::configuration(&Value::object([("region", "here".into())]));
    server
        .configure_provider(tonic::Request::new(configure))
        .await
        .unwrap();
    let call = tokio::spawn(async move {
        server
            .apply_resource_change(tonic::Request::new(create("wait").apply()))
            .await
    });
    observed.begun.notified().await;
    call.abort();
    assert!(call.await.unwrap_err().is_cancelled());
    observed.go_on.notify_one();
    let ended = tokio::time::timeout(Duration::from_secs(10), observed.ended.notified());
    assert!(
        ended.await.is_ok(),
        "the operation was dropped with its call"
    );
    assert_eq!(*observed.finished.lock().unwrap(), ["wait"]);
}

#[tokio::test]
async fn calls_that_are_not_offered_are_unimplemented() {
    let mut harness = Harness::unconfigured().await;
    let request = generate_resource_config::Request::default();
    let answer = harness.client.generate_resource_config(request).await;
    assert_eq!(answer.unwrap_err().code(), Code::Unimplemented);
}
