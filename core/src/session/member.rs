//! One session: the IAM client of one account for reading or for writing.

use std::error::Error as StdError;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use tokio::sync::Semaphore;

use crate::aws::{classify, is_credential_failure};
use crate::error::{Error, ErrorKind};
use crate::ids::AccountId;

/// What a session may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Access {
    /// Read only: the session policy allows nothing else, and the client refuses to send anything else.
    Read,
    /// Read and write.
    Write,
}

/// A session with one account.
#[derive(Debug)]
pub struct Session {
    pub(super) account_id: AccountId,
    pub(super) access: Access,
    /// The hub's own account without a role: its credentials are the hub credentials.
    pub(super) is_hub: bool,
    pub(super) iam: aws_sdk_iam::Client,
    /// Shared by all sessions with the account.
    pub(super) permits: Arc<Semaphore>,
    pub(super) refused: AtomicBool,
}

impl Session {
    /// The account, proven when the session was opened.
    pub fn account_id(&self) -> &AccountId {
        &self.account_id
    }

    /// What the session may do.
    pub fn access(&self) -> Access {
        self.access
    }

    /// Makes one IAM call: waits for a free place among the account's concurrent calls, sends, and
    /// translates the failure. `action` is the call as IAM writes it (`iam:GetUser`).
    ///
    /// Retries of the SDK happen inside. A reading session refuses everything but `Get…` and
    /// `List…` before it is sent ([`ErrorKind::Internal`]).
    pub async fn call<F, Fut, O, E>(&self, action: &str, send: F) -> Result<O, Error>
    where
        F: FnOnce(&aws_sdk_iam::Client) -> Fut,
        Fut: Future<Output = Result<O, SdkError<E, HttpResponse>>>,
        E: ProvideErrorMetadata + StdError + Send + Sync + 'static,
    {
        let permit = self.permits.acquire().await;
        let _permit = permit.map_err(|error| {
            Error::new(ErrorKind::Internal, "the session is closed")
                .in_account(&self.account_id)
                .with_source(error)
        })?;
        send(&self.iam).await.map_err(|error| {
            let error = classify(error, action, Some(&self.account_id));
            if is_credential_failure(&error) {
                self.explain_refusal(error)
            } else {
                error
            }
        })
    }

    /// AWS refused the credentials although they were renewed in time. The next `open` makes new ones.
    fn explain_refusal(&self, error: Error) -> Error {
        self.refused.store(true, Ordering::Relaxed);
        if self.is_hub {
            return error
                .with_kind(ErrorKind::HubCredentials)
                .with_advice("Renew the hub credentials and run again.");
        }
        error.with_advice(
            "The session with the account was ended, or the clock of this machine is wrong: set the \
             clock and run again.",
        )
    }

    /// Whether AWS has refused the credentials of the session.
    pub(super) fn is_refused(&self) -> bool {
        self.refused.load(Ordering::Relaxed)
    }
}
