//! What was reached beside what was wanted, for people and for programs.
//!
//! Sizes are decimal: 1 MB is 1,000,000 bytes.

mod credentials;
mod jobs;

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use anyhow::{Context, Result};
use comfy_table::presets::ASCII_BORDERS_ONLY_CONDENSED;
use comfy_table::{ContentArrangement, Table};
use harness::bench_server::{Call, by_action};
use harness::terraform::find_cli;
use serde_json::{Value, json};

pub(crate) use credentials::{Refresh, Rotations, UpdateCalls};
pub(crate) use jobs::{JobRun, NothingDue, Provisioned};

use crate::function::Measured;
use crate::start::Start;
use crate::watch::{Run, Usage};
use crate::workload::{LONG_LATENCY, PARALLELISM, Size, THINGS_PER_USER, sessions_per_account};

/// What a cold function may take, and the memory that it may use: half of the least that Lambda gives.
const FUNCTION_START_TARGET: Duration = Duration::from_millis(50);
const FUNCTION_MEMORY_TARGET: u64 = 64_000_000;

const BINARY_TARGET: u64 = 30_000_000;
const SCHEMA_TARGET: f64 = 1e5;
const START_TARGET: Duration = Duration::from_millis(50);
const MEMORY_TARGET: u64 = 60_000_000;
const PLAN_FACTOR: f64 = 1.5;
const TRIPS_TARGET: usize = 2;
const SESSIONS_TARGET: usize = 2;

/// One run of Terraform with the calls that it led to.
#[derive(Debug)]
pub(crate) struct Phase {
    name: &'static str,
    run: Run,
    pub(crate) calls: Vec<Call>,
}

impl Phase {
    pub(crate) fn new(name: &'static str, run: Run, calls: Vec<Call>) -> Self {
        Self { name, run, calls }
    }

    pub(crate) fn wall(&self) -> Duration {
        self.run.wall
    }

    fn seconds(&self) -> f64 {
        self.run.wall.as_secs_f64()
    }
}

/// Plans without changes, each kind as often.
#[derive(Debug, Default)]
pub(crate) struct Plans {
    /// Resources without a provider.
    pub(crate) floor: Vec<Duration>,
    /// With the latency.
    pub(crate) with_latency: Vec<Phase>,
    /// With a server that answers at once.
    pub(crate) without_latency: Vec<Run>,
}

/// Everything that is told in the end.
#[derive(Debug)]
pub(crate) struct Report {
    context: Value,
    title: String,
    latency: Duration,
    /// The seconds of a plan without a provider.
    floor: f64,
    /// How many calls of an update that rotates a key wait for each other.
    whole_chain: Option<usize>,
    measures: Vec<Measure>,
    calls: Vec<(&'static str, BTreeMap<String, usize>)>,
    details: BTreeMap<&'static str, Value>,
}

#[derive(Debug)]
struct Measure {
    name: String,
    reached: f64,
    unit: &'static str,
    /// At most this.
    target: Option<f64>,
    remark: String,
}

impl Measure {
    fn verdict(&self) -> &'static str {
        match self.target {
            None => "",
            Some(target) if self.reached <= target => "met",
            Some(_) => "MISSED",
        }
    }

    fn shown(&self, number: f64) -> String {
        match self.unit {
            "" => format!("{number}"),
            "s" | "x" => format!("{number:.2} {}", self.unit),
            unit => format!("{number:.1} {unit}"),
        }
    }
}

