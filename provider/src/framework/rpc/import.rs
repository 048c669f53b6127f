//! Import of an existing object by the id, or the identity, that the user wrote.

use std::sync::Arc;

use crossaccount_proto::tfplugin6::import_resource_state::{ImportedResource, Request, Response};

use super::{capabilities, deferred, for_state};
use crate::framework::registry::{Inner, not_known_yet};
use crate::framework::server::Call;
use crate::framework::wire::{diagnostics, identity as wire, values};
use crate::framework::{
    Configured, DeferReason, IdentityImportRequest, ImportRequest, Provider, identity,
};
use crate::schema::{Diagnostic, Diagnostics, Identity};
use crate::value::Object;

impl<P: Provider> Call<P> for Request {
    type Answer = Response;
    const NAME: &'static str = "ImportResourceState";

    fn subject(&self) -> &str {
        &self.type_name
    }

    async fn answer(self, server: Arc<Inner<P>>) -> Result<Self::Answer, Diagnostics> {
        let resource = server.resource(&self.type_name)?;
        let identity = server.identities.get(self.type_name.as_str());
        let asked = match (identity, &self.identity) {
            (Some(identity), Some(message)) => wire::decode(Some(message), identity)?,
            (None, Some(_)) if self.id.is_empty() => {
                let detail = format!("A {} has no identity; import it by its id.", self.type_name);
                return Err(
                    Diagnostic::error("Import by identity is not supported", detail).into(),
                );
            }
            (None, Some(_)) | (_, None) => None,
        };
        if let (Some(identity), Some(asked)) = (identity, &asked) {
            check(&self.type_name, identity, asked)?;
        } else if self.id.is_empty() {
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
        let cancelled = server.cancellation();
        let imported = if let Some(identity) = asked.clone() {
            let request = IdentityImportRequest {
                provider,
                identity,
                capabilities,
                cancelled,
            };
            resource.item.import_by_identity(request).await?
        } else {
            let request = ImportRequest {
                provider,
                id: self.id,
                capabilities,
                cancelled,
            };
            resource.item.import(request).await?
        };
        let mut found = imported.diagnostics;
        let state = for_state(
            &resource.schema,
            imported.state,
            "imported state",
            &mut found,
        );
        let identity = identity.and_then(|identity| {
            let known = identity::imported(identity, asked, &state, &mut found)?;
            Some(wire::encode(known, identity))
        });
        let state = values::encode_object(Some(state), &resource.ty, "imported state")?;
        Ok(Response {
            imported_resources: vec![ImportedResource {
                type_name: self.type_name,
                state: Some(state),
                private: imported.private.to_bytes(),
                identity: identity.transpose()?,
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

/// Checks the identity that the user wrote.
fn check(type_name: &str, identity: &Identity, asked: &Object) -> Result<(), Diagnostics> {
    let mut found = identity.schema().validate(asked);
    for name in identity.missing(asked) {
        let detail = format!("The identity of a {type_name} needs {name}.");
        found.error("Import with an incomplete identity", detail);
    }
    if !asked.is_wholly_known() {
        let detail = format!("The identity of a {type_name} holds values that are not known yet.");
        found.error("Import with an unknown identity", detail);
    }
    if found.has_errors() {
        Err(found)
    } else {
        Ok(())
    }
}
