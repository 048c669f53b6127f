//! The hub as a function sees it: one HTTP client, the credentials of its role, and the clients that are made of both.

use std::sync::Arc;
use std::time::Duration;

use aws_config::{BehaviorVersion, SdkConfig};
use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::config::timeout::TimeoutConfig;
use crossaccount_core::clock::Clock;
use crossaccount_core::permissions::{
    inventory_session_policy, read_session_policy, secrets_session_policy, write_session_policy,
};
use crossaccount_core::secrets::SecretLocation;
use crossaccount_core::session::{Base, Endpoints, SessionPolicies, Sessions, http_client};
use crossaccount_core::{Error, ErrorKind};

use crate::settings::Settings;

/// A table answers in milliseconds; work must not spend its time on one that does not.
const TABLE_ATTEMPT: Duration = Duration::from_secs(3);
const TABLE_OPERATION: Duration = Duration::from_secs(12);
const TABLE_ATTEMPTS: u32 = 5;

/// What read sessions look at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reads {
    /// Single users.
    Users,
    /// All users of an account at once, too (`Users::survey` of the core).
    Accounts,
}

/// What a process has of AWS: its credentials, its Region and one pool of connections.
#[derive(Debug)]
pub struct Hub {
    aws: SdkConfig,
    base: Base,
    endpoints: Endpoints,
}

impl Hub {
    /// Finds credentials and Region where Lambda, or a shell, puts them. Calls nobody.
    ///
    /// # Errors
    /// When an endpoint of the environment is none, or there are no credentials.
    pub async fn find() -> Result<Self, Error> {
        let http = http_client();
        let aws = aws_config::defaults(BehaviorVersion::latest())
            .http_client(http.clone())
            .load()
            .await;
        let endpoints = Endpoints::of(&aws)
            .map_err(|error| Error::new(ErrorKind::InvalidInput, error.to_string()))?;
        let credentials = aws.credentials_provider().ok_or_else(|| {
            Error::new(
                ErrorKind::HubCredentials,
                "the function has no AWS credentials",
            )
            .with_advice(
                "Lambda gives it those of its role: check the environment of the function.",
            )
        })?;
        Ok(Self {
            base: Base { credentials, http },
            aws,
            endpoints,
        })
    }

    /// Sessions with member accounts, through this hub. Calls nobody.
    ///
    /// # Errors
    /// When a session policy is longer than STS allows.
    pub fn sessions(
        &self,
        settings: &Settings,
        reads: Reads,
        clock: Arc<dyn Clock>,
    ) -> Result<Arc<Sessions>, Error> {
        let location = settings
            .secrets
            .as_ref()
            .map_or(SecretLocation::Hub, |secrets| secrets.location);
        let read = match reads {
            Reads::Users => read_session_policy(location),
            Reads::Accounts => inventory_session_policy(location),
        };
        let policies = SessionPolicies::new(
            read,
            write_session_policy(location),
            secrets_session_policy(),
        )?;
        let mut wanted = settings.sessions.clone();
        wanted.endpoints = self.endpoints.clone();
        let base = self.base.clone();
        Ok(Arc::new(Sessions::new(wanted, policies, base, clock)))
    }

    /// A client of the buckets of the hub account.
    pub fn s3(&self) -> aws_sdk_s3::Client {
        let config = aws_sdk_s3::config::Builder::from(&self.aws)
            // An endpoint without a domain has no place for the name of a bucket.
            .force_path_style(self.endpoints.s3.is_some())
            .build();
        aws_sdk_s3::Client::from_conf(config)
    }

    /// A client of the tables of the hub account.
    pub fn dynamodb(&self) -> aws_sdk_dynamodb::Client {
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(TABLE_ATTEMPT)
            .operation_attempt_timeout(TABLE_ATTEMPT)
            .operation_timeout(TABLE_OPERATION)
            .build();
        let config = aws_sdk_dynamodb::config::Builder::from(&self.aws)
            .retry_config(RetryConfig::standard().with_max_attempts(TABLE_ATTEMPTS))
            .timeout_config(timeouts)
            .build();
        aws_sdk_dynamodb::Client::from_conf(config)
    }
}
