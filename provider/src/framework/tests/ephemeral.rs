//! Ephemeral resources: a lease with a secret, opened, renewed and closed as Terraform 1.10 does.

use std::sync::{Arc, Mutex};

use crossaccount_proto::tfplugin6::provider_server::Provider as _;
use crossaccount_proto::tfplugin6::{
    ClientCapabilities, close_ephemeral_resource, get_metadata, get_provider_schema,
    open_ephemeral_resource, renew_ephemeral_resource, validate_ephemeral_resource_config,
};
use jiff::Timestamp;
use rstest::rstest;

use super::thing::{Observed, State, TestProvider};
use super::{Harness, message, shown};
use crate::framework::{
    CloseRequest, Documentation, EphemeralResource, OpenRequest, Opened, Private, RenewRequest,
    Renewed, Server, ValidateRequest,
};
use crate::schema::{Attribute, Diagnostic, Diagnostics, Schema, check, validators};
use crate::value::{Object, Value, msgpack};

/// Opens a lease. Its name chooses how that fails.
#[derive(Debug)]
pub(super) struct Lease {
    pub(super) observed: Arc<Observed>,
}

fn schema() -> Schema {
    Schema::new([
        Attribute::string("name")
            .required()
            .validate(validators::length_between(1, 12))
            .describe("The name."),
        Attribute::integer("minutes")
            .default(5)
            .describe("How long."),
        Attribute::string("secret")
            .computed()
            .sensitive()
            .describe("The secret."),
    ])
    .describe("A lease.")
}

fn private(of: &str) -> Private {
    let mut private = Private::new();
    private.set("lease", of);
    private
}

#[tonic::async_trait]
impl EphemeralResource<State> for Lease {
    fn type_name(&self) -> &'static str {
        "test_lease"
    }

    fn schema(&self) -> Schema {
        schema()
    }

    fn documentation(&self) -> Documentation {
        Documentation {
            notes: "Mind the lease.".to_owned(),
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

    async fn open(&self, request: OpenRequest<State>) -> Result<Opened, Diagnostics> {
        let name = request.config.get("name").as_str().unwrap_or_default();
        let secret = format!("s3cret in {}", request.provider.region);
        let result = request.config.clone().with("secret", secret);
        let mut opened = Opened {
            private: private(name),
            ..Opened::new(result)
        };
        match name {
            "fail" => return Err(Diagnostic::error("Failed", "it failed").into()),
            "panic" => panic!("lease fell over"),
            "renews" => opened.renew_at = Some(Timestamp::from_second(1_700_000_000).unwrap()),
            "warns" => opened.diagnostics.warning("Old lease", "it is old"),
            "invents" => opened.result.set("name", "other"),
            "unknown" => opened.result.set("secret", Value::UNKNOWN),
            "misfit" => opened.result.set("secret", true),
            _ => {}
        }
        Ok(opened)
    }

    async fn renew(&self, request: RenewRequest<State>) -> Result<Renewed, Diagnostics> {
        match request.private.get("lease").and_then(|it| it.as_str()) {
            Some("renews") => Ok(Renewed {
                private: Some(private("last")),
                renew_at: Some(Timestamp::from_second(1_700_000_060).unwrap()),
                ..Renewed::default()
            }),
            Some("last") => Ok(Renewed::default()),
            other => Err(Diagnostic::error("No lease", format!("there is no {other:?}")).into()),
        }
    }

    async fn close(&self, request: CloseRequest<State>) -> Diagnostics {
        let lease = request.private.get("lease").and_then(|it| it.as_str());
        let lease = lease.unwrap_or_default().to_owned();
        let mut found = Diagnostics::new();
        if lease == "sticks" {
            found.error("Not closed", "it sticks");
        }
        self.observed.finished.lock().unwrap().push(lease);
        found
    }
}

/// A lease that is never renewed and needs no close.
#[derive(Debug)]
pub(super) struct Plain;

#[tonic::async_trait]
impl EphemeralResource<State> for Plain {
    fn type_name(&self) -> &'static str {
        "test_plain"
    }

    fn schema(&self) -> Schema {
        schema()
    }

    async fn open(&self, request: OpenRequest<State>) -> Result<Opened, Diagnostics> {
        Ok(Opened::new(request.config.with("secret", "s")))
    }
}

