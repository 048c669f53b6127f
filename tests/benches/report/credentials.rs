//! What was reached with access keys and console passwords.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::json;

use super::{
    PLAN_FACTOR, Phase, Report, TRIPS_TARGET, cost, count, median, megabytes, milliseconds,
};
use crate::workload::{LONG_LATENCY, PARALLELISM, Size};
use harness::bench_server::by_action;

const CALLS_TARGET: usize = 7;
/// The calls of a rotation that wait for each other.
const CHAIN_TARGET: usize = 5;
const ROTATIONS_FACTOR: f64 = 1.3;

/// Plans of users with credentials that found nothing to do.
#[derive(Debug)]
pub(crate) struct Refresh<'a> {
    pub(crate) plans: &'a [Phase],
    /// The round trips of each user.
    pub(crate) trips: &'a [usize],
    pub(crate) state_bytes: u64,
}

/// What the update of one user called.
#[derive(Debug)]
pub(crate) struct UpdateCalls {
    /// How many calls were the rotation itself.
    pub(crate) rotation: usize,
    /// How many of these waited for each other.
    pub(crate) rotation_trips: usize,
    /// In the order in which they began.
    pub(crate) rotation_actions: Vec<String>,
    pub(crate) rotation_time: Duration,
    /// How many calls there were, those of the rotation included.
    pub(crate) all: usize,
    pub(crate) all_trips: usize,
    /// Those that were not the rotation itself.
    pub(crate) other_actions: BTreeMap<String, usize>,
}

/// Runs that rotated the keys of many users.
#[derive(Debug)]
pub(crate) struct Rotations {
    pub(crate) users: usize,
    pub(crate) accounts: usize,
    /// The time of each apply.
    pub(crate) usual: Vec<Duration>,
    /// Those of applies that change as many resources without a provider.
    pub(crate) floors: Vec<Duration>,
    /// Those of applies of plans without changes.
    pub(crate) empty: Vec<Duration>,
    /// Of every user and run.
    pub(crate) updates: Vec<UpdateCalls>,
    /// The same with another configuration.
    pub(crate) variants: Vec<(&'static str, Vec<Duration>)>,
}

impl Report {
    pub(crate) fn refresh(&mut self, refresh: &Refresh<'_>, size: Size) -> Result<()> {
        let first = refresh.plans.first().context("there was no plan")?;
        let most = refresh.trips.iter().copied().max().unwrap_or_default();
        let calls = by_action(&first.calls);
        let lists = calls.get("ssm:DescribeParameters").copied();
        let remark = format!(
            "access key and console access; most of any user, told at {} ms; beside them the store was listed with {} \
             calls for {} accounts",
            LONG_LATENCY.as_millis(),
            lists.unwrap_or_default(),
            size.accounts
        );
        let target = Some(count(TRIPS_TARGET));
        self.add(
            "credentials: round trips per user",
            count(most),
            "",
            target,
            remark,
        );

        let plan = median(refresh.plans.iter().map(Phase::wall)).as_secs_f64();
        let reads = self.latency.as_secs_f64() * count(size.all_users()) / count(PARALLELISM);
        let target = PLAN_FACTOR * reads + self.floor;
        let remark = format!(
            "users as above; median of {}; {:.2} x the reads above the floor; {}",
            refresh.plans.len(),
            (plan - self.floor) / reads,
            cost(&first.run)
        );
        self.add(
            "credentials: plan without changes",
            plan,
            "s",
            Some(target),
            remark,
        );
        self.calls.push((first.name, calls));

        let all = megabytes(refresh.state_bytes) * 1e3;
        let remark = format!("{all:.0} kB for {} users", size.all_users());
        let each = all / count(size.all_users());
        self.add("credentials: state per user", each, "kB", None, remark);
        Ok(())
    }

