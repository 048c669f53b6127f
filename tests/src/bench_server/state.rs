//! What the server remembers: accounts with their users and groups, sessions, and keys of objects.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use jiff::{SignedDuration, Timestamp};

use super::BenchServerOptions;

#[derive(Debug)]
pub(super) struct State {
    groups: Vec<String>,
    accounts: BTreeMap<String, Account>,
    callers: HashMap<String, Caller>,
    /// The keys of the objects in each bucket.
    pub(super) buckets: BTreeMap<String, BTreeSet<String>>,
    issued: u64,
}

/// Who makes a call.
#[derive(Debug, Clone)]
pub(super) struct Caller {
    pub(super) account_id: String,
    pub(super) arn: String,
    pub(super) user_id: String,
    /// Empty for the hub.
    pub(super) session_name: String,
}

#[derive(Debug, Default)]
pub(super) struct Account {
    pub(super) users: BTreeMap<String, User>,
    pub(super) groups: BTreeMap<String, Group>,
}

#[derive(Debug)]
pub(super) struct User {
    pub(super) id: String,
    pub(super) path: String,
    pub(super) created: String,
    pub(super) boundary: Option<String>,
    pub(super) tags: Vec<(String, String)>,
    pub(super) attached: BTreeSet<String>,
    pub(super) inline: BTreeMap<String, String>,
    pub(super) groups: BTreeSet<String>,
}

#[derive(Debug)]
pub(super) struct Group {
    pub(super) id: String,
    pub(super) created: String,
}

impl State {
    pub(super) fn new(options: BenchServerOptions, hub_key: &str) -> Self {
        let hub = options.hub_account_id;
        let caller = Caller {
            arn: format!("arn:aws:iam::{hub}:user/benchmark"),
            user_id: "AIDABENCHMARKHUB00001".to_owned(),
            account_id: hub,
            session_name: String::new(),
        };
        Self {
            groups: options.groups,
            accounts: BTreeMap::new(),
            callers: HashMap::from([(hub_key.to_owned(), caller)]),
            buckets: options
                .buckets
                .into_iter()
                .map(|name| (name, BTreeSet::new()))
                .collect(),
            issued: 0,
        }
    }

    /// Who an access key belongs to.
    pub(super) fn caller(&self, access_key_id: &str) -> Option<&Caller> {
        self.callers.get(access_key_id)
    }

    /// Remembers a new session and gives its access key.
    pub(super) fn open_session(&mut self, caller: Caller) -> String {
        let access_key_id = self.unique_id("ASIA", 16);
        self.callers.insert(access_key_id.clone(), caller);
        access_key_id
    }

    /// An account, made with its groups on first use.
    pub(super) fn account(&mut self, account_id: &str) -> &mut Account {
        if !self.accounts.contains_key(account_id) {
            let groups = self.groups.clone();
            let groups = groups.into_iter().map(|name| {
                let id = self.unique_id("AGPA", 17);
                (name, Group { id, created: now() })
            });
            let account = Account {
                users: BTreeMap::new(),
                groups: groups.collect(),
            };
            self.accounts.insert(account_id.to_owned(), account);
        }
        self.accounts.entry(account_id.to_owned()).or_default()
    }

    pub(super) fn users(&self) -> usize {
        self.accounts
            .values()
            .map(|account| account.users.len())
            .sum()
    }

    /// An id of AWS's shape: a prefix, and upper-case characters and digits.
    pub(super) fn unique_id(&mut self, prefix: &str, length: usize) -> String {
        self.issued += 1;
        format!("{prefix}{:0>length$}", self.issued)
    }
}

/// Now, as XML of AWS has it.
pub(super) fn now() -> String {
    Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// A time so many seconds from now.
pub(super) fn in_seconds(seconds: i64) -> String {
    let time = Timestamp::now().saturating_add(SignedDuration::from_secs(seconds));
    time.map_or_else(
        |_| now(),
        |time| time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
    )
}
