//! Lists of existing objects, read as Terraform 1.14 reads them for `terraform query`: it takes
//! events until it has as many as it asked for and then cancels the stream.

use std::sync::Arc;
use std::time::Duration;

use crossaccount_proto::tfplugin6::provider_server::Provider as _;
use crossaccount_proto::tfplugin6::{
    DynamicValue, get_metadata, get_provider_schema, list_resource, validate_list_resource_config,
};
use futures_util::StreamExt as _;
use rstest::rstest;

use super::identity::identity_object;
use super::place::schema as place_schema;
use super::thing::{Observed, State, TestProvider};
use super::{Harness, message, shown};
use crate::framework::{Found, ListRequest, ListResource, Listed, Server, ValidateRequest};
use crate::schema::{Attribute, Diagnostic, Diagnostics, Schema, check, validators};
use crate::value::{Object, Value, msgpack};

/// Lists places. The account chooses how that fails.
#[derive(Debug)]
pub(super) struct Places {
    pub(super) observed: Arc<Observed>,
}

fn schema() -> Schema {
    Schema::new([
        Attribute::string("account")
            .optional()
            .validate(validators::length_between(1, 12))
            .describe("Where to look."),
        Attribute::integer("count").default(3).describe("How many."),
    ])
    .describe("Lists places.")
}

#[tonic::async_trait]
impl ListResource<State> for Places {
    fn type_name(&self) -> &'static str {
        "test_place"
    }

    fn schema(&self) -> Schema {
        schema()
    }

    fn validate(&self, request: &ValidateRequest) -> Diagnostics {
        let mut found = Diagnostics::new();
        if request.config.get("account").as_str() == Some("odd") {
            found.warning("Odd account", "think again");
        }
        found
    }

    async fn list(
        &self,
        request: ListRequest<State>,
        found: &mut Found<'_>,
    ) -> Result<(), Diagnostics> {
        let account = request.config.get("account").as_str();
        let account = account.unwrap_or("everywhere").to_owned();
        let count = request.config.get("count").as_i64().unwrap_or_default();
        for number in 1..=count {
            let name = format!("p{number}");
            let identity = Object::new()
                .with("account", account.as_str())
                .with("name", name.as_str());
            let mut listed = Listed::new(identity.clone(), format!("{name} in {account}"));
            if request.include_resource {
                listed.resource = Some(identity.with("id", "made").with("pin", "leaked"));
            }
            match (account.as_str(), number) {
                ("fail", 2) => return Err(Diagnostic::error("Failed", "it failed").into()),
                ("panic", 2) => panic!("list fell over"),
                ("warn", 2) => listed.diagnostics.warning("Strange place", "look at it"),
                ("nameless", 2) => listed.identity.set("name", Value::Null),
                ("open", 2) => listed.identity.set("name", Value::UNKNOWN),
                ("misfit", 2) => listed.resource = Some(Object::new().with("id", true)),
                ("bare", 2) => listed.resource = None,
                // More than is wanted, on purpose.
                ("talkative", _) => listed.resource = Some(Object::new().with("id", "made")),
                _ => {}
            }
            let more = found.push(listed).await;
            self.observed.finished.lock().unwrap().push(name);
            if account == "wait" && number == 1 {
                let _guard = Guard(Arc::clone(&self.observed));
                self.observed.begun.notify_one();
                self.observed.go_on.notified().await;
            }
            // A list that goes on although nobody wants more hands nothing over.
            if more.is_break() && account != "deaf" {
                return Ok(());
            }
        }
        Ok(())
    }
}

/// Tells that what holds it was dropped.
struct Guard(Arc<Observed>);

impl Drop for Guard {
    fn drop(&mut self) {
        self.0.ended.notify_one();
    }
}

/// Lists something that has no identity.
#[derive(Debug)]
pub(super) struct Things;

#[tonic::async_trait]
impl ListResource<State> for Things {
    fn type_name(&self) -> &'static str {
        "test_thing"
    }

    fn schema(&self) -> Schema {
        schema()
    }

    async fn list(&self, _: ListRequest<State>, _: &mut Found<'_>) -> Result<(), Diagnostics> {
        Ok(())
    }
}

#[test]
fn the_schema_of_these_tests_keeps_the_rules() {
    assert_eq!(check::config_problems(&schema()), [""; 0]);
}

#[tokio::test]
async fn list_resources_are_in_schema_and_metadata() {
    let mut harness = Harness::unconfigured().await;
    let request = get_provider_schema::Request {};
    let answer = harness.client.get_provider_schema(request).await.unwrap();
    let schemas = answer.into_inner().list_resource_schemas;
    let attributes = &schemas["test_place"].block.as_ref().unwrap().attributes;
    assert_eq!(attributes[0].name, "account");
    let request = get_metadata::Request {};
    let answer = harness.client.get_metadata(request).await.unwrap();
    assert_eq!(
        answer.into_inner().list_resources[0].type_name,
        "test_place"
    );
}

fn config(account: Value) -> DynamicValue {
    let config = Value::object([("account", account)]);
    message(&config, &schema().ty())
}

