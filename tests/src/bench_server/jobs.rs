//! The jobs against the server of the benchmark: the real binary, run as from a shell, with the settings that it needs.

use std::fs::File;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;
use tempfile::TempDir;

use super::{BenchServer, BenchServerOptions, TableOptions};
use crate::lambda::job_binary;

/// The bucket of audit records and reports.
pub const BUCKET: &str = "audit-benchmark";
/// The registry.
pub const TABLE: &str = "registry-benchmark";
/// Between two looks at a process.
const PAUSE: Duration = Duration::from_millis(5);

/// A job and its environment.
#[derive(Debug)]
pub struct Job {
    binary: PathBuf,
    environment: Vec<(String, String)>,
}

/// What a run of a job led to.
#[derive(Debug)]
pub struct Ran {
    /// Its answer.
    pub answer: Value,
    /// From the start of the process to its end.
    pub wall: Duration,
}

/// A server with all that the jobs use: a bucket, and a registry with a row for each account and user.
///
/// # Errors
/// As [`BenchServer::start`].
pub fn server(latency: Duration) -> Result<BenchServer> {
    BenchServer::start(BenchServerOptions {
        buckets: vec![BUCKET.to_owned()],
        tables: vec![TableOptions {
            name: TABLE.to_owned(),
            hash_key: "UserName".to_owned(),
            range_key: Some("AccountId".to_owned()),
        }],
        latency,
        ..BenchServerOptions::default()
    })
}

/// So many accounts.
pub fn accounts(number: usize) -> Vec<String> {
    (200_000_000_001_u64..)
        .take(number)
        .map(|id| id.to_string())
        .collect()
}

/// So many names of users.
pub fn names(number: usize) -> Vec<String> {
    (0..number).map(|number| format!("user-{number}")).collect()
}

impl Job {
    /// `provision` with the settings that have no default, the policies of its default properties allowed, and secrets on.
    /// `settings` count before these.
    ///
    /// # Errors
    /// When the binary cannot be built.
    pub fn provision(
        server: &BenchServer,
        accounts: &[String],
        settings: &[(&str, &str)],
    ) -> Result<Self> {
        let own = [(
            "CROSSACCOUNT_ALLOWED_POLICY_ARNS",
            "arn:aws:iam::aws:policy/AmazonEC2FullAccess,arn:aws:iam::aws:policy/CloudWatchFullAccessV2",
        )];
        Self::new("provision", server, accounts, &[&own, settings].concat())
    }

    /// `reconcile` on the registry of [`server`], as [`Job::provision`].
    ///
    /// # Errors
    /// When the binary cannot be built.
    pub fn reconcile(
        server: &BenchServer,
        accounts: &[String],
        settings: &[(&str, &str)],
    ) -> Result<Self> {
        let own = [("CROSSACCOUNT_REGISTRY_TABLE", TABLE)];
        Self::new("reconcile", server, accounts, &[&own, settings].concat())
    }

    fn new(
        name: &str,
        server: &BenchServer,
        accounts: &[String],
        settings: &[(&str, &str)],
    ) -> Result<Self> {
        let allowed = accounts.join(",");
        let common = [
            ("CROSSACCOUNT_ALLOWED_ACCOUNT_IDS", allowed.as_str()),
            ("CROSSACCOUNT_USER_PATH_PREFIX", "/benchmark/"),
            ("CROSSACCOUNT_PERMISSIONS_BOUNDARIES", "none"),
            ("CROSSACCOUNT_EXTERNAL_ID", "benchmark"),
            ("CROSSACCOUNT_AUDIT_BUCKET", BUCKET),
            ("CROSSACCOUNT_SECRETS_KMS_KEY_ID", "alias/aws/ssm"),
            ("CROSSACCOUNT_DEPLOYMENT_ID", "benchmark"),
        ];
        let own = common.iter().chain(settings);
        let own = own.map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Ok(Self {
            binary: job_binary(name)?,
            environment: server.env().into_iter().chain(own).collect(),
        })
    }

    /// Works off one event. `look` is called with the id of the process again and again until it ends.
    ///
    /// # Errors
    /// When not every user is as wanted at the end; the message holds what the job wrote to standard error.
    pub fn run(&self, event: &Value, mut look: impl FnMut(u32)) -> Result<Ran> {
        let directory = TempDir::with_prefix("job-").context("cannot make a directory")?;
        let path = |name: &str| directory.path().join(name);
        std::fs::write(path("event"), event.to_string()).context("cannot write the event")?;
        let output = |name: &str| File::create(path(name)).map(Stdio::from);
        let begin = Instant::now();
        let mut child = Command::new(&self.binary)
            .env_clear()
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .args(["--json", "--event"])
            .arg(path("event"))
            .stdin(Stdio::null())
            .stdout(output("stdout").context("cannot make a file")?)
            .stderr(output("stderr").context("cannot make a file")?)
            .spawn()
            .with_context(|| format!("cannot start {}", self.binary.display()))?;
        let status = loop {
            look(child.id());
            if let Some(status) = child.try_wait().context("the job cannot be waited for")? {
                break status;
            }
            std::thread::sleep(PAUSE);
        };
        let wall = begin.elapsed();
        let text = |name: &str| std::fs::read_to_string(path(name)).unwrap_or_default();
        ensure!(
            status.success(),
            "the job ended with {status}:\n{}{}",
            text("stderr"),
            text("stdout").chars().take(4000).collect::<String>()
        );
        let Ok(answer) = serde_json::from_str(&text("stdout")) else {
            bail!("the answer is no JSON: {}", text("stdout"));
        };
        Ok(Ran { answer, wall })
    }
}

/// A row of the registry for each of these users in each of these accounts.
///
/// # Errors
/// None with the table of [`server`].
pub fn fill_registry(server: &BenchServer, accounts: &[String], names: &[String]) -> Result<()> {
    for account_id in accounts {
        for name in names {
            let row = serde_json::json!({"UserName": {"S": name}, "AccountId": {"S": account_id}});
            server.put_item(TABLE, &row)?;
        }
    }
    Ok(())
}
