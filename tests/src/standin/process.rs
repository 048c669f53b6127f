//! The process of the stand-in: it lives as long as the pipe to its standard input.

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result, bail};

use super::control::Control;
use super::install;
use crate::cargo;

/// A running AWS stand-in.
#[derive(Debug)]
pub struct StandIn {
    address: SocketAddr,
    child: Child,
    // Closing the pipe ends the process, also when we are killed.
    stdin: Option<ChildStdin>,
    errors: PathBuf,
}

impl StandIn {
    /// The stand-in that all tests of this process share, started on first use.
    ///
    /// # Errors
    /// When Python or its packages are missing; the message says what to install.
    pub fn shared() -> Result<&'static Self> {
        static SHARED: OnceLock<Result<StandIn, String>> = OnceLock::new();
        SHARED
            .get_or_init(|| Self::start().map_err(|error| format!("{error:#}")))
            .as_ref()
            .map_err(|message| anyhow::anyhow!("{message}"))
    }

    /// Starts a stand-in of its own. Blocks until it answers.
    ///
    /// # Errors
    /// As [`StandIn::shared`].
    pub fn start() -> Result<Self> {
        static STARTED: AtomicU32 = AtomicU32::new(0);
        let target = cargo::target_directory();
        let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
        let python = install::python(&target, &tests.join("standin").join("requirements.txt"))?;

        let logs = target.join("standin").join("logs");
        fs::create_dir_all(&logs).with_context(|| format!("cannot create {}", logs.display()))?;
        remove_old_files(&logs);
        let number = STARTED.fetch_add(1, Ordering::Relaxed);
        let errors = logs.join(format!("{}-{number}.log", std::process::id()));
        let log =
            File::create(&errors).with_context(|| format!("cannot create {}", errors.display()))?;

        let mut command = Command::new(&python);
        command
            .args(["-m", "standin"])
            .current_dir(tests)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(log);
        for (name, _) in std::env::vars_os() {
            let lower = name.to_string_lossy().to_lowercase();
            let foreign = ["aws_", "moto_", "python", "s3_"];
            if foreign.iter().any(|prefix| lower.starts_with(prefix)) || lower.ends_with("_proxy") {
                command.env_remove(name);
            }
        }
        command.env("PYTHONDONTWRITEBYTECODE", "1");
        let mut child = command
            .spawn()
            .with_context(|| format!("cannot start {}", python.display()))?;
        let stdin = child.stdin.take();
        let Some(stdout) = child.stdout.take() else {
            bail!("the AWS stand-in has no standard output");
        };
        let mut line = String::new();
        BufReader::new(stdout)
            .read_line(&mut line)
            .context("cannot read the port of the AWS stand-in")?;
        let port = line
            .trim()
            .strip_prefix("READY ")
            .and_then(|port| port.parse::<u16>().ok());
        let Some(port) = port else {
            let status = child.wait().context("the AWS stand-in ended")?;
            let text = fs::read_to_string(&errors).unwrap_or_default();
            bail!("the AWS stand-in did not start ({status}); it said:\n{text}");
        };
        Ok(Self {
            address: SocketAddr::from((Ipv4Addr::LOCALHOST, port)),
            child,
            stdin,
            errors,
        })
    }

    /// The endpoint for every AWS service, as a URL.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The address that it listens on.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The file with what the stand-in wrote to standard error: tracebacks of its own bugs.
    pub fn error_log(&self) -> &Path {
        &self.errors
    }

    /// The interface for faults, arrangements and the log of calls.
    pub fn control(&self) -> Control {
        Control::new(self.address)
    }
}

impl Drop for StandIn {
    fn drop(&mut self) {
        drop(self.stdin.take());
        // It ends by itself when the pipe closes; waiting only keeps it from staying a zombie.
        let _ = self.child.wait();
    }
}

/// Logs of earlier days; a file that cannot be removed is not worth an error.
fn remove_old_files(directory: &Path) {
    const KEPT: Duration = Duration::from_hours(24);
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        let age = entry
            .metadata()
            .and_then(|metadata| metadata.modified())
            .ok()
            .and_then(|modified| SystemTime::now().duration_since(modified).ok());
        if age.is_some_and(|age| age > KEPT) {
            let _ = fs::remove_file(entry.path());
        }
    }
}
