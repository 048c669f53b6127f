//! Stands in for the AWS provider of Terraform, so that a module that uses it is validated and planned by the real Terraform
//! without a registry and without AWS.
//!
//! It knows names, types and blocks (`schemas.txt`) and plans what is configured. It checks no values, reads nothing and
//! applies nothing. Computed attributes such as ARNs are made of the arguments, so that policies are whole in the plan.

mod schema;
mod values;

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};

use anyhow::{Context as _, Result};
use crossaccount_proto::tfplugin6::provider_server::{Provider, ProviderServer};
use crossaccount_proto::tfplugin6::{
    DynamicValue, configure_provider, get_provider_schema, get_resource_identity_schemas,
    plan_resource_change, read_data_source, stop_provider, validate_data_resource_config,
    validate_provider_config, validate_resource_config,
};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tonic::service::Routes;
use tonic::{Request, Response, Status};

use schema::{Block, Schemas, schemas};
use values::{Otherwise, fill};

/// Both registries, because Terraform and `OpenTofu` look for the provider in their own.
const ADDRESSES: [&str; 2] = [
    "registry.terraform.io/hashicorp/aws",
    "registry.opentofu.org/hashicorp/aws",
];

/// A running provider. It ends when it is dropped.
#[derive(Debug)]
pub struct AwsStub {
    address: SocketAddr,
    // Its tasks end with it.
    _runtime: Runtime,
}

impl AwsStub {
    /// Starts it in this process.
    ///
    /// # Errors
    /// When its table is not understood, or no port can be had.
    pub fn start() -> Result<Self> {
        schemas()?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .context("cannot start the stub")?;
        let listener = runtime
            .block_on(TcpListener::bind((Ipv4Addr::LOCALHOST, 0)))
            .context("cannot listen on loopback")?;
        let address = listener.local_addr().context("a listener has no address")?;
        runtime.spawn(accept(listener));
        Ok(Self {
            address,
            _runtime: runtime,
        })
    }

    /// By which Terraform finds a provider that already runs. It needs no `init` then.
    pub fn environment(&self) -> (String, String) {
        let provider = json!({
            "Protocol": "grpc",
            "ProtocolVersion": 6,
            "Pid": std::process::id(),
            // The process is not Terraform's own: it never ends it.
            "Test": true,
            "Addr": {"Network": "tcp", "String": self.address.to_string()},
        });
        let providers: serde_json::Map<_, _> = ADDRESSES
            .map(|address| (address.to_owned(), provider.clone()))
            .into_iter()
            .collect();
        (
            "TF_REATTACH_PROVIDERS".to_owned(),
            serde_json::Value::Object(providers).to_string(),
        )
    }
}

async fn accept(listener: TcpListener) {
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            continue;
        };
        let _ = stream.set_nodelay(true);
        tokio::spawn(async move {
            let routes = Routes::new(ProviderServer::new(Stub)).prepare();
            // An error is a Terraform that went away.
            let _ = auto::Builder::new(TokioExecutor::new())
                .http2_only()
                .serve_connection(TokioIo::new(stream), TowerToHyperService::new(routes))
                .await;
        });
    }
}

/// The provider. What it does not implement answers that it is not implemented.
struct Stub;

#[tonic::async_trait]
impl Provider for Stub {
    async fn get_provider_schema(
        &self,
        _request: Request<get_provider_schema::Request>,
    ) -> Result<Response<get_provider_schema::Response>, Status> {
        let Schemas {
            resources,
            data_sources,
        } = known()?;
        let wire = |all: BTreeMap<String, Block>| {
            all.iter()
                .map(|(name, block)| (name.clone(), block.schema()))
                .collect()
        };
        Ok(Response::new(get_provider_schema::Response {
            provider: Some(Block::default().schema()),
            resource_schemas: wire(resources),
            data_source_schemas: wire(data_sources),
            ..Default::default()
        }))
    }

    async fn get_resource_identity_schemas(
        &self,
        _request: Request<get_resource_identity_schemas::Request>,
    ) -> Result<Response<get_resource_identity_schemas::Response>, Status> {
        nothing()
    }

    async fn validate_provider_config(
        &self,
        _request: Request<validate_provider_config::Request>,
    ) -> Result<Response<validate_provider_config::Response>, Status> {
        nothing()
    }

    async fn configure_provider(
        &self,
        _request: Request<configure_provider::Request>,
    ) -> Result<Response<configure_provider::Response>, Status> {
        nothing()
    }

