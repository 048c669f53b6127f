//! What was reached with the jobs.

use std::collections::BTreeMap;
use std::time::Duration;

use harness::bench_server::{Call, by_action};
use serde_json::{Value, json};

use super::{Report, count, megabytes};
use crate::jobs::Chain;
use crate::watch::Usage;
use crate::workload::{LONG_LATENCY, Size};

const PATH_FACTOR: f64 = 1.3;
const MEMORY_TARGET: u64 = 60_000_000;
/// How much memory 1000 more users may take, in MB: their rows in answer and report.
const GROWTH_TARGET: f64 = 5.0;
const CALLS_PER_USER: usize = 2;
const CALLS_PER_ACCOUNT: usize = 3;

/// One run of a job.
#[derive(Debug)]
pub(crate) struct JobRun {
    pub(crate) answer: Value,
    pub(crate) wall: Duration,
    pub(crate) used: Usage,
    pub(crate) calls: Vec<Call>,
}

/// Runs of `provision` that made users anew.
#[derive(Debug)]
pub(crate) struct Provisioned<'a> {
    /// Where the secrets are.
    pub(crate) location: &'static str,
    /// How many users of an account are the usual number.
    pub(crate) usual: usize,
    pub(crate) chain: &'a Chain,
    /// Accounts, and users of each.
    pub(crate) at_once: (usize, usize),
    /// Each with the critical path of its users.
    pub(crate) runs: &'a [(Size, JobRun, Duration)],
}

/// A run of the schedule that found nothing to do.
#[derive(Debug)]
pub(crate) struct NothingDue {
    pub(crate) size: Size,
    pub(crate) run: JobRun,
    pub(crate) parameters: usize,
    pub(crate) parameters_per_page: usize,
    pub(crate) accounts: Vec<String>,
}

impl Report {
    pub(crate) fn provisioned(&mut self, provisioned: &Provisioned<'_>) {
        let Provisioned {
            location, chain, ..
        } = provisioned;
        let actions = chain.actions.iter();
        let actions: Vec<String> = actions
            .map(|(action, number)| match number {
                1 => action.clone(),
                number => format!("{action} x {number}"),
            })
            .collect();
        let remark = format!("secrets in the {location} account: {}", actions.join(", "));
        let all: usize = chain.actions.values().sum();
        self.add(
            "provision: calls per new user",
            count(all),
            "",
            None,
            remark,
        );
        let remark = format!(
            "told at {} ms; beside them {} for each account and {} for each run",
            LONG_LATENCY.as_millis(),
            chain.account,
            chain.once
        );
        self.add("  in sequence", count(chain.user), "", None, remark);
        for (size, run, path) in provisioned.runs {
            if size.users == provisioned.usual {
                self.provision_time(provisioned, *size, run, *path);
            }
        }
        self.provision_memory(provisioned);
    }

    fn provision_time(
        &mut self,
        provisioned: &Provisioned<'_>,
        size: Size,
        run: &JobRun,
        path: Duration,
    ) {
        let (wall, path) = (run.wall.as_secs_f64(), path.as_secs_f64());
        let (accounts, users) = provisioned.at_once;
        let location = provisioned.location;
        let remark = format!(
            "secrets in the {location} account; {:.2} x the critical path of the users at {accounts} accounts and {users} \
             users at once ({path:.2} s); processor {:.2} s",
            wall / path,
            run.used.processor.as_secs_f64()
        );
        let name = format!("provision: {} x {} new users", size.accounts, size.users);
        self.add(name, wall, "s", Some(PATH_FACTOR * path), remark);
        let calls = by_action(&run.calls);
        let name = match location {
            "hub" => "provision",
            _ => "provision, member",
        };
        self.calls.push((name, calls));
    }

