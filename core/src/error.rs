//! The one error type of the core: a kind for programs, a message for people, a source for the log.
//!
//! A message names what failed, on which account and object, keeps the AWS code and request id, and
//! ends with what to do now when we know it. It never holds a secret. [`std::fmt::Display`] does not
//! print the source: whoever shows an error walks the chain.

use std::sync::Arc;

use crate::ids::AccountId;

/// What went wrong, as far as a program has to tell cases apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// A value that the caller gave is not valid. Nothing was called.
    InvalidInput,
    /// The hub credentials are missing, expired or refused.
    HubCredentials,
    /// The member role could not be assumed.
    AssumeRole,
    /// The session is for another account than the one that was asked for.
    WrongAccount,
    /// The account is not among the allowed ones, or is forbidden, or a guardrail stops the operation.
    Guardrail,
    /// AWS denies the call to a session that was assumed successfully.
    AccessDenied,
    /// The object does not exist.
    NotFound,
    /// An object of this name exists, and it is not ours to take over.
    AlreadyExists,
    /// The user that has this name now is not the one that was recorded.
    Replaced,
    /// Something that we did not create stands in the way of a deletion.
    Conflict,
    /// A quota of the account would be exceeded.
    LimitExceeded,
    /// AWS refuses the content of the request.
    Rejected,
    /// AWS asked to slow down until all retries were used up.
    Throttled,
    /// AWS or the network failed until all retries were used up. The call may have committed.
    Unavailable,
    /// The operation did not end within its time.
    TimedOut,
    /// The user asked to stop before the operation began.
    Cancelled,
    /// The access key that is wanted cannot be had: something that is not ours is in its way.
    AccessKey,
    /// The console access that is wanted cannot be had: something that is not ours is in its way.
    ConsoleAccess,
    /// The audit record could not be written, so nothing was changed.
    Audit,
    /// A fault of crossaccount itself.
    Internal,
}

impl ErrorKind {
    /// Whether the same operation may succeed later without any change by the user.
    pub fn retryable(self) -> bool {
        match self {
            Self::Throttled | Self::Unavailable | Self::TimedOut | Self::Cancelled => true,
            Self::InvalidInput
            | Self::HubCredentials
            | Self::AssumeRole
            | Self::WrongAccount
            | Self::Guardrail
            | Self::AccessDenied
            | Self::NotFound
            | Self::AlreadyExists
            | Self::Replaced
            | Self::Conflict
            | Self::LimitExceeded
            | Self::Rejected
            | Self::AccessKey
            | Self::ConsoleAccess
            | Self::Audit
            | Self::Internal => false,
        }
    }
}

/// What AWS said about a call that failed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AwsFailure {
    /// The call as IAM writes it: `iam:CreateUser`.
    pub action: String,
    /// The error code, for example `EntityAlreadyExists`; `None` when no answer was understood.
    pub code: Option<String>,
    /// The message of AWS.
    pub message: Option<String>,
    /// The request id to give to AWS support.
    pub request_id: Option<String>,
    /// The HTTP status, when there was an answer.
    pub http_status: Option<u16>,
}

impl std::fmt::Display for AwsFailure {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}: ", self.action)?;
        match (&self.code, &self.message) {
            (Some(code), Some(message)) => write!(formatter, "{code}: {message}")?,
            (Some(code), None) => formatter.write_str(code)?,
            (None, Some(message)) => formatter.write_str(message)?,
            (None, None) => formatter.write_str("no answer")?,
        }
        if let Some(request_id) = &self.request_id {
            write!(formatter, " (request id {request_id})")?;
        }
        Ok(())
    }
}

/// Why an operation failed. A clone shares the source: everybody who waited for one call gets its error.
#[derive(Clone)]
pub struct Error {
    kind: ErrorKind,
    message: String,
    account_id: Option<AccountId>,
    aws: Option<Box<AwsFailure>>,
    advice: Option<String>,
    source: Option<Arc<dyn std::error::Error + Send + Sync>>,
}