    async fn stop_provider(
        &self,
        _request: Request<stop_provider::Request>,
    ) -> Result<Response<stop_provider::Response>, Status> {
        nothing()
    }

    async fn validate_resource_config(
        &self,
        _request: Request<validate_resource_config::Request>,
    ) -> Result<Response<validate_resource_config::Response>, Status> {
        nothing()
    }

    async fn validate_data_resource_config(
        &self,
        _request: Request<validate_data_resource_config::Request>,
    ) -> Result<Response<validate_data_resource_config::Response>, Status> {
        nothing()
    }

    async fn plan_resource_change(
        &self,
        request: Request<plan_resource_change::Request>,
    ) -> Result<Response<plan_resource_change::Response>, Status> {
        let request = request.into_inner();
        let resources = known()?.resources;
        let planned = filled(
            resources.get(&request.type_name),
            request.proposed_new_state,
            Otherwise::Unknown,
        )?;
        Ok(Response::new(plan_resource_change::Response {
            planned_state: Some(planned),
            ..Default::default()
        }))
    }

    async fn read_data_source(
        &self,
        request: Request<read_data_source::Request>,
    ) -> Result<Response<read_data_source::Response>, Status> {
        let request = request.into_inner();
        let data_sources = known()?.data_sources;
        let read = filled(
            data_sources.get(&request.type_name),
            request.config,
            Otherwise::Null,
        )?;
        Ok(Response::new(read_data_source::Response {
            state: Some(read),
            ..Default::default()
        }))
    }
}

/// An answer without anything in it: no objection.
fn nothing<T: Default>() -> Result<Response<T>, Status> {
    Ok(Response::new(T::default()))
}

fn known() -> Result<Schemas, Status> {
    schemas().map_err(|error| Status::internal(format!("{error:#}")))
}

fn filled(
    block: Option<&Block>,
    value: Option<DynamicValue>,
    otherwise: Otherwise,
) -> Result<DynamicValue, Status> {
    let block = block.ok_or_else(|| Status::not_found("the stub has no such type"))?;
    let value = value.unwrap_or_default();
    let filled = fill(&value.msgpack, block, otherwise);
    let msgpack = filled.map_err(|error| Status::internal(format!("{error:#}")))?;
    Ok(DynamicValue {
        msgpack: msgpack.into(),
        ..Default::default()
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::AwsStub;
    use crate::terraform::Terraform;

    const TABLE: &str = r#"
        terraform {
          required_providers {
            aws = { source = "hashicorp/aws", version = ">= 5.0" }
          }
        }
        data "aws_caller_identity" "this" {}
        resource "aws_dynamodb_table" "this" {
          name     = "rows"
          hash_key = "Name"
          attribute {
            name = "Name"
            type = "S"
          }
          ttl { attribute_name = "ExpiresAt" }
          tags = { account = data.aws_caller_identity.this.account_id }
        }
        resource "aws_iam_role_policy" "this" {
          role   = "r"
          policy = jsonencode({ Resource = aws_dynamodb_table.this.arn })
        }
    "#;

    #[test]
    fn terraform_plans_with_it_and_policies_are_whole() {
        let stub = AwsStub::start().unwrap();
        let terraform = Terraform::without_provider([stub.environment()]).unwrap();
        terraform.write("main.tf", TABLE).unwrap();
        terraform.validate().unwrap().expect_success().unwrap();
        let plan = terraform.plan_json().unwrap();
        let values = |number: usize| {
            plan["planned_values"]["root_module"]["resources"][number]["values"].clone()
        };
        assert_eq!(values(0)["tags"], json!({"account": "111111111111"}));
        assert_eq!(
            values(0)["attribute"],
            json!([{"name": "Name", "type": "S"}])
        );
        assert_eq!(
            values(1)["policy"],
            r#"{"Resource":"arn:aws:dynamodb:eu-central-1:111111111111:table/rows"}"#
        );
    }

    #[test]
    fn a_misspelt_name_is_refused() {
        let stub = AwsStub::start().unwrap();
        let terraform = Terraform::without_provider([stub.environment()]).unwrap();
        for (right, wrong) in [("hash_key", "hash_keys"), ("ttl {", "time_to_live {")] {
            let text = TABLE.replace(right, wrong);
            terraform.write("main.tf", &text).unwrap();
            let output = terraform.validate().unwrap().expect_failure().unwrap();
            assert!(
                output.text().contains("not expected here"),
                "{}",
                output.text()
            );
        }
    }
}
