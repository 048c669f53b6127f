//! The ephemeral resource `crossaccount_console_password`: the generated console password of a user.

use super::{contradictions, holder, holder_attributes, limits, open_diagnostics};
use crate::crossaccount::ProviderState;
use crate::crossaccount::located::or_cancelled;
use crate::framework::docs::Example;
use crate::framework::{Documentation, EphemeralResource, OpenRequest, Opened, ValidateRequest};
use crate::schema::{Attribute, Diagnostics, Schema};

/// The ephemeral resource.
pub(super) struct ConsolePassword;

#[tonic::async_trait]
impl EphemeralResource<ProviderState> for ConsolePassword {
    fn type_name(&self) -> &'static str {
        "crossaccount_console_password"
    }

    fn schema(&self) -> Schema {
        let text = |name: &str, about: &str| Attribute::string(name).computed().describe(about);
        let mut attributes = holder_attributes();
        attributes.extend([
            text("password", "The password, as it was generated.").sensitive(),
            text(
                "parameter",
                "Name of the SSM parameter that holds the password.",
            ),
            text("console_url", "Where the user signs in."),
        ]);
        Schema::new(attributes).describe(
            "The generated console password of an IAM user that this deployment manages, for the time that Terraform runs: \
             to hand it on to a password manager through a write-only argument.",
        )
    }

    fn documentation(&self) -> Documentation {
        Documentation {
            examples: vec![Example {
                title: "A password for a password manager".to_owned(),
                configuration: include_str!(
                    "../../../../examples/terraform/ephemeral-resources/crossaccount_console_password/main.tf"
                )
                .to_owned(),
            }],
            notes: "The password is read from the secret store of the provider's `secrets`, and nothing is changed. It is the one \
                    that was generated last: AWS does not tell whether the user has chosen another one since. A password of the \
                    configuration's own (`password` of `console_access`) is kept nowhere and cannot be read."
                .to_owned(),
            ..Documentation::default()
        }
    }

    fn validate(&self, request: &ValidateRequest) -> Diagnostics {
        contradictions(request)
    }

    async fn open(&self, request: OpenRequest<ProviderState>) -> Result<Opened, Diagnostics> {
        let holder = holder(&request.config)?;
        let users = &request.provider.users;
        let limits = limits(&request.cancelled);
        let read = or_cancelled(&request.cancelled, users.console_password(&holder, &limits)).await;
        let held = read.map_err(|error| open_diagnostics(&error))?;
        Ok(Opened::new(
            request
                .config
                .with("password", held.password.expose())
                .with("parameter", held.parameter.to_string())
                .with("console_url", held.console_url),
        ))
    }
}
