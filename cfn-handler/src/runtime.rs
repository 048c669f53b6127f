//! What the function does about an event: a request of CloudFormation, or a job.

mod job;
mod unconfigured;

use std::sync::Arc;

use crossaccount_lambda::deadline::Deadline;
use crossaccount_lambda::process::{Process, Stopped};
use crossaccount_lambda::runtime::{self, Answer, Failure, Function, answer};
use serde_json::value::RawValue;
use tokio::time::timeout_at;

use crate::protocol::delivery::Delivery;
use crate::protocol::invocation::{self, Unanswered};
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
    let server = Server { resource, delivery };
    runtime::serve(Arc::new(server)).await
}

struct Server<R> {
    resource: Arc<R>,
    delivery: Delivery,
}

impl<R: Resource + Jobs> Function for Server<R> {
    async fn invoke(
        self: Arc<Self>,
        event: Box<RawValue>,
        deadline: Deadline,
    ) -> (Result<Answer, Failure>, Process) {
        if let Some(job) = job::asked_for(event.get()) {
            return work_off(self.resource.as_ref(), job, deadline).await;
        }
        let Self { resource, delivery } = self.as_ref();
        let outcome = invocation::run(resource, event.get(), deadline, delivery).await;
        let answered = outcome.answer.map(|_| RawValue::NULL.to_owned());
        (
            answered.map_err(|reason| unanswered(&reason)),
            outcome.process,
        )
    }
}

async fn work_off<R: Jobs>(
    resource: &R,
    job: Result<Job, String>,
    deadline: Deadline,
) -> (Result<Answer, Failure>, Process) {
    let failed = |message: String| Failure {
        error_type: "JobFailed",
        message,
    };
    let job = match job {
        Ok(job) => job,
        Err(unknown) => return (Err(failed(unknown)), Process::Goes),
    };
    let work = resource.job(job, deadline.work());
    let Ok(report) = timeout_at(deadline.patience(), work).await else {
        let reason = "the job did not come to its end in time; the next run goes on".to_owned();
        return (Err(failed(reason)), Process::MustEnd);
    };
    (
        report.map_err(failed).and_then(|report| answer(&report)),
        Process::Goes,
    )
}

fn unanswered(unanswered: &Unanswered) -> Failure {
    Failure {
        error_type: match unanswered {
            Unanswered::NotAnswerable(_) => "NotAnswerable",
            Unanswered::NotDelivered(_) => "NotDelivered",
        },
        message: unanswered.to_string(),
    }
}
