//! One execution environment: a process, its Runtime API, and what Lambda does to it.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep_until};

use super::runtime_api::{Event, Outcome, Report, RuntimeApi};

/// How long Lambda lets a process start.
const INIT: Duration = Duration::from_secs(10);

/// How a process is started.
#[derive(Debug, Clone)]
pub(super) struct Launch {
    pub(super) binary: PathBuf,
    pub(super) arguments: Vec<String>,
    pub(super) environment: BTreeMap<String, String>,
}

/// A process that serves one invocation at a time.
#[derive(Debug)]
pub(super) struct Environment {
    child: Child,
    process: Pid,
    api: RuntimeApi,
}

/// What is left of an environment after an invocation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Afterwards {
    /// It waits for the next event.
    Warm,
    /// Its process is gone.
    Gone,
}

impl Environment {
    /// Starts a process and waits until it asks for its first event.
    ///
    /// # Errors
    /// When it cannot be started, or does not come so far.
    pub(super) async fn start(launch: &Launch, output: &File) -> Result<Self> {
        let api = RuntimeApi::start().await?;
        let child = Command::new(&launch.binary)
            .args(&launch.arguments)
            .env_clear()
            .envs(&launch.environment)
            .env("AWS_LAMBDA_RUNTIME_API", api.address())
            .stdin(Stdio::null())
            .stdout(output.try_clone().context("cannot share the output")?)
            .stderr(output.try_clone().context("cannot share the output")?)
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("cannot start {}", launch.binary.display()))?;
        let id = child.id().context("a new process has no id")?;
        let process = Pid::from_raw(i32::try_from(id).context("the process id is too large")?);
        let mut environment = Self {
            child,
            process,
            api,
        };
        environment.wait_for_readiness().await?;
        Ok(environment)
    }

    async fn wait_for_readiness(&mut self) -> Result<()> {
        tokio::select! {
            biased;
            report = self.api.report() => match report {
                Report::Ready => Ok(()),
                Report::InitError(told) => bail!("the function cannot begin: {told}"),
                Report::Answered(..) => bail!("the function answered before it was asked"),
            },
            status = self.child.wait() => bail!("the function ended before it asked for an event: {:?}", status?),
            () = tokio::time::sleep(INIT) => bail!("the function did not begin within {INIT:?}"),
        }
    }

    /// The process, for signals.
    pub(super) fn process(&self) -> Pid {
        self.process
    }

    /// Hands over one event. The process must be waiting for it.
    pub(super) async fn invoke(&mut self, event: Event, until: Instant) -> (Outcome, Afterwards) {
        let request_id = event.request_id.clone();
        let mut outcome = None;
        self.signal(Signal::SIGCONT);
        self.api.send(event);
        loop {
            tokio::select! {
                biased;
                report = self.api.report() => match report {
                    Report::Answered(id, told) if id == request_id => outcome = Some(told),
                    // An invocation is over when the process asks for the next one; then time stops for it.
                    Report::Ready if outcome.is_some() => {
                        self.signal(Signal::SIGSTOP);
                        return (outcome.unwrap_or(Outcome::TimedOut), Afterwards::Warm);
                    }
                    Report::Ready | Report::Answered(..) | Report::InitError(_) => {
                        let told = serde_json::json!({"errorType": "Runtime.InvalidRequest"});
                        outcome = Some(Outcome::Failed(told));
                    }
                },
                status = self.child.wait() => {
                    let code = status.ok().and_then(|status| status.code());
                    return (outcome.unwrap_or(Outcome::Exited { code }), Afterwards::Gone);
                }
                () = sleep_until(until) => {
                    self.signal(Signal::SIGKILL);
                    let _ = self.child.wait().await;
                    return (outcome.unwrap_or(Outcome::TimedOut), Afterwards::Gone);
                }
            }
        }
    }

    /// The most memory that the process ever had, in bytes.
    pub(super) fn peak_memory(&self) -> Option<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.process)).ok()?;
        let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
        let kilobytes: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
        Some(kilobytes * 1024)
    }

    fn signal(&self, signal: Signal) {
        // Fails when the process has ended, which is noticed elsewhere.
        let _ = kill(self.process, signal);
    }
}
