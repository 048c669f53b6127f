//! A small AWS in memory for the benchmark: fast enough never to be what is measured, with a latency of its
//! own for every call, and with a log of when each call began and ended.
//!
//! It answers only the calls that the benchmark makes, and the tests of this package compare each answer with
//! that of the AWS stand-in. It checks no signature, no trust policy and no permission, has no
//! quotas and no faults: for all of that there is the stand-in.

mod dynamodb;
mod expression;
mod iam;
mod inventory;
pub mod jobs;
mod json;
mod keys;
mod log;
mod s3;
mod serve;
mod state;
mod sts;
mod wire;

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use jiff::SignedDuration;
use serde_json::Value;
use tokio::sync::oneshot;

pub use log::{Call, by_action, round_trips};
use serve::Shared;
use state::State;

use crate::standin::KMS_ALIAS;

/// The access key of the hub account. Its secret is never checked.
const HUB_KEY: &str = "AKIABENCHMARKHUB0001";

/// What exists before the first call.
#[derive(Debug, Clone)]
pub struct BenchServerOptions {
    /// The hub account. Every other account exists, with every role, as soon as one is assumed.
    pub hub_account_id: String,
    /// Names of the groups that every account has.
    pub groups: Vec<String>,
    /// Names of the buckets of the hub account.
    pub buckets: Vec<String>,
    /// The `DynamoDB` tables of the hub account.
    pub tables: Vec<TableOptions>,
    /// Aliases of the KMS keys that every account has.
    pub kms_aliases: Vec<String>,
    /// How long each call takes.
    pub latency: Duration,
}

/// A table whose keys are texts.
#[derive(Debug, Clone)]
pub struct TableOptions {
    /// Its name.
    pub name: String,
    /// The attribute of the hash key.
    pub hash_key: String,
    /// The attribute of the range key, when it has one.
    pub range_key: Option<String>,
}

/// A user that exists before the first call.
#[derive(Debug, Clone)]
pub struct SeedUser {
    /// Its account.
    pub account_id: String,
    /// Its name.
    pub name: String,
    /// `/` or `/some/path/`.
    pub path: String,
    /// All tags, reserved ones too.
    pub tags: Vec<(String, String)>,
    /// Its access keys, all active.
    pub keys: Vec<SeedKey>,
}

/// An access key that exists before the first call.
#[derive(Debug, Clone)]
pub struct SeedKey {
    /// `AKIA...`
    pub access_key_id: String,
    /// How long ago it was created.
    pub age: Duration,
    /// How long ago it was used last; none is never.
    pub last_used: Option<Duration>,
}

impl Default for BenchServerOptions {
    fn default() -> Self {
        Self {
            hub_account_id: "800000000000".to_owned(),
            groups: Vec::new(),
            buckets: Vec::new(),
            tables: Vec::new(),
            kms_aliases: vec![KMS_ALIAS.to_owned(), "alias/aws/ssm".to_owned()],
            latency: Duration::from_millis(40),
        }
    }
}

/// A running server, in a thread of its own. It ends when this is dropped.
#[derive(Debug)]
pub struct BenchServer {
    address: SocketAddr,
    shared: Arc<Shared>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl BenchServer {
    /// Starts a server on a free port of the loopback interface.
    ///
    /// # Errors
    /// When no port or thread is to be had.
    pub fn start(options: BenchServerOptions) -> Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .context("cannot make a runtime for the benchmark server")?;
        // Bound here and without the runtime, so that callers may be asynchronous or not.
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .context("cannot listen on the loopback interface")?;
        listener
            .set_nonblocking(true)
            .context("cannot listen on the loopback interface")?;
        let address = listener.local_addr().context("the server has no address")?;
        let latency = AtomicU64::new(milliseconds(options.latency));
        let shared = Arc::new(Shared::new(State::new(options, HUB_KEY), latency));
        let (stop, stopped) = oneshot::channel();
        let served = Arc::clone(&shared);
        let thread = std::thread::Builder::new()
            .name("bench-server".to_owned())
            .spawn(move || {
                runtime.block_on(async {
                    tokio::select! {
                        () = serve::accept(listener, served) => {}
                        _ = stopped => {}
                    }
                });
            })
            .context("cannot start a thread for the benchmark server")?;
        Ok(Self {
            address,
            shared,
            stop: Some(stop),
            thread: Some(thread),
        })
    }

    /// The URL of every AWS service.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Changes how long each call takes, from the next one on.
    pub fn set_latency(&self, latency: Duration) {
        self.shared
            .latency
            .store(milliseconds(latency), Ordering::Relaxed);
    }

    /// The calls that ended since this was asked last, in the order in which they ended.
    pub fn take_calls(&self) -> Vec<Call> {
        self.shared.take_calls()
    }

    /// How many users exist in all accounts.
    pub fn users(&self) -> usize {
        self.shared.state().users()
    }

    /// How many access keys exist in all accounts.
    pub fn access_keys(&self) -> usize {
        let mut state = self.shared.state();
        state.every_user().map(|user| user.keys.len()).sum()
    }

    /// How many parameters exist in all accounts.
    pub fn parameters(&self) -> usize {
        self.shared.state().parameters()
    }

    /// Puts an item, as the API of `DynamoDB` writes it, into a table.
    ///
    /// # Errors
    /// When there is no such table, or the item has not its key.
    pub fn put_item(&self, table: &str, item: &Value) -> Result<()> {
        let mut state = self.shared.state();
        let put = dynamodb::put(&mut state, table, item);
        put.map_err(|refusal| anyhow!("{}: {}", refusal.code, refusal.message))
    }

    /// The items of a table, as the API of `DynamoDB` writes them, by key.
    pub fn items(&self, table: &str) -> Vec<Value> {
        dynamodb::items(&self.shared.state(), table)
    }

    /// Adds a user with its keys, or puts it in the place of one that exists.
    pub fn seed_user(&self, user: SeedUser) {
        self.shared.state().seed(user);
    }

    /// Lets days pass for all users: dates of keys, their last use, and the times inside the tags
    /// `crossaccount:retiring-key` and `crossaccount:key-intent` get older.
    pub fn age_users(&self, days: u32) {
        let by = SignedDuration::from_hours(24 * i64::from(days));
        for user in self.shared.state().every_user() {
            keys::age(user, by);
        }
    }

    /// Environment variables with which the SDK, the provider and Terraform reach this server as the
    /// hub, and nothing of the machine's own AWS configuration.
    pub fn env(&self) -> Vec<(String, String)> {
        let nowhere = if cfg!(windows) { "NUL" } else { "/dev/null" };
        [
            ("AWS_ENDPOINT_URL", self.endpoint().as_str()),
            ("AWS_ACCESS_KEY_ID", HUB_KEY),
            ("AWS_SECRET_ACCESS_KEY", "never-checked"),
            ("AWS_REGION", "us-east-1"),
            ("AWS_EC2_METADATA_DISABLED", "true"),
            ("AWS_CONFIG_FILE", nowhere),
            ("AWS_SHARED_CREDENTIALS_FILE", nowhere),
        ]
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
    }
}

impl Drop for BenchServer {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            // The thread may have ended by itself; then there is nothing to stop.
            let _ = stop.send(());
        }
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
