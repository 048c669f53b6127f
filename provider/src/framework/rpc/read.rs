//! Refresh of one resource instance.

use std::sync::Arc;

use crossaccount_proto::tfplugin6::read_resource::{Request, Response};

use super::{capabilities, deferred, for_state};
use crate::framework::identity::existing;
use crate::framework::registry::Inner;
use crate::framework::server::Call;
use crate::framework::wire::{diagnostics, identity as wire, values};
use crate::framework::{Configured, DeferReason, Private, Provider, ReadRequest, plan};
use crate::schema::Diagnostics;

impl<P: Provider> Call<P> for Request {
    type Answer = Response;
    const NAME: &'static str = "ReadResource";

    fn subject(&self) -> &str {
        &self.type_name
    }

    async fn answer(self, server: Arc<Inner<P>>) -> Result<Self::Answer, Diagnostics> {
        let resource = server.resource(&self.type_name)?;
        let current =
            values::decode_object(self.current_state.as_ref(), &resource.ty, "current state")?;
        let Some(current) = current else {
            return Ok(<Self as Call<P>>::refused(self, Diagnostics::new()));
        };
        let identity = server.identities.get(self.type_name.as_str());
        let earlier = match identity {
            Some(identity) => wire::decode(self.current_identity.as_ref(), identity)?,
            None => None,
        };
        let capabilities = capabilities(self.client_capabilities);
        let provider = match server.configured()? {
            Configured::Ready(provider) => provider,
            Configured::Unknown(reason) => {
                return Ok(not_refreshed(self, &reason, capabilities.deferral_allowed));
            }
        };
        let request = ReadRequest {
            provider,
            state: current.clone(),
            private: Private::from_bytes(&self.private),
            capabilities,
            cancelled: server.cancellation(),
        };
        let outcome = resource.item.read(request).await;
        let mut found = outcome.diagnostics;
        if found.has_errors() {
            return Ok(<Self as Call<P>>::refused(self, found));
        }
        let state = outcome.state.map(|state| {
            let state = for_state(&resource.schema, state, "refreshed state", &mut found);
            plan::keep_equal_values(resource.schema.attributes(), &current, state)
        });
        let new_identity = match (identity, &state) {
            (Some(identity), Some(state)) => {
                let now = existing(identity, earlier.as_ref(), state, &mut found);
                now.map(|now| wire::encode(now, identity)).transpose()?
            }
            _ => None,
        };
        Ok(Response {
            new_identity,
            new_state: Some(values::encode_object(
                state,
                &resource.ty,
                "refreshed state",
            )?),
            private: outcome
                .private
                .map_or(self.private, |private| private.to_bytes()),
            diagnostics: diagnostics::to_proto(found),
            ..Default::default()
        })
    }

    fn refused(self, diagnostics: Diagnostics) -> Self::Answer {
        Response {
            new_state: self.current_state,
            new_identity: self.current_identity,
            private: self.private,
            diagnostics: diagnostics::to_proto(diagnostics),
            ..Default::default()
        }
    }
}

/// Without a configured provider nothing can be read, and that is no reason to stop a plan: the
/// state stays as it is, and the apply plans again with everything known.
fn not_refreshed(request: Request, reason: &str, deferral_allowed: bool) -> Response {
    let mut warnings = Diagnostics::new();
    if !deferral_allowed {
        warnings.warning(
            "Object not refreshed",
            format!(
                "The {} was taken from the state without a look at AWS, because the provider \
                 block holds values that are known only after apply: {reason}.",
                request.type_name
            ),
        );
    }
    Response {
        new_state: request.current_state,
        new_identity: request.current_identity,
        private: request.private,
        diagnostics: diagnostics::to_proto(warnings),
        deferred: deferral_allowed.then(|| deferred(DeferReason::ProviderConfigUnknown)),
    }
}
