//! Where things are: the attributes `account_id`, `role_arn` and `name` that data sources, ephemeral resources, actions and
//! lists have, and how they read there.

use crossaccount_core::ids::{AccountId, Path as IamPath, RoleArn, UserName};
use crossaccount_core::session::Target;
use crossaccount_core::{Error, ErrorKind};
use tokio_util::sync::CancellationToken;

use super::errors::diagnostic;
use crate::schema::validators::parses;
use crate::schema::{Attribute, Diagnostic, Diagnostics, Field};
use crate::value::Path;
use crate::{model, text_fields};

text_fields!(AccountId, RoleArn, UserName, IamPath);

model! {
    /// A user that exists, as a configuration names it.
    #[derive(Default)]
    pub(super) struct LocatedUser {
        pub(super) account_id: Field<AccountId>,
        pub(super) name: Field<UserName>,
        pub(super) role_arn: Field<RoleArn>,
    }
}

impl LocatedUser {
    /// The attributes of the model.
    pub(super) fn attributes() -> Vec<Attribute> {
        vec![
            account_id("Account of the user: 12 digits."),
            Attribute::string("name")
                .required()
                .validate(parses::<UserName>())
                .describe("Name of the user, without its path. The user must be managed by this deployment."),
            role_arn(),
        ]
    }

    /// What contradicts itself.
    pub(super) fn contradictions(&self) -> Diagnostics {
        contradictions(&self.account_id, &self.role_arn)
    }

    /// The account, the role to assume there, and the name of the user.
    pub(super) fn locate(self) -> Result<(Target, UserName), Diagnostics> {
        let target = target(self.account_id, self.role_arn)?;
        Ok((target, required("name", self.name)?))
    }
}

pub(super) fn account_id(about: &str) -> Attribute {
    Attribute::string("account_id")
        .required()
        .validate(parses::<AccountId>())
        .describe(about)
}

pub(super) fn role_arn() -> Attribute {
    Attribute::string("role_arn").optional().validate(parses::<RoleArn>()).describe(
        "Member role to assume instead of the provider's `role_name`. It must belong to `account_id`.",
    )
}

/// What contradicts itself in the two attributes that say where to look.
pub(super) fn contradictions(
    account_id: &Field<AccountId>,
    role_arn: &Field<RoleArn>,
) -> Diagnostics {
    let (Some(account_id), Some(role_arn)) = (account_id.known(), role_arn.known()) else {
        return Diagnostics::new();
    };
    if role_arn.account_id() == account_id {
        return Diagnostics::new();
    }
    let owner = role_arn.account_id();
    Diagnostic::error(
        "Role of another account",
        format!("The role {role_arn} belongs to account {owner}, and account_id is {account_id}."),
    )
    .at(Path::attribute("role_arn"))
    .into()
}

/// The account to read and the role to assume there.
pub(super) fn target(
    account_id: Field<AccountId>,
    role_arn: Field<RoleArn>,
) -> Result<Target, Diagnostics> {
    let contradictions = contradictions(&account_id, &role_arn);
    if contradictions.has_errors() {
        return Err(contradictions);
    }
    Ok(Target {
        account_id: required("account_id", account_id)?,
        role_arn: role_arn.into_known(),
    })
}

pub(super) fn required<T>(name: &str, field: Field<T>) -> Result<T, Diagnostics> {
    field.into_known().ok_or_else(|| {
        Diagnostic::bug(format!("{name} has no value although it must have one"))
            .at(Path::attribute(name))
            .into()
    })
}

/// Waits for a read unless the user interrupts Terraform. Nothing is lost with it: a read changes nothing.
pub(super) async fn unless_cancelled<T>(
    cancelled: &CancellationToken,
    read: impl Future<Output = Result<T, Error>>,
) -> Result<T, Diagnostics> {
    let result = or_cancelled(cancelled, read).await;
    result.map_err(|error| read_diagnostic(&error).into())
}

/// As [`unless_cancelled`], for an error that the caller puts in its place.
pub(super) async fn or_cancelled<T>(
    cancelled: &CancellationToken,
    read: impl Future<Output = Result<T, Error>>,
) -> Result<T, Error> {
    tokio::select! {
        biased;
        () = cancelled.cancelled() => {
            Err(Error::new(ErrorKind::Cancelled, "the run was interrupted before the read came to its end"))
        }
        result = read => result,
    }
}

