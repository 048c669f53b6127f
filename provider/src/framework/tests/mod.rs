//! The rules of the protocol, shown through the generated client over a loopback connection, with a
//! small provider that has attributes of every kind.

mod action;
mod apply;
mod data_source;
mod docs;
mod ephemeral;
mod functions;
mod identity;
mod import;
mod list;
mod place;
mod plan;
mod plan_rules;
mod process;
mod read;
mod schema;
mod state;
mod thing;
mod validate;

use crossaccount_proto::tfplugin6::provider_client::ProviderClient;
use crossaccount_proto::tfplugin6::provider_server::ProviderServer;
use crossaccount_proto::tfplugin6::{
    AttributePath, ClientCapabilities, Diagnostic, DynamicValue, apply_resource_change,
    attribute_path::step::Selector, configure_provider, diagnostic::Severity, plan_resource_change,
};
use tonic::transport::Channel;

use super::{Resource, Server};
use crate::value::{Object, Type, Value, msgpack};
use thing::{TestProvider, Thing};

/// A server in a task and a client of it.
struct Harness {
    client: ProviderClient<Channel>,
    provider: TestProvider,
}

impl Harness {
    /// Not configured yet.
    async fn unconfigured() -> Self {
        let provider = TestProvider::default();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = tonic::transport::Server::builder()
            .add_service(ProviderServer::new(Server::new(provider.clone())));
        let incoming = tokio_stream::wrappers::TcpListenerStream::new(listener);
        tokio::spawn(server.serve_with_incoming(incoming));
        let client = ProviderClient::connect(format!("http://{address}"))
            .await
            .unwrap();
        Self { client, provider }
    }

    /// Configured with an empty provider block.
    async fn configured() -> Self {
        let mut harness = Self::unconfigured().await;
        let answer = harness
            .configure(Value::object([("region", "here".into())]))
            .await;
        assert_eq!(shown(&answer.diagnostics), [""; 0]);
        harness
    }

    /// Configured with a region that is not known yet.
    async fn with_unknown_configuration() -> Self {
        let mut harness = Self::unconfigured().await;
        let answer = harness
            .configure(Value::object([("region", Value::UNKNOWN)]))
            .await;
        assert_eq!(shown(&answer.diagnostics), [""; 0]);
        harness
    }

    async fn configure(&mut self, config: Value) -> configure_provider::Response {
        self.client
            .configure_provider(configuration(&config))
            .await
            .unwrap()
            .into_inner()
    }

    async fn plan(&mut self, change: Change) -> plan_resource_change::Response {
        self.client
            .plan_resource_change(change.plan())
            .await
            .unwrap()
            .into_inner()
    }

    async fn apply(&mut self, change: Change) -> apply_resource_change::Response {
        self.client
            .apply_resource_change(change.apply())
            .await
            .unwrap()
            .into_inner()
    }
}

/// The objects of a plan or apply; none is null.
#[derive(Clone, Default)]
struct Change {
    config: Option<Object>,
    prior: Option<Object>,
    /// The proposed state of a plan, the planned state of an apply.
    proposed: Option<Object>,
    private: Vec<u8>,
    deferral_allowed: bool,
}

impl Change {
    /// A creation in which Terraform proposes the configuration.
    fn create(config: Object) -> Self {
        Self {
            config: Some(config.clone()),
            proposed: Some(config),
            ..Self::default()
        }
    }

    /// An update in which Terraform proposes the configuration, with the prior value of computed
    /// attributes at the top that are not configured.
    fn update(prior: Object, config: Object) -> Self {
        let proposed = ["id", "revision", "label", "report", "size"].iter().fold(
            config.clone(),
            |proposed, name| {
                if config.get(name).is_null() {
                    proposed.with(*name, prior.get(name).clone())
                } else {
                    proposed
                }
            },
        );
        Self {
            config: Some(config),
            prior: Some(prior),
            proposed: Some(proposed),
            ..Self::default()
        }
    }

    fn delete(prior: Object) -> Self {
        Self {
            prior: Some(prior),
            ..Self::default()
        }
    }

    fn proposing(mut self, proposed: Object) -> Self {
        self.proposed = Some(proposed);
        self
    }

    fn plan(self) -> plan_resource_change::Request {
        plan_resource_change::Request {
            type_name: "test_thing".to_owned(),
            prior_state: Some(thing_message(self.prior)),
            proposed_new_state: Some(thing_message(self.proposed)),
            config: Some(thing_message(self.config)),
            prior_private: self.private,
            client_capabilities: Some(ClientCapabilities {
                deferral_allowed: self.deferral_allowed,
                write_only_attributes_allowed: true,
                ..Default::default()
            }),
            ..Default::default()
        }
    }

    fn apply(self) -> apply_resource_change::Request {
        apply_resource_change::Request {
            type_name: "test_thing".to_owned(),
            prior_state: Some(thing_message(self.prior)),
            planned_state: Some(thing_message(self.proposed)),
            config: Some(thing_message(self.config)),
            planned_private: self.private,
            ..Default::default()
        }
    }
}

fn configuration(config: &Value) -> configure_provider::Request {
    configure_provider::Request {
        terraform_version: "1.11.4".to_owned(),
        config: Some(message(config, &thing::provider_schema().ty())),
        client_capabilities: None,
    }
}

fn thing_type() -> Type {
    Resource::<thing::State>::schema(&Thing::default()).ty()
}

fn message(value: &Value, ty: &Type) -> DynamicValue {
    DynamicValue {
        msgpack: msgpack::encode(value, ty).unwrap(),
        ..Default::default()
    }
}

fn thing_message(object: Option<Object>) -> DynamicValue {
    message(&Value::from(object), &thing_type())
}

/// The object of an answer without its null attributes, which are most of them.
fn thing_object(message: Option<&DynamicValue>) -> Option<Object> {
    match msgpack::decode(&message.unwrap().msgpack, &thing_type()).unwrap() {
        Value::Null => None,
        Value::Object(object) => Some(
            object
                .into_iter()
                .filter(|(_, value)| !value.is_null())
                .collect(),
        ),
        other => panic!("{other:?}"),
    }
}

/// Diagnostics in one line each: severity, path, summary.
fn shown(diagnostics: &[Diagnostic]) -> Vec<String> {
    diagnostics
        .iter()
        .map(|diagnostic| {
            let severity = match diagnostic.severity() {
                Severity::Error => "error",
                Severity::Warning => "warning",
                Severity::Invalid => panic!("severity is always set"),
            };
            let place = diagnostic.attribute.as_ref().map(place).unwrap_or_default();
            format!("{severity} [{place}] {}", diagnostic.summary)
        })
        .collect()
}

fn place(path: &AttributePath) -> String {
    let steps: Vec<String> = path
        .steps
        .iter()
        .map(|step| match step.selector.as_ref().unwrap() {
            Selector::AttributeName(name) => name.clone(),
            Selector::ElementKeyString(key) => format!("key {key}"),
            Selector::ElementKeyInt(index) => format!("index {index}"),
        })
        .collect();
    steps.join("/")
}
