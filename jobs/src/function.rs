//! The process of a job: in Lambda, where it serves events, and in a shell, where it works off one.

use std::collections::BTreeMap;
use std::env;
use std::process::ExitCode;
use std::sync::Arc;

use crossaccount_core::clock::{Clock as _, SystemClock};
use crossaccount_lambda::deadline::Deadline;
use crossaccount_lambda::logging;
use crossaccount_lambda::process::{self, Process, Stopped};
use crossaccount_lambda::runtime::{self, Answer, Failure, Function};
use crossaccount_lambda::settings::table::Variable;
use indicatif::ProgressBar;
use serde_json::value::RawValue;
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;

use crate::metrics::Metrics;
use crate::rows::{Outcome, Row};
use crate::shell;

/// One job.
pub trait Job: Send + Sync + Sized + 'static {
    /// The name of its binary, and of what it owns.
    const NAME: &'static str;

    /// The variables that it reads beside those of all functions.
    fn variables() -> &'static [Variable];

    /// Makes the job from its environment. Calls nobody.
    ///
    /// # Errors
    /// Everything that is wrong with the environment.
    fn start(
        environment: &BTreeMap<String, String>,
    ) -> impl Future<Output = Result<Self, String>> + Send;

    /// Tells deployments of the job apart, in metrics as in tags.
    fn deployment_id(&self) -> &str;

    /// Does what an event asks for. No user is begun after `until`, or after the token was cancelled.
    ///
    /// # Errors
    /// When nothing can be done at all: the event is not valid, or nobody can be asked.
    fn run(
        &self,
        event: &str,
        until: Instant,
        cancelled: CancellationToken,
        progress: &ProgressBar,
    ) -> impl Future<Output = Result<Done, String>> + Send;
}

/// What a run led to.
#[derive(Debug)]
pub struct Done {
    /// The answer to whoever invoked the function.
    pub answer: Answer,
    /// What was measured.
    pub metrics: Metrics,
    /// What became of the users, for a table.
    pub rows: Vec<Row>,
    /// How it went.
    pub outcome: Outcome,
}

/// Runs the program.
pub fn main<J: Job>() -> ExitCode {
    let environment = environment();
    let look_up = |name: &str| environment.get(name).cloned();
    if environment.contains_key("AWS_LAMBDA_RUNTIME_API") {
        logging::install(look_up);
        return process::enter(serve::<J>(environment.clone()));
    }
    logging::install_in_a_shell(look_up);
    shell::enter::<J>(&environment)
}

#[expect(
    clippy::disallowed_methods,
    reason = "the one place of the jobs that reads the environment"
)]
fn environment() -> BTreeMap<String, String> {
    let text = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
        Some((name.into_string().ok()?, value.into_string().ok()?))
    };
    env::vars_os().filter_map(text).collect()
}

/// Serves with the settings of the environment. When they are wrong, every event is answered with what is wrong.
async fn serve<J: Job>(environment: BTreeMap<String, String>) -> Result<(), Stopped> {
    let job = J::start(&environment).await;
    if let Err(problems) = &job {
        tracing::error!("every event will be refused: {problems}");
    }
    runtime::serve(Arc::new(Server { job })).await
}

struct Server<J> {
    job: Result<J, String>,
}

impl<J: Job> Function for Server<J> {
    async fn invoke(
        self: Arc<Self>,
        event: Box<RawValue>,
        deadline: Deadline,
    ) -> (Result<Answer, Failure>, Process) {
        let failed = |message: String| Failure {
            error_type: "JobFailed",
            message,
        };
        let job = match &self.job {
            Ok(job) => job,
            Err(problems) => return (Err(failed(problems.clone())), Process::Goes),
        };
        let begun = Instant::now();
        let progress = ProgressBar::hidden();
        let work = job.run(
            event.get(),
            deadline.work(),
            CancellationToken::new(),
            &progress,
        );
        // An answer to Lambda takes no time of its own, unlike one to CloudFormation: what was begun in time may use the reserve.
        match timeout_at(deadline.delivery(), work).await {
            // Operations go on in tasks of their own; they must not wake up in another invocation.
            Err(_) => {
                let reason = "the work did not come to its end in time; the next run goes on";
                (Err(failed(reason.to_owned())), Process::MustEnd)
            }
            Ok(Err(reason)) => {
                tracing::error!("{reason}");
                (Err(failed(reason)), Process::Goes)
            }
            Ok(Ok(done)) => {
                let duration = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
                done.metrics
                    .with("Duration", duration)
                    .emit(job.deployment_id(), SystemClock.now());
                (Ok(done.answer), Process::Goes)
            }
        }
    }
}
