//! A small host: runs the provider binary as Terraform does and keeps a state as Terraform does, but for one
//! resource and in milliseconds. It is for tests that need hundreds of runs; what Terraform itself makes of the
//! answers is the business of the tests beside this one.

use std::process::Stdio;

use anyhow::{Context, Result, bail};
use crossaccount_proto::tfplugin6::provider_client::ProviderClient;
use crossaccount_proto::tfplugin6::{
    AttributePath, ClientCapabilities, Diagnostic, DynamicValue, apply_resource_change,
    configure_provider, diagnostic, get_provider_schema, plan_resource_change, read_resource,
    schema, validate_resource_config,
};
use rmpv::Value as Msgpack;
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::OnceCell;
use tonic::transport::{Channel, Endpoint};

/// What the CLI says about itself: the first one that has write-only attributes.
const VERSION: &str = "1.11.0";
pub(crate) const TYPE_NAME: &str = "crossaccount_iam_user";
const COOKIE: &str = "d602bf8f470bc67ca7faa0386276bbdd4330efaf76d1a219cb4d6991ca9872b2";

/// What Terraform keeps between runs.
#[derive(Debug, Clone, Default)]
pub(crate) struct Stored {
    /// The attributes; nil when there is no resource.
    object: Option<Msgpack>,
    private: Vec<u8>,
    /// The creation failed half way: the next apply deletes the object and makes a new one.
    tainted: bool,
}

impl Stored {
    /// Whether there is a resource.
    pub(crate) fn exists(&self) -> bool {
        self.object.is_some()
    }

    /// One attribute as text.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        attribute(self.object.as_ref()?, name).as_str()
    }

    /// Everything, as the state file has it.
    pub(crate) fn json(&self) -> Value {
        self.object.as_ref().map_or(Value::Null, to_json)
    }

    /// What the provider keeps beside the attributes, as the state file has it.
    pub(crate) fn private(&self) -> &[u8] {
        &self.private
    }
}

/// One process of the provider, configured.
pub(crate) struct Provider {
    /// Killed when this is dropped.
    _child: Child,
    client: ProviderClient<Channel>,
    attributes: &'static [schema::Attribute],
    _directory: tempfile::TempDir,
}

impl Provider {
    /// Starts the binary in an environment and configures it.
    pub(crate) async fn start(environment: &[(String, String)], config: &Value) -> Result<Self> {
        let directory = tempfile::tempdir()?;
        let binary = harness::provider_directory()?.join("terraform-provider-crossaccount");
        let mut child = Command::new(binary)
            .env_clear()
            .env("TMPDIR", directory.path())
            .env("TF_PLUGIN_MAGIC_COOKIE", COOKIE)
            .env("PLUGIN_PROTOCOL_VERSIONS", "6")
            .envs(environment.iter().cloned())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()?;
        let mut line = String::new();
        let mut stdout = BufReader::new(child.stdout.take().context("no standard output")?);
        stdout.read_line(&mut line).await?;
        let path = line
            .split('|')
            .nth(3)
            .with_context(|| format!("no handshake: {line:?}"))?;
        let channel = Endpoint::from_shared(format!("unix:{path}"))?
            .connect()
            .await?;
        let mut client = ProviderClient::new(channel).max_decoding_message_size(64 << 20);
        let schemas = schemas(&mut client).await?;
        let request = configure_provider::Request {
            terraform_version: VERSION.to_owned(),
            config: Some(encode(&object(&schemas.provider, config))),
            ..Default::default()
        };
        let answer = client.configure_provider(request).await?.into_inner();
        check(&answer.diagnostics)?;
        Ok(Self {
            _child: child,
            client,
            attributes: &schemas.resource,
            _directory: directory,
        })
    }

    /// The way to the process, for calls that this host does not make.
    pub(crate) fn client(&self) -> ProviderClient<Channel> {
        self.client.clone()
    }