#[rstest]
#[case::valid("1".into(), &[])]
#[case::unknown(Value::UNKNOWN, &[])]
#[case::refused_by_the_schema(
    "an account that is too long".into(),
    &["error [account] Invalid value"]
)]
#[case::odd("odd".into(), &["warning [] Odd account"])]
#[tokio::test]
async fn the_configuration_is_checked(#[case] account: Value, #[case] expected: &[&str]) {
    let mut harness = Harness::unconfigured().await;
    // Terraform does not fill in the limit and whether objects are to be included.
    let request = validate_list_resource_config::Request {
        type_name: "test_place".to_owned(),
        config: Some(config(account)),
        ..Default::default()
    };
    let answer = harness.client.validate_list_resource_config(request).await;
    assert_eq!(shown(&answer.unwrap().into_inner().diagnostics), expected);
}

fn request(account: &str) -> list_resource::Request {
    list_resource::Request {
        type_name: "test_place".to_owned(),
        config: Some(config(account.into())),
        include_resource_object: false,
        limit: 100,
    }
}

async fn list(harness: &mut Harness, request: list_resource::Request) -> Vec<list_resource::Event> {
    let answer = harness.client.list_resource(request).await;
    let mut stream = answer.unwrap().into_inner();
    let mut events = Vec::new();
    while let Some(event) = stream.message().await.unwrap() {
        events.push(event);
    }
    events
}

/// One line for each event: the name of its identity, how it is shown, its diagnostics.
fn lines(events: &[list_resource::Event]) -> Vec<String> {
    let line = |event: &list_resource::Event| {
        let identity = identity_object(event.identity.as_ref()).unwrap_or_default();
        let name = identity.get("name").as_str().unwrap_or("-").to_owned();
        let text = [
            vec![name, event.display_name.clone()],
            shown(&event.diagnostic),
        ]
        .concat();
        text.join("|")
    };
    events.iter().map(line).collect()
}

#[tokio::test]
async fn every_object_is_an_event_with_its_identity_and_no_more() {
    let mut harness = Harness::configured().await;
    let events = list(&mut harness, request("1")).await;
    assert_eq!(lines(&events), ["p1|p1 in 1", "p2|p2 in 1", "p3|p3 in 1"]);
    assert!(events.iter().all(|event| event.resource_object.is_none()));
    let expected = Object::new().with("account", "1").with("name", "p1");
    assert_eq!(identity_object(events[0].identity.as_ref()), Some(expected));
    let events = list(&mut harness, request("talkative")).await;
    assert!(events.iter().all(|event| event.resource_object.is_none()));
}

#[tokio::test]
async fn whole_objects_come_when_they_are_wanted_and_without_write_only_values() {
    let mut harness = Harness::configured().await;
    let request = list_resource::Request {
        include_resource_object: true,
        ..request("1")
    };
    let events = list(&mut harness, request).await;
    assert_eq!(events.len(), 3);
    let bytes = &events[0].resource_object.as_ref().unwrap().msgpack;
    let Value::Object(object) = msgpack::decode(bytes, &place_schema().ty()).unwrap() else {
        panic!("{bytes:?}")
    };
    assert_eq!(object.get("name"), &"p1".into());
    assert_eq!(object.get("id"), &"made".into());
    assert!(object.get("pin").is_null());
}

#[rstest]
#[case::absent(None)]
#[case::null(Some(message(&Value::Null, &schema().ty())))]
#[case::everything_null(Some(message(&Value::object([("account", Value::Null)]), &schema().ty())))]
#[tokio::test]
async fn without_a_configuration_everything_in_it_is_null(#[case] config: Option<DynamicValue>) {
    let mut harness = Harness::configured().await;
    let request = list_resource::Request {
        config,
        ..request("1")
    };
    let events = list(&mut harness, request).await;
    assert_eq!(lines(&events)[0], "p1|p1 in everywhere");
    assert_eq!(events.len(), 3);
}

#[rstest]
#[case::fewer(2, &["p1", "p2"], "1")]
#[case::fewer_although_the_list_goes_on(2, &["p1", "p2"], "deaf")]
#[case::more(7, &["p1", "p2", "p3"], "1")]
#[case::as_many(3, &["p1", "p2", "p3"], "1")]
#[case::no_limit(0, &["p1", "p2", "p3"], "1")]
#[tokio::test]
async fn no_more_objects_come_than_are_wanted(
    #[case] limit: i64,
    #[case] expected: &[&str],
    #[case] account: &str,
) {
    let mut harness = Harness::configured().await;
    let request = list_resource::Request {
        limit,
        ..request(account)
    };
    let events = list(&mut harness, request).await;
    let expected: Vec<String> = expected
        .iter()
        .map(|name| format!("{name}|{name} in {account}"))
        .collect();
    assert_eq!(lines(&events), expected);
    if account == "1" {
        let found = harness.provider.observed.finished.lock().unwrap();
        assert_eq!(
            found.len(),
            expected.len(),
            "nothing was looked for in vain"
        );
    }
}

