//! The ephemeral resource `crossaccount_iam_access_key`: the current access key of a user, with its secret.

use std::time::Duration;

use crossaccount_core::user::HeldKey;
use jiff::Timestamp;

use super::{contradictions, holder, holder_attributes, limits, open_diagnostics};
use crate::crossaccount::ProviderState;
use crate::crossaccount::located::{LocatedUser, or_cancelled, user_diagnostic};
use crate::framework::docs::Example;
use crate::framework::{
    Documentation, EphemeralResource, OpenRequest, Opened, Private, RenewRequest, Renewed,
    ValidateRequest,
};
use crate::schema::{Attribute, Diagnostics, ModelError, Schema};
use crate::value::{Object, Value};

/// How often a run looks whether the key that it uses still works.
const LOOKS_EVERY: Duration = Duration::from_mins(10);

/// The ephemeral resource.
pub(super) struct AccessKey;

#[tonic::async_trait]
impl EphemeralResource<ProviderState> for AccessKey {
    fn type_name(&self) -> &'static str {
        "crossaccount_iam_access_key"
    }

    fn schema(&self) -> Schema {
        let text = |name: &str, about: &str| Attribute::string(name).computed().describe(about);
        let mut attributes = holder_attributes();
        attributes.extend([
            text("id", "The access key id (`AKIA…`)."),
            text("secret", "The secret access key.").sensitive(),
            text("create_date", "When the key was made (RFC 3339)."),
            text("parameter", "Name of the SSM parameter that holds the key."),
        ]);
        Schema::new(attributes).describe(
            "The current access key of an IAM user that this deployment manages, with its secret, for the time that \
             Terraform runs: to configure another provider, or a write-only argument.",
        )
    }

    fn documentation(&self) -> Documentation {
        Documentation {
            examples: vec![Example {
                title: "A provider that works as a user".to_owned(),
                configuration: include_str!(
                    "../../../../examples/terraform/ephemeral-resources/crossaccount_iam_access_key/main.tf"
                )
                .to_owned(),
            }],
            notes: "The key is read from the secret store of the provider's `secrets`, and nothing is changed. It is handed out \
                    only when it is active and the one that the user's tags name: otherwise the error says what to do. Every ten \
                    minutes of a long run the provider looks whether the key still exists and is active. A key that is replaced \
                    meanwhile goes on working as `access_key` of its user says.\n\nWith `location = \"member\"` the member role \
                    needs the feature `member_secrets` of `member_role_policy`; else the hub credentials need \
                    `ssm:GetParameter`, and `kms:Decrypt` with the key."
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
        let read = or_cancelled(&request.cancelled, users.access_key(&holder, &limits)).await;
        let key = read.map_err(|error| open_diagnostics(&error))?;
        Ok(Opened {
            private: remembered(&request.config, &key),
            renew_at: Some(next_look(request.provider.clock.now())),
            ..Opened::new(
                request
                    .config
                    .with("id", key.id)
                    .with("secret", key.secret.expose())
                    .with("create_date", key.create_date.to_string())
                    .with("parameter", key.parameter.to_string()),
            )
        })
    }

    async fn renew(&self, request: RenewRequest<ProviderState>) -> Result<Renewed, Diagnostics> {
        let (config, id) = recalled(&request.private);
        let located = LocatedUser::try_from(&config).map_err(ModelError::into_diagnostic)?;
        let (target, name) = located.locate()?;
        let check = request.provider.users.check_access_key(&target, &name, &id);
        match or_cancelled(&request.cancelled, check).await {
            Ok(()) => Ok(Renewed {
                renew_at: Some(next_look(request.provider.clock.now())),
                ..Renewed::default()
            }),
            Err(error) => Err(user_diagnostic(&error).into()),
        }
    }
}

fn next_look(now: Timestamp) -> Timestamp {
    // The last moment of time itself is ten minutes early.
    now.checked_add(LOOKS_EVERY).unwrap_or(Timestamp::MAX)
}

/// What a renewal has to know: which key of which user. No secret.
fn remembered(config: &Object, key: &HeldKey) -> Private {
    let mut private = Private::new();
    for name in ["account_id", "role_arn"] {
        if let Some(text) = config.get(name).as_str() {
            private.set(name, text);
        }
    }
    private.set("name", key.user_name.as_str());
    private.set("id", key.id.as_str());
    private
}

fn recalled(private: &Private) -> (Object, String) {
    let text = |name: &str| private.get(name).and_then(|text| text.as_str());
    let config = ["account_id", "name", "role_arn"]
        .map(|name| (name, text(name).map_or(Value::Null, Value::from)));
    (
        config.into_iter().collect(),
        text("id").unwrap_or_default().to_owned(),
    )
}

#[cfg(test)]
mod tests {
    use crossaccount_core::user::HeldKey;

    use super::{recalled, remembered};
    use crate::value::{Object, Value};

    #[test]
    fn a_renewal_knows_the_key_and_never_the_secret() {
        let key = HeldKey {
            id: "AKIA1".to_owned(),
            secret: "hunter2".to_owned().into(),
            create_date: "2026-01-02T03:04:05Z".parse().unwrap(),
            user_name: "alice".parse().unwrap(),
            parameter: "/crossaccount/222222222222/alice/access-key"
                .parse()
                .unwrap(),
        };
        let config = Object::new()
            .with("account_id", "222222222222")
            .with("name", "alice.new")
            .with("role_arn", Value::Null);
        let private = remembered(&config, &key);
        assert!(
            !String::from_utf8(private.to_bytes())
                .unwrap()
                .contains("hunter2")
        );
        let expected = config.with("name", "alice");
        assert_eq!(recalled(&private), (expected, "AKIA1".to_owned()));
    }
}
