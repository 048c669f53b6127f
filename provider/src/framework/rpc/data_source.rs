//! Reads of data sources.

use std::sync::Arc;

use crossaccount_proto::tfplugin6::read_data_source::{Request, Response};

use super::{capabilities, deferred, for_state};
use crate::framework::registry::{Inner, not_known_yet};
use crate::framework::server::Call;
use crate::framework::wire::{diagnostics, values};
use crate::framework::{Configured, DeferReason, Provider, ReadDataRequest, plan};
use crate::schema::{Diagnostic, Diagnostics};

impl<P: Provider> Call<P> for Request {
    type Answer = Response;
    const NAME: &'static str = "ReadDataSource";

    fn subject(&self) -> &str {
        &self.type_name
    }

    async fn answer(self, server: Arc<Inner<P>>) -> Result<Self::Answer, Diagnostics> {
        let source = server.data_source(&self.type_name)?;
        let config = values::decode_object(self.config.as_ref(), &source.ty, "configuration")?;
        let config = config.unwrap_or_default();
        let capabilities = capabilities(self.client_capabilities);
        let provider = match server.configured()? {
            Configured::Ready(provider) => provider,
            Configured::Unknown(_) if capabilities.deferral_allowed => {
                return Ok(Response {
                    state: self.config,
                    deferred: Some(deferred(DeferReason::ProviderConfigUnknown)),
                    ..Default::default()
                });
            }
            Configured::Unknown(reason) => return Err(not_known_yet(&reason)),
        };
        let request = ReadDataRequest {
            provider,
            config: plan::with_defaults(source.schema.attributes(), &config),
            capabilities,
            cancelled: server.cancellation(),
        };
        let outcome = source.item.read(request).await;
        let mut found = outcome.diagnostics;
        let state = match outcome.state {
            Some(state) if !found.has_errors() => {
                let state = for_state(&source.schema, state, "result", &mut found);
                Some(values::encode_object(Some(state), &source.ty, "result")?)
            }
            None if !found.has_errors() => {
                let detail = format!("The read of {} gave no result.", self.type_name);
                found.push(Diagnostic::bug(detail));
                None
            }
            _ => None,
        };
        Ok(Response {
            state,
            diagnostics: diagnostics::to_proto(found),
            deferred: None,
        })
    }

    fn refused(self, diagnostics: Diagnostics) -> Self::Answer {
        Response {
            diagnostics: diagnostics::to_proto(diagnostics),
            ..Default::default()
        }
    }
}
