//! The one translation from errors of the core to Terraform diagnostics.

use crossaccount_core::secrets::SecretKind;
use crossaccount_core::user::Step;
use crossaccount_core::{Error, ErrorKind};

use crate::schema::Diagnostic;
use crate::value::Path;

/// The short line above an error of this kind.
fn summary(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::InvalidInput => "Invalid value",
        ErrorKind::HubCredentials => "Hub credentials cannot be used",
        ErrorKind::AssumeRole => "Member role cannot be assumed",
        ErrorKind::WrongAccount => "Session is for another account",
        ErrorKind::Guardrail => "Refused by a guardrail",
        ErrorKind::AccessDenied => "Access denied",
        ErrorKind::NotFound => "Object not found",
        ErrorKind::AlreadyExists => "User exists and belongs to somebody else",
        ErrorKind::Replaced => "User was replaced",
        ErrorKind::Conflict => "User cannot be deleted yet",
        ErrorKind::LimitExceeded => "Quota exceeded",
        ErrorKind::Rejected => "AWS refused the request",
        ErrorKind::Throttled => "AWS throttled the request",
        ErrorKind::Unavailable => "AWS could not be reached",
        ErrorKind::TimedOut => "Time limit reached",
        ErrorKind::Cancelled => "Interrupted",
        ErrorKind::AccessKey => "Access key cannot be had",
        ErrorKind::ConsoleAccess => "Console access cannot be had",
        ErrorKind::Audit => "Audit record cannot be written",
        ErrorKind::Internal => "Bug in the crossaccount provider",
    }
}

/// An error, placed on the attribute that it is about when there is one.
pub(super) fn diagnostic(error: &Error) -> Diagnostic {
    let diagnostic = Diagnostic::error(summary(error.kind()), detail(error));
    match attribute(error.kind()) {
        Some(name) => diagnostic.at(Path::attribute(name)),
        None => diagnostic,
    }
}

/// The error of a failed step, on the attribute that the step carries out.
pub(super) fn step_diagnostic(error: &Error, step: Option<&Step>) -> Diagnostic {
    let diagnostic = diagnostic(error);
    match step.and_then(step_attribute) {
        Some(path) => diagnostic.at(path),
        None => diagnostic,
    }
}

/// Something that could not be looked up in a plan. It is no error: the apply will tell, and one account that
/// cannot be reached must not stop the others.
pub(super) fn unchecked(what: &str, error: &Error) -> Diagnostic {
    Diagnostic::warning(
        format!("{what} could not be checked"),
        format!(
            "{}\n\nThe plan goes on without this check; the apply of this user will probably fail.",
            detail(error)
        ),
    )
    .at(Path::attribute(
        attribute(error.kind()).unwrap_or("account_id"),
    ))
}

/// The KMS key of the secret store could not be looked at, which says nothing about encrypting with it.
pub(super) fn unchecked_key(error: &Error) -> Diagnostic {
    Diagnostic::warning(
        "KMS key of the secret store could not be checked",
        format!(
            "{}\n\nAllow kms:DescribeKey to have the key checked. The run goes on: whether the key can encrypt shows when \
             the first secret is stored.",
            detail(error)
        ),
    )
}

fn detail(error: &Error) -> String {
    let mut text = error.to_string();
    if let Some(first) = text.get(..1) {
        text = format!(
            "{}{}",
            first.to_uppercase(),
            text.get(1..).unwrap_or_default()
        );
    }
    if !text.ends_with('.') {
        text.push('.');
    }
    text
}

/// The attribute of `crossaccount_iam_user` that an error of this kind is about.
fn attribute(kind: ErrorKind) -> Option<&'static str> {
    match kind {
        ErrorKind::AssumeRole | ErrorKind::WrongAccount => Some("account_id"),
        ErrorKind::AlreadyExists | ErrorKind::Replaced => Some("name"),
        ErrorKind::Conflict => Some("force_destroy"),
        ErrorKind::AccessKey => Some("access_key"),
        ErrorKind::ConsoleAccess => Some("console_access"),
        ErrorKind::InvalidInput
        | ErrorKind::HubCredentials
        | ErrorKind::Guardrail
        | ErrorKind::AccessDenied
        | ErrorKind::NotFound
        | ErrorKind::LimitExceeded
        | ErrorKind::Rejected
        | ErrorKind::Throttled
        | ErrorKind::Unavailable
        | ErrorKind::TimedOut
        | ErrorKind::Cancelled
        | ErrorKind::Audit
        | ErrorKind::Internal => None,
    }
}

fn step_attribute(step: &Step) -> Option<Path> {
    let name = match step {
        Step::UpdateUser {
            new_name: Some(_), ..
        } => "name",
        Step::UpdateUser { .. } => "path",
        Step::PutPermissionsBoundary(_) | Step::DeletePermissionsBoundary => "permissions_boundary",
        Step::UntagUser(_) | Step::TagUser(_) => "tags",
        Step::AttachPolicy(_) | Step::DetachPolicy(_) => "managed_policy_arns",
        Step::PutInlinePolicy(policy, _) => {
            return Some(Path::attribute("inline_policies").with_key(policy.as_str()));
        }
        Step::DeleteInlinePolicy(_) => "inline_policies",
        Step::AddToGroup(_) | Step::RemoveFromGroup(_) => "groups",
        Step::Key(_)
        | Step::MoveSecret {
            kind: SecretKind::AccessKey,
            ..
        } => "access_key",
        Step::Console(_)
        | Step::MoveSecret {
            kind: SecretKind::ConsolePassword,
            ..
        } => "console_access",
        Step::DeleteSecret(parameter) => match parameter.subject()?.2 {
            SecretKind::AccessKey => "access_key",
            SecretKind::ConsolePassword => "console_access",
        },
        Step::CreateUser { .. }
        | Step::DeleteLoginProfile
        | Step::DeactivateAccessKey(_)
        | Step::DeleteAccessKey(_)
        | Step::DeactivateServiceSpecificCredential(_)
        | Step::DeleteServiceSpecificCredential(_)
        | Step::DeactivateMfaDevice(_)
        | Step::DeleteVirtualMfaDevice(_)
        | Step::DeactivateSigningCertificate(_)
        | Step::DeleteSigningCertificate(_)
        | Step::DeactivateSshPublicKey(_)
        | Step::DeleteSshPublicKey(_)
        | Step::DeleteUser => return None,
    };
    Some(Path::attribute(name))
}

#[cfg(test)]
mod tests {
    use crossaccount_core::secrets::SecretKind;
    use crossaccount_core::user::{ConsoleStep, KeyStep, Step};
    use crossaccount_core::{Error, ErrorKind};

    use super::step_diagnostic;

    #[rstest::rstest]
    #[case(Step::Key(KeyStep::Create), "access_key")]
    #[case(Step::Console(ConsoleStep::Store), "console_access")]
    #[case(Step::MoveSecret { kind: SecretKind::AccessKey, from: "/x/222222222222/a/access-key".parse().unwrap() }, "access_key")]
    #[case(Step::DeleteSecret("/x/222222222222/a/console-password".parse().unwrap()), "console_access")]
    fn a_failed_step_is_told_on_the_attribute_of_its_credential(
        #[case] step: Step,
        #[case] attribute: &str,
    ) {
        let error = Error::new(ErrorKind::AccessDenied, "denied");
        let found = step_diagnostic(&error, Some(&step));
        assert_eq!(found.attribute.unwrap().to_string(), attribute);
    }
}