impl Report {
    pub(crate) fn new(size: &Size, latency: Duration) -> Result<Self> {
        let cli = find_cli()?;
        let version = std::process::Command::new(cli)
            .args(["version", "-json"])
            .env("CHECKPOINT_DISABLE", "1")
            .env_remove("TF_CLI_CONFIG_FILE")
            .output()
            .context("cannot ask the CLI for its version")?;
        let version: Value = serde_json::from_slice(&version.stdout).unwrap_or_default();
        let version = version
            .get("terraform_version")
            .and_then(Value::as_str)
            .unwrap_or("unknown")
            .to_owned();
        let cores = std::thread::available_parallelism().map_or(0, usize::from);
        let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
        let load = load.split(' ').next().unwrap_or_default().to_owned();
        let cli = cli
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let (accounts, users) = (size.accounts, size.users);
        let milliseconds = latency.as_millis();
        let title = format!(
            "{accounts} accounts x {users} users, {milliseconds} ms per AWS call, {cli} {version} at parallelism \
             {PARALLELISM}, {cores} cores, load {load} before the start"
        );
        let context = json!({
            "accounts": accounts,
            "users_per_account": users,
            "latency_ms": u64::try_from(milliseconds)?,
            "parallelism": PARALLELISM,
            "cli": format!("{cli} {version}"),
            "cores": cores,
            "load_before": load,
            "system": format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
        });
        Ok(Self {
            context,
            title,
            latency,
            floor: 0.0,
            whole_chain: None,
            measures: Vec::new(),
            calls: Vec::new(),
            details: BTreeMap::new(),
        })
    }

    fn add(
        &mut self,
        name: impl Into<String>,
        reached: f64,
        unit: &'static str,
        target: Option<f64>,
        remark: impl Into<String>,
    ) {
        self.measures.push(Measure {
            name: name.into(),
            reached,
            unit,
            target,
            remark: remark.into(),
        });
    }

    pub(crate) fn binary_size(&mut self, bytes: u64) {
        let target = Some(megabytes(BINARY_TARGET));
        self.add("release binary", megabytes(bytes), "MB", target, "");
    }

    pub(crate) fn start(&mut self, starts: &[Start]) {
        let schema = milliseconds(median(starts.iter().map(|start| start.schema)));
        let handshake = milliseconds(median(starts.iter().map(|start| start.handshake)));
        let fastest = starts
            .iter()
            .map(|start| start.schema)
            .min()
            .unwrap_or_default();
        let remark = format!(
            "median of {}; handshake line after {handshake:.1} ms; fastest {:.1} ms; mutual TLS included",
            starts.len(),
            milliseconds(fastest)
        );
        let target = Some(milliseconds(START_TARGET));
        self.add("start to schema answered", schema, "ms", target, remark);
        let bytes = starts
            .iter()
            .map(|start| start.schema_bytes)
            .max()
            .unwrap_or_default();
        let target = Some(SCHEMA_TARGET / 1e3);
        self.add(
            "schema",
            count(bytes) / 1e3,
            "kB",
            target,
            "encoded answer of GetProviderSchema",
        );
        let all: Vec<_> = starts
            .iter()
            .map(|start| milliseconds(start.schema))
            .collect();
        self.details.insert("start_ms", json!(all));
    }

    pub(crate) fn create(&mut self, create: &Phase, size: Size, writes: &[usize]) {
        let most = writes.iter().copied().max().unwrap_or_default();
        let all: usize = writes.iter().sum();
        let remark = format!(
            "most of any user; {THINGS_PER_USER} things created each; {all} writes for {} users",
            size.all_users()
        );
        let target = Some(count(THINGS_PER_USER + 1));
        self.add("create: writes per user", count(most), "", target, remark);
        self.phase(create);
    }

    /// The calls of a run and how long it took.
    pub(crate) fn phase(&mut self, phase: &Phase) {
        let remark = cost(&phase.run);
        self.add(
            format!("{}: wall time", phase.name),
            phase.seconds(),
            "s",
            None,
            remark,
        );
        self.calls.push((phase.name, by_action(&phase.calls)));
    }