    /// Refreshes, plans and applies; the state is true afterwards also when this fails.
    pub(crate) async fn apply(
        &mut self,
        stored: &mut Stored,
        wanted: Option<&Value>,
    ) -> Result<()> {
        self.refresh(stored).await?;
        if stored.exists() && (stored.tainted || wanted.is_none()) {
            let planned = self.plan(stored, None).await?;
            self.change(stored, None, planned).await?;
        }
        if wanted.is_none() {
            return Ok(());
        }
        let planned = self.plan(stored, wanted).await?;
        if !planned.requires_replace.is_empty() {
            bail!("the plan replaces the user: {:?}", planned.requires_replace);
        }
        let same = decode(planned.planned_state.as_ref())? == stored.object;
        if stored.exists() && same {
            return Ok(());
        }
        self.change(stored, wanted, planned).await
    }

    /// Refreshes and plans; the names of the attributes that would change. All of them for a new object.
    pub(crate) async fn changes(
        &mut self,
        stored: &mut Stored,
        wanted: &Value,
    ) -> Result<Vec<String>> {
        self.refresh(stored).await?;
        let planned = self.plan(stored, Some(wanted)).await?;
        let after = decode(planned.planned_state.as_ref())?;
        let (Some(before), Some(after)) = (&stored.object, &after) else {
            return Ok(vec!["everything".to_owned()]);
        };
        let names = self
            .attributes
            .iter()
            .map(|attribute| attribute.name.clone());
        let mut changed: Vec<_> = names
            .filter(|name| attribute(before, name) != attribute(after, name))
            .collect();
        if stored.tainted {
            changed.push("tainted".to_owned());
        }
        Ok(changed)
    }

    async fn refresh(&mut self, stored: &mut Stored) -> Result<()> {
        let Some(object) = &stored.object else {
            return Ok(());
        };
        let request = read_resource::Request {
            type_name: TYPE_NAME.to_owned(),
            current_state: Some(encode(object)),
            private: stored.private.clone(),
            ..Default::default()
        };
        let answer = self.client.read_resource(request).await?.into_inner();
        check(&answer.diagnostics)?;
        stored.object = decode(answer.new_state.as_ref())?;
        stored.private = answer.private;
        stored.tainted &= stored.object.is_some();
        Ok(())
    }

    async fn plan(
        &mut self,
        stored: &Stored,
        wanted: Option<&Value>,
    ) -> Result<plan_resource_change::Response> {
        let config = wanted.map_or(Msgpack::Nil, |wanted| object(self.attributes, wanted));
        if wanted.is_some() {
            let request = validate_resource_config::Request {
                type_name: TYPE_NAME.to_owned(),
                config: Some(encode(&config)),
                client_capabilities: Some(ClientCapabilities {
                    write_only_attributes_allowed: true,
                    ..Default::default()
                }),
            };
            let answer = self
                .client
                .validate_resource_config(request)
                .await?
                .into_inner();
            check(&answer.diagnostics)?;
        }
        let prior = stored.object.clone().unwrap_or(Msgpack::Nil);
        let proposed = proposal(self.attributes, &prior, &config);
        let request = plan_resource_change::Request {
            type_name: TYPE_NAME.to_owned(),
            prior_state: Some(encode(&prior)),
            proposed_new_state: Some(encode(&proposed)),
            config: Some(encode(&config)),
            prior_private: stored.private.clone(),
            ..Default::default()
        };
        let answer = self.client.plan_resource_change(request.clone()).await?;
        let answer = answer.into_inner();
        check(&answer.diagnostics)?;
        let planned = decode(answer.planned_state.as_ref())?.unwrap_or(Msgpack::Nil);
        keeps_nothing_write_only(self.attributes, &planned)?;
        let known = wanted.and_then(|wanted| wanted["name"].as_str());
        if known.is_some() && stored.text("name") == known {
            // Once for the reviewer, and once more when it is applied: both must say the same. A process that plans
            // a new name twice sees two resources.
            let again = self
                .client
                .plan_resource_change(request)
                .await?
                .into_inner();
            check(&again.diagnostics)?;
            let again = decode(again.planned_state.as_ref())?.unwrap_or(Msgpack::Nil);
            keeps_promises("the second plan", &planned, &again)?;
        }
        Ok(answer)
    }

