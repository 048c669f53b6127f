//! The contract of an ephemeral resource: values that exist while Terraform runs and that no plan
//! and no state ever holds.
//!
//! Requests and results may hold secrets, so none of their types shows its values in `Debug`.

use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

use super::resource::ValidateRequest;
use super::{Documentation, Private};
use crate::schema::{Diagnostic, Diagnostics, Schema};
use crate::value::Object;

/// A kind of object that is opened when a run needs it and closed when nothing needs it any more.
/// Terraform opens it in the plan and again in the apply.
#[tonic::async_trait]
pub trait EphemeralResource<C: Send + Sync + 'static>: Send + Sync + 'static {
    /// The full name, such as `crossaccount_iam_access_key`.
    fn type_name(&self) -> &'static str;

    /// The attributes. Called once.
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

    /// Opens. An error must leave nothing behind that has to be closed: Terraform calls neither
    /// `renew` nor `close` after it.
    async fn open(&self, request: OpenRequest<C>) -> Result<Opened, Diagnostics>;

    /// Keeps what was opened alive. Called at the time that `open`, or the last renewal, asked for.
    /// After an error Terraform stops renewing, and reports it when it closes.
    async fn renew(&self, _request: RenewRequest<C>) -> Result<Renewed, Diagnostics> {
        let detail = format!("{} asked for a renewal and has none.", self.type_name());
        Err(Diagnostic::bug(detail).into())
    }

    /// Gives back what was opened. Must work more than once. The default has nothing to give back.
    async fn close(&self, _request: CloseRequest<C>) -> Diagnostics {
        Diagnostics::new()
    }
}

/// The input of an opening.
pub struct OpenRequest<C> {
    /// The configured provider.
    pub provider: Arc<C>,
    /// The configuration, wholly known, with defaults filled in.
    pub config: Object,
    /// Cancelled when the user interrupts Terraform.
    pub cancelled: CancellationToken,
}

/// What was opened.
#[derive(Clone, Default)]
pub struct Opened {
    /// The whole object, wholly known: configured values unchanged, computed ones filled in.
    pub result: Object,
    /// What `renew` and `close` need.
    pub private: Private,
    /// When `renew` is to be called; none when it never is.
    pub renew_at: Option<Timestamp>,
    /// Warnings.
    pub diagnostics: Diagnostics,
}

impl Opened {
    /// This result, with nothing to renew.
    pub fn new(result: impl Into<Object>) -> Self {
        Self {
            result: result.into(),
            ..Self::default()
        }
    }
}

impl fmt::Debug for Opened {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Opened")
            .field("renew_at", &self.renew_at)
            .field("diagnostics", &self.diagnostics)
            .finish_non_exhaustive()
    }
}

/// The input of a renewal.
pub struct RenewRequest<C> {
    /// The configured provider.
    pub provider: Arc<C>,
    /// What the opening, or the last renewal, left.
    pub private: Private,
    /// Cancelled when the user interrupts Terraform.
    pub cancelled: CancellationToken,
}

/// What was renewed.
#[derive(Clone, Default)]
pub struct Renewed {
    /// What the next renewal needs; none keeps what the request brought. A close gets what the
    /// opening left, whatever renewals say.
    pub private: Option<Private>,
    /// When to renew again; none when that is not needed.
    pub renew_at: Option<Timestamp>,
    /// Warnings.
    pub diagnostics: Diagnostics,
}

/// The input of a close.
pub struct CloseRequest<C> {
    /// The configured provider.
    pub provider: Arc<C>,
    /// What the opening left.
    pub private: Private,
    /// Cancelled when the user interrupts Terraform.
    pub cancelled: CancellationToken,
}
