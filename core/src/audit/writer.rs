//! Writes the records of operations: one before, one after.

use std::sync::Arc;

use jiff::Timestamp;

use super::bucket::Bucket;
use super::chain::Chain;
use super::record::{
    Action, Phase, Record, RunContext, SCHEMA_VERSION, Status, Step, StepResult, Subject,
};
use super::settings::AuditSettings;
use crate::clock::Clock;
use crate::error::Error;
use crate::ids::OperationId;
use crate::session::Sessions;

/// The audit of one run.
#[derive(Debug)]
pub struct Audit {
    sink: Option<Sink>,
    sessions: Arc<Sessions>,
    run: RunContext,
    clock: Arc<dyn Clock>,
}

#[derive(Debug)]
struct Sink {
    bucket: Bucket,
    chain: Arc<Chain>,
}

/// How an operation ended.
#[derive(Debug)]
pub struct Conclusion<'a> {
    /// The status; [`Status::Failed`] goes with an error.
    pub status: Status,
    /// The user as it is now, when it differs from what the operation began with: created, renamed.
    pub subject: Option<Subject>,
    /// The steps, with the request ids of AWS.
    pub steps: Vec<Step>,
    /// The names of the parameters that hold secrets of the user; never the secrets.
    pub secret_names: Vec<String>,
    /// Why it failed.
    pub error: Option<&'a Error>,
}

impl Audit {
    /// The audit of a run; without settings it is off, and one line in the log says so.
    pub fn new(
        settings: Option<AuditSettings>,
        sessions: Arc<Sessions>,
        run: RunContext,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let sink = settings.map(|settings| Sink {
            bucket: Bucket::new(settings, sessions.s3().clone()),
            chain: Arc::default(),
        });
        if sink.is_none() {
            tracing::warn!(
                run_id = %run.run_id,
                "audit is off: no audit bucket is configured, so changes leave no audit record"
            );
        }
        Self {
            sink,
            sessions,
            run,
            clock,
        }
    }

    /// Looks for the bucket without writing: a plan must not write. A bucket that may not be looked at
    /// passes, because writing needs less; the first record proves it.
    ///
    /// Errors: [`ErrorKind::Audit`] when the bucket does not exist.
    pub async fn check_bucket(&self) -> Result<(), Error> {
        match &self.sink {
            None => Ok(()),
            Some(sink) => sink.bucket.check().await,
        }
    }

    /// Records that an operation begins. Nothing may be changed before this has succeeded.
    ///
    /// Guarantee: after success the `started` record is in the bucket (or audit is off). Errors:
    /// [`ErrorKind::Audit`], and [`ErrorKind::HubCredentials`] when the caller cannot be named.
    pub async fn begin(
        &self,
        subject: Subject,
        action: Action,
        planned_steps: Vec<String>,
    ) -> Result<Recording, Error> {
        let operation_id = OperationId::random();
        let Some(sink) = &self.sink else {
            return Ok(Recording {
                operation_id,
                open: None,
            });
        };
        let hub = self.sessions.hub().await?;
        let started = self.clock.now();
        let steps = planned_steps.into_iter().map(|name| Step {
            name,
            result: StepResult::Planned,
            aws_request_ids: Vec::new(),
            error_code: None,
        });
        let record = Record {
            schema_version: SCHEMA_VERSION,
            phase: Phase::Started,
            operation_id,
            run_id: self.run.run_id,
            sequence: 0,
            previous_sha256: None,
            unwritten: Vec::new(),
            face: self.run.face,
            crossaccount_version: env!("CARGO_PKG_VERSION"),
            caller_arn: hub.caller_arn.clone(),
            account_id: subject.account_id.clone(),
            user_name: subject.user_name.clone(),
            user_arn: subject.arn.as_ref().map(ToString::to_string),
            user_unique_id: subject.unique_id.clone(),
            action,
            status: None,
            steps: steps.collect(),
            secret_names: Vec::new(),
            error_code: None,
            error_message: None,
            started_at: timestamp(started),
            finished_at: None,
        };
        let open = Open {
            bucket: sink.bucket.clone(),
            chain: Arc::clone(&sink.chain),
            clock: Arc::clone(&self.clock),
            started,
            record,
        };
        open.put(open.record.clone()).await.map_err(|error| {
            error
                .while_doing("the audit record could not be written, so nothing was changed")
                .in_account(&subject.account_id)
        })?;
        Ok(Recording {
            operation_id,
            open: Some(Box::new(open)),
        })
    }
}

/// An operation whose beginning is recorded.
#[derive(Debug)]
#[must_use = "an operation that was begun has to be finished"]
pub struct Recording {
    operation_id: OperationId,
    /// `None` when audit is off, and after the end.
    open: Option<Box<Open>>,
}

#[derive(Debug)]
struct Open {
    bucket: Bucket,
    chain: Arc<Chain>,
    clock: Arc<dyn Clock>,
    started: Timestamp,
    record: Record,
}

impl Open {
    async fn put(&self, record: Record) -> Result<(), Error> {
        let phase = record.phase;
        let key = self
            .bucket
            .key(self.started, &record.account_id, record.operation_id, phase);
        let linked = self.chain.link(record)?;
        let result = self.bucket.put(&key, &linked.bytes).await;
        if result.is_err() {
            self.chain.lost(linked);
        }
        result
    }
}

impl Recording {
    /// The id of the operation, for logs and messages.
    pub fn operation_id(&self) -> OperationId {
        self.operation_id
    }

    /// Records how the operation ended. What was changed stays changed when this fails.
    ///
    /// Errors: [`ErrorKind::Audit`].
    pub async fn finish(mut self, conclusion: Conclusion<'_>) -> Result<(), Error> {
        let Some(open) = self.open.take() else {
            return Ok(());
        };
        let mut record = open.record.clone();
        record.phase = Phase::Finished;
        record.status = Some(conclusion.status);
        record.steps = conclusion.steps;
        record.secret_names = conclusion.secret_names;
        record.finished_at = Some(timestamp(open.clock.now()));
        if let Some(subject) = conclusion.subject {
            record.user_name = subject.user_name;
            record.user_arn = subject.arn.as_ref().map(ToString::to_string);
            record.user_unique_id = subject.unique_id;
        }
        if let Some(error) = conclusion.error {
            record.error_code = Some(error_code(error));
            record.error_message = Some(error.to_string());
        }
        let account_id = record.account_id.clone();
        open.put(record).await.map_err(|error| {
            error
                .while_doing("the operation has ended, but the audit record of its outcome could not be written")
                .in_account(&account_id)
        })
    }
}

impl Drop for Recording {
    fn drop(&mut self) {
        if self.open.is_some() {
            tracing::error!(
                operation_id = %self.operation_id,
                "an operation ended without a finished audit record"
            );
        }
    }
}

/// The code of AWS, else our own kind of error.
fn error_code(error: &Error) -> String {
    error
        .aws_code()
        .map_or_else(|| format!("{:?}", error.kind()), str::to_owned)
}

/// RFC 3339 in UTC with milliseconds, always of the same length.
fn timestamp(at: Timestamp) -> String {
    format!("{at:.3}")
}
