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
use crate::session::BeyondAccess;

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
        _ if cause::<BeyondAccess>(&error).is_some() => (
            ErrorKind::Internal,
            "a session was asked for more than its access covers",
        ),
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
        "NoSuchEntity"
        | "NoSuchEntityException"
        | "NoSuchBucket"
        | "NoSuchKey"
        | "NotFound"
        | "NotFoundException"
        | "ParameterNotFound"
        | "ResourceNotFoundException"
        | "InvalidResourceId" => (ErrorKind::NotFound, "not found"),
        "EntityAlreadyExists" | "EntityAlreadyExistsException" | "ParameterAlreadyExists" => {
            (ErrorKind::AlreadyExists, "it exists already")
        }
        "EntityTemporarilyUnmodifiable" | "EntityTemporarilyUnmodifiableException" => (
            ErrorKind::Unavailable,
            "IAM cannot change it right now because of an earlier change",
        ),
        "ConcurrentModification"
        | "ConcurrentModificationException"
        | "TooManyUpdates"
        | "TransactionConflictException" => (
            ErrorKind::Unavailable,
            "somebody else changed it at the same moment",
        ),
        "DeleteConflict" | "DeleteConflictException" => {
            (ErrorKind::Conflict, "something is still attached to it")
        }
        "LimitExceeded"
        | "LimitExceededException"
        | "ParameterLimitExceeded"
        | "ParameterMaxVersionLimitExceeded" => (
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
        | "InternalServerError"
        | "KMSInternalException"
        | "DependencyTimeoutException"
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

/// The codes that mean "slow down", in IAM, STS, S3, SSM, KMS and `DynamoDB`.
fn is_throttling_code(code: &str) -> bool {
    matches!(
        code,
        "Throttling"
            | "ThrottlingException"
            | "ThrottledException"
            | "ProvisionedThroughputExceededException"
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

/// Whether IAM does not find the user that a call is about. `NoSuchEntity` names what is missing in its message only: the
/// user, or what should be put on it.
pub fn is_user_missing(error: &Error) -> bool {
    let message = error
        .aws()
        .and_then(|failure| failure.message.as_deref())
        .unwrap_or_default();
    error.kind() == ErrorKind::NotFound && message.to_ascii_lowercase().contains("user with name")
}

/// Whether AWS says that an earlier change is still on its way, so that waiting helps. Nothing was
/// changed by the call.
pub fn is_settling(error: &Error) -> bool {
    error.aws_code().is_some_and(|code| {
        matches!(
            code.strip_suffix("Exception").unwrap_or(code),
            "EntityTemporarilyUnmodifiable" | "ConcurrentModification" | "TooManyUpdates"
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
        | ErrorKind::AccessKey
        | ErrorKind::ConsoleAccess
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

#[cfg(test)]
mod tests {
    use aws_sdk_iam::error::ErrorMetadata;
    use aws_sdk_iam::operation::create_user::CreateUserError;
    use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
    use aws_smithy_runtime_api::client::result::{ConnectorError, SdkError};
    use aws_smithy_types::body::SdkBody;

    use super::{classify, is_credential_failure, is_settling, may_have_committed};
    use crate::error::{Error, ErrorKind};

    fn response(status: u16) -> HttpResponse {
        let mut response = HttpResponse::new(status.try_into().unwrap(), SdkBody::empty());
        response.headers_mut().insert("x-amzn-requestid", "r-1");
        response
    }

    fn answer(status: u16, code: Option<&str>) -> Error {
        let mut metadata = ErrorMetadata::builder();
        if let Some(code) = code {
            metadata = metadata.code(code).message("what AWS says");
        }
        let error = CreateUserError::generic(metadata.build());
        translate(SdkError::service_error(error, response(status)))
    }

    fn translate(error: SdkError<CreateUserError, HttpResponse>) -> Error {
        classify(
            error,
            "iam:CreateUser",
            Some(&"222222222222".parse().unwrap()),
        )
    }

    #[rstest::rstest]
    #[case(404, "NoSuchEntity", ErrorKind::NotFound)]
    #[case(404, "NoSuchBucket", ErrorKind::NotFound)]
    #[case(409, "EntityAlreadyExists", ErrorKind::AlreadyExists)]
    #[case(409, "EntityTemporarilyUnmodifiable", ErrorKind::Unavailable)]
    #[case(409, "ConcurrentModification", ErrorKind::Unavailable)]
    #[case(409, "DeleteConflict", ErrorKind::Conflict)]
    #[case(409, "LimitExceeded", ErrorKind::LimitExceeded)]
    #[case(400, "InvalidInput", ErrorKind::Rejected)]
    #[case(400, "ValidationError", ErrorKind::Rejected)]
    #[case(400, "MalformedPolicyDocument", ErrorKind::Rejected)]
    #[case(400, "PolicyNotAttachable", ErrorKind::Rejected)]
    #[case(400, "PasswordPolicyViolation", ErrorKind::Rejected)]
    #[case(400, "UnmodifiableEntity", ErrorKind::Rejected)]
    #[case(500, "ServiceFailure", ErrorKind::Unavailable)]
    #[case(400, "Throttling", ErrorKind::Throttled)]
    #[case(400, "ThrottlingException", ErrorKind::Throttled)]
    #[case(400, "RequestLimitExceeded", ErrorKind::Throttled)]
    #[case(400, "TooManyRequestsException", ErrorKind::Throttled)]
    #[case(503, "SlowDown", ErrorKind::Throttled)]
    // Of DynamoDB.
    #[case(400, "ProvisionedThroughputExceededException", ErrorKind::Throttled)]
    #[case(400, "ResourceNotFoundException", ErrorKind::NotFound)]
    #[case(400, "TransactionConflictException", ErrorKind::Unavailable)]
    #[case(400, "ParameterNotFound", ErrorKind::NotFound)]
    #[case(400, "InvalidResourceId", ErrorKind::NotFound)]
    #[case(400, "NotFoundException", ErrorKind::NotFound)]
    #[case(400, "ParameterAlreadyExists", ErrorKind::AlreadyExists)]
    #[case(400, "TooManyUpdates", ErrorKind::Unavailable)]
    #[case(400, "ParameterLimitExceeded", ErrorKind::LimitExceeded)]
    #[case(400, "ParameterMaxVersionLimitExceeded", ErrorKind::LimitExceeded)]
    #[case(400, "InvalidKeyId", ErrorKind::Rejected)]
    #[case(500, "InternalServerError", ErrorKind::Unavailable)]
    #[case(403, "AccessDenied", ErrorKind::AccessDenied)]
    #[case(403, "ExpiredToken", ErrorKind::AccessDenied)]
    #[case(403, "InvalidClientTokenId", ErrorKind::AccessDenied)]
    #[case(400, "ACodeOfTomorrow", ErrorKind::Rejected)]
    #[case(403, "ACodeOfTomorrow", ErrorKind::AccessDenied)]
    #[case(404, "ACodeOfTomorrow", ErrorKind::NotFound)]
    #[case(429, "ACodeOfTomorrow", ErrorKind::Throttled)]
    #[case(503, "ACodeOfTomorrow", ErrorKind::Unavailable)]
    fn the_code_decides_and_then_the_status(
        #[case] status: u16,
        #[case] code: &str,
        #[case] kind: ErrorKind,
    ) {
        let error = answer(status, Some(code));
        assert_eq!(error.kind(), kind);
        assert_eq!(error.account_id().unwrap().as_str(), "222222222222");
        let failure = error.aws().unwrap();
        assert_eq!(failure.action, "iam:CreateUser");
        assert_eq!(failure.code.as_deref(), Some(code));
        assert_eq!(failure.message.as_deref(), Some("what AWS says"));
        assert_eq!(failure.request_id.as_deref(), Some("r-1"));
        assert_eq!(failure.http_status, Some(status));
    }

    #[rstest::rstest]
    #[case(401, ErrorKind::AccessDenied)]
    #[case(403, ErrorKind::AccessDenied)]
    #[case(404, ErrorKind::NotFound)]
    #[case(500, ErrorKind::Unavailable)]
    fn an_answer_without_a_code_goes_by_its_status(#[case] status: u16, #[case] kind: ErrorKind) {
        assert_eq!(answer(status, None).kind(), kind);
    }

    fn io(text: &'static str) -> Box<dyn std::error::Error + Send + Sync> {
        Box::new(std::io::Error::other(text))
    }

    #[test]
    fn a_call_without_an_answer_may_have_committed() {
        for error in [
            SdkError::timeout_error(io("slow")),
            SdkError::dispatch_failure(ConnectorError::timeout(io("slow"))),
            SdkError::dispatch_failure(ConnectorError::io(io("slow"))),
            SdkError::dispatch_failure(ConnectorError::other(io("slow"), None)),
            SdkError::response_error(io("slow"), response(200)),
        ] {
            let error = translate(error);
            assert_eq!(error.kind(), ErrorKind::Unavailable);
            assert!(may_have_committed(&error));
            assert!(
                error.to_string().contains("the call may have committed"),
                "{error}"
            );
            assert!(
                error.to_string().contains("slow"),
                "the cause is named: {error}"
            );
        }
    }

    #[test]
    fn a_request_that_was_never_built_is_our_fault_and_changed_nothing() {
        let error = translate(SdkError::construction_failure(io("no name")));
        assert_eq!(error.kind(), ErrorKind::Internal);
        assert!(!may_have_committed(&error));
    }

    #[test]
    fn our_own_error_inside_of_a_call_comes_out_as_it_is() {
        let ours = Error::new(
            ErrorKind::WrongAccount,
            "the session is for another account",
        );
        let wrapped = aws_credential_types::provider::error::CredentialsError::provider_error(ours);
        let error = ConnectorError::other(Box::new(wrapped), None);
        let error = translate(SdkError::dispatch_failure(error));
        assert_eq!(error.kind(), ErrorKind::WrongAccount);
        assert_eq!(error.to_string(), "the session is for another account");
    }

    #[test]
    fn an_answer_that_could_not_be_read_is_not_shown() {
        let body = SdkBody::from("<SecretAccessKey>plantedsecret</SecretAccessKey>");
        let raw = HttpResponse::new(200.try_into().unwrap(), body);
        let error = translate(SdkError::response_error(io("truncated"), raw));
        let texts = [format!("{error}"), format!("{error:?}")];
        assert!(
            texts.iter().all(|text| text.contains("truncated")),
            "{texts:?}"
        );
        assert!(
            texts.iter().all(|text| !text.contains("plantedsecret")),
            "{texts:?}"
        );
    }

    #[rstest::rstest]
    #[case("EntityTemporarilyUnmodifiable", true)]
    #[case("EntityTemporarilyUnmodifiableException", true)]
    #[case("ConcurrentModification", true)]
    #[case("TooManyUpdates", true)]
    #[case("DeleteConflict", false)]
    #[case("Throttling", false)]
    fn only_an_earlier_change_is_worth_waiting_for(#[case] code: &str, #[case] waits: bool) {
        let error = answer(409, Some(code));
        assert_eq!(is_settling(&error), waits);
        assert!(!may_have_committed(&error));
    }

    #[rstest::rstest]
    #[case("ExpiredToken", true)]
    #[case("SignatureDoesNotMatch", true)]
    #[case("AccessDenied", false)]
    fn refused_credentials_are_not_a_denied_action(#[case] code: &str, #[case] refused: bool) {
        assert_eq!(is_credential_failure(&answer(403, Some(code))), refused);
    }
}
