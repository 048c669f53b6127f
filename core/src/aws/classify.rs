//! The only place that knows what the errors of the AWS SDK mean.
//!
//! It keeps the AWS code, message and request id, and picks the [`ErrorKind`]. It gives no advice:
//! what to do depends on what was tried, and the caller knows that.

use std::error::Error as StdError;

use aws_credential_types::provider::error::CredentialsError;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use aws_types::request_id::RequestId;

use crate::error::{AwsFailure, Error, ErrorKind};
use crate::ids::AccountId;
use crate::session::WriteThroughReadSession;

/// Translates the failure of `action` (as IAM writes it: `iam:CreateUser`).
pub fn classify<E>(
    error: SdkError<E, HttpResponse>,
    action: &str,
    account_id: Option<&AccountId>,
) -> Error
where
    E: ProvideErrorMetadata + StdError + Send + Sync + 'static,
{
    // The credentials of a session are renewed in the middle of a call; that failure is already ours.
    if let Some(ours) = cause::<Error>(&error) {
        return ours.clone();
    }
    let http_status = error
        .raw_response()
        .map(|response| response.status().as_u16());
    let metadata = error.as_service_error().map(ProvideErrorMetadata::meta);
    let mut failure = AwsFailure {
        action: action.to_owned(),
        code: metadata
            .and_then(|metadata| metadata.code())
            .map(str::to_owned),
        message: metadata
            .and_then(|metadata| metadata.message())
            .map(str::to_owned),
        request_id: error.request_id().map(str::to_owned),
        http_status,
    };
    let (kind, message) = match &error {
        SdkError::ServiceError(_) => kind_of(failure.code.as_deref(), http_status),
        SdkError::TimeoutError(_) => (ErrorKind::Unavailable, NO_ANSWER_IN_TIME),
        SdkError::ResponseError(_) => (ErrorKind::Unavailable, UNREADABLE_ANSWER),
        SdkError::DispatchFailure(dispatch) if dispatch.is_timeout() => {
            (ErrorKind::Unavailable, NO_ANSWER_IN_TIME)
        }
        _ if cause::<CredentialsError>(&error).is_some() => {
            (ErrorKind::HubCredentials, "no usable hub credentials")
        }
        _ if cause::<WriteThroughReadSession>(&error).is_some() => {
            (ErrorKind::Internal, "a reading session was asked to write")
        }
        SdkError::DispatchFailure(dispatch) if dispatch.is_io() => {
            (ErrorKind::Unavailable, CONNECTION_FAILED)
        }
        SdkError::ConstructionFailure(_) => (ErrorKind::Internal, "the request could not be built"),
        _ => (ErrorKind::Unavailable, CONNECTION_FAILED),
    };
    if failure.message.is_none() && failure.code.is_none() {
        failure.message = Some(root_cause(&error));
    }
    let classified = Error::new(kind, message)
        .with_aws(failure)
        .with_source(error);
    match account_id {
        Some(account_id) => classified.in_account(account_id),
        None => classified,
    }
}

const NO_ANSWER_IN_TIME: &str = "no answer in time; the call may have committed";
const UNREADABLE_ANSWER: &str = "the answer was incomplete; the call may have committed";
const CONNECTION_FAILED: &str = "the connection failed; the call may have committed";

/// The kind of an answer by its code and, for codes that we do not know, by its HTTP status.
fn kind_of(code: Option<&str>, http_status: Option<u16>) -> (ErrorKind, &'static str) {
    if let Some(known) = code.and_then(kind_of_code) {
        return known;
    }
    match http_status {
        Some(401 | 403) => (ErrorKind::AccessDenied, "access denied"),
        Some(404) => (ErrorKind::NotFound, "not found"),
        Some(429) => (
            ErrorKind::Throttled,
            "throttled until all retries were used up",
        ),
        Some(status) if status >= 500 => (
            ErrorKind::Unavailable,
            "AWS failed until all retries were used up; the call may have committed",
        ),
        _ => (ErrorKind::Rejected, "AWS refused the request"),
    }
}

