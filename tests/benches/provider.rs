//! `cargo bench`: speed and size of the provider beside their targets, as a table and as `bench-results.json` in
//! the target directory. Start and memory of the Lambda function are measured too, and what the jobs take.
//!
//! Real Terraform at its default parallelism drives the release binary against a small server that holds every
//! call for 40 ms, because a stand-in in Python would itself be what is measured. The server speaks plain HTTP, so
//! the cost of TLS with AWS is in no number. A target that is missed is reported as missed and is no
//! failure of the program; a step that does not do what it should is.
//!
//! `cargo bench -- --accounts 10 --users 2 --job-users 4 --latency-ms 40 --runs 1 --starts 5` makes it smaller, and
//! `cargo bench -- --only jobs` leaves out what is not about the jobs.

#![allow(
    clippy::disallowed_methods,
    reason = "a benchmark looks at the clock, the environment and its children; nothing of it is in the product"
)]
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "its output is what it is for"
)]

mod credentials;
mod function;
mod jobs;
mod report;
mod start;
mod watch;
mod workload;

use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};

use report::Report;
use workload::Size;

/// What can be chosen on the command line.
#[derive(Debug)]
struct Arguments {
    size: Size,
    /// The users of each account for the jobs.
    job_users: usize,
    latency: Duration,
    runs: usize,
    starts: usize,
    only_jobs: bool,
}

fn main() -> Result<()> {
    let Some(arguments) = arguments(std::env::args().skip(1))? else {
        return Ok(());
    };
    let mut report = Report::new(&arguments.size, arguments.latency)?;
    if !arguments.only_jobs {
        provider_and_function(&arguments, &mut report)?;
    }
    step("the jobs are built in the release profile when they are missing or old");
    let size = Size {
        users: arguments.job_users,
        ..arguments.size
    };
    jobs::measure(size, arguments.latency, &mut report, &step)?;

    println!("{report}");
    let path = harness::target_directory().join("bench-results.json");
    std::fs::write(&path, report.to_json()?)
        .with_context(|| format!("cannot write {}", path.display()))?;
    println!("written to {}", path.display());
    Ok(())
}

fn provider_and_function(arguments: &Arguments, report: &mut Report) -> Result<()> {
    step("the provider is built in the release profile when it is missing or old");
    let binary = harness::provider_binary()?;
    let size = binary.metadata().context("the binary has no size")?.len();
    report.binary_size(size);
    step("start and schema");
    report.start(&start::measure(&binary, arguments.starts)?);
    let (size, latency, runs) = (&arguments.size, arguments.latency, arguments.runs);
    let mut phases = workload::measure(size, latency, runs, report, &step)?;
    phases.extend(credentials::measure(size, latency, runs, report, &step)?);
    report.sessions(phases.iter().flat_map(|phase| &phase.calls))?;
    report.memory(phases.iter());
    step("the Lambda function is packaged when that is missing or old");
    let binary = harness::lambda::handler_binary()?;
    step("start and memory of the function");
    report.function(&function::measure(&binary, arguments.starts)?);
    Ok(())
}

fn step(what: &str) {
    eprintln!("bench: {what}");
}

/// Nothing when cargo asks for something else than a measurement.
fn arguments(mut given: impl Iterator<Item = String>) -> Result<Option<Arguments>> {
    let mut arguments = Arguments {
        size: Size {
            accounts: 100,
            users: 5,
        },
        latency: Duration::from_millis(40),
        job_users: 20,
        runs: 3,
        starts: 21,
        only_jobs: false,
    };
    while let Some(name) = given.next() {
        // Cargo adds `--bench` by itself; `cargo test --benches` does not, and wants no measurement.
        if name == "--bench" {
            continue;
        }
        let value = given
            .next()
            .with_context(|| format!("{name} needs a value"))?;
        if name == "--only" {
            ensure!(value == "jobs", "--only {value} is unknown: --only jobs");
            arguments.only_jobs = true;
            continue;
        }
        let number: usize = value.parse().with_context(|| format!("{name} {value}"))?;
        match name.as_str() {
            "--accounts" => arguments.size.accounts = number.max(1),
            "--users" => arguments.size.users = number.max(1),
            "--job-users" => arguments.job_users = number.max(1),
            "--latency-ms" => {
                arguments.latency = Duration::from_millis(u64::try_from(number)?);
            }
            "--runs" => arguments.runs = number.max(1),
            "--starts" => arguments.starts = number.max(1),
            other => {
                bail!(
                    "{other} is unknown: --accounts, --users, --job-users, --latency-ms, --runs, --starts or --only"
                )
            }
        }
    }
    Ok(Some(arguments))
}
