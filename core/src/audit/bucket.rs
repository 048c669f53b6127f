//! The audit bucket: create-only objects, and what to do when it does not take them.

use std::time::Duration;

use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::ServerSideEncryption;
use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::record::Phase;
use super::settings::AuditSettings;
use crate::aws::{SettleLimits, classify, is_credential_failure, settle};
use crate::error::{Error, ErrorKind};
use crate::ids::{AccountId, OperationId};

/// S3 answers 409 while our own first attempt, whose answer was lost, is still on its way.
const CONFLICT_BUDGET: Duration = Duration::from_secs(10);

#[derive(Debug, Clone)]
pub(super) struct Bucket {
    settings: AuditSettings,
    s3: aws_sdk_s3::Client,
}

impl Bucket {
    pub(super) fn new(settings: AuditSettings, s3: aws_sdk_s3::Client) -> Self {
        Self { settings, s3 }
    }

    /// The key of a record. Both records of an operation carry the time of its beginning, so that they
    /// stand next to each other; the operation id is random, so that no two operations share a key.
    pub(super) fn key(
        &self,
        started: Timestamp,
        account_id: &AccountId,
        operation_id: OperationId,
        phase: Phase,
    ) -> String {
        let started = started.to_zoned(TimeZone::UTC);
        let date = started.strftime("%Y-%m-%d");
        let time = started.strftime("%Y%m%dT%H%M%S.%3fZ");
        let prefix = self.settings.prefix.as_str();
        let slash = if prefix.is_empty() { "" } else { "/" };
        let phase = phase.as_str();
        format!(
            "{prefix}{slash}dt={date}/account_id={account_id}/{time}-{operation_id}.{phase}.json"
        )
    }

    /// Creates the object. That it exists already means that an earlier attempt of ours has arrived
    /// and only its answer was lost: nobody else knows the key.
    pub(super) async fn put(&self, key: &str, bytes: &[u8]) -> Result<(), Error> {
        let limits = SettleLimits::new(CONFLICT_BUDGET);
        let result = settle(
            &limits,
            |error| error.aws_code() == Some("ConditionalRequestConflict"),
            || self.put_once(key, bytes),
        )
        .await;
        match result {
            Err(error) if error.aws_code() == Some("PreconditionFailed") => Ok(()),
            Err(error) => Err(self.explain(error)),
            Ok(()) => Ok(()),
        }
    }

    async fn put_once(&self, key: &str, bytes: &[u8]) -> Result<(), Error> {
        let kms_key_id = self.settings.kms_key_id.as_ref();
        self.s3
            .put_object()
            .bucket(self.settings.bucket.as_str())
            .key(key)
            .content_type("application/json")
            .if_none_match("*")
            .set_server_side_encryption(kms_key_id.map(|_| ServerSideEncryption::AwsKms))
            .set_ssekms_key_id(kms_key_id.map(|id| id.as_str().to_owned()))
            .body(ByteStream::from(bytes.to_vec()))
            .send()
            .await
            .map(drop)
            .map_err(|error| classify(error, "s3:PutObject", None))
    }

    /// See [`super::Audit::check_bucket`].
    pub(super) async fn check(&self) -> Result<(), Error> {
        let result = self
            .s3
            .head_bucket()
            .bucket(self.settings.bucket.as_str())
            .send()
            .await;
        let Err(error) = result else { return Ok(()) };
        let error = classify(error, "s3:HeadBucket", None);
        if error.kind() == ErrorKind::AccessDenied {
            tracing::debug!(
                bucket = self.settings.bucket.as_str(),
                error = %error,
                "the audit bucket may not be looked at; the first record shows whether it can be written"
            );
            return Ok(());
        }
        Err(self.explain(error).while_doing("check the audit bucket"))
    }

    /// Says which bucket and what to check.
    fn explain(&self, error: Error) -> Error {
        let bucket = &self.settings.bucket;
        let prefix = &self.settings.prefix;
        let status = error.aws().and_then(|failure| failure.http_status);
        let is_kms = error
            .aws_code()
            .is_some_and(|code| code.starts_with("KMS."));
        let advice = match error.kind() {
            ErrorKind::HubCredentials => "Renew the hub credentials and run again.".to_owned(),
            _ if is_credential_failure(&error) => {
                "Renew the hub credentials and run again.".to_owned()
            }
            ErrorKind::NotFound => {
                "Create the bucket, or correct its name in the audit settings.".to_owned()
            }
            _ if is_kms => {
                "Check that the KMS key of the audit settings exists, is enabled, and is in the \
                 Region of the bucket."
                    .to_owned()
            }
            _ if matches!(status, Some(301 | 307)) => {
                "The bucket is in another Region than the configured one.".to_owned()
            }
            ErrorKind::AccessDenied => format!(
                "Check that the hub credentials may call s3:PutObject on {bucket}/{prefix}*, that \
                 the bucket policy and service control policies do not deny it, and, for a KMS key, \
                 that they may call kms:GenerateDataKey."
            ),
            ErrorKind::Throttled | ErrorKind::Unavailable | ErrorKind::TimedOut => {
                "Run again; if it stays so, check the network path to S3 and the S3 endpoint \
                 setting."
                    .to_owned()
            }
            _ => "Check the audit settings: bucket, prefix and KMS key.".to_owned(),
        };
        error
            .with_kind(ErrorKind::Audit)
            .while_doing(format!(
                "audit bucket {bucket}, prefix {prefix:?}",
                prefix = prefix.as_str()
            ))
            .with_advice(advice)
    }
}
