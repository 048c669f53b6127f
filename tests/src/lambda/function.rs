//! A Lambda function: its execution environments, and the ways to invoke it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File, OpenOptions};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;
use tempfile::TempDir;
use tokio::time::Instant;

use super::environment::{Afterwards, Environment, Launch};
use super::runtime_api::{Event, Outcome};

/// How often Lambda delivers an asynchronous event: once, and two more times after a failure.
const DELIVERIES: u32 = 3;
const MEMORY_MEGABYTES: &str = "128";

/// What a function tells the process about its deadline.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DeadlineHeader {
    /// The time at which the process is killed, as Lambda does.
    #[default]
    True,
    /// Always the same number. `cargo lambda watch` says 600000, which was in 1970.
    Fixed(u64),
}

/// How a function is made.
#[derive(Debug, Clone)]
pub struct FunctionOptions {
    /// Its name.
    pub name: String,
    /// The account that it is in.
    pub account_id: String,
    /// The Region that it is in.
    pub region: String,
    /// What runs.
    pub binary: PathBuf,
    /// Arguments, which Lambda never gives; for an interpreter in the place of a binary.
    pub arguments: Vec<String>,
    /// The environment beside what Lambda sets: the configuration and the credentials of its role.
    pub environment: BTreeMap<String, String>,
    /// How long an invocation may take.
    pub timeout: Duration,
    /// What it is told about that.
    pub deadline: DeadlineHeader,
}

impl FunctionOptions {
    /// A function of this binary with a timeout of one minute, in an account that is nobody's.
    pub fn new(binary: PathBuf) -> Self {
        Self {
            name: "crossaccount-cfn-handler".to_owned(),
            account_id: "111111111111".to_owned(),
            region: "us-east-1".to_owned(),
            binary,
            arguments: Vec::new(),
            environment: BTreeMap::new(),
            timeout: Duration::from_mins(1),
            deadline: DeadlineHeader::default(),
        }
    }
}

/// One run of the handler.
#[derive(Debug, Clone)]
pub struct Invocation {
    /// The id of the event: the same in every delivery of it.
    pub request_id: String,
    /// Which delivery it was, counted from 1.
    pub delivery: u32,
    /// How it ended.
    pub outcome: Outcome,
    /// Which environment it ran in, counted from 1.
    pub environment: u32,
    /// From the event to the end.
    pub duration: Duration,
}

