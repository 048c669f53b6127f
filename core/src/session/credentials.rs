//! The credentials of one session: `AssumeRole` through the hub's one STS client, again before they
//! expire, and each time with the proof that they are for the account that was asked for.
//!
//! The SDK's own provider is not used: it fetches the hub credentials anew for every role.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, future};
use aws_sdk_sts::operation::assume_role::AssumeRoleOutput;
use aws_sdk_sts::types::Tag;

use super::assume::{Asked, explain};
use super::connection::RENEW_BEFORE_EXPIRY;
use super::settings::SessionSettings;
use crate::aws::classify;
use crate::clock::Clock;
use crate::error::{Error, ErrorKind};
use crate::ids::RoleArn;

/// Provides the credentials of one member role.
pub(super) struct MemberRole {
    pub(super) sts: aws_sdk_sts::Client,
    pub(super) settings: Arc<SessionSettings>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) role_arn: RoleArn,
    pub(super) caller_arn: String,
    pub(super) policy: String,
    pub(super) duration: u32,
    /// The credentials that proved the session when it was opened, until the SDK asks for them.
    pub(super) first: Mutex<Option<Credentials>>,
}

impl std::fmt::Debug for MemberRole {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("MemberRole")
            .field("role_arn", &self.role_arn)
            .finish_non_exhaustive()
    }
}

impl MemberRole {
    /// Assumes the role and keeps the credentials for the first call.
    pub(super) async fn open(&self) -> Result<(), Error> {
        let credentials = self.assume().await?;
        *self.first.lock().unwrap_or_else(PoisonError::into_inner) = Some(credentials);
        Ok(())
    }

    async fn assume(&self) -> Result<Credentials, Error> {
        let settings = &self.settings;
        let tags = settings.tags.iter().map(|(key, value)| {
            // Key and value are both given, so building cannot fail.
            Tag::builder()
                .key(key.as_str())
                .value(value.as_str())
                .build()
        });
        let tags: Vec<Tag> = tags.collect::<Result<_, _>>().map_err(|error| {
            Error::new(ErrorKind::Internal, "a session tag could not be built").with_source(error)
        })?;
        let asked = Asked {
            role_arn: &self.role_arn,
            caller_arn: &self.caller_arn,
            external_id: settings.external_id.is_some(),
            tags: !tags.is_empty(),
            source_identity: settings.source_identity.is_some(),
            duration: self.duration,
        };
        let answer = self
            .sts
            .assume_role()
            .role_arn(self.role_arn.to_string())
            .role_session_name(settings.session_name.as_str())
            .duration_seconds(i32::try_from(self.duration).unwrap_or(i32::MAX))
            .policy(&self.policy)
            .set_external_id(
                settings
                    .external_id
                    .as_ref()
                    .map(|external_id| external_id.expose().to_owned()),
            )
            .set_tags((!tags.is_empty()).then_some(tags))
            .set_source_identity(
                settings
                    .source_identity
                    .as_ref()
                    .map(|identity| identity.as_str().to_owned()),
            )
            .send()
            .await
            .map_err(|error| {
                let account_id = self.role_arn.account_id();
                explain(classify(error, "sts:AssumeRole", Some(account_id)), asked)
            })?;
        self.check_account(&answer)?;
        self.read_credentials(&answer)
    }

    /// Compares the account of the session with the one that was asked for.
    fn check_account(&self, answer: &AssumeRoleOutput) -> Result<(), Error> {
        let wanted = self.role_arn.account_id();
        let arn = answer.assumed_role_user().map_or("", |user| user.arn());
        let mut parts = arn.split(':');
        let is_sts = parts.nth(2) == Some("sts");
        let got = parts.nth(1).unwrap_or_default();
        if is_sts && got == wanted.as_str() {
            return Ok(());
        }
        Err(Error::new(
            ErrorKind::WrongAccount,
            format!(
                "assume role {}: the session is {arn:?} and not in the account that was asked for",
                self.role_arn
            ),
        )
        .in_account(wanted)
        .with_advice("Check the endpoint settings: something else than AWS STS may be answering."))
    }

    fn read_credentials(&self, answer: &AssumeRoleOutput) -> Result<Credentials, Error> {
        let unreadable = || {
            Error::new(
                ErrorKind::AssumeRole,
                format!(
                    "assume role {}: the answer holds no usable credentials",
                    self.role_arn
                ),
            )
            .in_account(self.role_arn.account_id())
        };
        let credentials = answer.credentials().ok_or_else(unreadable)?;
        let expiration =
            SystemTime::try_from(*credentials.expiration()).map_err(|_| unreadable())?;
        Ok(Credentials::new(
            credentials.access_key_id(),
            credentials.secret_access_key(),
            Some(credentials.session_token().to_owned()),
            Some(expiration),
            "crossaccount member role",
        ))
    }

    /// The credentials of the opening, once, unless the session lay unused until they were too old.
    fn take_first(&self) -> Option<Credentials> {
        let first = self
            .first
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()?;
        let renew_at = SystemTime::from(self.clock.now()) + RENEW_BEFORE_EXPIRY;
        first
            .expiry()
            .is_some_and(|expiry| expiry > renew_at)
            .then_some(first)
    }
}

impl ProvideCredentials for MemberRole {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        if let Some(first) = self.take_first() {
            return future::ProvideCredentials::ready(Ok(first));
        }
        future::ProvideCredentials::new(async {
            // The classification finds our error in the chain and hands it on as it is.
            self.assume()
                .await
                .map_err(CredentialsError::provider_error)
        })
    }
}