    pub(crate) fn plans(&mut self, plans: &Plans, size: Size) -> Result<()> {
        let floor = median(plans.floor.iter().copied()).as_secs_f64();
        self.floor = floor;
        let plan = median(plans.with_latency.iter().map(|plan| plan.run.wall)).as_secs_f64();
        let at_once = median(plans.without_latency.iter().map(|plan| plan.wall)).as_secs_f64();
        let reads = self.latency.as_secs_f64() * count(size.all_users()) / count(PARALLELISM);
        let target = PLAN_FACTOR * reads + floor;
        let first = plans.with_latency.first().context("there was no plan")?;
        let remark = format!(
            "median of {}; reads alone {reads:.2} s, so {:.2} x them above the floor; {}",
            plans.with_latency.len(),
            (plan - floor) / reads,
            cost(&first.run)
        );
        self.add(
            "plan without changes: wall time",
            plan,
            "s",
            Some(target),
            remark,
        );
        let remark = "Terraform's own floor: the same number of terraform_data resources";
        self.add("  floor in that", floor, "s", None, remark);
        let without = plans.without_latency.first().context("there was no plan")?;
        let remark = format!("the provider's own work; {}", cost(without));
        self.add("  the same plan at no latency", at_once, "s", None, remark);
        self.calls.push(("plan", by_action(&first.calls)));

        let walls = |runs: &mut dyn Iterator<Item = Duration>| -> Vec<f64> {
            runs.map(|wall| wall.as_secs_f64()).collect()
        };
        let details = json!({
            "floor_s": walls(&mut plans.floor.iter().copied()),
            "with_latency_s": walls(&mut plans.with_latency.iter().map(|plan| plan.run.wall)),
            "without_latency_s": walls(&mut plans.without_latency.iter().map(|plan| plan.wall)),
        });
        self.details.insert("plans", details);
        Ok(())
    }

    /// For each user, the round trips with a long latency, and with the one of the other measures.
    pub(crate) fn round_trips(&mut self, long: &[usize], usual: &[usize]) {
        let most = |trips: &[usize]| trips.iter().copied().max().unwrap_or_default();
        let single = |trips: &[usize]| {
            100.0 * count(trips.iter().filter(|trips| **trips == 1).count()) / count(trips.len())
        };
        let remark = format!(
            "most of any user, told at {} ms; {:.1} % of the users took one; at {} ms: most {}, {:.1} % took one",
            LONG_LATENCY.as_millis(),
            single(long),
            self.latency.as_millis(),
            most(usual),
            single(usual)
        );
        let target = Some(count(TRIPS_TARGET));
        self.add(
            "plan: round trips per user",
            count(most(long)),
            "",
            target,
            remark,
        );
    }

    /// `calls` are those of every run.
    pub(crate) fn sessions<'a>(&mut self, calls: impl Iterator<Item = &'a Call>) -> Result<()> {
        let most = sessions_per_account(calls)?;
        let remark = "AssumeRole, most of any account and process of the provider";
        let target = Some(count(SESSIONS_TARGET));
        self.add("STS calls per account", count(most), "", target, remark);
        Ok(())
    }

    pub(crate) fn memory<'a>(&mut self, phases: impl Iterator<Item = &'a Phase>) {
        let mut peaks: BTreeMap<&str, u64> = BTreeMap::new();
        for phase in phases {
            let peak = phase
                .run
                .providers
                .iter()
                .map(|usage| usage.peak_memory)
                .max();
            let kept = peaks.entry(phase.name).or_default();
            *kept = (*kept).max(peak.unwrap_or_default());
        }
        let most = peaks.values().copied().max().unwrap_or_default();
        let parts: Vec<String> = peaks
            .iter()
            .map(|(name, peak)| format!("{name} {:.1}", megabytes(*peak)))
            .collect();
        if most == 0 {
            // Without /proc there is no number, and no number is not a met target.
            let remark = "not measured: this system does not tell";
            return self.add(
                "provider peak memory",
                f64::NAN,
                "MB",
                Some(megabytes(MEMORY_TARGET)),
                remark,
            );
        }
        let remark = format!("most of any process (VmHWM): {}", parts.join(", "));
        let target = Some(megabytes(MEMORY_TARGET));
        self.add(
            "provider peak memory",
            megabytes(most),
            "MB",
            target,
            remark,
        );
        self.details.insert("peak_memory_bytes", json!(peaks));
    }

    pub(crate) fn function(&mut self, measured: &Measured) {
        let start = milliseconds(median(measured.starts.iter().copied()));
        let fastest = measured.starts.iter().min().copied().unwrap_or_default();
        let remark = format!(
            "median of {}; fastest {:.1} ms; refused without a call of AWS",
            measured.starts.len(),
            milliseconds(fastest)
        );
        let target = Some(milliseconds(FUNCTION_START_TARGET));
        self.add(
            "function: start to first answer",
            start,
            "ms",
            target,
            remark,
        );
        let target = Some(megabytes(FUNCTION_MEMORY_TARGET));
        let remark = "VmHWM; a user with credentials created, changed and deleted by one process";
        self.add(
            "function: peak memory",
            megabytes(measured.peak_memory),
            "MB",
            target,
            remark,
        );
        let remark = "unpacked; Lambda takes 250 MB";
        self.add(
            "function: binary",
            megabytes(measured.bytes),
            "MB",
            None,
            remark,
        );
        let all: Vec<_> = measured
            .starts
            .iter()
            .map(|start| milliseconds(*start))
            .collect();
        self.details.insert("function_start_ms", json!(all));
    }

    /// The file for programs.
    pub(crate) fn to_json(&self) -> Result<String> {
        let measures: Vec<Value> = self
            .measures
            .iter()
            .map(|measure| {
                json!({
                    "name": measure.name.trim(),
                    "reached": measure.reached,
                    "unit": measure.unit,
                    "target_at_most": measure.target,
                    "met": measure.target.map(|_| measure.verdict() == "met"),
                    "remark": measure.remark,
                })
            })
            .collect();
        let calls: BTreeMap<_, _> = self
            .calls
            .iter()
            .map(|(name, calls)| (name, calls))
            .collect();
        let all = json!({
            "context": self.context,
            "measures": measures,
            "aws_calls": calls,
            "details": self.details,
        });
        Ok(serde_json::to_string_pretty(&all)? + "\n")
    }
}

