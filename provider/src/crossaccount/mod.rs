//! The provider `crossaccount`: its block, its resources, data sources and functions.
//!
//! Everything that Terraform sees of them is here, and nothing that AWS does: the core decides and
//! calls, this module translates between its types and Terraform's values.

mod config;
mod configured;
mod data_sources;
mod errors;
mod functions;
mod iam_user;

use std::sync::Arc;

use crate::framework::{
    ConfigureRequest, Configured, DataSource, Documentation, Function, Provider, Resource,
};
use crate::schema::{Diagnostics, Schema};
use crate::value::Object;

pub(crate) use configured::ProviderState;

/// The provider.
#[derive(Debug, Clone, Copy, Default)]
pub struct Crossaccount;

#[tonic::async_trait]
impl Provider for Crossaccount {
    type State = ProviderState;

    fn name(&self) -> &'static str {
        "crossaccount"
    }

    fn schema(&self) -> Schema {
        config::schema()
    }

    fn documentation(&self) -> Documentation {
        config::documentation()
    }

    fn validate(&self, config: &Object) -> Diagnostics {
        config::validate(config)
    }

    async fn configure(
        &self,
        request: ConfigureRequest<'_>,
    ) -> Result<Configured<ProviderState>, Diagnostics> {
        configured::configure(request.config, request.warnings)
            .await
            .map(|state| match state {
                configured::Configuration::Complete(state) => Configured::Ready(Arc::new(*state)),
                configured::Configuration::Incomplete(unknown) => Configured::Unknown(unknown),
            })
    }

    fn resources(&self) -> Vec<Box<dyn Resource<ProviderState>>> {
        vec![Box::new(iam_user::IamUser)]
    }

    fn data_sources(&self) -> Vec<Box<dyn DataSource<ProviderState>>> {
        data_sources::all()
    }

    fn functions(&self) -> Vec<Box<dyn Function>> {
        functions::all()
    }
}

#[cfg(test)]
mod tests {
    use super::Crossaccount;
    use crate::framework::check;

    #[test]
    fn everything_offered_keeps_the_rules_of_terraform() {
        assert_eq!(check::problems(&Crossaccount), [""; 0]);
    }
}
