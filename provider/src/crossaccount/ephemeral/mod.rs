//! The ephemeral resources: credentials that exist while Terraform runs, and are in no plan and no state.
//!
//! They only read. Nothing has to be given back when they are closed: a secret is forgotten when its answer is sent.

mod access_key;
mod console_password;

use std::time::Duration;

use crossaccount_core::user::{Holder, Limits};
use crossaccount_core::{Error, ErrorKind};
use tokio_util::sync::CancellationToken;

use super::ProviderState;
use super::located::{LocatedUser, user_diagnostic};
use crate::framework::{EphemeralResource, ValidateRequest};
use crate::schema::validators::length_between;
use crate::schema::{Attribute, Diagnostics, ModelError};
use crate::value::{Object, Path};

/// How long an opening may take, waiting included.
const TIME_LIMIT: Duration = Duration::from_mins(5);

/// All ephemeral resources.
pub(super) fn all() -> Vec<Box<dyn EphemeralResource<ProviderState>>> {
    vec![
        Box::new(access_key::AccessKey),
        Box::new(console_password::ConsolePassword),
    ]
}

/// The attributes that say whose credential is wanted.
fn holder_attributes() -> Vec<Attribute> {
    let mut attributes = LocatedUser::attributes();
    attributes.push(
        Attribute::string("unique_id").optional().validate(length_between(1, 128)).describe(
            "Unique id (`AIDA…`) that the user must have. With `unique_id = crossaccount_iam_user.NAME.unique_id` a user and \
             this can be created in one apply: the id is not known before the user exists, and Terraform waits for it. \
             Without it Terraform already reads in the plan, and finds no user.",
        ),
    );
    attributes
}

/// What contradicts itself in a configuration.
fn contradictions(request: &ValidateRequest) -> Diagnostics {
    match LocatedUser::try_from(&request.config) {
        Ok(located) => located.contradictions(),
        // The validators of the schema have said what is wrong with the value.
        Err(_) => Diagnostics::new(),
    }
}

fn holder(config: &Object) -> Result<Holder, Diagnostics> {
    let located = LocatedUser::try_from(config).map_err(ModelError::into_diagnostic)?;
    let (target, name) = located.locate()?;
    Ok(Holder {
        target,
        name,
        unique_id: config.get("unique_id").as_str().map(str::to_owned),
    })
}

fn limits(cancelled: &CancellationToken) -> Limits {
    Limits::within(TIME_LIMIT, cancelled.clone())
}

/// An error of an opening, on the attribute that it is about.
fn open_diagnostics(error: &Error) -> Diagnostics {
    let found = user_diagnostic(error);
    if error.kind() == ErrorKind::Replaced {
        found.at(Path::attribute("unique_id")).into()
    } else {
        found.into()
    }
}

#[cfg(test)]
mod tests {
    use super::{Attribute, all, holder};
    use crate::framework::{Capabilities, ValidateRequest};
    use crate::value::{Object, Value};

    fn config() -> Object {
        Object::new()
            .with("account_id", "222222222222")
            .with("name", "alice")
            .with("role_arn", Value::Null)
            .with("unique_id", Value::Null)
    }

    #[test]
    fn a_role_of_another_account_is_refused() {
        for (role_arn, expected) in [
            ("arn:aws:iam::333333333333:role/Reader".into(), 1),
            ("arn:aws:iam::222222222222:role/Reader".into(), 0),
            (Value::UNKNOWN, 0),
        ] {
            for resource in all() {
                let request = ValidateRequest {
                    config: config().with("role_arn", role_arn.clone()),
                    capabilities: Capabilities::default(),
                };
                assert_eq!(resource.validate(&request).iter().count(), expected);
            }
        }
    }

    #[test]
    fn only_results_are_secret_and_all_secrets_are_sensitive() {
        for resource in all() {
            let schema = resource.schema();
            let sensitive: Vec<&str> = schema
                .attributes()
                .iter()
                .filter(|attribute| attribute.sensitive)
                .map(Attribute::name)
                .collect();
            assert!(matches!(sensitive[..], ["secret" | "password"]));
        }
    }

    #[test]
    fn the_holder_is_the_configured_user() {
        let found = holder(&config().with("unique_id", "AIDA1")).unwrap();
        assert_eq!(found.name.as_str(), "alice");
        assert_eq!(found.unique_id.as_deref(), Some("AIDA1"));
        assert_eq!(holder(&config()).unwrap().unique_id, None);
    }
}
