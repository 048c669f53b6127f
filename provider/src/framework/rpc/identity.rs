//! Identities of resources: their schemas.

use std::sync::Arc;

use crossaccount_proto::tfplugin6::get_resource_identity_schemas::{Request, Response};

use crate::framework::Provider;
use crate::framework::registry::Inner;
use crate::framework::server::Call;
use crate::framework::wire::{diagnostics, identity};
use crate::schema::Diagnostics;

impl<P: Provider> Call<P> for Request {
    type Answer = Response;
    const NAME: &'static str = "GetResourceIdentitySchemas";

    async fn answer(self, server: Arc<Inner<P>>) -> Result<Self::Answer, Diagnostics> {
        let identities = server.identities.iter();
        Ok(Response {
            identity_schemas: identities
                .map(|(name, schema)| ((*name).to_owned(), identity::to_proto(schema)))
                .collect(),
            diagnostics: Vec::new(),
        })
    }

    fn refused(self, diagnostics: Diagnostics) -> Self::Answer {
        Response {
            diagnostics: diagnostics::to_proto(diagnostics),
            ..Default::default()
        }
    }
}
