//! The loop that Lambda talks to: one event after the other, and how the process ends.
//!
//! What `lambda_runtime` 1.5 does, and what follows from it:
//! - An event that its deserialiser does not take never reaches a handler, and is never answered. So events are taken
//!   as raw JSON, which takes whatever JSON there is.
//! - It logs an error with `{:?}`, and reports the text of a panic to Lambda. So our errors hold no secret, and no panic
//!   gets that far.
//! - It prints whole events at `TRACE`. `logging` does not let it.
//! - Its feature `graceful-shutdown` is not used. Without an extension Lambda sends no SIGTERM, and it ends a process
//!   between invocations, when no answer is pending; the log is not buffered. Nothing would be won, and the extension
//!   that the feature registers costs time at every start.
//! - `SnapStart` and several requests at once in one process are not used.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crossaccount_core::clock::{Clock as _, SystemClock};
use futures_util::FutureExt as _;
use lambda_runtime::tower::util::MapResultLayer;
use lambda_runtime::{Diagnostic, LambdaEvent, Runtime, service_fn};
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};
use tokio::time::Instant;
use tracing::{Instrument as _, error_span};

use crate::deadline::Deadline;
use crate::process::{Process, Stopped};

/// What Lambda hears of an invocation that failed. It keeps both texts for the on-failure destination.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Failure {
    /// The kind, for programs: `JobFailed`.
    pub error_type: &'static str,
    /// What failed, for people; never a secret.
    pub message: String,
}

impl From<Failure> for Diagnostic {
    fn from(failure: Failure) -> Self {
        Self {
            error_type: failure.error_type.to_owned(),
            error_message: failure.message,
        }
    }
}

/// What a function answers: JSON, written out once. Answers of jobs are long.
pub type Answer = Box<RawValue>;

/// Writes an answer.
///
/// # Errors
/// When it cannot be JSON: a map whose keys are no texts.
pub fn answer(value: &impl Serialize) -> Result<Answer, Failure> {
    to_raw_value(value).map_err(|error| Failure {
        error_type: "InternalError",
        message: format!("the answer could not be written: {error}"),
    })
}

/// A function: what is done about one event.
pub trait Function: Send + Sync + 'static {
    /// Carries out what an event asks for, and says what becomes of the process. The answer is for whoever invoked the
    /// function.
    fn invoke(
        self: Arc<Self>,
        event: Box<RawValue>,
        deadline: Deadline,
    ) -> impl Future<Output = (Result<Answer, Failure>, Process)> + Send;
}

/// Serves events until Lambda ends the process.
///
/// # Errors
/// After work that was given up, and when Lambda's interface cannot be reached.
///
/// # Panics
/// Outside of Lambda: without its variables, such as `AWS_LAMBDA_RUNTIME_API`.
pub async fn serve<F: Function>(function: Arc<F>) -> Result<(), Stopped> {
    let must_end = Arc::new(AtomicBool::new(false));
    let handler = service_fn({
        let must_end = Arc::clone(&must_end);
        move |event| {
            let (function, must_end) = (Arc::clone(&function), Arc::clone(&must_end));
            // Boxed: the type would be too deep for the compiler.
            async move { invoke(function, event, &must_end).await }.boxed()
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

async fn invoke<F: Function>(
    function: Arc<F>,
    event: LambdaEvent<Box<RawValue>>,
    must_end: &AtomicBool,
) -> Result<Answer, Failure> {
    let LambdaEvent { payload, context } = event;
    let now_ms = u64::try_from(SystemClock.now().as_millisecond()).unwrap_or_default();
    let deadline = Deadline::read(context.deadline, now_ms, Instant::now());
    let span = error_span!("invocation", lambda_request_id = context.request_id);
    let work = function.invoke(payload, deadline).instrument(span);
    let done = AssertUnwindSafe(work).catch_unwind().await;
    let (answer, process) = done.map_err(|_| Failure {
        error_type: "InternalError",
        message: "internal error: the log has its place".to_owned(),
    })?;
    if process == Process::MustEnd {
        must_end.store(true, Ordering::Release);
    }
    answer
}
