//! Actions, planned and invoked as Terraform 1.14 does: it reads the stream to its end and takes
//! the diagnostics of the completed event, which it misses without a word when it is not there.

use std::sync::Arc;
use std::time::Duration;

use crossaccount_proto::tfplugin6::invoke_action::event::Type;
use crossaccount_proto::tfplugin6::provider_server::Provider as _;
use crossaccount_proto::tfplugin6::{
    ClientCapabilities, DynamicValue, get_metadata, get_provider_schema, invoke_action,
    plan_action, stop_provider, validate_action_config,
};
use futures_util::StreamExt as _;
use rstest::rstest;

use super::thing::{Observed, State, TestProvider};
use super::{Harness, message, shown};
use crate::framework::{
    Action, ActionPlanRequest, Documentation, InvokeRequest, Server, ValidateRequest,
};
use crate::schema::{Attribute, Diagnostic, Diagnostics, Schema, check, validators};
use crate::value::Value;

/// Turns something. Its name chooses how that fails.
#[derive(Debug)]
pub(super) struct Turn {
    pub(super) observed: Arc<Observed>,
}

fn schema() -> Schema {
    Schema::new([
        Attribute::string("name")
            .required()
            .validate(validators::length_between(1, 12))
            .describe("The name."),
        Attribute::integer("times")
            .default(2)
            .describe("How often."),
    ])
    .describe("Turns.")
}

#[tonic::async_trait]
impl Action<State> for Turn {
    fn type_name(&self) -> &'static str {
        "test_turn"
    }

    fn schema(&self) -> Schema {
        schema()
    }

    fn documentation(&self) -> Documentation {
        Documentation {
            subcategory: "Things".to_owned(),
            ..Documentation::default()
        }
    }

    fn validate(&self, request: &ValidateRequest) -> Diagnostics {
        let mut found = Diagnostics::new();
        if request.config.get("name").as_str() == Some("odd") {
            found.warning("Odd name", "think again");
        }
        found
    }

    async fn plan(&self, request: ActionPlanRequest<State>) -> Diagnostics {
        let mut found = Diagnostics::new();
        assert_eq!(request.config.get("times"), &2.into(), "defaults are there");
        match request.config.get("name").as_str() {
            Some("refused") => found.error("Refused", "it cannot turn"),
            Some("where") => {
                let region = request.provider.ready().map(|it| it.region.clone());
                found.warning("Region", region.unwrap_or_else(|| "unknown".to_owned()));
            }
            Some("panic") => panic!("the plan fell over"),
            _ => {}
        }
        found
    }

    async fn invoke(&self, request: InvokeRequest<State>) -> Diagnostics {
        let name = request.config.get("name").as_str().unwrap_or_default();
        let times = request.config.get("times").as_i64().unwrap_or_default();
        for time in 1..=times {
            request.progress.say(format!("turn {time}"));
        }
        match name {
            "fail" => Diagnostic::error("Failed", "turned twice, then it failed").into(),
            "warn" => Diagnostic::warning("Worn", "turn it less").into(),
            "panic" => panic!("turn fell over"),
            "wait" => {
                self.observed.begun.notify_one();
                self.observed.go_on.notified().await;
                request.progress.say("went on");
                let mut finished = self.observed.finished.lock().unwrap();
                finished.push("turn".to_owned());
                self.observed.ended.notify_one();
                Diagnostics::new()
            }
            "stop" => {
                self.observed.begun.notify_one();
                request.cancelled.cancelled().await;
                Diagnostic::error("Stopped", "stopped between two turns").into()
            }
            "chatter" => {
                // Keeps the way to Terraform for longer than the invocation lasts.
                let (progress, observed) = (request.progress.clone(), self.observed.clone());
                tokio::spawn(async move {
                    observed.go_on.notified().await;
                    progress.say("nobody listens");
                });
                Diagnostics::new()
            }
            _ => Diagnostics::new(),
        }
    }
}

