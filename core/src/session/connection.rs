//! The one HTTP client, and the settings that every SDK client of ours shares: retries, time limits,
//! user agent, clock.

use std::sync::Arc;
use std::time::Duration;

use aws_credential_types::provider::SharedCredentialsProvider;
use aws_sdk_iam::config::retry::{RetryConfig, RetryPartition};
use aws_sdk_iam::config::timeout::TimeoutConfig;
use aws_sdk_iam::config::{AppName, BehaviorVersion, IdentityCache, Intercept, SharedHttpClient};
use aws_smithy_async::rt::sleep::TokioSleep;
use aws_smithy_async::time::SharedTimeSource;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use aws_smithy_runtime_api::client::identity::SharedIdentityCache;
use aws_smithy_runtime_api::client::stalled_stream_protection::StalledStreamProtectionConfig;

use super::endpoints::{Endpoint, Endpoints};
use super::settings::SessionSettings;
use crate::clock::{Clock, SdkTime};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(30);
const OPERATION_TIMEOUT: Duration = Duration::from_secs(150);

/// Credentials are renewed this long before they expire (the SDK adds a random part of up to a half).
pub(super) const RENEW_BEFORE_EXPIRY: Duration = Duration::from_mins(5);

/// What the face hands over: where we start from.
#[derive(Debug, Clone)]
pub struct Base {
    /// The hub credentials.
    pub credentials: SharedCredentialsProvider,
    /// The HTTP client, which the face has also given to whatever loads the credentials:
    /// [`http_client`].
    pub http: SharedHttpClient,
}

/// The HTTP client for everything: one connection pool, one TLS stack (rustls with aws-lc).
pub fn http_client() -> SharedHttpClient {
    aws_smithy_http_client::Builder::new()
        .tls_provider(Provider::Rustls(CryptoMode::AwsLc))
        .build_https()
}

/// Makes the configuration of SDK clients.
#[derive(Debug, Clone)]
pub(super) struct Connection {
    pub(super) settings: Arc<SessionSettings>,
    pub(super) http: SharedHttpClient,
    pub(super) clock: Arc<dyn Clock>,
}

impl Connection {
    /// Settings for the clients of one set of credentials.
    pub(super) fn config(&self, credentials: SharedCredentialsProvider) -> ConfigParts {
        ConfigParts {
            connection: self.clone(),
            credentials,
            identity_cache: Self::identity_cache(),
        }
    }

    /// A cache for one set of credentials. The SDK's default cache is shared by all clients of a
    /// configuration, and forgets credentials at random from the 65th set on.
    fn identity_cache() -> SharedIdentityCache {
        IdentityCache::lazy()
            .buffer_time(RENEW_BEFORE_EXPIRY)
            // The provider below has its own limits; this only has to be longer than those.
            .load_timeout(OPERATION_TIMEOUT + Duration::from_secs(10))
            .build()
    }

    fn retries(&self) -> RetryConfig {
        RetryConfig::adaptive().with_max_attempts(self.settings.attempts.get())
    }

    /// The same for every client: the connection pool of the HTTP client is chosen by these numbers.
    fn timeouts() -> TimeoutConfig {
        TimeoutConfig::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .operation_attempt_timeout(ATTEMPT_TIMEOUT)
            .operation_timeout(OPERATION_TIMEOUT)
            .build()
    }

    fn time_source(&self) -> SharedTimeSource {
        SharedTimeSource::new(SdkTime(Arc::clone(&self.clock)))
    }
}

/// The settings of one client but for its endpoint and interceptor.
#[derive(Debug, Clone)]
pub(super) struct ConfigParts {
    connection: Connection,
    credentials: SharedCredentialsProvider,
    identity_cache: SharedIdentityCache,
}

/// What is slowed down together when AWS throttles: the calls to one account, the calls to STS. The
/// SDK's own partitions are one per service, so that one throttled account would slow all others.
pub(super) fn retry_partition(name: String) -> RetryPartition {
    RetryPartition::custom(name).build()
}

/// The SDK generates one configuration builder for each service, with the same methods but no
/// common trait.
macro_rules! client_config {
    ($function:ident, $sdk:ident) => {
        pub(super) fn $function(
            &self,
            endpoint: Option<&Endpoint>,
            partition: RetryPartition,
            interceptor: impl Intercept + 'static,
        ) -> $sdk::config::Builder {
            let region = self.connection.settings.region.as_str().to_owned();
            let mut builder = $sdk::Config::builder()
                .behavior_version(BehaviorVersion::latest())
                .http_client(self.connection.http.clone())
                .region($sdk::config::Region::new(region))
                .identity_cache(self.identity_cache.clone())
                .retry_config(self.connection.retries())
                .retry_partition(partition)
                .timeout_config(Connection::timeouts())
                .sleep_impl(TokioSleep::new())
                .time_source(self.connection.time_source())
                // Answers are a few kilobytes; the attempt timeout covers a stalled one.
                .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
                .interceptor(interceptor);
            // Not `credentials_provider`, which wraps the provider anew: each client would fetch credentials of
            // its own, because the cache tells providers apart by their wrapping.
            builder.set_credentials_provider(Some(self.credentials.clone()));
            builder.set_app_name(
                AppName::new(concat!("crossaccount-", env!("CARGO_PKG_VERSION"))).ok(),
            );
            builder.set_endpoint_url(endpoint.map(|endpoint| endpoint.as_str().to_owned()));
            builder
        }
    };
}

impl ConfigParts {
    client_config!(iam, aws_sdk_iam);
    client_config!(sts, aws_sdk_sts);
    client_config!(s3, aws_sdk_s3);
    client_config!(ssm, aws_sdk_ssm);
    client_config!(kms, aws_sdk_kms);

    /// Retries of the secret store: not adaptive, and twice as many.
    ///
    /// Parameter Store throttles often and recovers at once. After one throttled call the adaptive
    /// mode holds back all others for ten seconds and more, which this avoids. Measured with a hundred
    /// writes at once and a quota of three a second: both modes take 49 seconds; five attempts without
    /// adapting are too few, ten are enough.
    pub(super) fn store_retries(&self) -> RetryConfig {
        let attempts = self.connection.settings.attempts.get();
        RetryConfig::standard().with_max_attempts(attempts.saturating_mul(2))
    }

    /// The endpoints of the settings.
    pub(super) fn endpoints(&self) -> &Endpoints {
        &self.connection.settings.endpoints
    }
}