    async fn change(
        &mut self,
        stored: &mut Stored,
        wanted: Option<&Value>,
        planned: plan_resource_change::Response,
    ) -> Result<()> {
        let creates = !stored.exists();
        let promised = decode(planned.planned_state.as_ref())?.unwrap_or(Msgpack::Nil);
        let request = apply_resource_change::Request {
            type_name: TYPE_NAME.to_owned(),
            prior_state: Some(encode(stored.object.as_ref().unwrap_or(&Msgpack::Nil))),
            planned_state: planned.planned_state,
            config: Some(encode(
                &wanted.map_or(Msgpack::Nil, |it| object(self.attributes, it)),
            )),
            planned_private: planned.planned_private,
            ..Default::default()
        };
        // When the provider dies here, Terraform keeps what it had: nothing of a creation, all of the rest.
        let answer = self
            .client
            .apply_resource_change(request)
            .await?
            .into_inner();
        stored.object = decode(answer.new_state.as_ref())?;
        stored.private = answer.private;
        let result = check(&answer.diagnostics);
        stored.tainted = creates && stored.object.is_some() && result.is_err();
        let object = stored.object.as_ref().unwrap_or(&Msgpack::Nil);
        keeps_nothing_write_only(self.attributes, object)?;
        result?;
        keeps_promises("the new state", &promised, object)
    }
}

struct Schemas {
    provider: Vec<schema::Attribute>,
    resource: Vec<schema::Attribute>,
}

/// The schemas never change in the life of a test binary: they are asked for once.
async fn schemas(client: &mut ProviderClient<Channel>) -> Result<&'static Schemas> {
    static SCHEMAS: OnceCell<Schemas> = OnceCell::const_new();
    SCHEMAS
        .get_or_try_init(|| async {
            let request = get_provider_schema::Request {};
            let mut answer = client.get_provider_schema(request).await?.into_inner();
            let attributes = |schema: Option<crossaccount_proto::tfplugin6::Schema>| {
                schema
                    .and_then(|schema| schema.block)
                    .context("no block")
                    .map(|it| it.attributes)
            };
            Ok(Schemas {
                provider: attributes(answer.provider.take())?,
                resource: attributes(answer.resource_schemas.remove(TYPE_NAME))?,
            })
        })
        .await
}

/// The object with every attribute of the schema; what is not written is null.
pub(crate) fn object(attributes: &[schema::Attribute], values: &Value) -> Msgpack {
    let entries = attributes.iter().map(|attribute| {
        let value = match (values.get(&attribute.name), &attribute.nested_type) {
            (None | Some(Value::Null), _) => Msgpack::Nil,
            (Some(Value::Array(values)), Some(nested)) => {
                let objects = values.iter().map(|value| object(&nested.attributes, value));
                Msgpack::Array(objects.collect())
            }
            (Some(value), Some(nested)) => object(&nested.attributes, value),
            (Some(value), None) => from_json(value),
        };
        (Msgpack::from(attribute.name.as_str()), value)
    });
    Msgpack::Map(entries.collect())
}

fn from_json(value: &Value) -> Msgpack {
    match value {
        Value::Null => Msgpack::Nil,
        Value::Bool(it) => Msgpack::from(*it),
        Value::Number(number) => Msgpack::from(number.as_i64().unwrap_or_default()),
        Value::String(text) => Msgpack::from(text.as_str()),
        Value::Array(items) => Msgpack::Array(items.iter().map(from_json).collect()),
        Value::Object(entries) => Msgpack::Map(
            entries
                .iter()
                .map(|(key, it)| (Msgpack::from(key.as_str()), from_json(it)))
                .collect(),
        ),
    }
}

fn to_json(value: &Msgpack) -> Value {
    match value {
        Msgpack::Boolean(it) => Value::from(*it),
        Msgpack::Integer(number) => Value::from(number.as_i64()),
        Msgpack::F64(number) => Value::from(*number),
        Msgpack::String(text) => Value::from(text.as_str()),
        Msgpack::Array(items) => items.iter().map(to_json).collect(),
        Msgpack::Map(entries) => entries
            .iter()
            .map(|(key, it)| (key.as_str().unwrap_or_default().to_owned(), to_json(it)))
            .collect(),
        _ => Value::Null,
    }
}