    fn provision_memory(&mut self, provisioned: &Provisioned<'_>) {
        let location = provisioned.location;
        let peaks = provisioned.runs.iter();
        let peaks: BTreeMap<usize, u64> = peaks
            .map(|(size, run, ..)| (size.all_users(), run.used.peak_memory))
            .collect();
        let told: Vec<String> = peaks
            .iter()
            .map(|(users, peak)| format!("{:.1} MB with {users}", megabytes(*peak)))
            .collect();
        let most = peaks.values().copied().max().unwrap_or_default();
        let remark = format!(
            "VmHWM; secrets in the {location} account; users: {}",
            told.join(", ")
        );
        let reached = known(most);
        let target = Some(megabytes(MEMORY_TARGET));
        self.add("provision: peak memory", reached, "MB", target, remark);
        if let (Some((few, less)), Some((many, more))) =
            (peaks.first_key_value(), peaks.last_key_value())
            && many > few
        {
            let users = count(many - few) / 1e3;
            let growth = (known(*more) - known(*less)) / users;
            let remark = "from the fewest users to the most";
            self.add(
                "  more per 1000 users",
                growth,
                "MB",
                Some(GROWTH_TARGET),
                remark,
            );
        }
        if location == "hub" {
            self.details
                .insert("provision_peak_memory_bytes", json!(peaks));
        }
    }

    pub(crate) fn nothing_due(&mut self, done: &NothingDue) {
        let calls = &done.run.calls;
        let (mut users, mut accounts) = (BTreeMap::new(), BTreeMap::new());
        let mut rest: BTreeMap<&str, usize> = BTreeMap::new();
        for call in calls {
            let account_id = call.account_id.as_str();
            if !call.user_name.is_empty() {
                *users.entry((account_id, &call.user_name)).or_insert(0) += 1;
            } else if done.accounts.iter().any(|own| own == account_id) {
                *accounts.entry(account_id).or_insert(0) += 1;
            } else {
                *rest.entry(&call.action).or_default() += 1;
            }
        }
        let most = |counts: Option<usize>| count(counts.unwrap_or_default());
        let size = done.size;
        let what = format!(
            "{} accounts x {} users, a key each",
            size.accounts, size.users
        );
        self.add(
            "nothing due: calls per user",
            most(users.values().copied().max()),
            "",
            Some(count(CALLS_PER_USER)),
            format!("most of any user; {what}"),
        );
        self.add(
            "nothing due: calls per account",
            most(accounts.values().copied().max()),
            "",
            Some(count(CALLS_PER_ACCOUNT)),
            "most of any account",
        );
        let told: Vec<String> = rest
            .iter()
            .map(|(action, number)| format!("{action} x {number}"))
            .collect();
        let remark = format!(
            "{}; a page of the table holds 1 MB, one of parameters {} of {}",
            told.join(", "),
            done.parameters_per_page,
            done.parameters
        );
        self.add(
            "  beside them, in the hub",
            count(rest.values().sum()),
            "",
            None,
            remark,
        );
        let target = CALLS_PER_USER * size.all_users() + CALLS_PER_ACCOUNT * size.accounts;
        self.add(
            "nothing due: calls together",
            count(calls.len()),
            "",
            Some(count(target)),
            "those in the hub included",
        );
        let remark = format!(
            "processor {:.2} s; {:.1} ms of it per call",
            done.run.used.processor.as_secs_f64(),
            done.run.used.processor.as_secs_f64() * 1e3 / count(calls.len())
        );
        let wall = done.run.wall.as_secs_f64();
        self.add("nothing due: wall time", wall, "s", None, remark);
        let peak = known(done.run.used.peak_memory);
        let target = Some(megabytes(MEMORY_TARGET));
        self.add("nothing due: peak memory", peak, "MB", target, "VmHWM");
        self.calls.push(("nothing due", by_action(calls)));
    }
}

/// Without `/proc` there is no number, and no number is not a met target.
fn known(bytes: u64) -> f64 {
    if bytes == 0 {
        f64::NAN
    } else {
        megabytes(bytes)
    }
}
