//! The first interrupt by the user.

use std::sync::Arc;

use crossaccount_proto::tfplugin6::stop_provider;

use crate::framework::Provider;
use crate::framework::registry::Inner;
use crate::framework::server::Call;
use crate::schema::Diagnostics;

/// Only a signal: what it means for work that has begun is the resource's decision.
impl<P: Provider> Call<P> for stop_provider::Request {
    type Answer = stop_provider::Response;
    const NAME: &'static str = "StopProvider";

    async fn answer(self, server: Arc<Inner<P>>) -> Result<Self::Answer, Diagnostics> {
        server.stop();
        Ok(stop_provider::Response::default())
    }

    fn refused(self, diagnostics: Diagnostics) -> Self::Answer {
        let text: Vec<_> = diagnostics
            .into_iter()
            .map(|diagnostic| diagnostic.detail)
            .collect();
        stop_provider::Response {
            error: text.join("\n"),
        }
    }
}
