//! The action `crossaccount_rotate_access_key`.

use crossaccount_core::secrets::ParameterName;
use crossaccount_core::user::access_keys::KeyTags;
use crossaccount_core::user::{KeyIntervals, KeyPolicy, KeyStatus, MOST_DAYS, ObservedUser};

use super::{contradictions, foreseen, limits, locate, outcome_diagnostics};
use crate::crossaccount::ProviderState;
use crate::crossaccount::located::{LocatedUser, or_cancelled};
use crate::framework::docs::Example;
use crate::framework::{Action, ActionPlanRequest, Documentation, InvokeRequest, ValidateRequest};
use crate::schema::validators::integer_between;
use crate::schema::{Attribute, Diagnostic, Diagnostics, Schema};
use crate::value::Object;

const KEEP: &str = "keep_if_used_within_days";

/// The action.
pub(super) struct RotateAccessKey;

#[tonic::async_trait]
impl Action<ProviderState> for RotateAccessKey {
    fn type_name(&self) -> &'static str {
        "crossaccount_rotate_access_key"
    }

    fn schema(&self) -> Schema {
        let mut attributes = LocatedUser::attributes();
        attributes.push(
            Attribute::integer(KEEP)
                .default(i64::from(KeyIntervals::default().keep_if_used_within_days))
                .validate(integer_between(0..=i64::from(MOST_DAYS)))
                .describe(
                    "IAM allows two keys for a user, so a key that was replaced earlier is deleted to make room. One that was \
                     used within so many days is kept, and the action fails. Default: `7`.",
                ),
        );
        Schema::new(attributes).describe(
            "Replaces the access key of an IAM user now, whatever its age. The new key is stored before anybody sees it, and \
             the old one goes on working as `access_key` of the user says. So a rotation does not stop a key that leaked: \
             set `status` of `access_key` to `Inactive` for that.",
        )
    }

    fn documentation(&self) -> Documentation {
        Documentation {
            examples: vec![Example {
                title: "A new key on demand".to_owned(),
                configuration: include_str!(
                    "../../../../examples/terraform/actions/crossaccount_rotate_access_key/main.tf"
                )
                .to_owned(),
            }],
            notes: "Each invocation makes a new key and writes an audit record. The next plan of the user shows the new key as \
                    found outside of Terraform, and changes nothing. To make a rotation part of a plan, change \
                    `rotation_trigger` of `access_key` instead."
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
        let policy = match policy(&request.config) {
            Ok(policy) => policy,
            Err(diagnostics) => return diagnostics,
        };
        let preview = provider.users.preview_rotation(&target, &name, policy);
        foreseen(or_cancelled(&request.cancelled, preview).await)
    }

    async fn invoke(&self, request: InvokeRequest<ProviderState>) -> Diagnostics {
        let users = &request.provider.users;
        let (target, name) = match locate(&request.config) {
            Ok(located) => located,
            Err(diagnostics) => return diagnostics,
        };
        let policy = match policy(&request.config) {
            Ok(policy) => policy,
            Err(diagnostics) => return diagnostics,
        };
        let account_id = target.account_id.clone();
        request.progress.say(format!(
            "Replacing the access key of user {name} in account {account_id}"
        ));
        let place = users.places(&target, &name);
        let limits = limits(&request.cancelled);
        let outcome = users.rotate_access_key(target, name, policy, limits).await;
        if let (Ok(()), Some(user), Some(place)) = (&outcome.result, &outcome.user, place) {
            request.progress.say(done(user, &place.access_key));
        }
        outcome_diagnostics(&outcome)
    }
}

/// What a rotation on demand keeps to. Status and trigger are those of the user.
fn policy(config: &Object) -> Result<KeyPolicy, Diagnostics> {
    let defaults = KeyIntervals::default();
    let days = config.get(KEEP).as_i64();
    let days = days.and_then(|days| u32::try_from(days).ok());
    let intervals = KeyIntervals {
        keep_if_used_within_days: days.unwrap_or(defaults.keep_if_used_within_days),
        ..defaults
    };
    KeyPolicy::new(intervals, KeyStatus::Active, None)
        .map_err(|problem| Diagnostic::bug(problem).into())
}

/// What was done, in one sentence.
fn done(user: &ObservedUser, parameter: &ParameterName) -> String {
    let tags = KeyTags::read(&user.tags);
    let current = tags.current.map(|current| current.id);
    let current = current.as_deref().unwrap_or("(unknown)");
    match tags.retiring {
        Some(retiring) => format!(
            "Access key {current} is in parameter {parameter}; {} was replaced and still works",
            retiring.id
        ),
        None => format!("Access key {current} is in parameter {parameter}"),
    }
}

#[cfg(test)]
mod tests {
    use super::{KEEP, policy};
    use crate::value::Object;

    #[test]
    fn the_days_of_the_configuration_are_kept_to() {
        let days = |config: &Object| policy(config).unwrap().keep_if_used_within_days();
        assert_eq!(days(&Object::new().with(KEEP, 0)), 0);
        assert_eq!(days(&Object::new()), 7);
    }
}
