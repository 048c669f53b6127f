//! Configuration of the provider.

use std::sync::Arc;

use crossaccount_proto::tfplugin6::configure_provider;

use crate::framework::registry::Inner;
use crate::framework::server::Call;
use crate::framework::wire::{diagnostics, values};
use crate::framework::{ConfigureRequest, Provider, plan};
use crate::schema::Diagnostics;

impl<P: Provider> Call<P> for configure_provider::Request {
    type Answer = configure_provider::Response;
    const NAME: &'static str = "ConfigureProvider";

    async fn answer(self, server: Arc<Inner<P>>) -> Result<Self::Answer, Diagnostics> {
        let config = values::decode_object(self.config.as_ref(), &server.ty, "configuration")?;
        let config = plan::with_defaults(server.schema.attributes(), &config.unwrap_or_default());
        let mut warnings = Diagnostics::new();
        let request = ConfigureRequest {
            config,
            terraform_version: self.terraform_version.clone(),
            warnings: &mut warnings,
            cancelled: server.cancellation(),
        };
        match server.provider.configure(request).await {
            Ok(configured) => server.set_configured(configured),
            Err(errors) => warnings.append(errors),
        }
        Ok(<Self as Call<P>>::refused(self, warnings))
    }

    fn refused(self, diagnostics: Diagnostics) -> Self::Answer {
        configure_provider::Response {
            diagnostics: diagnostics::to_proto(diagnostics),
        }
    }
}
