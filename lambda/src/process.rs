//! How the process of a function begins and ends.

use std::process::ExitCode;

use tracing::error;

/// The exit code after work that was given up (`EX_SOFTWARE`).
const GIVEN_UP: u8 = 70;
/// Threads that carry out work. One may be blocked by work that never lets go of it; the other one answers.
const THREADS: usize = 2;

/// Why the process ends.
#[derive(Debug, thiserror::Error)]
pub enum Stopped {
    /// Work on a request was given up and may still be under way.
    #[error(
        "work was given up and may still be under way: the process ends, so that it cannot go on later"
    )]
    GivenUp,
    /// There is nothing to serve with, or nobody to serve.
    #[error("{0}")]
    Failed(String),
}

/// Runs the program: `main` in a runtime of its own. Comes back when `main` does, whatever else still runs.
pub fn enter(main: impl Future<Output = Result<(), Stopped>>) -> ExitCode {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(THREADS)
        .enable_all()
        .build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => {
            error!(%error, "the process cannot start its threads");
            return ExitCode::FAILURE;
        }
    };
    let end = runtime.block_on(main);
    // Nothing is waited for: work that was given up ends with the process.
    runtime.shutdown_background();
    match end {
        Ok(()) => ExitCode::SUCCESS,
        Err(stopped) => {
            error!("{stopped}");
            match stopped {
                Stopped::GivenUp => ExitCode::from(GIVEN_UP),
                Stopped::Failed(_) => ExitCode::FAILURE,
            }
        }
    }
}

/// What to do with the process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Process {
    /// It can serve the next request.
    Goes,
    /// Work was given up and may still be under way. It would go on when Lambda thaws the process for another request,
    /// long after its own was answered, so the process has to end first.
    MustEnd,
}