/// A function and its environments; they end when the last clone is dropped.
#[derive(Debug, Clone)]
pub struct Function {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    arn: String,
    launch: Mutex<Launch>,
    timeout: Duration,
    deadline: DeadlineHeader,
    /// Warm environments with their numbers.
    idle: Mutex<Vec<(u32, Environment)>>,
    /// The processes that work on an event.
    busy: Mutex<BTreeSet<Pid>>,
    invocations: Mutex<Vec<Invocation>>,
    started: AtomicU32,
    peak_memory: AtomicU64,
    directory: TempDir,
    output: File,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Every change of the guarded values is complete in itself, so they are valid after a panic too.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Function {
    /// A function without any environment yet: the first event starts one.
    ///
    /// # Errors
    /// When there is no place for its output.
    pub fn new(options: FunctionOptions) -> Result<Self> {
        let directory = TempDir::with_prefix("lambda-").context("cannot make a directory")?;
        let output = OpenOptions::new()
            .create(true)
            .append(true)
            .open(directory.path().join("output"))
            .context("cannot create a file for the output")?;
        let mut environment = lambda_variables(&options);
        environment.extend(options.environment);
        Ok(Self {
            inner: Arc::new(Inner {
                arn: format!(
                    "arn:aws:lambda:{}:{}:function:{}",
                    options.region, options.account_id, options.name
                ),
                launch: Mutex::new(Launch {
                    binary: options.binary,
                    arguments: options.arguments,
                    environment,
                }),
                timeout: options.timeout,
                deadline: options.deadline,
                idle: Mutex::default(),
                busy: Mutex::default(),
                invocations: Mutex::default(),
                started: AtomicU32::new(0),
                peak_memory: AtomicU64::new(0),
                directory,
                output,
            }),
        })
    }

    /// Its ARN: the `ServiceToken` of a custom resource.
    pub fn arn(&self) -> &str {
        &self.inner.arn
    }

    /// Invokes it and waits for the end (`RequestResponse`): one delivery, whatever comes of it.
    ///
    /// # Errors
    /// When no process can be started, or it does not begin.
    pub async fn invoke(&self, event: &Value) -> Result<Invocation> {
        let request_id = uuid::Uuid::new_v4().to_string();
        self.inner.run(&request_id, 1, event).await
    }

    /// Delivers an event as Lambda does for an asynchronous invocation (`Event`): again after a function error, a
    /// timeout or a crash, three times in all, with the same request id. Returns all deliveries, the last one last.
    ///
    /// # Errors
    /// As [`Function::invoke`].
    pub async fn deliver(&self, event: &Value) -> Result<Vec<Invocation>> {
        let request_id = uuid::Uuid::new_v4().to_string();
        let mut deliveries = Vec::new();
        for number in 1..=DELIVERIES {
            let invocation = self.inner.run(&request_id, number, event).await?;
            let done = invocation.outcome.is_success();
            deliveries.push(invocation);
            if done {
                break;
            }
        }
        Ok(deliveries)
    }

    /// Kills every process that works on an event, as when its host fails. How many there were.
    pub fn kill_busy(&self) -> usize {
        let busy = lock(&self.inner.busy);
        for process in busy.iter() {
            // Fails when the process has just ended.
            let _ = kill(*process, Signal::SIGKILL);
        }
        busy.len()
    }

    /// Ends the idle environments, so that the next event meets a cold start.
    pub fn forget_warm_environments(&self) {
        lock(&self.inner.idle).clear();
    }

    /// Changes a variable of its configuration; `None` takes it away. As in Lambda, the next event meets a cold start.
    pub fn configure(&self, name: &str, value: Option<&str>) {
        let environment = &mut lock(&self.inner.launch).environment;
        match value {
            Some(value) => environment.insert(name.to_owned(), value.to_owned()),
            None => environment.remove(name),
        };
        self.forget_warm_environments();
    }

    /// How many processes were started so far.
    pub fn environments(&self) -> u32 {
        self.inner.started.load(Ordering::Relaxed)
    }

    /// All invocations that have ended, in that order.
    pub fn invocations(&self) -> Vec<Invocation> {
        lock(&self.inner.invocations).clone()
    }

    /// What all its processes wrote to standard output and standard error so far: the log group.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn output(&self) -> Result<String> {
        let path = self.inner.directory.path().join("output");
        let bytes = fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// The most memory that any of its processes had after an invocation, in bytes.
    pub fn peak_memory(&self) -> u64 {
        self.inner.peak_memory.load(Ordering::Relaxed)
    }
}

impl Inner {
    async fn run(&self, request_id: &str, delivery: u32, event: &Value) -> Result<Invocation> {
        let body = serde_json::to_vec(event).context("cannot encode an event")?;
        let warm = lock(&self.idle).pop();
        let launch = lock(&self.launch).clone();
        let (number, mut environment) = match warm {
            Some(warm) => warm,
            None => (
                self.started.fetch_add(1, Ordering::Relaxed) + 1,
                Environment::start(&launch, &self.output).await?,
            ),
        };
        let process = environment.process();
        lock(&self.busy).insert(process);
        let begin = Instant::now();
        let event = Event {
            request_id: request_id.to_owned(),
            deadline: self.deadline()?,
            function_arn: self.arn.clone(),
            body: body.into(),
        };
        let (outcome, afterwards) = environment.invoke(event, begin + self.timeout).await;
        lock(&self.busy).remove(&process);
        let invocation = Invocation {
            request_id: request_id.to_owned(),
            delivery,
            outcome,
            environment: number,
            duration: begin.elapsed(),
        };
        if afterwards == Afterwards::Warm {
            let memory = environment.peak_memory().unwrap_or_default();
            self.peak_memory.fetch_max(memory, Ordering::Relaxed);
            lock(&self.idle).push((number, environment));
        }
        lock(&self.invocations).push(invocation.clone());
        Ok(invocation)
    }

    /// What the process is told, in milliseconds since 1970.
    fn deadline(&self) -> Result<u64> {
        if let DeadlineHeader::Fixed(number) = self.deadline {
            return Ok(number);
        }
        let end = SystemTime::now() + self.timeout;
        let since = end.duration_since(SystemTime::UNIX_EPOCH)?;
        u64::try_from(since.as_millis()).context("a deadline that is too far away")
    }
}

/// What Lambda itself puts into the environment of a process; the address of the Runtime API comes later.
fn lambda_variables(options: &FunctionOptions) -> BTreeMap<String, String> {
    let group = format!("/aws/lambda/{}", options.name);
    [
        ("AWS_LAMBDA_FUNCTION_NAME", options.name.as_str()),
        ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", MEMORY_MEGABYTES),
        ("AWS_LAMBDA_LOG_GROUP_NAME", &group),
        (
            "AWS_LAMBDA_LOG_STREAM_NAME",
            "2026/01/02/[$LATEST]0123456789abcdef0123456789abcdef",
        ),
        ("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand"),
        ("AWS_REGION", &options.region),
        ("AWS_DEFAULT_REGION", &options.region),
        ("_HANDLER", "bootstrap"),
        ("LAMBDA_TASK_ROOT", "/var/task"),
        ("LAMBDA_RUNTIME_DIR", "/var/runtime"),
        ("PATH", "/usr/local/bin:/usr/bin:/bin:/opt/bin"),
        ("LANG", "en_US.UTF-8"),
        ("TZ", ":UTC"),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .collect()
}
