//! The server: one wrapper around all calls.

use std::sync::Arc;
use std::time::Instant;

use crossaccount_proto::tfplugin6;
use tonic::{Request, Response, Status};
use tracing::Instrument;

use super::Provider;
use super::registry::Inner;
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

impl<P: Provider> Server<P> {
    /// Runs a call in a task of its own, because a call that Terraform gives up must still come to
    /// its end: half of an operation is worse than all of it. A panic becomes an error answer.
    async fn run<C: Call<P>>(&self, request: Request<C>) -> Result<Response<C::Answer>, Status> {
        let request = request.into_inner();
        let kept = request.clone();
        let span = tracing::debug_span!(
            "rpc",
            tf_rpc = C::NAME,
            tf_req_id = %uuid::Uuid::new_v4(),
            tf_resource_type = request.subject(),
        );
        let inner = Arc::clone(&self.inner);
        let work = async move {
            tracing::debug!("call received");
            let begin = Instant::now();
            let result = request.answer(inner).await;
            let milliseconds = begin.elapsed().as_millis();
            tracing::debug!(%milliseconds, refused = result.is_err(), "call answered");
            result
        };
        #[expect(
            clippy::disallowed_methods,
            reason = "a cancelled call must not drop work in flight"
        )]
        let task = tokio::spawn(work.instrument(span));
        let answer = match task.await {
            Ok(Ok(answer)) => answer,
            Ok(Err(diagnostics)) => kept.refused(diagnostics),
            Err(failure) => kept.refused(panicked::<C, P>(failure)),
        };
        Ok(Response::new(answer))
    }
}

fn panicked<C: Call<P>, P: Provider>(failure: tokio::task::JoinError) -> Diagnostics {
    let message = match failure.try_into_panic() {
        Ok(panic) => {
            let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
            text.or_else(|| panic.downcast_ref::<String>().cloned())
                .unwrap_or_default()
        }
        Err(failure) => failure.to_string(),
    };
    let detail = format!(
        "The provider panicked in {}: {message}\n\nThis is a fault of the provider. The state is \
         kept as it was before the call, so check the object before you apply again. Please report \
         this together with the log (TF_LOG=debug).",
        C::NAME
    );
    Diagnostic::error("The provider panicked", detail).into()
}

/// One name for each rpc that is offered; rpc and message have the same one.
macro_rules! serve {
    ($($rpc:ident,)*) => {
        #[tonic::async_trait]
        impl<P: Provider> tfplugin6::provider_server::Provider for Server<P> {
            $(async fn $rpc(
                &self,
                request: Request<tfplugin6::$rpc::Request>,
            ) -> Result<Response<tfplugin6::$rpc::Response>, Status> {
                self.run(request).await
            })*
        }
    };
}

serve! {
    get_metadata,
    get_provider_schema,
    get_resource_identity_schemas,
    validate_provider_config,
    validate_resource_config,
    validate_data_resource_config,
    configure_provider,
    stop_provider,
    upgrade_resource_state,
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
}