#[test]
fn the_schema_of_these_tests_keeps_the_rules() {
    assert_eq!(check::config_problems(&schema()), [""; 0]);
}

#[tokio::test]
async fn actions_are_in_schema_and_metadata() {
    let mut harness = Harness::unconfigured().await;
    let request = get_provider_schema::Request {};
    let answer = harness.client.get_provider_schema(request).await.unwrap();
    let schemas = answer.into_inner().action_schemas;
    // Terraform crashes when one of these is not there.
    let schema = schemas["test_turn"].schema.as_ref().unwrap();
    assert_eq!(schema.block.as_ref().unwrap().attributes[0].name, "name");
    let request = get_metadata::Request {};
    let answer = harness.client.get_metadata(request).await.unwrap();
    assert_eq!(answer.into_inner().actions[0].type_name, "test_turn");
}

fn config(name: Value) -> DynamicValue {
    message(&Value::object([("name", name)]), &schema().ty())
}

#[rstest]
#[case::valid("x".into(), &[])]
#[case::unknown(Value::UNKNOWN, &[])]
#[case::refused_by_the_schema("a name that is too long".into(), &["error [name] Invalid value"])]
#[case::odd("odd".into(), &["warning [] Odd name"])]
#[tokio::test]
async fn the_configuration_is_checked(#[case] name: Value, #[case] expected: &[&str]) {
    let mut harness = Harness::unconfigured().await;
    let request = validate_action_config::Request {
        type_name: "test_turn".to_owned(),
        config: Some(config(name)),
    };
    let answer = harness.client.validate_action_config(request).await;
    assert_eq!(shown(&answer.unwrap().into_inner().diagnostics), expected);
}

async fn plan(harness: &mut Harness, name: Value, deferral: bool) -> plan_action::Response {
    let request = plan_action::Request {
        action_type: "test_turn".to_owned(),
        config: Some(config(name)),
        client_capabilities: Some(ClientCapabilities {
            deferral_allowed: deferral,
            ..Default::default()
        }),
    };
    let answer = harness.client.plan_action(request).await;
    answer.unwrap().into_inner()
}

#[rstest]
#[case::nothing_to_say("x".into(), &[])]
#[case::unknown(Value::UNKNOWN, &[])]
#[case::refused("refused".into(), &["error [] Refused"])]
#[case::panic("panic".into(), &["error [] The provider panicked"])]
#[tokio::test]
async fn a_plan_can_refuse_an_action(#[case] name: Value, #[case] expected: &[&str]) {
    let mut harness = Harness::configured().await;
    let answer = plan(&mut harness, name, false).await;
    assert_eq!(shown(&answer.diagnostics), expected);
    assert_eq!(answer.deferred, None);
}

#[tokio::test]
async fn an_action_is_planned_while_the_provider_configuration_is_not_known() {
    let mut harness = Harness::with_unknown_configuration().await;
    let answer = plan(&mut harness, "where".into(), false).await;
    assert_eq!(answer.diagnostics[0].detail, "unknown");
    let answer = plan(&mut harness, "where".into(), true).await;
    assert_eq!(shown(&answer.diagnostics), [""; 0]);
    assert_eq!(
        answer.deferred.unwrap().reason().as_str_name(),
        "PROVIDER_CONFIG_UNKNOWN"
    );
    let mut harness = Harness::configured().await;
    let answer = plan(&mut harness, "where".into(), true).await;
    assert_eq!(answer.diagnostics[0].detail, "here");
}

fn invocation(name: &str) -> invoke_action::Request {
    invoke_action::Request {
        action_type: "test_turn".to_owned(),
        config: Some(config(name.into())),
        client_capabilities: None,
    }
}

/// One line for each event, in their order.
fn line(event: invoke_action::Event) -> String {
    match event.r#type.unwrap() {
        Type::Progress(progress) => progress.message,
        Type::Completed(completed) => format!("completed {:?}", shown(&completed.diagnostics)),
    }
}

