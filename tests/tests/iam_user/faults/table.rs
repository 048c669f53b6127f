//! The table: each call of a clean run, failing in each way, in accounts of its own.

use std::collections::BTreeMap;
use std::time::Instant;

use anyhow::{Result, ensure};
use futures_util::StreamExt as _;
use harness::standin::WorldOptions;
use serde_json::{Value, json};
use tokio::sync::Semaphore;

use super::super::host::Stored;
use super::case::PATIENCE;
use super::{Case, Failure, Place, history};

/// Cases that run at the same time, over all tests: most of the time a case waits for a retry.
static PARALLEL: Semaphore = Semaphore::const_new(32);

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

    /// How a writing call is made to fail.
    fn failures(self) -> &'static [Failure];

    /// How a reading call is made to fail.
    fn failures_of_reads(self) -> &'static [Failure] {
        &Failure::ESSENTIAL_OF_READS
    }

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

/// All calls of an operation, each failing in every way.
pub(in super::super) async fn table<O: Operation>(operation: O) {
    let begin = Instant::now();
    let places = places(operation).await.unwrap();
    let writes = places.iter().filter(|place| place.is_write()).count();
    let cases = places.iter().flat_map(|place| {
        let failures = if place.is_write() {
            operation.failures()
        } else {
            operation.failures_of_reads()
        };
        failures.iter().map(move |failure| (place, *failure))
    });
    let cases: Vec<_> = cases.collect();
    let results = run(cases.iter().map(|(place, failure)| {
        let title = format!("{failure:?} at {place:?}");
        (title, check(operation, place, *failure))
    }))
    .await;
    println!(
        "{operation:?}: {} calls, {writes} of them writes, {} cases in {:?}",
        places.len(),
        cases.len(),
        begin.elapsed()
    );
    assert!(writes > 2, "{places:?}");
    assert_none_failed(cases.len(), &results);
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
