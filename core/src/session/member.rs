//! One session: the clients of one account for one access.

use std::error::Error as StdError;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use tokio::sync::{AcquireError, Semaphore};

use super::clients::Clients;
use super::pace::Pace;
use crate::aws::{classify, is_credential_failure};
use crate::error::{Error, ErrorKind};
use crate::ids::AccountId;

/// What a session may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Access {
    /// Read only: the session policy allows nothing else, and the client refuses to send anything else.
    Read,
    /// Read and write, but never the value of a stored secret.
    Write,
    /// Read the values of stored secrets, and nothing else.
    ReadSecrets,
}

/// Bounds of concurrent calls, shared by all sessions with one account.
#[derive(Debug, Clone)]
pub(super) struct Permits {
    /// For IAM.
    pub(super) iam: Arc<Semaphore>,
    /// For the secret store.
    pub(super) store: Arc<Pace>,
}

/// A session with one account.
#[derive(Debug)]
pub struct Session {
    pub(super) account_id: AccountId,
    pub(super) access: Access,
    /// The hub's own account without a role: its credentials are the hub credentials.
    pub(super) is_hub: bool,
    pub(super) clients: Clients,
    pub(super) permits: Permits,
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
        self.in_iam(action, || send(self.clients.iam())).await
    }

    /// Makes one IAM call like [`Session::call`], but never a second time: for calls that must not be
    /// repeated when their answer was lost, because each makes another secret. A throttled call was
    /// refused and not carried out.
    pub async fn call_once<F, Fut, O, E>(&self, action: &str, send: F) -> Result<O, Error>
    where
        F: FnOnce(&aws_sdk_iam::Client) -> Fut,
        Fut: Future<Output = Result<O, SdkError<E, HttpResponse>>>,
        E: ProvideErrorMetadata + StdError + Send + Sync + 'static,
    {
        self.in_iam(action, || send(self.clients.iam_once())).await
    }

    /// Makes one call of Parameter Store: [`Session::call`] with limits of its own.
    pub(crate) async fn call_ssm<F, Fut, O, E>(&self, action: &str, send: F) -> Result<O, Error>
    where
        F: FnOnce(&aws_sdk_ssm::Client) -> Fut,
        Fut: Future<Output = Result<O, SdkError<E, HttpResponse>>>,
        E: ProvideErrorMetadata + StdError + Send + Sync + 'static,
    {
        self.in_store(action, || send(self.clients.ssm())).await
    }

    /// Makes one call of KMS: [`Session::call`] with the limits of the secret store.
    pub(crate) async fn call_kms<F, Fut, O, E>(&self, action: &str, send: F) -> Result<O, Error>
    where
        F: FnOnce(&aws_sdk_kms::Client) -> Fut,
        Fut: Future<Output = Result<O, SdkError<E, HttpResponse>>>,
        E: ProvideErrorMetadata + StdError + Send + Sync + 'static,
    {
        self.in_store(action, || send(self.clients.kms())).await
    }

    async fn in_iam<F, Fut, O, E>(&self, action: &str, make: F) -> Result<O, Error>
    where
        F: FnOnce() -> Fut,
        Fut: Future<Output = Result<O, SdkError<E, HttpResponse>>>,
        E: ProvideErrorMetadata + StdError + Send + Sync + 'static,
    {
        let place = self.permits.iam.acquire().await;
        let _place = place.map_err(|error| self.closed(error))?;
        self.make(action, make).await
    }

    async fn in_store<F, Fut, O, E>(&self, action: &str, make: F) -> Result<O, Error>
    where
        F: FnOnce() -> Fut,
        Fut: Future<Output = Result<O, SdkError<E, HttpResponse>>>,
        E: ProvideErrorMetadata + StdError + Send + Sync + 'static,
    {
        let place = self.permits.store.place().await;
        let place = place.map_err(|error| self.closed(error))?;
        let answer = self.make(action, make).await;
        if answer.is_ok() {
            place.went_well();
        }
        answer
    }

    fn closed(&self, error: AcquireError) -> Error {
        Error::new(ErrorKind::Internal, "the session is closed")
            .in_account(&self.account_id)
            .with_source(error)
    }

    async fn make<F, Fut, O, E>(&self, action: &str, make: F) -> Result<O, Error>
    where
        F: FnOnce() -> Fut,
        Fut: Future<Output = Result<O, SdkError<E, HttpResponse>>>,
        E: ProvideErrorMetadata + StdError + Send + Sync + 'static,
    {
        // Boxed: the future of a call is large, and operations hold many of them inside each other.
        let call = Box::pin(make());
        call.await.map_err(|error| {
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
