//! State of another resource type, handed over by a `moved` block.

use std::sync::Arc;

use crossaccount_proto::tfplugin6::move_resource_state::{Request, Response};

use super::for_state;
use crate::framework::registry::Inner;
use crate::framework::server::Call;
use crate::framework::wire::{diagnostics, identity as wire, values};
use crate::framework::{MoveSource, Provider};
use crate::schema::{Diagnostic, Diagnostics};

impl<P: Provider> Call<P> for Request {
    type Answer = Response;
    const NAME: &'static str = "MoveResourceState";

    fn subject(&self) -> &str {
        &self.target_type_name
    }

    async fn answer(self, server: Arc<Inner<P>>) -> Result<Self::Answer, Diagnostics> {
        let resource = server.resource(&self.target_type_name)?;
        let refusal = |detail: String| Diagnostic::error("State cannot be moved", detail);
        let raw = self.source_state.unwrap_or_default();
        let state = serde_json::from_slice(&raw.json).map_err(|error| {
            // The message of the parser may quote a value.
            let (line, column) = (error.line(), error.column());
            refusal(format!(
                "The state is not valid JSON (line {line}, column {column})."
            ))
        })?;
        let source = MoveSource {
            provider_address: self.source_provider_address,
            type_name: self.source_type_name,
            schema_version: self.source_schema_version,
            state,
        };
        let Some(moved) = resource.item.move_state(&source) else {
            return Err(refusal(format!(
                "A {} of {} (state version {}) cannot become a {}. Import the object instead.",
                source.type_name,
                source.provider_address,
                source.schema_version,
                self.target_type_name
            ))
            .into());
        };
        let moved = moved?;
        let mut found = moved.diagnostics;
        let state = for_state(&resource.schema, moved.state, "moved state", &mut found);
        let target_identity = server
            .identities
            .get(self.target_type_name.as_str())
            .and_then(|identity| Some(wire::encode(identity.complete(&state)?, identity)))
            .transpose()?;
        Ok(Response {
            target_identity,
            target_state: Some(values::encode_object(
                Some(state),
                &resource.ty,
                "moved state",
            )?),
            target_private: moved.private.to_bytes(),
            diagnostics: diagnostics::to_proto(found),
        })
    }

    fn refused(self, diagnostics: Diagnostics) -> Self::Answer {
        Response {
            diagnostics: diagnostics::to_proto(diagnostics),
            ..Default::default()
        }
    }
}