impl Error {
    /// An error with a message that says what failed and on which object: a lower-case fragment.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            account_id: None,
            aws: None,
            advice: None,
            source: None,
        }
    }

    /// Gives the error another kind, when the caller knows better what the failure means.
    #[must_use]
    pub fn with_kind(mut self, kind: ErrorKind) -> Self {
        self.kind = kind;
        self
    }

    /// Names the account in which it failed.
    #[must_use]
    pub fn in_account(mut self, account_id: &AccountId) -> Self {
        self.account_id = Some(account_id.clone());
        self
    }

    /// Adds what AWS said.
    #[must_use]
    pub fn with_aws(mut self, failure: AwsFailure) -> Self {
        self.aws = Some(Box::new(failure));
        self
    }

    /// Adds what the user can do now: a full sentence.
    #[must_use]
    pub fn with_advice(mut self, advice: impl Into<String>) -> Self {
        self.advice = Some(advice.into());
        self
    }

    /// Adds the cause, which goes to the log and not into the message.
    #[must_use]
    pub fn with_source(
        mut self,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        self.source = Some(Arc::from(source.into()));
        self
    }

    /// Puts what was being done in front of the message: `"create user alice"`.
    #[must_use]
    pub fn while_doing(mut self, what: impl std::fmt::Display) -> Self {
        self.message = format!("{what}: {}", self.message);
        self
    }

    /// The kind of error.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// What failed, without account, AWS answer and advice.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The account in which it failed.
    pub fn account_id(&self) -> Option<&AccountId> {
        self.account_id.as_ref()
    }

    /// What AWS said, when a call failed.
    pub fn aws(&self) -> Option<&AwsFailure> {
        self.aws.as_deref()
    }

    /// The AWS error code, when a call failed.
    pub fn aws_code(&self) -> Option<&str> {
        self.aws
            .as_deref()
            .and_then(|failure| failure.code.as_deref())
    }

    /// What the user can do now.
    pub fn advice(&self) -> Option<&str> {
        self.advice.as_deref()
    }
}

impl std::fmt::Debug for Error {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The debug output of an SDK error holds the raw answer, and answers hold credentials: only
        // what the causes say about themselves is shown.
        let source = self.source.as_ref();
        let source = source.map(|source| -> &(dyn std::error::Error + 'static) { source.as_ref() });
        let causes = std::iter::successors(source, |cause| cause.source());
        let causes: Vec<String> = causes.map(ToString::to_string).collect();
        formatter
            .debug_struct("Error")
            .field("kind", &self.kind)
            .field("message", &self.message)
            .field("account_id", &self.account_id)
            .field("aws", &self.aws)
            .field("advice", &self.advice)
            .field("source", &causes)
            .finish()
    }
}

impl std::fmt::Display for Error {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if let Some(account_id) = &self.account_id {
            write!(formatter, "account {account_id}: ")?;
        }
        formatter.write_str(&self.message)?;
        if let Some(aws) = &self.aws {
            write!(formatter, ": {aws}")?;
        }
        if let Some(advice) = &self.advice {
            write!(formatter, ". {advice}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.source {
            Some(source) => Some(source.as_ref()),
            None => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{AwsFailure, Error, ErrorKind};

    #[test]
    fn an_error_names_account_object_aws_answer_and_remedy() {
        let error = Error::new(ErrorKind::AlreadyExists, "create user alice")
            .in_account(&"222222222222".parse().unwrap())
            .with_aws(AwsFailure {
                action: "iam:CreateUser".to_owned(),
                code: Some("EntityAlreadyExists".to_owned()),
                message: Some("User with name alice already exists.".to_owned()),
                request_id: Some("r-1".to_owned()),
                http_status: Some(409),
            })
            .with_advice("Import the user.");
        assert_eq!(
            error.to_string(),
            "account 222222222222: create user alice: iam:CreateUser: EntityAlreadyExists: \
             User with name alice already exists. (request id r-1). Import the user."
        );
    }
}
