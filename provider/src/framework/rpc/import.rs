//! Import of an existing object by the id that the user wrote.

use std::sync::Arc;

use crossaccount_proto::tfplugin6::import_resource_state::{ImportedResource, Request, Response};

use super::{capabilities, deferred, for_state};
use crate::framework::registry::{Inner, not_known_yet};
use crate::framework::server::Call;
use crate::framework::wire::{diagnostics, values};
use crate::framework::{Configured, DeferReason, ImportRequest, Provider};
use crate::schema::{Diagnostic, Diagnostics};

impl<P: Provider> Call<P> for Request {
    type Answer = Response;
    const NAME: &'static str = "ImportResourceState";

    fn subject(&self) -> &str {
        &self.type_name
    }

    async fn answer(self, server: Arc<Inner<P>>) -> Result<Self::Answer, Diagnostics> {
        let resource = server.resource(&self.type_name)?;
        if self.id.is_empty() {
            let detail = format!("{} is imported by id, and the id is empty.", self.type_name);
            return Err(Diagnostic::error("Import without an id", detail).into());
        }
        let capabilities = capabilities(self.client_capabilities);
        let provider = match server.configured()? {
            Configured::Ready(provider) => provider,
            Configured::Unknown(_) if capabilities.deferral_allowed => {
                return Ok(Response {
                    deferred: Some(deferred(DeferReason::ProviderConfigUnknown)),
                    ..Default::default()
                });
            }
            Configured::Unknown(reason) => return Err(not_known_yet(&reason)),
        };
        let request = ImportRequest {
            provider,
            id: self.id,
            capabilities,
            cancelled: server.cancellation(),
        };
        let imported = resource.item.import(request).await?;
        let mut found = imported.diagnostics;
        let state = for_state(
            &resource.schema,
            imported.state,
            "imported state",
            &mut found,
        );
        let state = values::encode_object(Some(state), &resource.ty, "imported state")?;
        Ok(Response {
            imported_resources: vec![ImportedResource {
                type_name: self.type_name,
                state: Some(state),
                private: imported.private.to_bytes(),
                ..Default::default()
            }],
            diagnostics: diagnostics::to_proto(found),
            ..Default::default()
        })
    }

    fn refused(self, diagnostics: Diagnostics) -> Self::Answer {
        Response {
            diagnostics: diagnostics::to_proto(diagnostics),
            ..Default::default()
        }
    }
}