fn kind_of_code(code: &str) -> Option<(ErrorKind, &'static str)> {
    if is_throttling_code(code) {
        return Some((
            ErrorKind::Throttled,
            "throttled until all retries were used up",
        ));
    }
    if is_credential_code(code) {
        return Some((ErrorKind::AccessDenied, "the credentials were refused"));
    }
    Some(match code {
        "NoSuchEntity" | "NoSuchEntityException" | "NoSuchBucket" | "NoSuchKey" | "NotFound" => {
            (ErrorKind::NotFound, "not found")
        }
        "EntityAlreadyExists" | "EntityAlreadyExistsException" => {
            (ErrorKind::AlreadyExists, "it exists already")
        }
        "EntityTemporarilyUnmodifiable" | "EntityTemporarilyUnmodifiableException" => (
            ErrorKind::Unavailable,
            "IAM cannot change it right now because of an earlier change",
        ),
        "ConcurrentModification" | "ConcurrentModificationException" => (
            ErrorKind::Unavailable,
            "somebody else changed it at the same moment",
        ),
        "DeleteConflict" | "DeleteConflictException" => {
            (ErrorKind::Conflict, "something is still attached to it")
        }
        "LimitExceeded" | "LimitExceededException" => (
            ErrorKind::LimitExceeded,
            "a quota of the account is used up",
        ),
        "AccessDenied" | "AccessDeniedException" | "UnauthorizedOperation" => {
            (ErrorKind::AccessDenied, "access denied")
        }
        "ServiceFailure"
        | "ServiceFailureException"
        | "InternalFailure"
        | "InternalError"
        | "ServiceUnavailable" => (
            ErrorKind::Unavailable,
            "AWS failed until all retries were used up; the call may have committed",
        ),
        "InvalidInput"
        | "InvalidInputException"
        | "ValidationError"
        | "MalformedPolicyDocument"
        | "PolicyNotAttachable"
        | "PasswordPolicyViolation"
        | "UnmodifiableEntity" => (ErrorKind::Rejected, "AWS refused the request"),
        _ => return None,
    })
}

/// The codes that mean "slow down", in IAM, STS and S3.
fn is_throttling_code(code: &str) -> bool {
    matches!(
        code,
        "Throttling"
            | "ThrottlingException"
            | "ThrottledException"
            | "RequestThrottled"
            | "RequestThrottledException"
            | "TooManyRequestsException"
            | "RequestLimitExceeded"
            | "BandwidthLimitExceeded"
            | "PriorRequestNotComplete"
            | "SlowDown"
    )
}

/// The codes that mean "these credentials are not, or no longer, valid".
fn is_credential_code(code: &str) -> bool {
    matches!(
        code,
        "ExpiredToken"
            | "ExpiredTokenException"
            | "InvalidClientTokenId"
            | "InvalidAccessKeyId"
            | "UnrecognizedClientException"
            | "InvalidToken"
            | "TokenRefreshRequired"
            | "SignatureDoesNotMatch"
            | "RequestExpired"
            | "RequestTimeTooSkewed"
            | "IncompleteSignature"
            | "MissingAuthenticationToken"
            | "MissingAuthenticationTokenException"
            | "NotAuthorized"
    )
}

/// Whether AWS refused the credentials themselves, so that new ones may help.
pub fn is_credential_failure(error: &Error) -> bool {
    error.aws_code().is_some_and(is_credential_code)
}

/// Whether IAM says that an earlier change is still on its way, so that waiting helps. Nothing was
/// changed by the call.
pub fn is_settling(error: &Error) -> bool {
    error.aws_code().is_some_and(|code| {
        matches!(
            code.strip_suffix("Exception").unwrap_or(code),
            "EntityTemporarilyUnmodifiable" | "ConcurrentModification"
        )
    })
}

/// Whether the call may have done its work although it failed: there was no answer, or a 5xx.
pub fn may_have_committed(error: &Error) -> bool {
    match error.kind() {
        ErrorKind::Unavailable => !is_settling(error),
        ErrorKind::TimedOut => true,
        ErrorKind::InvalidInput
        | ErrorKind::HubCredentials
        | ErrorKind::AssumeRole
        | ErrorKind::WrongAccount
        | ErrorKind::Guardrail
        | ErrorKind::AccessDenied
        | ErrorKind::NotFound
        | ErrorKind::AlreadyExists
        | ErrorKind::Replaced
        | ErrorKind::Conflict
        | ErrorKind::LimitExceeded
        | ErrorKind::Rejected
        | ErrorKind::Throttled
        | ErrorKind::Cancelled
        | ErrorKind::Audit
        | ErrorKind::Internal => false,
    }
}

/// The chain of causes, the error itself first.
fn chain<'a>(
    error: &'a (dyn StdError + 'static),
) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    let mut next = Some(error);
    std::iter::from_fn(move || {
        let current = next?;
        next = current.source();
        Some(current)
    })
}

/// The first error of a type in the chain of causes.
fn cause<'a, T: StdError + 'static>(error: &'a (dyn StdError + 'static)) -> Option<&'a T> {
    chain(error).find_map(|error| error.downcast_ref::<T>())
}

/// The text at the end of the chain of causes, which is the one that says something:
/// "connection refused" rather than "dispatch failure".
fn root_cause(error: &(dyn StdError + 'static)) -> String {
    chain(error)
        .last()
        .map_or_else(String::new, ToString::to_string)
}
