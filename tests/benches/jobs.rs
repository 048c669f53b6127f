//! The jobs: new users in many accounts on one call, and a registry with nothing due.
//!
//! The release binaries run as from a shell. What a run has to take at least follows from the log of the server: see
//! [`Chain`] and [`path`].

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use harness::bench_server::jobs::{self, Job, Ran};
use harness::bench_server::{BenchServer, Call, round_trips};
use serde_json::{Value, json};

use crate::report::{JobRun, NothingDue, Provisioned, Report};
use crate::watch::{Usage, usage};
use crate::workload::{LONG_LATENCY, Size, checked_calls};

/// The defaults of `CROSSACCOUNT_ACCOUNTS_AT_ONCE` and `CROSSACCOUNT_USERS_AT_ONCE`.
const ACCOUNTS_AT_ONCE: usize = 16;
const USERS_AT_ONCE: usize = 8;
/// Of one page of `DescribeParameters`.
const PARAMETERS_PER_PAGE: usize = 50;

/// Runs everything and tells the report.
pub(crate) fn measure(
    size: Size,
    latency: Duration,
    report: &mut Report,
    step: &dyn Fn(&str),
) -> Result<()> {
    for (name, location) in [("hub", "hub"), ("member", "member")] {
        step(&format!(
            "provision: the chain of calls, secrets in the {name} account"
        ));
        let chain = Chain::of_provision(location)?;
        let mut runs = Vec::new();
        // Memory has to be the same for half and twice as many users.
        let sizes: &[usize] = match location {
            "hub" => &[size.users / 2, size.users, size.users * 2],
            _ => &[size.users],
        };
        for users in sizes.iter().copied().map(|users| users.max(1)) {
            let size = Size { users, ..size };
            step(&format!(
                "provision: {} accounts x {users} users, secrets in the {name} account",
                size.accounts
            ));
            let run = provision(size, latency, location)?;
            let path = path(&chain, size, latency);
            runs.push((size, run, path));
        }
        report.provisioned(&Provisioned {
            location: name,
            usual: size.users,
            chain: &chain,
            at_once: (ACCOUNTS_AT_ONCE, USERS_AT_ONCE),
            runs: &runs,
        });
    }
    step("reconcile: make the users of the registry, without latency");
    let run = nothing_due(size, latency, step)?;
    report.nothing_due(&run);
    Ok(())
}

/// How many calls wait for each other, in a run of `provision` that makes users anew.
#[derive(Debug, Clone)]
pub(crate) struct Chain {
    /// Once in a run: who the hub is, and the two objects of the report.
    pub(crate) once: usize,
    /// Once in an account, before its users: sessions, its users by name, its parameters.
    pub(crate) account: usize,
    /// For each user.
    pub(crate) user: usize,
    /// The calls of one user, by action.
    pub(crate) actions: BTreeMap<String, usize>,
}

impl Chain {
    /// Of a run that is so small, and whose calls take so long, that none waits for anything but another call's answer.
    fn of_provision(location: &str) -> Result<Self> {
        let size = Size {
            accounts: 1,
            users: 2,
        };
        let calls = provision(size, LONG_LATENCY, location)?.calls;
        let mut users: BTreeMap<&str, Vec<&Call>> = BTreeMap::new();
        for call in calls.iter().filter(|call| !call.user_name.is_empty()) {
            users.entry(&call.user_name).or_default().push(call);
        }
        ensure!(users.len() == size.users, "two users were made: {users:?}");
        let of_one = |calls: &Vec<&Call>| round_trips(calls.iter().copied());
        let user = users.values().map(of_one).max().unwrap_or_default();
        let mut actions = BTreeMap::new();
        for call in users.into_values().next().context("there is no user")? {
            *actions.entry(call.action.clone()).or_default() += 1;
        }
        let is_once = |call: &&Call| {
            call.user_name.is_empty()
                && ["sts:GetCallerIdentity", "s3:PutObject"].contains(&call.action.as_str())
        };
        let once = round_trips(calls.iter().filter(is_once));
        let account = round_trips(&calls).saturating_sub(user + once);
        Ok(Self {
            once,
            account,
            user,
            actions,
        })
    }
}

/// The critical path at the parallelism of the function:
///
/// `latency x (once + ceil(accounts / accounts at once) x (account + ceil(users / users at once) x user))`
///
/// where `once`, `account` and `user` count calls that wait for each other ([`Chain`]).
fn path(chain: &Chain, size: Size, latency: Duration) -> Duration {
    let rounds = |number: usize, at_once: usize| number.div_ceil(at_once);
    let users = rounds(size.users, USERS_AT_ONCE) * chain.user;
    let calls = chain.once + rounds(size.accounts, ACCOUNTS_AT_ONCE) * (chain.account + users);
    latency * u32::try_from(calls).unwrap_or(u32::MAX)
}

fn run(job: &Job, event: &Value, server: &BenchServer) -> Result<JobRun> {
    let mut used = Usage::default();
    let Ran { answer, wall } = job.run(event, |process| {
        if let Some(now) = usage(process) {
            used = now;
        }
    })?;
    Ok(JobRun {
        answer,
        wall,
        used,
        calls: checked_calls(server)?,
    })
}

/// Makes new users, with the default properties of `provision`: two policies and a console password.
fn provision(size: Size, latency: Duration, location: &str) -> Result<JobRun> {
    let server = jobs::server(latency)?;
    let accounts = jobs::accounts(size.accounts);
    let settings = [("CROSSACCOUNT_SECRETS_LOCATION", location)];
    let job = Job::provision(&server, &accounts, &settings)?;
    let event = json!({"users": jobs::names(size.users), "accounts": "all"});
    let run = run(&job, &event, &server)?;
    let made = (server.users(), server.parameters());
    ensure!(
        made == (size.all_users(), size.all_users()),
        "{made:?} users and passwords exist instead of {}",
        size.all_users()
    );
    Ok(run)
}

/// The schedule over a registry whose users are as they have to be.
fn nothing_due(size: Size, latency: Duration, step: &dyn Fn(&str)) -> Result<NothingDue> {
    let server = jobs::server(Duration::ZERO)?;
    let (accounts, names) = (jobs::accounts(size.accounts), jobs::names(size.users));
    jobs::fill_registry(&server, &accounts, &names)?;
    let job = Job::reconcile(&server, &accounts, &[])?;
    let event = json!({"Job": "Reconcile"});
    run(&job, &event, &server)?;
    ensure!(
        server.access_keys() == size.all_users(),
        "{} access keys exist for {} users",
        server.access_keys(),
        size.all_users()
    );
    step("reconcile: nothing due");
    server.set_latency(latency);
    let done = run(&job, &event, &server)?;
    let same = json!({"Exists": size.all_users()});
    ensure!(
        done.answer["counts"] == same,
        "something was due: {}",
        done.answer["counts"]
    );
    Ok(NothingDue {
        size,
        run: done,
        parameters: server.parameters(),
        parameters_per_page: PARAMETERS_PER_PAGE,
        accounts,
    })
}