async fn invoke(harness: &mut Harness, name: &str) -> Vec<String> {
    let answer = harness.client.invoke_action(invocation(name)).await;
    let mut events = answer.unwrap().into_inner();
    let mut lines = Vec::new();
    while let Some(event) = events.message().await.unwrap() {
        lines.push(line(event));
    }
    lines
}

#[rstest]
#[case::success("x", "completed []")]
#[case::warning("warn", "completed [\"warning [] Worn\"]")]
#[case::error("fail", "completed [\"error [] Failed\"]")]
#[case::panic("panic", "completed [\"error [] The provider panicked\"]")]
#[case::somebody_keeps_the_way("chatter", "completed []")]
#[tokio::test]
async fn progress_comes_in_order_and_exactly_one_completed_event_ends_the_stream(
    #[case] name: &str,
    #[case] last: &str,
) {
    let mut harness = Harness::configured().await;
    let lines = invoke(&mut harness, name).await;
    assert_eq!(lines, ["turn 1", "turn 2", last]);
}

#[rstest]
#[case::action("test_none", "Unknown action type")]
#[case::provider("test_turn", "Provider configuration not known yet")]
#[tokio::test]
async fn an_invocation_that_cannot_begin_is_completed_with_an_error(
    #[case] action_type: &str,
    #[case] summary: &str,
) {
    let mut harness = Harness::with_unknown_configuration().await;
    let request = invoke_action::Request {
        action_type: action_type.to_owned(),
        ..invocation("x")
    };
    let mut events = harness.client.invoke_action(request).await.unwrap();
    let event = events.get_mut().message().await.unwrap().unwrap();
    assert_eq!(line(event), format!("completed [\"error [] {summary}\"]"));
    assert_eq!(events.get_mut().message().await.unwrap(), None);
}

#[tokio::test]
async fn progress_is_heard_while_the_action_runs() {
    let mut harness = Harness::configured().await;
    let answer = harness.client.invoke_action(invocation("wait")).await;
    let mut events = answer.unwrap().into_inner();
    let first = events.message().await.unwrap().unwrap();
    assert_eq!(line(first), "turn 1");
    harness.provider.observed.go_on.notify_one();
    let mut rest = Vec::new();
    while let Some(event) = events.message().await.unwrap() {
        rest.push(line(event));
    }
    assert_eq!(rest, ["turn 2", "went on", "completed []"]);
}

#[tokio::test]
async fn a_stop_reaches_an_action() {
    let mut harness = Harness::configured().await;
    let mut stopper = harness.client.clone();
    let observed = harness.provider.observed.clone();
    let invocation = tokio::spawn(async move { invoke(&mut harness, "stop").await });
    observed.begun.notified().await;
    let stop = stopper.stop_provider(stop_provider::Request {});
    stop.await.unwrap();
    let lines = invocation.await.unwrap();
    assert_eq!(lines.last().unwrap(), "completed [\"error [] Stopped\"]");
}

/// The server is called without a connection, so that the stream is dropped for certain before the
/// action may go on.
#[tokio::test]
async fn an_action_goes_on_when_nobody_listens_any_more() {
    let provider = TestProvider::default();
    let observed = provider.observed.clone();
    let server = Server::new(provider);
    let configure = super::configuration(&Value::object([("region", "here".into())]));
    let answer = server.configure_provider(tonic::Request::new(configure));
    answer.await.unwrap();
    let request = tonic::Request::new(invocation("wait"));
    let mut events = server.invoke_action(request).await.unwrap().into_inner();
    assert!(events.next().await.unwrap().is_ok());
    observed.begun.notified().await;
    drop(events);
    observed.go_on.notify_one();
    let ended = tokio::time::timeout(Duration::from_secs(10), observed.ended.notified());
    assert!(
        ended.await.is_ok(),
        "the action was dropped with its stream"
    );
    assert_eq!(*observed.finished.lock().unwrap(), ["turn"]);
}
