//! The contract of a provider: its block, its configuration, and what it offers.

use tokio_util::sync::CancellationToken;

use super::{
    Action, Configured, DataSource, Documentation, EphemeralResource, Function, ListResource,
    Resource,
};
use crate::schema::{Diagnostics, Schema};
use crate::value::Object;

/// A provider. The server is generic over it.
#[tonic::async_trait]
pub trait Provider: Send + Sync + 'static {
    /// What a configured provider holds; resources get it in every call.
    type State: Send + Sync + 'static;

    /// The local name, such as `crossaccount`: the prefix of all type names.
    fn name(&self) -> &'static str;

    /// The attributes of the provider block. Called once.
    fn schema(&self) -> Schema;

    /// What the reference says besides the schema.
    fn documentation(&self) -> Documentation {
        Documentation::default()
    }

    /// Checks that need more than one attribute; the validators of the schema have run. Unknown
    /// values must be taken as possibly valid.
    fn validate(&self, _config: &Object) -> Diagnostics {
        Diagnostics::new()
    }

    /// Makes the state of the configured provider. In a plan the configuration may hold unknown
    /// values: where they matter the answer is [`Configured::Unknown`], which names them.
    ///
    /// An error answer refuses the run. Warnings go into the list of the request.
    async fn configure(
        &self,
        request: ConfigureRequest<'_>,
    ) -> Result<Configured<Self::State>, Diagnostics>;

    /// The managed resources.
    fn resources(&self) -> Vec<Box<dyn Resource<Self::State>>>;

    /// The data sources.
    fn data_sources(&self) -> Vec<Box<dyn DataSource<Self::State>>>;

    /// The ephemeral resources.
    fn ephemeral_resources(&self) -> Vec<Box<dyn EphemeralResource<Self::State>>> {
        Vec::new()
    }

    /// The lists of managed resources.
    fn list_resources(&self) -> Vec<Box<dyn ListResource<Self::State>>> {
        Vec::new()
    }

    /// The functions.
    fn functions(&self) -> Vec<Box<dyn Function>>;

    /// The actions.
    fn actions(&self) -> Vec<Box<dyn Action<Self::State>>> {
        Vec::new()
    }
}

/// The input of a configuration.
#[derive(Debug)]
pub struct ConfigureRequest<'a> {
    /// The provider block, with defaults filled in; may hold unknown values in a plan.
    pub config: Object,
    /// The version of Terraform, as it says.
    pub terraform_version: String,
    /// Place for warnings.
    pub warnings: &'a mut Diagnostics,
    /// Cancelled when the user interrupts Terraform.
    pub cancelled: CancellationToken,
}
