//! What to tell when a member role cannot be assumed. STS answers most mistakes with the same
//! `AccessDenied`, so the advice lists what to check.

use crate::aws::is_credential_failure;
use crate::error::{Error, ErrorKind};
use crate::ids::RoleArn;

/// What was asked for, as far as it helps to explain a refusal.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked<'a> {
    pub(super) role_arn: &'a RoleArn,
    pub(super) caller_arn: &'a str,
    pub(super) external_id: bool,
    pub(super) tags: bool,
    pub(super) source_identity: bool,
    pub(super) duration: u32,
}

/// Turns the classified failure of `sts:AssumeRole` into one that says which role and what to do.
pub(super) fn explain(error: Error, asked: Asked<'_>) -> Error {
    let role_arn = asked.role_arn;
    let code = error.aws_code().unwrap_or_default().to_owned();
    let subject = format!("assume role {role_arn}");
    let (kind, advice) = match error.kind() {
        // Neither says anything about the role; the kind tells that trying again may help.
        ErrorKind::Throttled | ErrorKind::Unavailable | ErrorKind::TimedOut => {
            return error.while_doing(subject);
        }
        ErrorKind::HubCredentials => (
            ErrorKind::HubCredentials,
            "Renew the hub credentials and run again.".to_owned(),
        ),
        _ if is_credential_failure(&error) => (
            ErrorKind::HubCredentials,
            "AWS no longer accepts the hub credentials: renew them (for SSO: aws sso login) and run \
             again."
                .to_owned(),
        ),
        ErrorKind::AccessDenied if code == "RegionDisabledException" => region_disabled(),
        ErrorKind::AccessDenied => (ErrorKind::AssumeRole, what_to_check(asked)),
        _ => match code.as_str() {
            "RegionDisabledException" | "RegionDisabled" => region_disabled(),
            "MalformedPolicyDocument" | "MalformedPolicyDocumentException" => (
                ErrorKind::AssumeRole,
                "AWS refuses the session policy; please report this with the message above."
                    .to_owned(),
            ),
            "PackedPolicyTooLarge" | "PackedPolicyTooLargeException" => (
                ErrorKind::AssumeRole,
                "Session policy and session tags together are too large for AWS: use fewer or \
                 shorter session tags."
                    .to_owned(),
            ),
            "ValidationError" | "ValidationException" => (
                ErrorKind::AssumeRole,
                format!(
                    "Check the session settings. A duration of {} seconds must not exceed the \
                     maximum session duration of the role, and not 3600 when the hub credentials \
                     are those of a role themselves (role chaining).",
                    asked.duration
                ),
            ),
            _ => (ErrorKind::AssumeRole, what_to_check(asked)),
        },
    };
    error
        .with_kind(kind)
        .while_doing(subject)
        .with_advice(advice)
}

fn region_disabled() -> (ErrorKind, String) {
    let advice = "STS is not active for this Region in the account: activate it there, or choose \
                  another Region.";
    (ErrorKind::AssumeRole, advice.to_owned())
}

fn what_to_check(asked: Asked<'_>) -> String {
    let external_id = if asked.external_id {
        "that it asks for the same external id"
    } else {
        "that it asks for no external id (none is configured)"
    };
    let mut also = String::new();
    if asked.tags {
        also.push_str(", that it allows sts:TagSession");
    }
    if asked.source_identity {
        also.push_str(", that it allows sts:SetSourceIdentity");
    }
    format!(
        "Check that the role exists under exactly this name and path, that its trust policy allows \
         {caller} to call sts:AssumeRole, {external_id}{also}, that {caller} is allowed to assume \
         it, and that no service control policy denies it.",
        caller = asked.caller_arn,
    )
}
