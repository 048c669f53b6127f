//! The table: each call of a clean run, failing in each way, in accounts of its own.

use std::collections::BTreeMap;
use std::time::Instant;

use anyhow::{Context as _, Result, ensure};
use futures_util::{FutureExt as _, StreamExt as _};
use harness::standin::{Call, WorldOptions};
use serde_json::{Value, json};
use tokio::sync::Semaphore;

use super::super::host::Stored;
use super::case::PATIENCE;
use super::{Case, Failure, Place, history, is_write};

/// Cases that run at the same time, over all tests: most of the time a case waits for a retry.
static PARALLEL: Semaphore = Semaphore::const_new(48);

/// How many reads fail one after the other in the same accounts: waiting for retries takes time, making users takes power.
const EARLY_READS: usize = 3;

/// What is done while a call fails, and what must be there in the end.
pub(in super::super) trait Operation: Copy + std::fmt::Debug {
    /// What the check has to know about the time before.
    type Before;

    /// What the provider block needs beside what every case has.
    fn settings(self) -> Value {
        json!({})
    }

    /// The accounts, with one member account; by default their role may do everything.
    fn world(self) -> WorldOptions {
        WorldOptions::default()
    }

    /// Makes what is there before the operation.
    async fn arrange(self, case: &Case) -> Result<(Stored, Self::Before)>;

    /// The configuration of the user; none when it is to be deleted.
    fn wanted(self, case: &Case) -> Option<Value>;

    /// How each call is made to fail.
    fn failures(self) -> &'static [Failure];

    /// Whether everything is as it should be. That the next plan is empty, that no other user is there and that all
    /// writes were recorded is known by then.
    async fn check(self, case: &Case, before: &Self::Before, stored: &Stored) -> Result<()>;
}

/// The calls of a run in which nothing fails.
pub(in super::super) async fn places<O: Operation>(operation: O) -> Result<Vec<Place>> {
    let case = Case::new(operation).await?;
    let (stored, before) = operation.arrange(&case).await?;
    case.forget_calls().await?;
    let mut after = stored.clone();
    let wanted = operation.wanted(&case);
    case.apply(&mut after, wanted.as_ref()).await?;
    let calls = case.calls().await?;
    case.converge(after, operation, &before).await?;
    let mut counts = BTreeMap::new();
    Ok(calls
        .into_iter()
        .map(|call| {
            let hub = case.is_hub(&call.account_id);
            let number = counts.entry((hub, call.action.clone())).or_insert(0);
            *number += 1;
            Place {
                hub,
                action: call.action,
                number: *number,
            }
        })
        .collect())
}

async fn check<O: Operation>(operation: O, place: &Place, failure: Failure) -> Result<()> {
    let case = Case::new(operation).await?;
    let (mut stored, before) = operation.arrange(&case).await?;
    case.forget_calls().await?;
    let wanted = operation.wanted(&case);
    let survived = case
        .run_with_fault(&mut stored, wanted.as_ref(), place, failure)
        .await?;
    if failure == Failure::DroppedAfterCommitOnce {
        ensure!(survived, "one lost answer is for the retries of the SDK");
    }
    case.converge(stored, operation, &before).await?;
    history::check_quota(&case).await
}

/// Reads before the first write, failing one after the other in the same accounts: as long as a run fails, nothing but
/// its record is written, and there is nothing to arrange anew.
async fn check_early<O: Operation>(operation: O, reads: &[Place], failure: Failure) -> Result<()> {
    let mut arranged = None;
    for place in reads {
        let (case, mut stored, before) = match arranged.take() {
            Some(unchanged) => unchanged,
            None => {
                let case = Case::new(operation).await?;
                let (stored, before) = operation.arrange(&case).await?;
                (case, stored, before)
            }
        };
        case.forget_calls().await?;
        let wanted = operation.wanted(&case);
        let run = case.run_with_fault(&mut stored, wanted.as_ref(), place, failure);
        let survived = run.await.with_context(|| format!("at {place:?}"))?;
        if survived {
            // It can do without this read.
            let converged = case.converge(stored, operation, &before).await;
            converged.with_context(|| format!("after {place:?}"))?;
            continue;
        }
        let calls = case.calls().await?;
        let changes =
            |it: &&Call| it.committed && is_write(&it.action) && it.action != "s3:PutObject";
        let change = calls.iter().find(changes);
        ensure!(change.is_none(), "{place:?} failed, and still {change:?}");
        arranged = Some((case, stored, before));
    }
    match arranged {
        Some((case, stored, before)) => case.converge(stored, operation, &before).await,
        None => Ok(()),
    }
}

/// All calls of an operation, each failing in every way.
pub(in super::super) async fn table<O: Operation>(operation: O) {
    let begin = Instant::now();
    let places = places(operation).await.unwrap();
    let first_write = places.iter().position(Place::is_write).unwrap_or_default();
    let (early, others) = places.split_at(first_write);
    let failures = || operation.failures().iter().copied();
    let failing = |place: &Place| {
        let write = place.is_write();
        failures().filter(move |failure| write || failure.of_reads())
    };
    let mut cases = Vec::new();
    for failure in failures().filter(|failure| failure.of_reads()) {
        for reads in early.chunks(EARLY_READS) {
            let title = format!("{failure:?} before the first write");
            let work = check_early(operation, reads, failure);
            cases.push((title, work.boxed_local()));
        }
    }
    for place in others {
        for failure in failing(place) {
            let title = format!("{failure:?} at {place:?}");
            cases.push((title, check(operation, place, failure).boxed_local()));
        }
    }
    let count = places.iter().flat_map(failing).count();
    let results = run(cases.into_iter()).await;
    println!(
        "{operation:?}: {} calls, {} of them reads before the first write, {count} cases in {:?}",
        places.len(),
        early.len(),
        begin.elapsed()
    );
    assert!(others.len() > 2, "{places:?}");
    assert_none_failed(count, &results);
}

/// Runs cases side by side; the errors of those that failed.
pub(crate) async fn run(
    cases: impl Iterator<Item = (String, impl Future<Output = Result<()>>)>,
) -> Vec<String> {
    let cases: Vec<_> = cases.collect();
    let count = cases.len();
    futures_util::stream::iter(cases)
        .map(async |(title, work)| {
            let _place = PARALLEL.acquire().await;
            let result = tokio::time::timeout(PATIENCE, work).await;
            let result = result.unwrap_or_else(|_| Err(anyhow::anyhow!("it hangs")));
            result.err().map(|error| format!("{title}: {error:#}"))
        })
        .buffer_unordered(count)
        .filter_map(async |failed| failed)
        .collect()
        .await
}

pub(crate) fn assert_none_failed(count: usize, failed: &[String]) {
    assert!(
        failed.is_empty(),
        "{} of {count} cases failed:\n{}",
        failed.len(),
        failed.join("\n")
    );
}
