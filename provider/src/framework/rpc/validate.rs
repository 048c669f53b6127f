//! Checks of configuration. Values may be unknown anywhere.

use std::sync::Arc;

use crossaccount_proto::tfplugin6::{
    validate_action_config, validate_data_resource_config, validate_ephemeral_resource_config,
    validate_list_resource_config, validate_provider_config, validate_resource_config,
};

use super::capabilities;
use crate::framework::registry::Inner;
use crate::framework::server::Call;
use crate::framework::wire::{diagnostics, values};
use crate::framework::{Capabilities, Provider, ValidateRequest, plan};
use crate::schema::{Diagnostics, Schema};
use crate::value::Object;

impl<P: Provider> Call<P> for validate_provider_config::Request {
    type Answer = validate_provider_config::Response;
    const NAME: &'static str = "ValidateProviderConfig";

    async fn answer(self, server: Arc<Inner<P>>) -> Result<Self::Answer, Diagnostics> {
        let config = values::decode_object(self.config.as_ref(), &server.ty, "configuration")?;
        let config = config.unwrap_or_default();
        let mut found = server.schema.validate(&config);
        found.append(server.provider.validate(&config));
        Ok(<Self as Call<P>>::refused(self, found))
    }

    fn refused(self, diagnostics: Diagnostics) -> Self::Answer {
        validate_provider_config::Response {
            diagnostics: diagnostics::to_proto(diagnostics),
        }
    }
}

impl<P: Provider> Call<P> for validate_resource_config::Request {
    type Answer = validate_resource_config::Response;
    const NAME: &'static str = "ValidateResourceConfig";

    fn subject(&self) -> &str {
        &self.type_name
    }

    async fn answer(self, server: Arc<Inner<P>>) -> Result<Self::Answer, Diagnostics> {
        let resource = server.resource(&self.type_name)?;
        let config = values::decode_object(self.config.as_ref(), &resource.ty, "configuration")?;
        let config = config.unwrap_or_default();
        let capabilities = capabilities(self.client_capabilities);
        let mut found = resource.schema.validate(&config);
        found.append(unsupported_write_only(
            &resource.schema,
            &config,
            capabilities,
        ));
        found.append(resource.item.validate(&ValidateRequest {
            config,
            capabilities,
        }));
        Ok(<Self as Call<P>>::refused(self, found))
    }

    fn refused(self, diagnostics: Diagnostics) -> Self::Answer {
        validate_resource_config::Response {
            diagnostics: diagnostics::to_proto(diagnostics),
        }
    }
}

/// A client that does not know write-only attributes would keep their values in its state.
fn unsupported_write_only(
    schema: &Schema,
    config: &Object,
    capabilities: Capabilities,
) -> Diagnostics {
    let mut found = Diagnostics::new();
    if !capabilities.write_only_attributes_allowed {
        for path in plan::configured_write_only(schema.attributes(), config) {
            let detail = format!(
                "{path} is write-only, and this version of Terraform would keep its value in the \
                 state. Use Terraform or OpenTofu 1.11 or later, or remove the argument."
            );
            found.error_at(path, "Write-only argument is not supported", detail);
        }
    }
    found
}

/// A kind of thing whose configuration is checked without a look at the client: the call does not
/// say what the client can handle.
macro_rules! validate {
    ($rpc:ident, $name:literal, $find:ident) => {
        impl<P: Provider> Call<P> for $rpc::Request {
            type Answer = $rpc::Response;
            const NAME: &'static str = $name;

            fn subject(&self) -> &str {
                &self.type_name
            }

            async fn answer(self, server: Arc<Inner<P>>) -> Result<Self::Answer, Diagnostics> {
                let it = server.$find(&self.type_name)?;
                let config = values::decode_object(self.config.as_ref(), &it.ty, "configuration")?;
                let config = config.unwrap_or_default();
                let mut found = it.schema.validate(&config);
                let capabilities = Capabilities::default();
                found.append(it.item.validate(&ValidateRequest {
                    config,
                    capabilities,
                }));
                Ok(<Self as Call<P>>::refused(self, found))
            }

            fn refused(self, diagnostics: Diagnostics) -> Self::Answer {
                $rpc::Response {
                    diagnostics: diagnostics::to_proto(diagnostics),
                }
            }
        }
    };
}

validate!(
    validate_data_resource_config,
    "ValidateDataResourceConfig",
    data_source
);
validate!(
    validate_ephemeral_resource_config,
    "ValidateEphemeralResourceConfig",
    ephemeral_resource
);
validate!(
    validate_list_resource_config,
    "ValidateListResourceConfig",
    list_resource
);
validate!(validate_action_config, "ValidateActionConfig", action);
