//! The server: registry of everything offered, state of the process, and one wrapper around calls.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Instant;

use crossaccount_proto::tfplugin6;
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status};
use tracing::Instrument;

use super::{Configured, DataSource, Function, Provider, Resource, Signature};
use crate::schema::{Diagnostic, Diagnostics, Schema};
use crate::value::Type;

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

/// Something offered, with its schema and the type that drives the codec.
pub(super) struct Offered<T: ?Sized> {
    pub(super) item: Box<T>,
    pub(super) schema: Schema,
    pub(super) ty: Type,
}

impl<T: ?Sized> Offered<T> {
    fn new(item: Box<T>, schema: Schema) -> Self {
        let ty = schema.ty();
        Self { item, schema, ty }
    }
}

type Resources<C> = BTreeMap<&'static str, Offered<dyn Resource<C>>>;
type DataSources<C> = BTreeMap<&'static str, Offered<dyn DataSource<C>>>;
type Functions = BTreeMap<&'static str, (Box<dyn Function>, Signature)>;

pub(super) struct Inner<P: Provider> {
    pub(super) provider: P,
    pub(super) schema: Schema,
    pub(super) ty: Type,
    pub(super) resources: Resources<P::State>,
    pub(super) data_sources: DataSources<P::State>,
    pub(super) functions: Functions,
    configured: RwLock<Option<Configured<P::State>>>,
    cancelled: Mutex<CancellationToken>,
}

impl<P: Provider> Inner<P> {
    fn new(provider: P) -> Self {
        let schema = provider.schema();
        let resources = provider
            .resources()
            .into_iter()
            .map(|resource| {
                let schema = resource.schema();
                (resource.type_name(), Offered::new(resource, schema))
            })
            .collect();
        let data_sources = provider
            .data_sources()
            .into_iter()
            .map(|source| {
                let schema = source.schema();
                (source.type_name(), Offered::new(source, schema))
            })
            .collect();
        let functions = provider
            .functions()
            .into_iter()
            .map(|function| {
                let signature = function.signature();
                (function.name(), (function, signature))
            })
            .collect();
        let ty = schema.ty();
        Self {
            provider,
            schema,
            ty,
            resources,
            data_sources,
            functions,
            configured: RwLock::new(None),
            cancelled: Mutex::new(CancellationToken::new()),
        }
    }

    pub(super) fn resource(
        &self,
        type_name: &str,
    ) -> Result<&Offered<dyn Resource<P::State>>, Diagnostics> {
        self.resources
            .get(type_name)
            .ok_or_else(|| unknown_type("resource", type_name))
    }

    pub(super) fn data_source(
        &self,
        type_name: &str,
    ) -> Result<&Offered<dyn DataSource<P::State>>, Diagnostics> {
        self.data_sources
            .get(type_name)
            .ok_or_else(|| unknown_type("data source", type_name))
    }

    pub(super) fn set_configured(&self, configured: Configured<P::State>) {
        *self
            .configured
            .write()
            .unwrap_or_else(PoisonError::into_inner) = Some(configured);
    }

    /// The provider as it was configured; an error when it never was.
    pub(super) fn configured(&self) -> Result<Configured<P::State>, Diagnostics> {
        let configured = self
            .configured
            .read()
            .unwrap_or_else(PoisonError::into_inner);
        configured.clone().ok_or_else(|| {
            let detail = "Terraform called the provider before it configured it.";
            Diagnostic::error("Provider not configured", detail).into()
        })
    }

    /// The configured provider; an error when its configuration is not known yet.
    pub(super) fn ready(&self) -> Result<Arc<P::State>, Diagnostics> {
        match self.configured()? {
            Configured::Ready(state) => Ok(state),
            Configured::Unknown(reason) => Err(not_known_yet(&reason)),
        }
    }

    /// A token that the next stop cancels.
    pub(super) fn cancellation(&self) -> CancellationToken {
        self.token().child_token()
    }

    /// Cancels everything that runs. Later calls are not affected: under `-debug` the process
    /// serves the next run of Terraform too.
    pub(super) fn stop(&self) {
        let stopped = std::mem::take(&mut *self.token());
        stopped.cancel();
    }

    fn token(&self) -> MutexGuard<'_, CancellationToken> {
        self.cancelled
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

fn unknown_type(kind: &str, type_name: &str) -> Diagnostics {
    let detail = format!("This version of the provider has no {kind} {type_name:?}.");
    Diagnostic::error(format!("Unknown {kind} type"), detail).into()
}

/// The error where the provider must be configured and the values for that are not known yet.
pub(super) fn not_known_yet(reason: &str) -> Diagnostics {
    let detail = format!(
        "The provider block holds values that are known only after apply: {reason}. Apply what \
         they depend on first, for example with -target, or use values that are known."
    );
    Diagnostic::error("Provider configuration not known yet", detail).into()
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
    get_functions,
    call_function,
}