#[rstest]
#[case::error("fail", &["p1|p1 in fail", "-||error [] Failed"])]
#[case::panic("panic", &["p1|p1 in panic", "-||error [] The provider panicked"])]
#[tokio::test]
async fn what_was_found_before_an_error_stays_found(
    #[case] account: &str,
    #[case] expected: &[&str],
) {
    let mut harness = Harness::configured().await;
    let events = list(&mut harness, request(account)).await;
    assert_eq!(lines(&events), expected);
}

#[tokio::test]
async fn a_warning_belongs_to_its_object() {
    let mut harness = Harness::configured().await;
    let events = list(&mut harness, request("warn")).await;
    assert_eq!(lines(&events)[1], "p2|p2 in warn|warning [] Strange place");
    assert_eq!(events.len(), 3);
}

const BUG: &str = "Bug in the crossaccount provider";

#[rstest]
#[case::no_identity("nameless", format!("-||error [] {BUG}"))]
#[case::unknown_identity("open", format!("-||error [] {BUG}"))]
#[case::another_type("misfit", format!("-||error [id] {BUG}"))]
#[case::no_attributes("bare", "p2|p2 in bare|warning [] Object without attributes".to_owned())]
#[tokio::test]
async fn an_object_that_terraform_cannot_take_is_reported(
    #[case] account: &str,
    #[case] expected: String,
) {
    let mut harness = Harness::configured().await;
    let request = list_resource::Request {
        include_resource_object: true,
        ..request(account)
    };
    let events = list(&mut harness, request).await;
    assert_eq!(lines(&events)[1], expected);
}

#[rstest]
#[case::unknown_type("test_none", "Unknown list resource type")]
#[case::no_identity("test_thing", BUG)]
#[tokio::test]
async fn a_list_that_cannot_begin_is_one_error(#[case] type_name: &str, #[case] summary: &str) {
    let mut harness = Harness::configured().await;
    let request = list_resource::Request {
        type_name: type_name.to_owned(),
        ..request("1")
    };
    let events = list(&mut harness, request).await;
    assert_eq!(lines(&events), [format!("-||error [] {summary}")]);
}

#[tokio::test]
async fn a_list_needs_a_known_provider_configuration() {
    let mut harness = Harness::with_unknown_configuration().await;
    let events = list(&mut harness, request("1")).await;
    assert_eq!(
        lines(&events),
        ["-||error [] Provider configuration not known yet"]
    );
}

#[tokio::test]
async fn objects_come_while_the_list_goes_on() {
    let mut harness = Harness::configured().await;
    let answer = harness.client.list_resource(request("wait")).await;
    let mut stream = answer.unwrap().into_inner();
    let first = stream.message().await.unwrap().unwrap();
    assert_eq!(lines(&[first]), ["p1|p1 in wait"]);
    harness.provider.observed.go_on.notify_one();
    let second = stream.message().await.unwrap().unwrap();
    assert_eq!(lines(&[second]), ["p2|p2 in wait"]);
}

/// The server is called without a connection, so that the stream is dropped for certain before the
/// list goes on.
#[tokio::test]
async fn a_list_stops_when_terraform_goes_away() {
    let provider = TestProvider::default();
    let observed = provider.observed.clone();
    let server = Server::new(provider);
    let configure = super::configuration(&Value::object([("region", "here".into())]));
    let answer = server.configure_provider(tonic::Request::new(configure));
    answer.await.unwrap();
    let call = tonic::Request::new(request("wait"));
    let mut events = server.list_resource(call).await.unwrap().into_inner();
    assert!(events.next().await.unwrap().is_ok());
    observed.begun.notified().await;
    drop(events);
    let ended = tokio::time::timeout(Duration::from_secs(10), observed.ended.notified());
    assert!(ended.await.is_ok(), "the list went on for nobody");
    assert_eq!(*observed.finished.lock().unwrap(), ["p1"]);
}

/// A list that nobody reads waits: it does not look for everything in advance.
#[tokio::test]
async fn a_list_does_not_run_ahead_of_its_reader() {
    let provider = TestProvider::default();
    let observed = provider.observed.clone();
    let server = Server::new(provider);
    let configure = super::configuration(&Value::object([("region", "here".into())]));
    let answer = server.configure_provider(tonic::Request::new(configure));
    answer.await.unwrap();
    let config = Value::object([("account", "1".into()), ("count", 1000.into())]);
    let call = list_resource::Request {
        config: Some(message(&config, &schema().ty())),
        limit: 0,
        ..request("1")
    };
    let call = tonic::Request::new(call);
    let mut events = server.list_resource(call).await.unwrap().into_inner();
    for _ in 0..10 {
        assert!(events.next().await.unwrap().is_ok());
    }
    // Everything that can run has run when the only thread has nothing else to do.
    for _ in 0..10_000 {
        tokio::task::yield_now().await;
    }
    let found = observed.finished.lock().unwrap().len();
    assert!(found < 50, "{found} objects were looked for");
    assert_eq!(events.count().await, 990);
}
