//! Lists of existing objects, one event for each, as they are found.

use std::num::NonZeroU64;
use std::ops::ControlFlow;
use std::sync::Arc;

use crossaccount_proto::tfplugin6::list_resource::{Event, Request};
use futures_util::StreamExt as _;
use futures_util::stream::BoxStream;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

use super::for_state;
use crate::framework::list::{Found, ListRequest, Listed, Reader};
use crate::framework::registry::{Inner, Offered};
use crate::framework::server::StreamedCall;
use crate::framework::wire::{diagnostics, identity as wire, values};
use crate::framework::{Provider, Resource, plan};
use crate::schema::{Diagnostic, Diagnostics, Identity};

/// How many objects may wait for Terraform. A list that nobody reads does not go on.
const WAITING: usize = 16;

impl<P: Provider> StreamedCall<P> for Request {
    type Event = Event;
    type Events = mpsc::Sender<Event>;
    const NAME: &'static str = "ListResource";

    fn subject(&self) -> &str {
        &self.type_name
    }

    fn channel() -> (Self::Events, BoxStream<'static, Self::Event>) {
        let (sender, events) = mpsc::channel(WAITING);
        (sender, ReceiverStream::new(events).boxed())
    }

    async fn answer(
        self,
        server: Arc<Inner<P>>,
        events: Self::Events,
    ) -> Result<Diagnostics, Diagnostics> {
        let list = server.list_resource(&self.type_name)?;
        let config = values::decode_object(self.config.as_ref(), &list.ty, "configuration")?;
        let config = config.unwrap_or_default();
        let limit = u64::try_from(self.limit).ok().and_then(NonZeroU64::new);
        let request = ListRequest {
            provider: server.ready()?,
            config: plan::with_defaults(list.schema.attributes(), &config),
            limit,
            include_resource: self.include_resource_object,
            cancelled: server.cancellation(),
        };
        let mut reader = Listing {
            include_resource: self.include_resource_object,
            ..Listing::of(&server, &self.type_name, &events)?
        };
        let mut found = Found::new(&mut reader, limit);
        tokio::select! {
            result = list.item.list(request, &mut found) => result.map(|()| Diagnostics::new()),
            // Nobody reads on: a list only reads, so it can be dropped anywhere.
            () = events.closed() => Ok(Diagnostics::new()),
        }
    }

    /// Terraform takes an event without an identity when it only brings diagnostics.
    fn last(diagnostics: Diagnostics) -> Option<Self::Event> {
        (!diagnostics.is_empty()).then(|| only(diagnostics))
    }
}

fn only(diagnostics: Diagnostics) -> Event {
    Event {
        diagnostic: diagnostics::to_proto(diagnostics),
        ..Default::default()
    }
}

/// A list of objects of one managed resource on its way to Terraform.
struct Listing<'a, C: Send + Sync + 'static> {
    type_name: &'a str,
    resource: &'a Offered<dyn Resource<C>>,
    identity: &'a Identity,
    include_resource: bool,
    events: &'a mpsc::Sender<Event>,
}

#[tonic::async_trait]
impl<C: Send + Sync + 'static> Reader for Listing<'_, C> {
    async fn take(&mut self, listed: Listed) -> ControlFlow<()> {
        // One that does not fit is a fault, and the event only says so.
        let event = self.event(listed).unwrap_or_else(only);
        match self.events.send(event).await {
            Ok(()) => ControlFlow::Continue(()),
            Err(_) => ControlFlow::Break(()),
        }
    }
}

impl<'a, C: Send + Sync + 'static> Listing<'a, C> {
    fn of<P: Provider<State = C>>(
        server: &'a Inner<P>,
        type_name: &'a str,
        events: &'a mpsc::Sender<Event>,
    ) -> Result<Self, Diagnostics> {
        let resource = server.resource(type_name)?;
        let identity = server.identities.get(type_name).ok_or_else(|| {
            Diagnostic::bug(format!("{type_name} can be listed and has no identity."))
        })?;
        Ok(Self {
            type_name,
            resource,
            identity,
            include_resource: false,
            events,
        })
    }

    /// The event of one object.
    fn event(&self, listed: Listed) -> Result<Event, Diagnostics> {
        let mut found = listed.diagnostics;
        let Some(identity) = self.identity.complete(&listed.identity) else {
            let detail = format!(
                "A {} was listed without its whole identity.",
                self.type_name
            );
            return Err(Diagnostic::bug(detail).into());
        };
        let resource = match listed.resource.filter(|_| self.include_resource) {
            Some(object) => {
                let object = for_state(&self.resource.schema, object, "listed object", &mut found);
                let ty = &self.resource.ty;
                Some(values::encode_object(Some(object), ty, "listed object")?)
            }
            None => None,
        };
        if self.include_resource && resource.is_none() && found.is_empty() {
            let name = &listed.display_name;
            let detail = format!(
                "The attributes of the {} {name:?} were asked for and not found.",
                self.type_name
            );
            found.warning("Object without attributes", detail);
        }
        Ok(Event {
            identity: Some(wire::encode(identity, self.identity)?),
            display_name: listed.display_name,
            resource_object: resource,
            diagnostic: diagnostics::to_proto(found),
        })
    }
}