impl fmt::Display for Report {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(formatter, "{}\n", self.title)?;
        let mut table = empty_table();
        table.set_header(["measure", "reached", "target", "", "remark"]);
        for measure in &self.measures {
            let target = measure
                .target
                .map(|target| format!("<= {}", measure.shown(target)));
            table.add_row([
                measure.name.clone(),
                measure.shown(measure.reached),
                target.unwrap_or_default(),
                measure.verdict().to_owned(),
                measure.remark.clone(),
            ]);
        }
        writeln!(formatter, "{table}\n")?;

        let actions: BTreeMap<&str, ()> = self
            .calls
            .iter()
            .flat_map(|(_, calls)| calls.keys().map(|action| (action.as_str(), ())))
            .collect();
        let mut table = empty_table();
        let names = self.calls.iter().map(|(name, _)| *name);
        table.set_header(std::iter::once("AWS calls").chain(names));
        for action in actions.into_keys() {
            let counts = self.calls.iter().map(|(_, calls)| match calls.get(action) {
                Some(count) => count.to_string(),
                None => String::new(),
            });
            table.add_row(std::iter::once(action.to_owned()).chain(counts));
        }
        let sums = self
            .calls
            .iter()
            .map(|(_, calls)| calls.values().sum::<usize>().to_string());
        table.add_row(std::iter::once("together".to_owned()).chain(sums));
        write!(formatter, "{table}")
    }
}

/// One line between header and rows, and remarks that wrap.
fn empty_table() -> Table {
    let mut table = Table::new();
    table
        .load_style(ASCII_BORDERS_ONLY_CONDENSED)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_width(150);
    table
}

fn cost(run: &Run) -> String {
    let provider: Duration = run
        .providers
        .iter()
        .map(|usage: &Usage| usage.processor)
        .sum();
    format!(
        "processor: provider {:.2} s in {} processes, Terraform {:.2} s",
        provider.as_secs_f64(),
        run.providers.len(),
        run.terraform.processor.as_secs_f64()
    )
}

fn median(times: impl Iterator<Item = Duration>) -> Duration {
    let mut times: Vec<_> = times.collect();
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

#[expect(clippy::cast_precision_loss, reason = "sizes here are far below 2^52")]
fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}

#[expect(clippy::cast_precision_loss, reason = "counts here are far below 2^52")]
fn count(number: usize) -> f64 {
    number as f64
}
