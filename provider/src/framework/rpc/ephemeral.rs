//! Ephemeral resources: opened, renewed and closed. Nothing of what they hold is logged.

use std::sync::Arc;
use std::time::SystemTime;

use crossaccount_proto::tfplugin6::{
    DynamicValue, close_ephemeral_resource, open_ephemeral_resource, renew_ephemeral_resource,
};

use super::for_state;
use crate::framework::ephemeral::{CloseRequest, OpenRequest, Opened, RenewRequest};
use crate::framework::registry::{Inner, Offered};
use crate::framework::server::Call;
use crate::framework::wire::{diagnostics, values};
use crate::framework::{EphemeralResource, Private, Provider, plan};
use crate::schema::Diagnostics;
use crate::value::Object;

impl<P: Provider> Call<P> for open_ephemeral_resource::Request {
    type Answer = open_ephemeral_resource::Response;
    const NAME: &'static str = "OpenEphemeralResource";

    fn subject(&self) -> &str {
        &self.type_name
    }

    async fn answer(self, server: Arc<Inner<P>>) -> Result<Self::Answer, Diagnostics> {
        let resource = server.ephemeral_resource(&self.type_name)?;
        let config = values::decode_object(self.config.as_ref(), &resource.ty, "configuration")?;
        let config = config.unwrap_or_default();
        let provider = server.ready()?;
        let request = OpenRequest {
            provider: Arc::clone(&provider),
            config: plan::with_defaults(resource.schema.attributes(), &config),
            cancelled: server.cancellation(),
        };
        let opened = resource.item.open(request).await?;
        let private = opened.private.clone();
        let renew_at = opened.renew_at;
        let mut found = opened.diagnostics.clone();
        let result = match result(resource, &config, opened) {
            Ok(result) => Some(result),
            // Terraform does not close what it could not open.
            Err(faults) => {
                found.append(faults);
                let request = CloseRequest {
                    provider,
                    private: private.clone(),
                    cancelled: server.cancellation(),
                };
                found.append(resource.item.close(request).await);
                None
            }
        };
        Ok(open_ephemeral_resource::Response {
            diagnostics: diagnostics::to_proto(found),
            renew_at: renew_at.map(|time| SystemTime::from(time).into()),
            result,
            private: Some(private.to_bytes()),
            deferred: None,
        })
    }

    fn refused(self, diagnostics: Diagnostics) -> Self::Answer {
        open_ephemeral_resource::Response {
            diagnostics: diagnostics::to_proto(diagnostics),
            ..Default::default()
        }
    }
}

/// The result as a message, or everything that Terraform would refuse about it.
fn result<C: Send + Sync + 'static>(
    resource: &Offered<dyn EphemeralResource<C>>,
    config: &Object,
    opened: Opened,
) -> Result<DynamicValue, Diagnostics> {
    let mut faults = Diagnostics::new();
    let result = for_state(&resource.schema, opened.result, "result", &mut faults);
    let attributes = resource.schema.attributes();
    faults.append(plan::faults(attributes, config, None, &result));
    if faults.has_errors() {
        return Err(faults);
    }
    values::encode_object(Some(result), &resource.ty, "result")
}

impl<P: Provider> Call<P> for renew_ephemeral_resource::Request {
    type Answer = renew_ephemeral_resource::Response;
    const NAME: &'static str = "RenewEphemeralResource";

    fn subject(&self) -> &str {
        &self.type_name
    }

    async fn answer(self, server: Arc<Inner<P>>) -> Result<Self::Answer, Diagnostics> {
        let resource = server.ephemeral_resource(&self.type_name)?;
        let request = RenewRequest {
            provider: server.ready()?,
            private: Private::from_bytes(self.private.as_deref().unwrap_or_default()),
            cancelled: server.cancellation(),
        };
        let renewed = resource.item.renew(request).await?;
        Ok(renew_ephemeral_resource::Response {
            diagnostics: diagnostics::to_proto(renewed.diagnostics),
            renew_at: renewed.renew_at.map(|time| SystemTime::from(time).into()),
            private: renewed
                .private
                .map_or(self.private, |private| Some(private.to_bytes())),
        })
    }

    fn refused(self, diagnostics: Diagnostics) -> Self::Answer {
        renew_ephemeral_resource::Response {
            diagnostics: diagnostics::to_proto(diagnostics),
            renew_at: None,
            private: self.private,
        }
    }
}

impl<P: Provider> Call<P> for close_ephemeral_resource::Request {
    type Answer = close_ephemeral_resource::Response;
    const NAME: &'static str = "CloseEphemeralResource";

    fn subject(&self) -> &str {
        &self.type_name
    }

    async fn answer(self, server: Arc<Inner<P>>) -> Result<Self::Answer, Diagnostics> {
        let resource = server.ephemeral_resource(&self.type_name)?;
        let request = CloseRequest {
            provider: server.ready()?,
            private: Private::from_bytes(self.private.as_deref().unwrap_or_default()),
            cancelled: server.cancellation(),
        };
        let found = resource.item.close(request).await;
        Ok(<Self as Call<P>>::refused(self, found))
    }

    fn refused(self, diagnostics: Diagnostics) -> Self::Answer {
        close_ephemeral_resource::Response {
            diagnostics: diagnostics::to_proto(diagnostics),
        }
    }
}
