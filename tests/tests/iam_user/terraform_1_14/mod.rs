//! What Terraform 1.10 to 1.14 added, as its Core does it: the real binary over gRPC, with the checks that Core makes of the
//! answers. The CLI that these tests have is older.

mod actions;
mod ephemeral;
mod identity;
mod list;

use crossaccount_proto::tfplugin6::provider_client::ProviderClient;
use crossaccount_proto::tfplugin6::{
    Diagnostic, DynamicValue, diagnostic, get_provider_schema, schema,
};
use harness::standin::{Parameter, UserSecrets};
use harness::{Account, KMS_ALIAS, World};
use rmpv::Value as Msgpack;
use serde_json::{Value, json};
use tonic::transport::Channel;

use super::host::{Provider, Stored, attribute, decode, encode, object};

/// A world with one member account, and a configured provider with a secret store.
struct Stage {
    world: World,
    provider: Provider,
    client: ProviderClient<Channel>,
    schemas: get_provider_schema::Response,
}

impl Stage {
    async fn new() -> Self {
        Self::with(json!({"secrets": {"kms_key_id": KMS_ALIAS}})).await
    }

    /// With more settings in the provider block.
    async fn with(settings: Value) -> Self {
        let world = World::new(1).await.unwrap();
        let mut config = json!({
            "deployment_id": "test",
            "external_id": world.external_id(),
            "audit": {"bucket": world.audit_bucket()},
        });
        let settings = settings.as_object().unwrap().clone();
        config.as_object_mut().unwrap().extend(settings);
        let provider = Provider::start(&world.env(), &config).await.unwrap();
        let mut client = provider.client();
        let request = get_provider_schema::Request {};
        let schemas = client.get_provider_schema(request).await.unwrap();
        Self {
            world,
            provider,
            client,
            schemas: schemas.into_inner(),
        }
    }

    fn member(&self) -> &Account {
        &self.world.members()[0]
    }

    /// Applies a user of this name with more attributes.
    async fn user(&mut self, name: &str, attributes: Value) -> Stored {
        let mut wanted = json!({"account_id": self.member().id(), "name": name});
        let attributes = attributes.as_object().unwrap().clone();
        wanted.as_object_mut().unwrap().extend(attributes);
        let mut stored = Stored::default();
        let applied = self.provider.apply(&mut stored, Some(&wanted)).await;
        applied.unwrap();
        stored
    }

    /// A configuration that names a user of the member account.
    fn named(&self, name: &str) -> Value {
        json!({"account_id": self.member().id(), "name": name})
    }

    async fn secrets(&self, name: &str) -> UserSecrets {
        let control = self.world.control();
        control
            .user_secrets(self.member().id(), name)
            .await
            .unwrap()
    }

    /// A stored credential, as JSON.
    async fn stored(&self, name: &str, kind: &str) -> Value {
        let path = format!("/crossaccount/{}/{name}/{kind}", self.member().id());
        let control = self.world.control();
        let found = control.parameter(self.world.hub().id(), &path).await;
        let found: Parameter = found.unwrap().expect("a parameter");
        serde_json::from_str(&found.value).unwrap()
    }

    /// The names and statuses of the finished audit records, in their order.
    async fn audited(&self) -> Vec<(String, String)> {
        let s3 = self.world.s3();
        let bucket = self.world.audit_bucket();
        let listed = s3.list_objects_v2().bucket(bucket).send().await.unwrap();
        let mut found = Vec::new();
        for object in listed.contents() {
            let key = object.key().unwrap();
            let body = s3.get_object().bucket(bucket).key(key).send().await;
            let bytes = body.unwrap().body.collect().await.unwrap().into_bytes();
            let record: Value = serde_json::from_slice(&bytes).unwrap();
            if record["phase"] == "finished" {
                let text = |name: &str| record[name].as_str().unwrap_or_default().to_owned();
                found.push((text("action"), text("status")));
            }
        }
        found
    }
}

/// A configuration as Terraform sends it: every attribute of the schema, null where nothing is written.
fn config(attributes: &[schema::Attribute], values: &Value) -> DynamicValue {
    encode(&object(attributes, values))
}

fn block(schema: &crossaccount_proto::tfplugin6::Schema) -> &[schema::Attribute] {
    &schema.block.as_ref().unwrap().attributes
}

/// One line for each: severity, place, summary and detail.
fn lines(diagnostics: &[Diagnostic]) -> Vec<String> {
    diagnostics
        .iter()
        .map(|found| {
            let severity = match found.severity() {
                diagnostic::Severity::Error => "error",
                _ => "warning",
            };
            let steps = found.attribute.iter().flat_map(|path| &path.steps);
            let steps: Vec<String> = steps.map(|step| format!("{:?}", step.selector)).collect();
            let place = steps.join(".");
            let place = place.split('"').nth(1).unwrap_or_default();
            format!("{severity} [{place}] {}: {}", found.summary, found.detail)
        })
        .collect()
}

/// What Core asks of every object that is an answer: every attribute, nothing unknown.
fn whole(attributes: &[schema::Attribute], value: Option<&DynamicValue>) -> Msgpack {
    let value = decode(value).unwrap().expect("an object");
    let mut names: Vec<&str> = value
        .as_map()
        .unwrap()
        .iter()
        .filter_map(|(key, _)| key.as_str())
        .collect();
    let mut expected: Vec<&str> = attributes.iter().map(|it| it.name.as_str()).collect();
    names.sort_unstable();
    expected.sort_unstable();
    assert_eq!(names, expected, "the attributes of the schema");
    assert!(!holds_unknown(&value), "unknown values in {value}");
    value
}

fn holds_unknown(value: &Msgpack) -> bool {
    match value {
        Msgpack::Ext(..) => true,
        Msgpack::Array(items) => items.iter().any(holds_unknown),
        Msgpack::Map(entries) => entries.iter().any(|(_, value)| holds_unknown(value)),
        _ => false,
    }
}

fn text(object: &Msgpack, name: &str) -> String {
    let value = attribute(object, name);
    value
        .as_str()
        .unwrap_or_else(|| panic!("{name} is {value}"))
        .to_owned()
}
