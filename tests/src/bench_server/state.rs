//! What the server remembers: accounts with their users, groups and parameters, who signs with what, and keys of
//! objects.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use jiff::{SignedDuration, Timestamp};

use super::dynamodb::Table;
use super::json::Parameter;
use super::keys::{Key, Login};
use super::wire::Refusal;
use super::{BenchServerOptions, SeedUser};

#[derive(Debug)]
pub(super) struct State {
    groups: Vec<String>,
    kms_aliases: Vec<String>,
    accounts: BTreeMap<String, Account>,
    callers: HashMap<String, Caller>,
    /// The keys of the objects in each bucket.
    pub(super) buckets: BTreeMap<String, BTreeSet<String>>,
    /// The tables of the hub account.
    pub(super) tables: BTreeMap<String, Table>,
    issued: u64,
}

/// Who makes a call.
#[derive(Debug, Clone)]
pub(super) struct Caller {
    pub(super) account_id: String,
    pub(super) arn: String,
    pub(super) user_id: String,
    /// Empty for the hub and for users.
    pub(super) session_name: String,
    /// The IAM user whose key signs; empty for the hub and for sessions.
    pub(super) user_name: String,
}

#[derive(Debug, Default)]
pub(super) struct Account {
    pub(super) users: BTreeMap<String, User>,
    pub(super) groups: BTreeMap<String, Group>,
    pub(super) parameters: BTreeMap<String, Parameter>,
    pub(super) kms_keys: Vec<KmsKey>,
}

#[derive(Debug)]
pub(super) struct KmsKey {
    pub(super) alias: String,
    pub(super) id: String,
    pub(super) created: Timestamp,
}

impl Account {
    pub(super) fn user(&mut self, name: &str) -> Result<&mut User, Refusal> {
        self.users.get_mut(name).ok_or_else(|| {
            Refusal::no_such_entity(format!("The user with name {name} cannot be found."))
        })
    }

    /// The user of an access key, and the key.
    pub(super) fn owner(&self, key_id: &str) -> Option<(&str, &Key)> {
        self.users.iter().find_map(|(name, user)| {
            let key = user.keys.iter().find(|key| key.id == key_id)?;
            Some((name.as_str(), key))
        })
    }
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
    /// The oldest first.
    pub(super) keys: Vec<Key>,
    pub(super) login: Option<Login>,
}

impl User {
    /// A user to whom nothing belongs.
    pub(super) fn new(id: String, path: &str, tags: Vec<(String, String)>) -> Self {
        Self {
            id,
            path: path.to_owned(),
            created: now(),
            boundary: None,
            tags,
            attached: BTreeSet::new(),
            inline: BTreeMap::new(),
            groups: BTreeSet::new(),
            keys: Vec::new(),
            login: None,
        }
    }

    /// The user as somebody who signs calls.
    pub(super) fn caller(&self, account_id: &str, name: &str) -> Caller {
        Caller {
            account_id: account_id.to_owned(),
            arn: format!("arn:aws:iam::{account_id}:user{}{name}", self.path),
            user_id: self.id.clone(),
            session_name: String::new(),
            user_name: name.to_owned(),
        }
    }
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
            user_name: String::new(),
        };
        Self {
            groups: options.groups,
            kms_aliases: options.kms_aliases,
            accounts: BTreeMap::new(),
            callers: HashMap::from([(hub_key.to_owned(), caller)]),
            buckets: options
                .buckets
                .into_iter()
                .map(|name| (name, BTreeSet::new()))
                .collect(),
            tables: options
                .tables
                .into_iter()
                .map(|table| (table.name, Table::new(table.hash_key, table.range_key)))
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
            let groups = groups.collect();
            let kms_keys = self.kms_aliases.iter().map(|alias| KmsKey {
                alias: alias.clone(),
                id: uuid::Uuid::new_v4().to_string(),
                created: Timestamp::now(),
            });
            let account = Account {
                groups,
                kms_keys: kms_keys.collect(),
                ..Account::default()
            };
            self.accounts.insert(account_id.to_owned(), account);
        }
        self.accounts.entry(account_id.to_owned()).or_default()
    }

    /// Lets a key sign for somebody, or for nobody any more.
    pub(super) fn set_key(&mut self, key_id: &str, owner: Option<Caller>) {
        match owner {
            Some(owner) => self.callers.insert(key_id.to_owned(), owner),
            None => self.callers.remove(key_id),
        };
    }

    /// Notes that a call was signed with a key, when it is one of a user.
    pub(super) fn note_use(&mut self, key_id: &str, service: &str) {
        let Some(caller) = self.callers.get(key_id).cloned() else {
            return;
        };
        let account = self.accounts.get_mut(&caller.account_id);
        let user = account.and_then(|account| account.users.get_mut(&caller.user_name));
        let keys = user.map(|user| user.keys.iter_mut());
        for key in keys.into_iter().flatten().filter(|key| key.id == key_id) {
            key.used = Some((Timestamp::now(), service.to_owned()));
        }
    }

    /// Makes a user that exists before the first call, with its keys.
    pub(super) fn seed(&mut self, seed: SeedUser) {
        let id = self.unique_id("AIDA", 17);
        let ago = |age| {
            let now = Timestamp::now();
            now.saturating_sub(age).unwrap_or(now)
        };
        let mut user = User::new(id, &seed.path, seed.tags);
        user.keys.extend(seed.keys.into_iter().map(|key| Key {
            id: key.access_key_id,
            active: true,
            created: ago(key.age),
            used: key.last_used.map(|age| (ago(age), "s3".to_owned())),
        }));
        user.keys.sort_by_key(|key| key.created);
        for key in &user.keys {
            let owner = user.caller(&seed.account_id, &seed.name);
            self.callers.insert(key.id.clone(), owner);
        }
        let account = self.account(&seed.account_id);
        account.users.insert(seed.name, user);
    }

    /// All users of all accounts.
    pub(super) fn every_user(&mut self) -> impl Iterator<Item = &mut User> {
        let accounts = self.accounts.values_mut();
        accounts.flat_map(|account| account.users.values_mut())
    }

    /// How many parameters exist in all accounts.
    pub(super) fn parameters(&self) -> usize {
        self.accounts
            .values()
            .map(|account| account.parameters.len())
            .sum()
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
    shown(Timestamp::now())
}

/// A time as XML of AWS has it.
pub(super) fn shown(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// A time so many seconds from now.
pub(super) fn in_seconds(seconds: i64) -> String {
    let time = Timestamp::now().saturating_add(SignedDuration::from_secs(seconds));
    time.map_or_else(|_| now(), shown)
}
