//! The loop that Lambda talks to: one event after the other, and how the process ends.
//!
//! What `lambda_runtime` 1.5 does, and what follows from it:
//! - An event that its deserialiser does not take never reaches a handler, and is never answered. So events are taken
//!   as raw JSON, which takes whatever JSON there is.
//! - It logs an error with `{:?}`, and reports the text of a panic to Lambda. So our errors hold no secret, and no panic
//!   gets that far.
//! - It prints whole events at `TRACE`, with the URL of the answer. `logging` does not let it.
//! - Its feature `graceful-shutdown` is not used. Without an extension Lambda sends no SIGTERM, and it ends a process
//!   between invocations, when no answer is pending; the log is not buffered. Nothing would be won, and the extension
//!   that the feature registers costs time at every start.
//! - `SnapStart` and several requests at once in one process are not used.

mod job;
mod unconfigured;

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crossaccount_core::clock::{Clock as _, SystemClock};
use crossaccount_lambda::deadline::Deadline;
use crossaccount_lambda::process::Stopped;
use futures_util::FutureExt as _;
use lambda_runtime::tower::util::MapResultLayer;
use lambda_runtime::{Diagnostic, LambdaEvent, Runtime, service_fn};
use serde_json::Value;
use serde_json::value::RawValue;
use tokio::time::{Instant, timeout_at};
use tracing::{Instrument as _, error_span};

use crate::protocol::delivery::Delivery;
use crate::protocol::invocation::{self, Process, Unanswered};
use crate::protocol::resource::Resource;

pub use job::{Job, Jobs};
pub use unconfigured::Unconfigured;

/// Serves requests about this kind of resource, and jobs, until Lambda ends the process.
///
/// # Errors
/// After work that was given up, and when Lambda's interface cannot be reached.
///
/// # Panics
/// Outside of Lambda: without its variables, such as `AWS_LAMBDA_RUNTIME_API`.
pub async fn serve<R: Resource + Jobs>(
    resource: Arc<R>,
    delivery: Delivery,
) -> Result<(), Stopped> {
    let must_end = Arc::new(AtomicBool::new(false));
    let handler = service_fn({
        let must_end = Arc::clone(&must_end);
        move |event| {
            let (resource, delivery, must_end) = (
                Arc::clone(&resource),
                delivery.clone(),
                Arc::clone(&must_end),
            );
            // Boxed: the type would be too deep for the compiler.
            async move { invoke(&resource, event, &delivery, &must_end).await }.boxed()
        }
    });
    // Around everything, so that Lambda has been told how the invocation went before the process ends.
    let end = MapResultLayer::new(move |result: Result<(), lambda_runtime::Error>| {
        result?;
        if must_end.load(Ordering::Acquire) {
            return Err(lambda_runtime::Error::from(Stopped::GivenUp));
        }
        Ok(())
    });
    let end = Runtime::new(handler).layer(end).run().await;
    end.map_err(|error| match error.downcast() {
        Ok(stopped) => *stopped,
        Err(error) => Stopped::Failed(format!(
            "Lambda's runtime interface cannot be used: {error}"
        )),
    })
}

async fn invoke<R: Resource + Jobs>(
    resource: &Arc<R>,
    event: LambdaEvent<Box<RawValue>>,
    delivery: &Delivery,
    must_end: &AtomicBool,
) -> Result<Value, Failure> {
    let LambdaEvent { payload, context } = event;
    let now_ms = u64::try_from(SystemClock.now().as_millisecond()).unwrap_or_default();
    let deadline = Deadline::read(context.deadline, now_ms, Instant::now());
    let span = error_span!("invocation", lambda_request_id = context.request_id);
    let work = async {
        if let Some(job) = job::asked_for(payload.get()) {
            return work_off(resource.as_ref(), job, deadline).await;
        }
        let outcome = invocation::run(resource, payload.get(), deadline, delivery).await;
        let answered = outcome.answer.map(|_| Value::Null);
        (answered.map_err(Failure::Unanswered), outcome.process)
    };
    let done = AssertUnwindSafe(work.instrument(span)).catch_unwind().await;
    let (answer, process) = done.map_err(|_| Failure::Panic)?;
    if process == Process::MustEnd {
        must_end.store(true, Ordering::Release);
    }
    answer
}

async fn work_off<R: Jobs>(
    resource: &R,
    job: Result<Job, String>,
    deadline: Deadline,
) -> (Result<Value, Failure>, Process) {
    let job = match job {
        Ok(job) => job,
        Err(unknown) => return (Err(Failure::Job(unknown)), Process::Goes),
    };
    let work = resource.job(job, deadline.work());
    let Ok(report) = timeout_at(deadline.patience(), work).await else {
        let reason = "the job did not come to its end in time; the next run goes on".to_owned();
        return (Err(Failure::Job(reason)), Process::MustEnd);
    };
    (report.map_err(Failure::Job), Process::Goes)
}

/// What Lambda hears of an invocation without an answer. It keeps the text for the on-failure destination.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error("{0}")]
    Unanswered(Unanswered),
    #[error("{0}")]
    Job(String),
    #[error("internal error: the log has its place")]
    Panic,
}

impl From<Failure> for Diagnostic {
    fn from(failure: Failure) -> Self {
        let error_type = match &failure {
            Failure::Unanswered(Unanswered::NotAnswerable(_)) => "NotAnswerable",
            Failure::Unanswered(Unanswered::NotDelivered(_)) => "NotDelivered",
            Failure::Job(_) => "JobFailed",
            Failure::Panic => "InternalError",
        };
        Self {
            error_type: error_type.to_owned(),
            error_message: failure.to_string(),
        }
    }
}