#[test]
fn the_schema_of_these_tests_keeps_the_rules() {
    assert_eq!(check::ephemeral_problems(&schema()), [""; 0]);
}

#[tokio::test]
async fn ephemeral_resources_are_in_schema_and_metadata() {
    let mut harness = Harness::unconfigured().await;
    let request = get_provider_schema::Request {};
    let answer = harness.client.get_provider_schema(request).await.unwrap();
    let schemas = answer.into_inner().ephemeral_resource_schemas;
    let names: Vec<&String> = schemas.keys().collect();
    assert_eq!(names, ["test_lease", "test_plain"]);
    let attributes = &schemas["test_lease"].block.as_ref().unwrap().attributes;
    let secret = attributes.iter().find(|it| it.name == "secret").unwrap();
    assert!(secret.computed && secret.sensitive);

    let request = get_metadata::Request {};
    let answer = harness.client.get_metadata(request).await.unwrap();
    let listed = answer.into_inner().ephemeral_resources;
    let listed: Vec<&str> = listed.iter().map(|it| it.type_name.as_str()).collect();
    assert_eq!(listed, ["test_lease", "test_plain"]);
}

#[rstest]
#[case::valid("x".into(), &[])]
#[case::unknown(Value::UNKNOWN, &[])]
#[case::refused_by_the_schema("a name that is too long".into(), &["error [name] Invalid value"])]
#[case::odd("odd".into(), &["warning [] Odd name"])]
#[tokio::test]
async fn the_configuration_is_checked(#[case] name: Value, #[case] expected: &[&str]) {
    let mut harness = Harness::unconfigured().await;
    let config = Value::object([("name", name)]);
    let request = validate_ephemeral_resource_config::Request {
        type_name: "test_lease".to_owned(),
        config: Some(message(&config, &schema().ty())),
    };
    let answer = harness
        .client
        .validate_ephemeral_resource_config(request)
        .await
        .unwrap();
    assert_eq!(shown(&answer.into_inner().diagnostics), expected);
}

async fn open(harness: &mut Harness, name: &str) -> open_ephemeral_resource::Response {
    let config = Value::object([("name", name.into())]);
    let request = open_ephemeral_resource::Request {
        type_name: "test_lease".to_owned(),
        config: Some(message(&config, &schema().ty())),
        // Terraform sends capabilities that are all false, whatever it can do.
        client_capabilities: Some(ClientCapabilities::default()),
    };
    let answer = harness.client.open_ephemeral_resource(request).await;
    answer.unwrap().into_inner()
}

async fn renew(
    harness: &mut Harness,
    private: Option<Vec<u8>>,
) -> renew_ephemeral_resource::Response {
    let request = renew_ephemeral_resource::Request {
        type_name: "test_lease".to_owned(),
        private,
    };
    let answer = harness.client.renew_ephemeral_resource(request).await;
    answer.unwrap().into_inner()
}

async fn close(harness: &mut Harness, private: Option<Vec<u8>>) -> Vec<String> {
    let request = close_ephemeral_resource::Request {
        type_name: "test_lease".to_owned(),
        private,
    };
    let answer = harness.client.close_ephemeral_resource(request).await;
    shown(&answer.unwrap().into_inner().diagnostics)
}

fn closed(harness: &Harness) -> Vec<String> {
    harness.provider.observed.finished.lock().unwrap().clone()
}

