//! The actions: one credential of one user is replaced now, whatever its age.
//!
//! They change what a plan of the user would not change, and nothing else: the configuration of the user still fits
//! afterwards.

mod reset_password;
mod rotate_access_key;

use std::time::Duration;

use crossaccount_core::Error;
use crossaccount_core::ids::UserName;
use crossaccount_core::session::Target;
use crossaccount_core::user::{Limits, Outcome};
use tokio_util::sync::CancellationToken;

use super::ProviderState;
use super::located::{LocatedUser, user_diagnostic};
use crate::framework::{Action, ValidateRequest};
use crate::schema::{Diagnostic, Diagnostics, ModelError};
use crate::value::Object;

/// How long an action may take.
const TIME_LIMIT: Duration = Duration::from_mins(10);

/// All actions.
pub(super) fn all() -> Vec<Box<dyn Action<ProviderState>>> {
    vec![
        Box::new(rotate_access_key::RotateAccessKey),
        Box::new(reset_password::ResetPassword),
    ]
}

/// What contradicts itself in a configuration.
fn contradictions(request: &ValidateRequest) -> Diagnostics {
    match LocatedUser::try_from(&request.config) {
        Ok(located) => located.contradictions(),
        // The validators of the schema have said what is wrong with the value.
        Err(_) => Diagnostics::new(),
    }
}

fn locate(config: &Object) -> Result<(Target, UserName), Diagnostics> {
    let located = LocatedUser::try_from(config).map_err(ModelError::into_diagnostic)?;
    located.locate()
}

fn limits(cancelled: &CancellationToken) -> Limits {
    Limits::within(TIME_LIMIT, cancelled.clone())
}

/// What a look ahead found. It is a warning: the user, or its credential, may be made in the same apply.
fn foreseen(result: Result<(), Error>) -> Diagnostics {
    let Err(error) = result else {
        return Diagnostics::new();
    };
    let found = user_diagnostic(&error);
    let warning = Diagnostic::warning(
        "Action would not work now",
        format!(
            "{}\n\nThis is no mistake when an apply puts it right before the action is invoked.",
            found.detail
        ),
    );
    match found.attribute {
        Some(path) => warning.at(path).into(),
        None => warning.into(),
    }
}

/// The diagnostics of a change that was made, or not.
fn outcome_diagnostics(outcome: &Outcome) -> Diagnostics {
    let warnings = outcome.warnings.iter();
    let mut found: Diagnostics = warnings
        .map(|warning| Diagnostic::warning("Not everything went as planned", warning.clone()))
        .collect();
    if let Err(error) = &outcome.result {
        found.push(user_diagnostic(error));
    }
    found
}

#[cfg(test)]
mod tests {
    use crossaccount_core::{Error, ErrorKind};

    use super::{all, foreseen};
    use crate::framework::{Capabilities, ValidateRequest};
    use crate::value::{Object, Value};

    #[test]
    fn a_role_of_another_account_is_refused() {
        for action in all() {
            let config = Object::new()
                .with("account_id", "222222222222")
                .with("name", Value::UNKNOWN)
                .with("role_arn", "arn:aws:iam::333333333333:role/Reader");
            let request = ValidateRequest {
                config,
                capabilities: Capabilities::default(),
            };
            assert!(action.validate(&request).has_errors());
        }
    }

    #[test]
    fn what_would_not_work_is_a_warning_where_it_belongs() {
        assert!(foreseen(Ok(())).is_empty());
        let error = Error::new(ErrorKind::AccessKey, "two keys of others");
        let found = foreseen(Err(error));
        assert!(!found.has_errors());
        let found = found.iter().next().unwrap();
        assert!(found.detail.starts_with("Two keys of others."));
        assert_eq!(found.attribute.as_ref().unwrap().to_string(), "name");
    }
}
