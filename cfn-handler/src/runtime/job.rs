//! Events that do not come from CloudFormation: work on a schedule.

use serde::Deserialize;
use serde_json::Value;
use tokio::time::Instant;

use super::Unconfigured;
use crate::lifecycle::Handler;

/// What a schedule asks for: `{"Job": "RotateAccessKeys"}`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Job {
    /// Do what is due of the access keys of all users that stacks declare.
    RotateAccessKeys,
}

/// The job that an event asks for. `None`: it is no job, and so a request of CloudFormation.
///
/// # Errors
/// When the job is not known; the text names those that are.
pub(super) fn asked_for(event: &str) -> Option<Result<Job, String>> {
    #[derive(Deserialize)]
    struct Asked {
        #[serde(rename = "Job")]
        job: String,
        #[serde(rename = "RequestType")]
        request_type: Option<serde::de::IgnoredAny>,
    }
    let asked: Asked = serde_json::from_str(event).ok()?;
    if asked.request_type.is_some() {
        return None;
    }
    Some(match asked.job.as_str() {
        "RotateAccessKeys" => Ok(Job::RotateAccessKeys),
        other => Err(format!(
            "there is no job {other:?}; there is RotateAccessKeys"
        )),
    })
}

/// What can carry out jobs.
pub trait Jobs: Send + Sync + 'static {
    /// Carries out a job and comes back before `until`. The value is for whoever invoked the function.
    fn job(&self, job: Job, until: Instant) -> impl Future<Output = Result<Value, String>> + Send;
}

impl Jobs for Handler {
    /// # Errors
    /// When the schedule of at least one user could not be kept: the function then counts an error, and its alarm tells.
    async fn job(&self, job: Job, until: Instant) -> Result<Value, String> {
        let Job::RotateAccessKeys = job;
        let done = self.rotate_due_keys(until).await?;
        tracing::info!(
            event = "keys_rotated",
            rotated = done.rotated,
            unchanged = done.unchanged,
            postponed = done.postponed,
            failed = done.failed.len(),
            "the schedules of access keys were looked at"
        );
        let report = serde_json::to_value(&done).map_err(|error| error.to_string())?;
        match done.failed.first() {
            None => Ok(report),
            Some(first) => Err(format!(
                "the schedule of {} users could not be kept; the log names them all. {} of {}: {}",
                done.failed.len(),
                first.logical_resource_id,
                first.stack_id,
                first.reason
            )),
        }
    }
}

impl Jobs for Unconfigured {
    async fn job(&self, _: Job, _: Instant) -> Result<Value, String> {
        Err(self.message().to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::{Job, asked_for};

    #[test]
    fn a_job_is_told_from_a_request() {
        let job = asked_for(r#"{"Job": "RotateAccessKeys", "version": "0"}"#);
        assert_eq!(job, Some(Ok(Job::RotateAccessKeys)));
        let request = r#"{"RequestType": "Create", "Job": "RotateAccessKeys"}"#;
        for event in [
            request,
            r#"{"RequestType": "Create"}"#,
            "[]",
            "{}",
            r#"{"Job": 1}"#,
        ] {
            assert_eq!(asked_for(event), None, "{event}");
        }
    }

    #[test]
    fn an_unknown_job_is_refused_by_name() {
        let refused = asked_for(r#"{"Job": "Rotate"}"#).unwrap().unwrap_err();
        assert!(
            refused.contains("\"Rotate\"") && refused.contains("RotateAccessKeys"),
            "{refused}"
        );
    }
}
