//! Actions: planned, and invoked with a stream of events that always ends with the completed one.

use std::sync::Arc;

use crossaccount_proto::tfplugin6::{invoke_action, plan_action};
use futures_util::StreamExt as _;
use futures_util::stream::BoxStream;
use invoke_action::event::{Completed, Progress as ProgressEvent, Type};
use tokio::sync::mpsc;
use tokio_stream::wrappers::UnboundedReceiverStream;

use super::{capabilities, deferred};
use crate::framework::action::{ActionPlanRequest, InvokeRequest, Progress};
use crate::framework::registry::Inner;
use crate::framework::server::{Call, StreamedCall};
use crate::framework::wire::{diagnostics, values};
use crate::framework::{Configured, DeferReason, Provider, plan};
use crate::schema::Diagnostics;

impl<P: Provider> Call<P> for plan_action::Request {
    type Answer = plan_action::Response;
    const NAME: &'static str = "PlanAction";

    fn subject(&self) -> &str {
        &self.action_type
    }

    async fn answer(self, server: Arc<Inner<P>>) -> Result<Self::Answer, Diagnostics> {
        let action = server.action(&self.action_type)?;
        let config = values::decode_object(self.config.as_ref(), &action.ty, "configuration")?;
        let config = config.unwrap_or_default();
        let capabilities = capabilities(self.client_capabilities);
        let provider = server.configured()?;
        if matches!(provider, Configured::Unknown(_)) && capabilities.deferral_allowed {
            return Ok(plan_action::Response {
                // The only reason that Terraform accepts for an action.
                deferred: Some(deferred(DeferReason::ProviderConfigUnknown)),
                ..Default::default()
            });
        }
        let request = ActionPlanRequest {
            provider,
            config: plan::with_defaults(action.schema.attributes(), &config),
            capabilities,
            cancelled: server.cancellation(),
        };
        let found = action.item.plan(request).await;
        Ok(<Self as Call<P>>::refused(self, found))
    }

    fn refused(self, diagnostics: Diagnostics) -> Self::Answer {
        plan_action::Response {
            diagnostics: diagnostics::to_proto(diagnostics),
            deferred: None,
        }
    }
}

impl<P: Provider> StreamedCall<P> for invoke_action::Request {
    type Event = invoke_action::Event;
    type Events = mpsc::UnboundedSender<String>;
    const NAME: &'static str = "InvokeAction";

    fn subject(&self) -> &str {
        &self.action_type
    }

    /// Without a bound: an action never waits for its audience.
    fn channel() -> (Self::Events, BoxStream<'static, Self::Event>) {
        let (sender, messages) = mpsc::unbounded_channel();
        let events = UnboundedReceiverStream::new(messages)
            .map(|message| event(Type::Progress(ProgressEvent { message })));
        (sender, events.boxed())
    }

    async fn answer(
        self,
        server: Arc<Inner<P>>,
        events: Self::Events,
    ) -> Result<Diagnostics, Diagnostics> {
        let action = server.action(&self.action_type)?;
        let config = values::decode_object(self.config.as_ref(), &action.ty, "configuration")?;
        let config = config.unwrap_or_default();
        let request = InvokeRequest {
            provider: server.ready()?,
            config: plan::with_defaults(action.schema.attributes(), &config),
            // The stream ends with this call, although the action may have given its copy away.
            progress: Progress::new(events.downgrade()),
            cancelled: server.cancellation(),
        };
        Ok(action.item.invoke(request).await)
    }

    fn last(diagnostics: Diagnostics) -> Option<Self::Event> {
        let diagnostics = diagnostics::to_proto(diagnostics);
        Some(event(Type::Completed(Completed { diagnostics })))
    }
}

fn event(event: Type) -> invoke_action::Event {
    invoke_action::Event {
        r#type: Some(event),
    }
}
