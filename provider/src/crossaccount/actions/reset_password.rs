//! The action `crossaccount_reset_password`.

use crossaccount_core::user::{ConsoleAccess, LONGEST_PASSWORD, PasswordSource, SHORTEST_PASSWORD};

use super::{contradictions, foreseen, limits, locate, outcome_diagnostics};
use crate::crossaccount::ProviderState;
use crate::crossaccount::located::{LocatedUser, or_cancelled};
use crate::framework::docs::Example;
use crate::framework::{Action, ActionPlanRequest, Documentation, InvokeRequest, ValidateRequest};
use crate::schema::validators::integer_between;
use crate::schema::{Attribute, Diagnostics, Schema};
use crate::value::Object;

/// The action.
pub(super) struct ResetPassword;

#[tonic::async_trait]
impl Action<ProviderState> for ResetPassword {
    fn type_name(&self) -> &'static str {
        "crossaccount_reset_password"
    }

    fn schema(&self) -> Schema {
        let mut attributes = LocatedUser::attributes();
        attributes.extend([
            Attribute::integer("password_length")
                .optional()
                .validate(integer_between(i64::from(SHORTEST_PASSWORD)..=i64::from(LONGEST_PASSWORD)))
                .describe(
                    "Number of characters of the password. Default: 24, or more when the account's password policy asks for it.",
                ),
            Attribute::bool("password_reset_required").default(true).describe(
                "Whether the user has to choose a new password at the next sign-in. Default: `true`.",
            ),
        ]);
        Schema::new(attributes).describe(
            "Gives the console access of an IAM user a new generated password now: for example when somebody has lost the old \
             one. The old password ends at once.",
        )
    }

    fn documentation(&self) -> Documentation {
        Documentation {
            examples: vec![Example {
                title: "A new password on demand".to_owned(),
                configuration: include_str!(
                    "../../../../examples/terraform/actions/crossaccount_reset_password/main.tf"
                )
                .to_owned(),
            }],
            notes: "The password goes to the secret store, where the ephemeral resource `crossaccount_console_password` reads it. \
                    Each invocation sets a new one and writes an audit record; the next plan of the user shows no change. Only \
                    console access that `console_access` of the user has set up can be reset."
                .to_owned(),
            ..Documentation::default()
        }
    }

    fn validate(&self, request: &ValidateRequest) -> Diagnostics {
        contradictions(request)
    }

    async fn plan(&self, request: ActionPlanRequest<ProviderState>) -> Diagnostics {
        let Some(provider) = request.provider.ready() else {
            return Diagnostics::new();
        };
        if !request.config.is_wholly_known() {
            return Diagnostics::new();
        }
        let (target, name) = match locate(&request.config) {
            Ok(located) => located,
            Err(diagnostics) => return diagnostics,
        };
        let wanted = wanted(&request.config);
        let preview = provider.users.preview_reset(&target, &name, wanted);
        foreseen(or_cancelled(&request.cancelled, preview).await)
    }

    async fn invoke(&self, request: InvokeRequest<ProviderState>) -> Diagnostics {
        let users = &request.provider.users;
        let (target, name) = match locate(&request.config) {
            Ok(located) => located,
            Err(diagnostics) => return diagnostics,
        };
        let account_id = target.account_id.clone();
        request.progress.say(format!(
            "Setting a new console password for user {name} in account {account_id}"
        ));
        let place = users.places(&target, &name);
        let limits = limits(&request.cancelled);
        let outcome = users
            .reset_password(target, name, wanted(&request.config), limits)
            .await;
        if let (Ok(()), Some(place)) = (&outcome.result, place) {
            let parameter = place.console_password;
            request
                .progress
                .say(format!("The new password is in parameter {parameter}"));
        }
        outcome_diagnostics(&outcome)
    }
}

fn wanted(config: &Object) -> ConsoleAccess {
    let length = config.get("password_length").as_i64();
    ConsoleAccess {
        source: PasswordSource::Generated {
            length: length.and_then(|length| u8::try_from(length).ok()),
        },
        password_reset_required: config
            .get("password_reset_required")
            .as_bool()
            .unwrap_or(true),
        ..ConsoleAccess::generated()
    }
}

#[cfg(test)]
mod tests {
    use crossaccount_core::user::PasswordSource;

    use super::wanted;
    use crate::value::{Object, Value};

    #[test]
    fn a_password_is_generated_as_it_was_asked_for() {
        let config = Object::new()
            .with("password_length", 40)
            .with("password_reset_required", false);
        let found = wanted(&config);
        assert_eq!(found.source, PasswordSource::Generated { length: Some(40) });
        assert!(!found.password_reset_required);
        let found = wanted(&Object::new().with("password_length", Value::Null));
        assert_eq!(found.source, PasswordSource::Generated { length: None });
        assert!(found.password_reset_required);
    }
}