    /// `updates` were made with a long latency.
    pub(crate) fn rotation_calls(&mut self, updates: &[UpdateCalls]) {
        let most = |number: fn(&UpdateCalls) -> usize| updates.iter().map(number).max();
        let most = |number| count(most(number).unwrap_or_default());
        let first = updates.first();
        let actions = first.map(|first| first.rotation_actions.join(", "));
        let target = Some(count(CALLS_TARGET));
        let remark = actions.unwrap_or_default();
        self.add("rotation: calls", most(|u| u.rotation), "", target, remark);
        let target = Some(count(CHAIN_TARGET));
        let remark = format!(
            "most of {} users with an access key and a managed policy, told at {} ms",
            updates.len(),
            LONG_LATENCY.as_millis()
        );
        let reached = most(|u| u.rotation_trips);
        self.add("rotation: calls in sequence", reached, "", target, remark);

        let others = first.into_iter().flat_map(|first| &first.other_actions);
        let others: Vec<String> = others
            .map(|(action, number)| match number {
                1 => action.clone(),
                number => format!("{action} x {number}"),
            })
            .collect();
        let remark = format!("also {}", others.join(", "));
        self.add("  whole update: calls", most(|u| u.all), "", None, remark);
        let remark = "observation, first audit record, rotation, last audit record";
        self.whole_chain = updates.iter().map(|update| update.all_trips).max();
        self.add(
            "  whole update: in sequence",
            most(|u| u.all_trips),
            "",
            None,
            remark,
        );
    }

    pub(crate) fn rotations(&mut self, rotations: &Rotations) {
        let rounds = count(rotations.users) / count(PARALLELISM);
        let call = self.latency.as_secs_f64();
        let chain = count(CHAIN_TARGET) * call * rounds;
        let whole = count(self.whole_chain.unwrap_or_default()) * call * rounds;
        let target = Some(ROTATIONS_FACTOR * chain);
        let middle = |times: &[Duration]| median(times.iter().copied()).as_secs_f64();
        let (wall, floor) = (middle(&rotations.usual), middle(&rotations.floors));
        let empty = middle(&rotations.empty);
        let net = wall - empty;
        let times = rotations.updates.iter().map(|update| update.rotation_time);
        let mean = times.sum::<Duration>().as_secs_f64() / count(rotations.updates.len()).max(1.0);
        let remark = format!(
            "apply of a saved plan ({wall:.2} s) less an empty one ({empty:.2} s), medians of {}; {:.2} x the chain of \
             the rotation ({chain:.2} s)",
            rotations.usual.len(),
            net / chain
        );
        let name = format!(
            "{} rotations in {} accounts",
            rotations.users, rotations.accounts
        );
        self.add(name, net, "s", target, remark);
        let remark = "Terraform's own time for changes of as many terraform_data, less the empty apply; it passes while \
                      calls are waited for, so it cannot be taken off";
        self.add("  floor beside that", floor - empty, "s", None, remark);
        let remark = "1 is the chain of the whole update at the parallelism";
        self.add("  x the whole chain", net / whole, "x", None, remark);
        let remark = format!(
            "mean from its first call to its last; {:.2} x {} calls",
            mean / (count(CHAIN_TARGET) * call),
            CHAIN_TARGET
        );
        self.add("  one rotation itself", mean * 1e3, "ms", None, remark);
        for (name, walls) in &rotations.variants {
            let net = middle(walls) - empty;
            let remark = format!(
                "median of {}; {:.2} x the chain of the rotation",
                walls.len(),
                net / chain
            );
            self.add(format!("  {name}"), net, "s", None, remark);
        }
        let all =
            |times: &[Duration]| -> Vec<f64> { times.iter().copied().map(milliseconds).collect() };
        let variants: BTreeMap<_, _> = rotations
            .variants
            .iter()
            .map(|(name, walls)| (*name, all(walls)))
            .collect();
        let details = json!({
            "apply_ms": all(&rotations.usual),
            "floor_ms": all(&rotations.floors),
            "empty_ms": all(&rotations.empty),
            "variants_apply_ms": variants,
        });
        self.details.insert("rotations", details);
    }
}
