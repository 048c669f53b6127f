//! What is offered: schemas, functions, capabilities.

use std::collections::BTreeMap;
use std::sync::Arc;

use crossaccount_proto::tfplugin6::{self, ServerCapabilities, get_metadata, get_provider_schema};

use crate::framework::Provider;
use crate::framework::registry::{Inner, Offers};
use crate::framework::server::Call;
use crate::framework::wire::{diagnostics, functions, schema};
use crate::schema::Diagnostics;

/// Deletions are planned, the schema need not be asked for, and `moved` works across types.
fn server_capabilities() -> ServerCapabilities {
    ServerCapabilities {
        plan_destroy: true,
        get_provider_schema_optional: true,
        move_resource_state: true,
        generate_resource_config: false,
    }
}

fn schemas<T: ?Sized>(offers: &Offers<T>) -> BTreeMap<String, tfplugin6::Schema> {
    offers
        .iter()
        .map(|(name, offered)| ((*name).to_owned(), schema::to_proto(&offered.schema)))
        .collect()
}

impl<P: Provider> Call<P> for get_provider_schema::Request {
    type Answer = get_provider_schema::Response;
    const NAME: &'static str = "GetProviderSchema";

    async fn answer(self, server: Arc<Inner<P>>) -> Result<Self::Answer, Diagnostics> {
        Ok(get_provider_schema::Response {
            provider: Some(schema::to_proto(&server.schema)),
            resource_schemas: schemas(&server.resources),
            data_source_schemas: schemas(&server.data_sources),
            ephemeral_resource_schemas: schemas(&server.ephemeral_resources),
            list_resource_schemas: schemas(&server.list_resources),
            functions: server
                .functions
                .iter()
                .map(|(name, (_, signature))| ((*name).to_owned(), functions::to_proto(signature)))
                .collect(),
            action_schemas: server
                .actions
                .iter()
                .map(|(name, offered)| {
                    let schema = Some(schema::to_proto(&offered.schema));
                    ((*name).to_owned(), tfplugin6::ActionSchema { schema })
                })
                .collect(),
            server_capabilities: Some(server_capabilities()),
            ..Default::default()
        })
    }

    fn refused(self, diagnostics: Diagnostics) -> Self::Answer {
        get_provider_schema::Response {
            provider: Some(tfplugin6::Schema {
                block: Some(tfplugin6::schema::Block::default()),
                ..Default::default()
            }),
            diagnostics: diagnostics::to_proto(diagnostics),
            ..Default::default()
        }
    }
}

impl<P: Provider> Call<P> for get_metadata::Request {
    type Answer = get_metadata::Response;
    const NAME: &'static str = "GetMetadata";

    async fn answer(self, server: Arc<Inner<P>>) -> Result<Self::Answer, Diagnostics> {
        let resource = |name: &&str| get_metadata::ResourceMetadata {
            type_name: (*name).into(),
        };
        let source = |name: &&str| get_metadata::DataSourceMetadata {
            type_name: (*name).into(),
        };
        let ephemeral = |name: &&str| get_metadata::EphemeralMetadata {
            type_name: (*name).into(),
        };
        let list = |name: &&str| get_metadata::ListResourceMetadata {
            type_name: (*name).into(),
        };
        let action = |name: &&str| get_metadata::ActionMetadata {
            type_name: (*name).into(),
        };
        let function = |name: &&str| get_metadata::FunctionMetadata {
            name: (*name).into(),
        };
        Ok(get_metadata::Response {
            server_capabilities: Some(server_capabilities()),
            resources: server.resources.keys().map(resource).collect(),
            data_sources: server.data_sources.keys().map(source).collect(),
            ephemeral_resources: server.ephemeral_resources.keys().map(ephemeral).collect(),
            list_resources: server.list_resources.keys().map(list).collect(),
            functions: server.functions.keys().map(function).collect(),
            actions: server.actions.keys().map(action).collect(),
            ..Default::default()
        })
    }

    fn refused(self, diagnostics: Diagnostics) -> Self::Answer {
        get_metadata::Response {
            diagnostics: diagnostics::to_proto(diagnostics),
            ..Default::default()
        }
    }
}