/// An error of a read, on the attribute that decides which account and role are read.
pub(super) fn read_diagnostic(error: &Error) -> Diagnostic {
    let diagnostic = diagnostic(error);
    match error.kind() {
        // An account that may not be touched, or that the credentials may not look into.
        ErrorKind::Guardrail | ErrorKind::AccessDenied => {
            diagnostic.at(Path::attribute("account_id"))
        }
        // Everything else that is invalid was found by the schema: what is left is a role of another partition.
        ErrorKind::InvalidInput => diagnostic.at(Path::attribute("role_arn")),
        ErrorKind::HubCredentials
        | ErrorKind::AssumeRole
        | ErrorKind::WrongAccount
        | ErrorKind::NotFound
        | ErrorKind::AlreadyExists
        | ErrorKind::Replaced
        | ErrorKind::Conflict
        | ErrorKind::LimitExceeded
        | ErrorKind::Rejected
        | ErrorKind::Throttled
        | ErrorKind::Unavailable
        | ErrorKind::TimedOut
        | ErrorKind::Cancelled
        | ErrorKind::AccessKey
        | ErrorKind::ConsoleAccess
        | ErrorKind::Audit
        | ErrorKind::Internal => diagnostic,
    }
}

/// An error about one user, on the attribute that it is about.
pub(super) fn user_diagnostic(error: &Error) -> Diagnostic {
    let about_the_user = matches!(
        error.kind(),
        ErrorKind::NotFound
            | ErrorKind::AlreadyExists
            | ErrorKind::Replaced
            | ErrorKind::AccessKey
            | ErrorKind::ConsoleAccess
    );
    // Nothing but the provider block says that there is no secret store.
    let about_the_provider = error.kind() == ErrorKind::InvalidInput;
    let found = read_diagnostic(error);
    if about_the_user {
        found.at(Path::attribute("name"))
    } else if about_the_provider {
        Diagnostic {
            attribute: None,
            ..found
        }
    } else {
        found
    }
}

#[cfg(test)]
mod tests {
    use crossaccount_core::{Error, ErrorKind};
    use tokio_util::sync::CancellationToken;

    use super::{read_diagnostic, target, unless_cancelled, user_diagnostic};
    use crate::schema::{Diagnostics, Field};

    fn places(diagnostics: &Diagnostics) -> Vec<String> {
        let place =
            |found: &crate::schema::Diagnostic| found.attribute.as_ref().unwrap().to_string();
        diagnostics.iter().map(place).collect()
    }

    #[test]
    fn a_role_of_another_account_never_becomes_a_target() {
        let role_arn = "arn:aws:iam::333333333333:role/Reader".parse().unwrap();
        let account_id = Field::Known("222222222222".parse().unwrap());
        let refused = target(account_id.clone(), Field::Known(role_arn)).unwrap_err();
        assert_eq!(places(&refused), ["role_arn"]);
        let role_arn = "arn:aws:iam::222222222222:role/Reader".parse().unwrap();
        let found = target(account_id, Field::Known(role_arn)).unwrap();
        assert_eq!(found.account_id.as_str(), "222222222222");
        assert_eq!(
            found.role_arn.unwrap().to_string(),
            "arn:aws:iam::222222222222:role/Reader"
        );
    }

    #[test]
    fn an_account_that_may_not_be_touched_is_named_on_its_attribute() {
        for kind in [
            ErrorKind::Guardrail,
            ErrorKind::AccessDenied,
            ErrorKind::AssumeRole,
        ] {
            let found = read_diagnostic(&Error::new(kind, "no"));
            assert_eq!(found.attribute.unwrap().to_string(), "account_id");
        }
    }

    #[tokio::test]
    async fn an_interrupted_run_does_not_wait_for_a_read() {
        let cancelled = CancellationToken::new();
        cancelled.cancel();
        let read = std::future::pending::<Result<(), Error>>();
        let diagnostics = unless_cancelled(&cancelled, read).await.unwrap_err();
        assert_eq!(
            diagnostics
                .iter()
                .map(|found| found.summary.as_str())
                .collect::<Vec<_>>(),
            ["Interrupted"]
        );
    }

    #[tokio::test]
    async fn a_read_that_is_not_interrupted_gives_its_result() {
        let read = async { Ok(7) };
        assert_eq!(
            unless_cancelled(&CancellationToken::new(), read).await,
            Ok(7)
        );
    }

    #[test]
    fn what_is_wrong_with_a_user_is_said_on_its_name() {
        for kind in [
            ErrorKind::NotFound,
            ErrorKind::AlreadyExists,
            ErrorKind::Replaced,
            ErrorKind::AccessKey,
            ErrorKind::ConsoleAccess,
        ] {
            let found = user_diagnostic(&Error::new(kind, "no"));
            assert_eq!(found.attribute.unwrap().to_string(), "name");
        }
        let found = user_diagnostic(&Error::new(ErrorKind::Guardrail, "no"));
        assert_eq!(found.attribute.unwrap().to_string(), "account_id");
    }
}
