//! State of an earlier version of the schema, brought to the current one. Terraform asks for every
//! instance, also when the versions are equal.

use std::sync::Arc;

use crossaccount_proto::tfplugin6::upgrade_resource_state::{Request, Response};

use super::for_state;
use crate::framework::Provider;
use crate::framework::registry::Inner;
use crate::framework::server::Call;
use crate::framework::wire::{diagnostics, values};
use crate::schema::{Diagnostic, Diagnostics};
use crate::value::{Value, json};

impl<P: Provider> Call<P> for Request {
    type Answer = Response;
    const NAME: &'static str = "UpgradeResourceState";

    fn subject(&self) -> &str {
        &self.type_name
    }

    async fn answer(self, server: Arc<Inner<P>>) -> Result<Self::Answer, Diagnostics> {
        let resource = server.resource(&self.type_name)?;
        let current = resource.schema.state_version();
        if self.version > current || self.version < 0 {
            return Err(refusal(format!(
                "The state of a {} has version {}, and this version of the provider knows \
                 versions 0 to {current}. Use the provider version that wrote it, or a later one.",
                self.type_name, self.version
            )));
        }
        let raw = self.raw_state.unwrap_or_default();
        if raw.json.is_empty() {
            return Err(refusal(format!(
                "The state of a {} was not written by Terraform 0.12 or later.",
                self.type_name
            )));
        }
        let state = if self.version == current {
            json::decode(&raw.json, &resource.ty)
        } else {
            let mut state = serde_json::from_slice(&raw.json).map_err(|error| {
                // The message of the parser may quote a value.
                let (line, column) = (error.line(), error.column());
                refusal(format!(
                    "The state is not a JSON object (line {line}, column {column})."
                ))
            })?;
            for version in self.version..current {
                state = resource.item.upgrade(version, state)?;
            }
            json::decode_value(&serde_json::Value::Object(state), &resource.ty)
        };
        let state = state.map_err(|error| values::unreadable("state", error))?;
        let Value::Object(state) = state else {
            return Err(refusal(format!(
                "The state of a {} is empty.",
                self.type_name
            )));
        };
        let mut found = Diagnostics::new();
        let state = for_state(&resource.schema, state, "upgraded state", &mut found);
        Ok(Response {
            upgraded_state: Some(values::encode_object(
                Some(state),
                &resource.ty,
                "upgraded state",
            )?),
            diagnostics: diagnostics::to_proto(found),
        })
    }

    fn refused(self, diagnostics: Diagnostics) -> Self::Answer {
        Response {
            upgraded_state: None,
            diagnostics: diagnostics::to_proto(diagnostics),
        }
    }
}

fn refusal(detail: String) -> Diagnostics {
    Diagnostic::error("State cannot be upgraded", detail).into()
}