/// What Terraform proposes: the configuration, and for what only the provider knows the state so far, at
/// every depth. Elements of lists are matched by their place.
fn proposal(attributes: &[schema::Attribute], prior: &Msgpack, config: &Msgpack) -> Msgpack {
    if config.is_nil() {
        return Msgpack::Nil;
    }
    let entries = attributes.iter().map(|it| {
        let (configured, before) = (attribute(config, &it.name), attribute(prior, &it.name));
        let value = match (&it.nested_type, configured) {
            (_, Msgpack::Nil) if it.computed => before.clone(),
            (Some(nested), Msgpack::Map(_)) => proposal(&nested.attributes, before, configured),
            (Some(nested), Msgpack::Array(elements)) => {
                let before = before.as_array().map_or(&[][..], Vec::as_slice);
                let elements = elements.iter().enumerate().map(|(index, element)| {
                    let before = before.get(index).unwrap_or(&Msgpack::Nil);
                    proposal(&nested.attributes, before, element)
                });
                Msgpack::Array(elements.collect())
            }
            (_, configured) => configured.clone(),
        };
        (Msgpack::from(it.name.as_str()), value)
    });
    Msgpack::Map(entries.collect())
}

/// What Terraform calls an inconsistent result: a value that was planned as known is another one now.
fn keeps_promises(who: &str, promised: &Msgpack, found: &Msgpack) -> Result<()> {
    fn keeps(promised: &Msgpack, found: &Msgpack) -> bool {
        match (promised, found) {
            // Not known yet.
            (Msgpack::Ext(..), _) => true,
            (Msgpack::Map(promised), Msgpack::Map(_)) => promised
                .iter()
                .all(|(name, value)| keeps(value, attribute(found, name.as_str().unwrap_or("")))),
            (Msgpack::Array(promised), Msgpack::Array(found)) => {
                promised.len() == found.len()
                    && promised
                        .iter()
                        .zip(found)
                        .all(|(one, other)| keeps(one, other))
            }
            (promised, found) => promised == found,
        }
    }
    if keeps(promised, found) {
        return Ok(());
    }
    bail!("{who} differs from what was planned:\n{promised}\n{found}")
}

/// Terraform refuses a plan and a state with a write-only value in it.
fn keeps_nothing_write_only(attributes: &[schema::Attribute], object: &Msgpack) -> Result<()> {
    for it in attributes {
        let value = attribute(object, &it.name);
        if it.write_only && !value.is_nil() {
            bail!("the write-only {} is kept", it.name);
        }
        let Some(nested) = &it.nested_type else {
            continue;
        };
        let elements = match value {
            Msgpack::Array(elements) => elements.as_slice(),
            one => std::slice::from_ref(one),
        };
        for element in elements {
            keeps_nothing_write_only(&nested.attributes, element)?;
        }
    }
    Ok(())
}

pub(crate) fn attribute<'a>(object: &'a Msgpack, name: &str) -> &'a Msgpack {
    let entries = object.as_map().into_iter().flatten();
    let mut found = entries.filter(|(key, _)| key.as_str() == Some(name));
    found.next().map_or(&Msgpack::Nil, |(_, value)| value)
}

pub(crate) fn encode(value: &Msgpack) -> DynamicValue {
    let mut msgpack = Vec::new();
    rmpv::encode::write_value(&mut msgpack, value).unwrap();
    DynamicValue {
        msgpack,
        json: Vec::new(),
    }
}

pub(crate) fn decode(value: Option<&DynamicValue>) -> Result<Option<Msgpack>> {
    let Some(value) = value.filter(|value| !value.msgpack.is_empty()) else {
        return Ok(None);
    };
    let decoded = rmpv::decode::read_value(&mut value.msgpack.as_slice())?;
    Ok((!decoded.is_nil()).then_some(decoded))
}

/// Fails with all errors.
pub(crate) fn check(diagnostics: &[Diagnostic]) -> Result<()> {
    let errors: Vec<_> = diagnostics
        .iter()
        .filter(|it| it.severity() == diagnostic::Severity::Error)
        .map(|it| {
            format!(
                "{} ({}): {}",
                it.summary,
                place(it.attribute.as_ref()),
                it.detail
            )
        })
        .collect();
    if errors.is_empty() {
        return Ok(());
    }
    bail!("{}", errors.join("\n"))
}

fn place(path: Option<&AttributePath>) -> String {
    path.map(|path| format!("{:?}", path.steps))
        .unwrap_or_default()
}
