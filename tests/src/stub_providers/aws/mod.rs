//! A stand-in for the provider `hashicorp/aws`, as far as planning goes: real Terraform validates and plans our module
//! against it without a registry and without AWS.
//!
//! It knows the types that the module uses, and those that users move here from (`schemas.txt`). A plan takes everything as it is given, and fills in what AWS would
//! make with texts that follow from names, so that policies are known in the plan and can be compared. It applies nothing, and what is in a state is as it
//! was.

mod schema;

use std::process::ExitCode;

use anyhow::{Context as _, Result};
use crossaccount_proto::tfplugin6::provider_server::Provider;
use crossaccount_proto::tfplugin6::{
    Diagnostic, DynamicValue, configure_provider, diagnostic, get_provider_schema,
    plan_resource_change, read_data_source, read_resource, stop_provider, upgrade_resource_state,
    validate_data_resource_config, validate_provider_config, validate_resource_config,
};
use rmpv::Value;
use tonic::{Request, Response, Status};

use schema::{Block, Schemas};

/// The address under which configurations name the provider.
pub(super) const SOURCE: &str = "registry.terraform.io/hashicorp/aws";

/// Runs this process as the provider.
pub(super) fn main() -> ExitCode {
    provider::plugin::main(|| Stub)
}

/// The provider.
struct Stub;

type Answer<T> = Result<Response<T>, Status>;

fn schemas() -> Result<Schemas> {
    Schemas::parse(include_str!("schemas.txt"))
}

/// A defect of the stub, told to Terraform.
fn told(error: &anyhow::Error) -> Vec<Diagnostic> {
    vec![Diagnostic {
        severity: diagnostic::Severity::Error.into(),
        summary: format!("the stub of hashicorp/aws: {error:#}"),
        ..Diagnostic::default()
    }]
}

/// What a block becomes when AWS has made it, as far as that can be foretold.
fn filled(block: &Block, value: Option<DynamicValue>) -> Result<DynamicValue> {
    let encoded = value.context("a call without a value")?.msgpack;
    let mut value = rmpv::decode::read_value(&mut encoded.as_slice())?;
    if let Value::Map(entries) = &mut value {
        // In the order of the text: what is filled in first can be a part of what comes later.
        for attribute in block.attributes.iter().filter(|it| it.is_computed) {
            if let Some(made) = made(attribute, entries) {
                set(entries, &attribute.name, made);
            }
        }
        if text(entries, "id").is_none() {
            set(entries, "id", unknown());
        }
    }
    let mut msgpack = Vec::new();
    rmpv::encode::write_value(&mut msgpack, &value)?;
    Ok(DynamicValue {
        msgpack,
        json: Vec::new(),
    })
}

/// The value of an attribute that is filled in. `None`: it is given already.
fn made(attribute: &schema::Attribute, entries: &[(Value, Value)]) -> Option<Value> {
    let given = entries
        .iter()
        .find(|(key, _)| key.as_str() == Some(&attribute.name));
    if given.is_some_and(|(_, value)| !value.is_nil()) {
        return None;
    }
    let Some(pattern) = &attribute.text else {
        return Some(unknown());
    };
    let mut made = pattern.clone();
    for (key, _) in entries {
        let key = key.as_str().unwrap_or_default();
        let placeholder = format!("{{{key}}}");
        if made.contains(&placeholder) {
            made = made.replace(&placeholder, &slug(&text(entries, key)?));
        }
    }
    Some(made.into())
}

/// A text as a part of an ARN: without blanks and commas.
fn slug(text: &str) -> String {
    text.replace(", ", "-").replace(' ', "-")
}

fn text(entries: &[(Value, Value)], name: &str) -> Option<String> {
    let (_, value) = entries.iter().find(|(key, _)| key.as_str() == Some(name))?;
    value.as_str().map(str::to_owned)
}

fn set(entries: &mut [(Value, Value)], name: &str, value: Value) {
    if let Some((_, old)) = entries
        .iter_mut()
        .find(|(key, _)| key.as_str() == Some(name))
    {
        *old = value;
    }
}