fn result(answer: &open_ephemeral_resource::Response) -> Object {
    let bytes = &answer.result.as_ref().unwrap().msgpack;
    match msgpack::decode(bytes, &schema().ty()).unwrap() {
        Value::Object(object) => object,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn an_opened_result_is_the_configuration_with_everything_computed_filled_in() {
    let mut harness = Harness::configured().await;
    let answer = open(&mut harness, "x").await;
    assert_eq!(shown(&answer.diagnostics), [""; 0]);
    let expected = Object::new()
        .with("name", "x")
        .with("minutes", 5)
        .with("secret", "s3cret in here");
    assert_eq!(result(&answer), expected);
    assert_eq!(answer.private.as_deref(), Some(&b"{\"lease\":\"x\"}"[..]));
    assert_eq!(answer.renew_at, None);
    assert_eq!(answer.deferred, None);
    assert_eq!(closed(&harness), [""; 0]);
}

#[tokio::test]
async fn a_warning_does_not_hide_the_result() {
    let mut harness = Harness::configured().await;
    let answer = open(&mut harness, "warns").await;
    assert_eq!(shown(&answer.diagnostics), ["warning [] Old lease"]);
    assert_eq!(result(&answer).get("name"), &"warns".into());
}

/// As Terraform does: renewals get the private data of the one before, the close that of the opening.
#[tokio::test]
async fn a_lease_is_renewed_when_it_asked_for_it_and_closed_with_what_the_opening_left() {
    let mut harness = Harness::configured().await;
    let opened = open(&mut harness, "renews").await;
    assert_eq!(opened.renew_at.unwrap().seconds, 1_700_000_000);
    let renewed = renew(&mut harness, opened.private.clone()).await;
    assert_eq!(shown(&renewed.diagnostics), [""; 0]);
    assert_eq!(renewed.renew_at.unwrap().seconds, 1_700_000_060);
    assert_ne!(renewed.private, opened.private);
    let last = renew(&mut harness, renewed.private.clone()).await;
    assert_eq!(last.renew_at, None);
    assert_eq!(last.private, renewed.private, "kept when nothing is said");
    assert_eq!(close(&mut harness, opened.private).await, [""; 0]);
    assert_eq!(closed(&harness), ["renews"]);
}

#[rstest]
#[case::error("fail", "error [] Failed")]
#[case::panic("panic", "error [] The provider panicked")]
#[tokio::test]
async fn a_failed_opening_has_no_result_and_nothing_to_close(
    #[case] name: &str,
    #[case] expected: &str,
) {
    let mut harness = Harness::configured().await;
    let answer = open(&mut harness, name).await;
    assert_eq!(shown(&answer.diagnostics), [expected]);
    assert_eq!(answer.result, None);
    assert_eq!(closed(&harness), [""; 0]);
}

/// Terraform refuses such results without closing what was opened, so the provider closes it.
#[rstest]
#[case::a_configured_value_changed("invents", "name")]
#[case::an_unknown_value("unknown", "secret")]
#[case::a_value_of_another_type("misfit", "secret")]
#[tokio::test]
async fn an_illegal_result_never_reaches_terraform_and_is_closed_again(
    #[case] name: &str,
    #[case] place: &str,
) {
    let mut harness = Harness::configured().await;
    let answer = open(&mut harness, name).await;
    let expected = format!("error [{place}] Bug in the crossaccount provider");
    assert_eq!(shown(&answer.diagnostics), [expected]);
    assert_eq!(answer.result, None);
    assert_eq!(closed(&harness), [name]);
    assert!(!format!("{:?}", answer.diagnostics).contains("s3cret"));
}

#[tokio::test]
async fn a_failed_renewal_stops_renewing_and_a_failed_close_is_an_error() {
    let mut harness = Harness::configured().await;
    let answer = renew(&mut harness, None).await;
    assert_eq!(shown(&answer.diagnostics), ["error [] No lease"]);
    assert_eq!(answer.renew_at, None);
    let opened = open(&mut harness, "sticks").await;
    assert_eq!(
        close(&mut harness, opened.private).await,
        ["error [] Not closed"]
    );
}

#[tokio::test]
async fn without_renewal_and_close_of_its_own_a_resource_refuses_the_one_and_does_the_other() {
    let mut harness = Harness::configured().await;
    let config = Value::object([("name", "x".into())]);
    let request = open_ephemeral_resource::Request {
        type_name: "test_plain".to_owned(),
        config: Some(message(&config, &schema().ty())),
        client_capabilities: None,
    };
    let answer = harness.client.open_ephemeral_resource(request).await;
    let opened = answer.unwrap().into_inner();
    assert_eq!(shown(&opened.diagnostics), [""; 0]);
    let request = renew_ephemeral_resource::Request {
        type_name: "test_plain".to_owned(),
        private: opened.private.clone(),
    };
    let answer = harness.client.renew_ephemeral_resource(request).await;
    assert_eq!(
        shown(&answer.unwrap().into_inner().diagnostics),
        ["error [] Bug in the crossaccount provider"]
    );
    let request = close_ephemeral_resource::Request {
        type_name: "test_plain".to_owned(),
        private: opened.private,
    };
    let answer = harness.client.close_ephemeral_resource(request).await;
    assert_eq!(shown(&answer.unwrap().into_inner().diagnostics), [""; 0]);
}

#[tokio::test]
async fn an_opening_needs_a_known_provider_configuration() {
    let mut harness = Harness::with_unknown_configuration().await;
    let answer = open(&mut harness, "x").await;
    assert_eq!(
        shown(&answer.diagnostics),
        ["error [] Provider configuration not known yet"]
    );
    assert_eq!(answer.result, None);
}

#[tokio::test]
async fn an_unknown_ephemeral_resource_is_an_error() {
    let mut harness = Harness::configured().await;
    let request = open_ephemeral_resource::Request {
        type_name: "test_none".to_owned(),
        ..Default::default()
    };
    let answer = harness.client.open_ephemeral_resource(request).await;
    assert_eq!(
        shown(&answer.unwrap().into_inner().diagnostics),
        ["error [] Unknown ephemeral resource type"]
    );
}

/// Everything that is logged while `work` runs, of every crate and level.
async fn logged(work: impl Future<Output = ()>) -> String {
    #[derive(Clone, Default)]
    struct Log(Arc<Mutex<Vec<u8>>>);
    impl std::io::Write for Log {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(move || writer.clone())
        .finish();
    let guard = tracing::subscriber::set_default(subscriber);
    work.await;
    drop(guard);
    let bytes = log.0.lock().unwrap().clone();
    String::from_utf8(bytes).unwrap()
}

/// The server is called without a connection, whose frames hold the secret of course.
#[tokio::test]
async fn no_secret_is_logged() {
    let text = logged(async {
        let server = Server::new(TestProvider::default());
        let configure = super::configuration(&Value::object([("region", "here".into())]));
        let answer = server.configure_provider(tonic::Request::new(configure));
        answer.await.unwrap();
        for name in ["x", "warns", "invents", "fail", "panic"] {
            let request = open_ephemeral_resource::Request {
                type_name: "test_lease".to_owned(),
                config: Some(message(
                    &Value::object([("name", name.into())]),
                    &schema().ty(),
                )),
                client_capabilities: None,
            };
            let answer = server.open_ephemeral_resource(tonic::Request::new(request));
            answer.await.unwrap();
        }
    })
    .await;
    assert_eq!(text.matches("call received").count(), 6, "{text}");
    assert!(!text.contains("s3cret"), "{text}");
}

#[test]
fn what_was_opened_is_not_shown() {
    let opened = Opened {
        private: private("hidden"),
        ..Opened::new(Object::new().with("secret", "s3cret"))
    };
    let text = format!("{opened:?}");
    assert!(text.starts_with("Opened"), "{text}");
    assert!(
        !text.contains("s3cret") && !text.contains("hidden"),
        "{text}"
    );
}
