//! The server: one wrapper around all calls.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Instant;

use crossaccount_proto::tfplugin6;
use futures_util::StreamExt as _;
use futures_util::stream::{self, BoxStream};
use tokio::task::{JoinError, JoinHandle};
use tonic::{Request, Response, Status};
use tracing::Instrument;

use super::Provider;
use super::registry::Inner;
use crate::panics;
use crate::schema::{Diagnostic, Diagnostics};

/// Answers Terraform's calls for a provider.
pub struct Server<P: Provider> {
    inner: Arc<Inner<P>>,
}

impl<P: Provider> Server<P> {
    /// A server that is not configured yet.
    pub fn new(provider: P) -> Self {
        Self {
            inner: Arc::new(Inner::new(provider)),
        }
    }
}

impl<P: Provider> Clone for Server<P> {
    fn clone(&self) -> Self {
        Self {
            inner: Arc::clone(&self.inner),
        }
    }
}

/// One kind of call: how it is answered, and what the answer is when that fails.
pub(super) trait Call<P: Provider>: Clone + Send + 'static {
    /// The message that answers it.
    type Answer: Send + 'static;

    /// The name of the rpc, for logs.
    const NAME: &'static str;

    /// The type or function that it is about; empty for calls about the provider.
    #[expect(
        clippy::unnecessary_literal_bound,
        reason = "other calls borrow from the request"
    )]
    fn subject(&self) -> &str {
        ""
    }

    /// Does the work. Errors lead to [`Call::refused`].
    fn answer(
        self,
        server: Arc<Inner<P>>,
    ) -> impl Future<Output = Result<Self::Answer, Diagnostics>> + Send;

    /// The answer that carries errors and changes nothing: state stays as it was.
    fn refused(self, diagnostics: Diagnostics) -> Self::Answer;
}

/// One kind of call that is answered by a stream of events.
pub(super) trait StreamedCall<P: Provider>: Send + 'static {
    /// The message that is one event.
    type Event: Send + 'static;

    /// Where the call puts its events.
    type Events: Send + 'static;

    /// The name of the rpc, for logs.
    const NAME: &'static str;

    /// The type that it is about.
    fn subject(&self) -> &str;

    /// The way of events from the call to Terraform.
    fn channel() -> (Self::Events, BoxStream<'static, Self::Event>);

    /// Does the work. What it returns, in either way, goes into the last event.
    fn answer(
        self,
        server: Arc<Inner<P>>,
        events: Self::Events,
    ) -> impl Future<Output = Result<Diagnostics, Diagnostics>> + Send;

    /// The event that ends the stream, if there is something to say.
    fn last(diagnostics: Diagnostics) -> Option<Self::Event>;
}

impl<P: Provider> Server<P> {
    /// Runs a call to its end. A panic becomes an error answer.
    async fn run<C: Call<P>>(&self, request: Request<C>) -> Result<Response<C::Answer>, Status> {
        let request = request.into_inner();
        let kept = request.clone();
        let subject = request.subject().to_owned();
        let task = start(C::NAME, &subject, request.answer(Arc::clone(&self.inner)));
        let answer = settled(C::NAME, task.await).unwrap_or_else(|found| kept.refused(found));
        Ok(Response::new(answer))
    }

    /// Runs a call to its end and hands its events over as they come. Whatever happens, a panic
    /// included, the last event is there.
    fn stream<C: StreamedCall<P>>(&self, request: Request<C>) -> Response<Stream<C::Event>> {
        let request = request.into_inner();
        let subject = request.subject().to_owned();
        let (sender, events) = C::channel();
        let work = request.answer(Arc::clone(&self.inner), sender);
        let task = start(C::NAME, &subject, work);
        let last = stream::once(async move {
            C::last(settled(C::NAME, task.await).unwrap_or_else(|found| found))
        });
        let last = last.filter_map(std::future::ready);
        Response::new(Box::pin(events.chain(last).map(Ok)))
    }
}

type Stream<T> = Pin<Box<dyn futures_util::Stream<Item = Result<T, Status>> + Send>>;

/// Runs a call in a task of its own, because a call that Terraform gives up must still come to its
/// end: half of an operation is worse than all of it.
fn start<T: Send + 'static>(
    name: &'static str,
    subject: &str,
    answer: impl Future<Output = Result<T, Diagnostics>> + Send + 'static,
) -> JoinHandle<Result<T, Diagnostics>> {
    let span = tracing::debug_span!(
        "rpc",
        tf_rpc = name,
        tf_req_id = %uuid::Uuid::new_v4(),
        tf_resource_type = subject,
    );
    let work = async move {
        tracing::debug!("call received");
        let begin = Instant::now();
        let result = answer.await;
        let milliseconds = begin.elapsed().as_millis();
        tracing::debug!(%milliseconds, refused = result.is_err(), "call answered");
        result
    };
    #[expect(
        clippy::disallowed_methods,
        reason = "a cancelled call must not drop work in flight"
    )]
    tokio::spawn(work.instrument(span))
}

/// The result of a call that has ended, in whatever way.
fn settled<T>(
    name: &'static str,
    ended: Result<Result<T, Diagnostics>, JoinError>,
) -> Result<T, Diagnostics> {
    ended.unwrap_or_else(|failure| Err(panicked(name, failure)))
}

fn panicked(name: &'static str, failure: JoinError) -> Diagnostics {
    let message = match failure.try_into_panic() {
        Ok(payload) => panics::text(&*payload).to_owned(),
        Err(failure) => failure.to_string(),
    };
    let detail = format!(
        "The provider panicked in {name}: {message}\n\nThis is a fault of the provider. The state is \
         kept as it was before the call, so check the object before you apply again. Please report \
         this together with the stack trace that Terraform shows, and the log (TF_LOG=debug)."
    );
    Diagnostic::error("The provider panicked", detail).into()
}

/// One name for each rpc that is offered; rpc and message have the same one.
macro_rules! serve {
    (once: $($rpc:ident,)*; streamed: $($streamed:ident,)*) => {
        #[tonic::async_trait]
        impl<P: Provider> tfplugin6::provider_server::Provider for Server<P> {
            $(async fn $rpc(
                &self,
                request: Request<tfplugin6::$rpc::Request>,
            ) -> Result<Response<tfplugin6::$rpc::Response>, Status> {
                self.run(request).await
            })*

            $(async fn $streamed(
                &self,
                request: Request<tfplugin6::$streamed::Request>,
            ) -> Result<Response<Stream<tfplugin6::$streamed::Event>>, Status> {
                Ok(self.stream(request))
            })*
        }
    };
}

serve! {
    once:
    get_metadata,
    get_provider_schema,
    get_resource_identity_schemas,
    validate_provider_config,
    validate_resource_config,
    validate_data_resource_config,
    configure_provider,
    stop_provider,
    upgrade_resource_state,
    upgrade_resource_identity,
    read_resource,
    plan_resource_change,
    apply_resource_change,
    import_resource_state,
    move_resource_state,
    read_data_source,
    validate_ephemeral_resource_config,
    open_ephemeral_resource,
    renew_ephemeral_resource,
    close_ephemeral_resource,
    get_functions,
    call_function,
    validate_list_resource_config,
    validate_action_config,
    plan_action,
    ;
    streamed:
    list_resource,
    invoke_action,
}