/// A value that is not known yet, as Terraform encodes it.
fn unknown() -> Value {
    Value::Ext(0, vec![0])
}

#[tonic::async_trait]
impl Provider for Stub {
    async fn get_provider_schema(
        &self,
        _request: Request<get_provider_schema::Request>,
    ) -> Answer<get_provider_schema::Response> {
        let mut answer = get_provider_schema::Response {
            provider: Some(Block::provider()),
            ..get_provider_schema::Response::default()
        };
        match schemas() {
            Ok(schemas) => {
                let all = |blocks: &std::collections::BTreeMap<String, Block>| {
                    let each = blocks.iter();
                    each.map(|(name, block)| (name.clone(), block.schema()))
                        .collect()
                };
                answer.resource_schemas = all(&schemas.resources);
                answer.data_source_schemas = all(&schemas.data_sources);
            }
            Err(error) => answer.diagnostics = told(&error),
        }
        Ok(Response::new(answer))
    }

    async fn validate_provider_config(
        &self,
        _request: Request<validate_provider_config::Request>,
    ) -> Answer<validate_provider_config::Response> {
        Ok(Response::new(validate_provider_config::Response::default()))
    }

    async fn configure_provider(
        &self,
        _request: Request<configure_provider::Request>,
    ) -> Answer<configure_provider::Response> {
        Ok(Response::new(configure_provider::Response::default()))
    }

    async fn validate_resource_config(
        &self,
        _request: Request<validate_resource_config::Request>,
    ) -> Answer<validate_resource_config::Response> {
        Ok(Response::new(validate_resource_config::Response::default()))
    }

    async fn validate_data_resource_config(
        &self,
        _request: Request<validate_data_resource_config::Request>,
    ) -> Answer<validate_data_resource_config::Response> {
        Ok(Response::new(
            validate_data_resource_config::Response::default(),
        ))
    }

    async fn plan_resource_change(
        &self,
        request: Request<plan_resource_change::Request>,
    ) -> Answer<plan_resource_change::Response> {
        let request = request.into_inner();
        let planned = schemas().and_then(|schemas| {
            let block = schemas.resources.get(&request.type_name);
            filled(
                block.context("an unknown type")?,
                request.proposed_new_state,
            )
        });
        let mut answer = plan_resource_change::Response::default();
        match planned {
            Ok(planned) => answer.planned_state = Some(planned),
            Err(error) => answer.diagnostics = told(&error),
        }
        Ok(Response::new(answer))
    }

    async fn upgrade_resource_state(
        &self,
        request: Request<upgrade_resource_state::Request>,
    ) -> Answer<upgrade_resource_state::Response> {
        let state = request.into_inner().raw_state.unwrap_or_default();
        Ok(Response::new(upgrade_resource_state::Response {
            upgraded_state: Some(DynamicValue {
                msgpack: Vec::new(),
                json: state.json,
            }),
            ..upgrade_resource_state::Response::default()
        }))
    }

    /// What is in a state is there.
    async fn read_resource(
        &self,
        request: Request<read_resource::Request>,
    ) -> Answer<read_resource::Response> {
        Ok(Response::new(read_resource::Response {
            new_state: request.into_inner().current_state,
            ..read_resource::Response::default()
        }))
    }

    async fn read_data_source(
        &self,
        request: Request<read_data_source::Request>,
    ) -> Answer<read_data_source::Response> {
        let request = request.into_inner();
        let read = schemas().and_then(|schemas| {
            let block = schemas.data_sources.get(&request.type_name);
            filled(block.context("an unknown type")?, request.config)
        });
        let mut answer = read_data_source::Response::default();
        match read {
            Ok(state) => answer.state = Some(state),
            Err(error) => answer.diagnostics = told(&error),
        }
        Ok(Response::new(answer))
    }

    async fn stop_provider(
        &self,
        _request: Request<stop_provider::Request>,
    ) -> Answer<stop_provider::Response> {
        Ok(Response::new(stop_provider::Response::default()))
    }
}
