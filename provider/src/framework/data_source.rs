//! The contract of a data source.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use super::resource::{Outcome, ValidateRequest};
use super::{Capabilities, Documentation};
use crate::schema::{Diagnostics, Schema};
use crate::value::Object;

/// A kind of object that Terraform reads through the provider.
#[tonic::async_trait]
pub trait DataSource<C: Send + Sync + 'static>: Send + Sync + 'static {
    /// The full name, such as `crossaccount_iam_users`.
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

    /// Reads. The answer holds a wholly known object, or errors: "not found" is an error.
    async fn read(&self, request: ReadDataRequest<C>) -> Outcome;
}

/// The input of a read.
#[derive(Debug)]
pub struct ReadDataRequest<C> {
    /// The configured provider.
    pub provider: Arc<C>,
    /// The configuration, wholly known, with defaults filled in.
    pub config: Object,
    /// What the client can handle.
    pub capabilities: Capabilities,
    /// Cancelled when the user interrupts Terraform.
    pub cancelled: CancellationToken,
}
