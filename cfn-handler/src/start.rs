//! From settings to a handler.

use std::sync::Arc;
use std::time::Duration;

use aws_config::{BehaviorVersion, SdkConfig};
use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::config::timeout::TimeoutConfig;
use crossaccount_core::audit::{Audit, Face, RunContext};
use crossaccount_core::clock::{Clock, SystemClock};
use crossaccount_core::ids::RunId;
use crossaccount_core::permissions::{
    read_session_policy, secrets_session_policy, write_session_policy,
};
use crossaccount_core::secrets::SecretLocation;
use crossaccount_core::session::{Base, Endpoints, SessionPolicies, Sessions, http_client};
use crossaccount_core::{Error, ErrorKind};

use crate::config::Config;
use crate::ledger::Ledger;
use crate::lifecycle::Handler;

/// The ledger answers in milliseconds; a request must not spend its time on one that does not.
const LEDGER_ATTEMPT: Duration = Duration::from_secs(3);
const LEDGER_OPERATION: Duration = Duration::from_secs(12);
const LEDGER_ATTEMPTS: u32 = 5;

/// Makes the handler. Calls nobody; credentials and Region are those that Lambda gives to the function.
///
/// # Errors
/// When an endpoint of the environment is none, or there are no credentials.
pub async fn handler(config: Config, run_id: RunId) -> Result<Handler, Error> {
    let http = http_client();
    let aws = aws_config::defaults(BehaviorVersion::latest())
        .http_client(http.clone())
        .load()
        .await;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let invalid = |message: String| Error::new(ErrorKind::InvalidInput, message);

    let mut settings = config.sessions;
    settings.endpoints = Endpoints::of(&aws).map_err(|error| invalid(error.to_string()))?;
    let location = config
        .secrets
        .as_ref()
        .map_or(SecretLocation::Hub, |secrets| secrets.location);
    let policies = SessionPolicies::new(
        read_session_policy(location),
        write_session_policy(location),
        secrets_session_policy(),
    )?;
    let credentials = aws.credentials_provider().ok_or_else(|| {
        Error::new(
            ErrorKind::HubCredentials,
            "the function has no AWS credentials",
        )
        .with_advice("Lambda gives it those of its role: check the environment of the function.")
    })?;
    let base = Base { credentials, http };
    let sessions = Arc::new(Sessions::new(settings, policies, base, Arc::clone(&clock)));
    let run = RunContext {
        run_id,
        face: Face::Cloudformation,
    };
    let audit = Audit::new(
        Some(config.audit),
        Arc::clone(&sessions),
        run,
        Arc::clone(&clock),
    );
    let ledger = Ledger::new(
        dynamodb(&aws),
        config.ledger_table,
        config.lease,
        Arc::clone(&clock),
    );
    Ok(Handler {
        guardrails: config.guardrails,
        ledger,
        sessions,
        audit: Arc::new(audit),
        clock,
        secrets: config.secrets,
        patience: config.patience,
    })
}

fn dynamodb(aws: &SdkConfig) -> aws_sdk_dynamodb::Client {
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(LEDGER_ATTEMPT)
        .operation_attempt_timeout(LEDGER_ATTEMPT)
        .operation_timeout(LEDGER_OPERATION)
        .build();
    let config = aws_sdk_dynamodb::config::Builder::from(aws)
        .retry_config(RetryConfig::standard().with_max_attempts(LEDGER_ATTEMPTS))
        .timeout_config(timeouts)
        .build();
    aws_sdk_dynamodb::Client::from_conf(config)
}
