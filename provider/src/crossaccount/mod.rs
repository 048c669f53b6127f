//! The provider `crossaccount`: its block and everything that it offers.
//!
//! Everything that Terraform sees of them is here, and nothing that AWS does: the core decides and
//! calls, this module translates between its types and Terraform's values.

mod actions;
mod config;
mod configured;
mod data_sources;
mod ephemeral;
mod errors;
mod functions;
mod iam_user;
mod list;
mod located;

use std::sync::Arc;

use crate::framework::{
    Action, ConfigureRequest, Configured, DataSource, Documentation, EphemeralResource, Function,
    ListResource, Provider, Resource,
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

    fn ephemeral_resources(&self) -> Vec<Box<dyn EphemeralResource<ProviderState>>> {
        ephemeral::all()
    }

    fn list_resources(&self) -> Vec<Box<dyn ListResource<ProviderState>>> {
        vec![Box::new(list::IamUsers)]
    }

    fn functions(&self) -> Vec<Box<dyn Function>> {
        functions::all()
    }

    fn actions(&self) -> Vec<Box<dyn Action<ProviderState>>> {
        actions::all()
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
