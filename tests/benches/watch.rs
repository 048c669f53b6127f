//! Runs Terraform and looks at the memory and processor time of the providers that it starts.
//!
//! The numbers are those of Linux (`/proc`); elsewhere there are none, and the report says so.

use std::collections::BTreeMap;
use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use harness::{Terraform, TerraformOutput};

/// Between two looks. The peak that the kernel keeps never falls, so a look shortly before the end of a process sees
/// nearly all of it.
const PAUSE: Duration = Duration::from_millis(10);
/// The first 15 characters of the provider's name, which are all that the kernel keeps.
const PROVIDER: &str = "terraform-provi";
/// `USER_HZ`, which is 100 on every Linux.
const TICK: Duration = Duration::from_millis(10);

/// What a process took.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Usage {
    /// Most memory at any time, in bytes (`VmHWM`).
    pub(crate) peak_memory: u64,
    /// Processor time.
    pub(crate) processor: Duration,
}

/// One run of Terraform.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) output: TerraformOutput,
    pub(crate) wall: Duration,
    pub(crate) terraform: Usage,
    /// Every provider process of the run, in the order of their ids.
    pub(crate) providers: Vec<Usage>,
}

/// Runs a subcommand to its end.
pub(crate) fn run(terraform: &Terraform, arguments: &[&str]) -> Result<Run> {
    let begin = Instant::now();
    let running = terraform.spawn(arguments)?;
    let id = running.id();
    let ended = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let watcher = scope.spawn(|| {
            let mut seen = Seen::default();
            while !ended.load(Ordering::Relaxed) {
                seen.look(id);
                std::thread::sleep(PAUSE);
            }
            seen
        });
        let output = running.wait();
        let wall = begin.elapsed();
        ended.store(true, Ordering::Relaxed);
        let seen = watcher.join().ok().context("the watching thread failed")?;
        Ok(Run {
            output: output?,
            wall,
            terraform: seen.terraform,
            providers: seen.providers.into_values().collect(),
        })
    })
}

#[derive(Debug, Default)]
struct Seen {
    terraform: Usage,
    providers: BTreeMap<u32, Usage>,
}

impl Seen {
    fn look(&mut self, terraform: u32) {
        if let Some(usage) = usage(terraform) {
            self.terraform = usage;
        }
        for child in children(terraform) {
            let name = fs::read_to_string(format!("/proc/{child}/comm")).unwrap_or_default();
            if let (PROVIDER, Some(usage)) = (name.trim(), usage(child)) {
                self.providers.insert(child, usage);
            }
        }
    }
}

/// The children of all threads of a process.
fn children(process: u32) -> Vec<u32> {
    fs::read_dir(format!("/proc/{process}/task"))
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|thread| fs::read_to_string(thread.path().join("children")).ok())
        .flat_map(|list| {
            let ids = list.split_whitespace().filter_map(|id| id.parse().ok());
            ids.collect::<Vec<u32>>()
        })
        .collect()
}

/// What a process took so far. Nothing when it has ended, and on systems without `/proc`.
pub(crate) fn usage(process: u32) -> Option<Usage> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let peak = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kilobytes: u64 = peak.split_whitespace().next()?.parse().ok()?;
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // The name may hold spaces; what follows its closing parenthesis begins with field 3.
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(11);
    let user: u32 = fields.next()?.parse().ok()?;
    let system: u32 = fields.next()?.parse().ok()?;
    Some(Usage {
        peak_memory: kilobytes * 1024,
        processor: TICK * (user + system),
    })
}
