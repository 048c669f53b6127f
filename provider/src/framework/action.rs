//! The contract of an action: something that is done on demand, leaves no state and returns no
//! values, such as a rotation.

use std::sync::Arc;

use tokio::sync::mpsc::WeakUnboundedSender;
use tokio_util::sync::CancellationToken;

use super::resource::ValidateRequest;
use super::{Capabilities, Configured, Documentation};
use crate::schema::{Diagnostics, Schema};
use crate::value::Object;

/// A kind of action. Terraform invokes it in an apply, when a resource that triggers it was changed,
/// or because the user asked for it (`-invoke`).
///
/// An invocation runs to its end although Terraform went away; it looks at the cancellation token
/// between two steps.
#[tonic::async_trait]
pub trait Action<C: Send + Sync + 'static>: Send + Sync + 'static {
    /// The full name, such as `crossaccount_rotate_access_key`.
    fn type_name(&self) -> &'static str;

    /// The attributes of the configuration. Called once.
    fn schema(&self) -> Schema;

    /// What the reference says besides the schema.
    fn documentation(&self) -> Documentation {
        Documentation::default()
    }

    /// Checks that need more than one attribute; the validators of the schema have run. Unknown
    /// values must be taken as possibly valid.
    fn validate(&self, _request: &ValidateRequest) -> Diagnostics {
        Diagnostics::new()
    }

    /// Refuses, or warns about, an invocation before anything is changed. It must change nothing.
    async fn plan(&self, _request: ActionPlanRequest<C>) -> Diagnostics {
        Diagnostics::new()
    }

    /// Does it. An error stops the apply; what was done before it stays done, so the error says
    /// what that is. Doing it again after an error must be safe.
    async fn invoke(&self, request: InvokeRequest<C>) -> Diagnostics;
}

/// The input of the plan of an action.
pub struct ActionPlanRequest<C> {
    /// The provider, which need not be configured yet.
    pub provider: Configured<C>,
    /// The configuration with defaults filled in. It may hold unknown values.
    pub config: Object,
    /// What the client can handle.
    pub capabilities: Capabilities,
    /// Cancelled when the user interrupts Terraform.
    pub cancelled: CancellationToken,
}

/// The input of an invocation.
pub struct InvokeRequest<C> {
    /// The configured provider.
    pub provider: Arc<C>,
    /// The configuration, wholly known, with defaults filled in.
    pub config: Object,
    /// Tells the user what is going on.
    pub progress: Progress,
    /// Cancelled when the user interrupts Terraform.
    pub cancelled: CancellationToken,
}

/// Tells the user what an action is doing. Terraform shows each message at once.
///
/// Nothing is said any more when the invocation has ended, or when Terraform went away.
#[derive(Debug, Clone)]
pub struct Progress(WeakUnboundedSender<String>);

impl Progress {
    pub(super) fn new(listener: WeakUnboundedSender<String>) -> Self {
        Self(listener)
    }

    /// Says one short sentence, without a secret. Never waits.
    pub fn say(&self, message: impl Into<String>) {
        if let Some(listener) = self.0.upgrade() {
            // Terraform went away, and the action goes on.
            let _ = listener.send(message.into());
        }
    }
}
