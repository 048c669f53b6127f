//! Every AWS call of a creation, an adoption, an update and a deletion fails in every way, and one more apply ends in
//! exactly the wanted state.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use futures_util::StreamExt as _;
use harness::standin::Call;
use harness::{Account, Fault, FaultKind, World};
use serde_json::{Value, json};
use tokio::sync::Semaphore;

use super::host::{Provider, Stored};
use super::subject::{User, content, first, prepare, second, statement, user};

const PATIENCE: Duration = Duration::from_mins(4);
/// Cases that run at the same time, over all tests: most of the time a case waits for a retry.
static PARALLEL: Semaphore = Semaphore::const_new(32);

/// What is done while a call fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operation {
    Create,
    Adopt,
    Update,
    Delete,
}

impl Operation {
    fn adoption_policy(self) -> &'static str {
        if self == Self::Adopt { "adopt" } else { "fail" }
    }
}

/// How a call fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Failure {
    Throttled,
    ServerError,
    DroppedBeforeCommit,
    DroppedAfterCommitOnce,
    DroppedAfterCommit,
    Killed,
}

impl Failure {
    const ALL: [Self; 6] = [
        Self::Throttled,
        Self::ServerError,
        Self::DroppedBeforeCommit,
        Self::DroppedAfterCommitOnce,
        Self::DroppedAfterCommit,
        Self::Killed,
    ];
    /// A read has no effect: that it is lost before or after makes no difference, a death in it is one after the
    /// write before it, and the SDK treats all passing refusals alike.
    const OF_READS: [Self; 1] = [Self::ServerError];

    const OF_ADOPTION: [Self; 3] = [Self::ServerError, Self::DroppedAfterCommit, Self::Killed];

    pub(super) fn fault(self, call: &Place) -> Fault {
        let kind = match self {
            Self::Throttled => FaultKind::Throttle,
            Self::ServerError => FaultKind::HttpError {
                status: 500,
                code: "InternalFailure".to_owned(),
            },
            Self::DroppedBeforeCommit => FaultKind::DropBeforeCommit,
            Self::DroppedAfterCommitOnce | Self::DroppedAfterCommit => FaultKind::DropAfterCommit,
            Self::Killed => FaultKind::HoldAfterCommit,
        };
        let fault = Fault::new(kind, &call.action).from_call(call.number);
        match self {
            Self::DroppedAfterCommitOnce | Self::Killed => fault.times(1),
            _ => fault.always(),
        }
    }
}

/// One call of a clean run: the nth of its action.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    /// Whether it is about the hub account.
    pub(super) hub: bool,
    pub(super) action: String,
    pub(super) number: u32,
}

impl Place {
    pub(super) fn is_write(&self) -> bool {
        is_write(&self.action)
    }
}

fn is_write(action: &str) -> bool {
    let reads = [
        "iam:Get", "iam:List", "sts:", "s3:Head", "s3:Get", "s3:List",
    ];
    !reads.iter().any(|read| action.starts_with(read))
}

/// The accounts of one case, with a stranger in them.
struct Case {
    world: World,
    environment: Vec<(String, String)>,
    /// The member account, by hand.
    iam: aws_sdk_iam::Client,
}

impl Case {
    async fn new() -> Result<Self> {
        let world = World::new(1).await?;
        let environment = world.env();
        let iam = world.members()[0].iam();
        prepare(&iam).await?;
        Ok(Self {
            world,
            environment,
            iam,
        })
    }

    fn member(&self) -> &Account {
        &self.world.members()[0]
    }

    async fn provider(&self) -> Result<Provider> {
        let config = json!({
            "deployment_id": "test",
            "external_id": self.world.external_id(),
            "audit": {"bucket": self.world.audit_bucket()},
        });
        Provider::start(&self.environment, &config).await
    }

    fn wanted(&self, operation: Operation) -> Option<Value> {
        match operation {
            Operation::Create | Operation::Adopt => {
                Some(first(self.member().id(), operation.adoption_policy()))
            }
            Operation::Update => Some(second(self.member().id())),
            Operation::Delete => None,
        }
    }

    /// What is there before the operation.
    async fn arrange(&self, operation: Operation) -> Result<Stored> {
        let mut stored = Stored::default();
        match operation {
            Operation::Create => {}
            Operation::Adopt => {
                let iam = &self.iam;
                iam.create_user().user_name("alice").send().await?;
                let document = statement("kms:*").to_string();
                let put = iam.put_user_policy().user_name("alice").policy_name("old");
                put.policy_document(document).send().await?;
            }
            Operation::Update | Operation::Delete => {
                let wanted = first(self.member().id(), operation.adoption_policy());
                self.provider()
                    .await?
                    .apply(&mut stored, Some(&wanted))
                    .await?;
            }
        }
        let control = self.world.control();
        control.clear_calls(self.member().id()).await?;
        control.clear_calls(self.world.hub().id()).await?;
        Ok(stored)
    }

    async fn calls(&self) -> Result<Vec<Call>> {
        let control = self.world.control();
        let mut calls = control.calls(self.world.hub().id()).await?;
        calls.extend(control.calls(self.member().id()).await?);
        Ok(calls)
    }

    fn account(&self, place: &Place) -> &str {
        if place.hub {
            self.world.hub().id()
        } else {
            self.member().id()
        }
    }

    /// One run of the provider with a fault in it; whether it succeeded all the same.
    async fn run_with_fault(
        &self,
        stored: &mut Stored,
        wanted: Option<&Value>,
        place: &Place,
        failure: Failure,
    ) -> Result<bool> {
        let control = self.world.control();
        let account = self.account(place);
        let fault = control
            .add_fault(&failure.fault(place).in_account(account))
            .await?;
        let run = async {
            let mut provider = self.provider().await?;
            provider.apply(stored, wanted).await
        };
        if failure == Failure::Killed {
            let held = control.wait_for_fault(&fault.id, 1, PATIENCE);
            tokio::select! {
                // The process dies with the future that owns it.
                held = held => { held?; }
                result = run => bail!("the run ended before the call was held: {result:?}"),
            }
            control.clear_faults(account).await?;
            return Ok(false);
        }
        let result = run.await;
        // Reads go out side by side, and one that turns out to be needless is given up: it may not have been sent.
        if place.is_write() {
            let hits = control.wait_for_fault(&fault.id, 1, Duration::ZERO).await;
            hits.context("the fault was never met")?;
        }
        control.clear_faults(account).await?;
        Ok(result.is_ok())
    }

    /// After the fault is gone, one more apply must make everything right.
    async fn converge(
        &self,
        mut stored: Stored,
        operation: Operation,
        adopted: Option<&User>,
    ) -> Result<()> {
        let wanted = self.wanted(operation);
        self.provider()
            .await?
            .apply(&mut stored, wanted.as_ref())
            .await
            .context("next apply")?;
        let mut names = vec!["mallory".to_owned()];
        if let Some(wanted) = &wanted {
            let name = wanted["name"].as_str().unwrap_or_default();
            let found = user(&self.iam, name)
                .await?
                .context("the user does not exist")?;
            ensure!(
                found.content == content(wanted),
                "wrong user:\n{:#?}\nwanted:\n{:#?}",
                found.content,
                content(wanted)
            );
            ensure!(
                stored.text("unique_id") == Some(&found.unique_id),
                "wrong unique id in state"
            );
            if let Some(adopted) = adopted {
                ensure!(
                    found.unique_id == adopted.unique_id,
                    "the adopted user was deleted"
                );
            }
            let changes = self.provider().await?.changes(&mut stored, wanted).await?;
            ensure!(changes.is_empty(), "the next plan changes {changes:?}");
            names.insert(0, name.to_owned());
        } else {
            ensure!(!stored.exists(), "the user is still in the state");
        }
        let listed = self.iam.list_users().send().await?;
        let mut found: Vec<_> = listed
            .users()
            .iter()
            .map(|user| user.user_name().to_owned())
            .collect();
        found.sort();
        ensure!(found == names, "left over: {found:?}");
        self.check_history(operation).await
    }

    /// Nothing was written without a record, and no user was without its boundary.
    async fn check_history(&self, operation: Operation) -> Result<()> {
        let calls = self.calls().await?;
        let started = self.started_runs().await?;
        for call in calls
            .iter()
            .filter(|call| call.committed && is_write(&call.action))
        {
            if call.action.starts_with("iam:") {
                let run = call
                    .session_name
                    .strip_prefix("crossaccount-")
                    .unwrap_or_default();
                ensure!(
                    started.contains(run),
                    "{} of run {run} is not recorded",
                    call.action
                );
            }
            let names_stranger = call.parameters.to_string().contains("mallory");
            ensure!(!names_stranger, "{} touched the stranger", call.action);
            if call.action == "iam:CreateUser" {
                let boundary = call.parameters.to_string().contains(":policy/");
                ensure!(
                    boundary,
                    "a user was created without its boundary: {}",
                    call.parameters
                );
            }
            let forbidden = match call.action.as_str() {
                "iam:DeleteUserPermissionsBoundary" => true,
                "iam:DeleteUser" => operation == Operation::Adopt || operation == Operation::Update,
                _ => false,
            };
            ensure!(
                !forbidden,
                "{} must not happen in {operation:?}",
                call.action
            );
        }
        Ok(())
    }

    /// The runs that have a `started` record.
    async fn started_runs(&self) -> Result<BTreeSet<String>> {
        let (s3, bucket) = (self.world.s3(), self.world.audit_bucket());
        let mut runs = BTreeSet::new();
        for object in s3.list_objects_v2().bucket(bucket).send().await?.contents() {
            let key = object.key().unwrap_or_default();
            if key.ends_with(".started.json") {
                let body = s3.get_object().bucket(bucket).key(key).send().await?.body;
                let record: Value = serde_json::from_slice(&body.collect().await?.into_bytes())?;
                runs.insert(record["run_id"].as_str().unwrap_or_default().to_owned());
            }
        }
        Ok(runs)
    }
}

/// The calls of a run in which nothing fails.
pub(super) async fn places(operation: Operation) -> Result<Vec<Place>> {
    let case = Case::new().await?;
    let stored = case.arrange(operation).await?;
    let adopted = user(&case.iam, "alice").await?;
    let mut after = stored.clone();
    let wanted = case.wanted(operation);
    case.provider()
        .await?
        .apply(&mut after, wanted.as_ref())
        .await?;
    let calls = case.calls().await?;
    case.converge(
        after,
        operation,
        adopted.as_ref().filter(|_| operation == Operation::Adopt),
    )
    .await?;
    let mut counts = BTreeMap::new();
    let hub = case.world.hub().id();
    Ok(calls
        .into_iter()
        .map(|call| {
            let is_hub = call.account_id == hub;
            let number = counts.entry((is_hub, call.action.clone())).or_insert(0);
            *number += 1;
            Place {
                hub: is_hub,
                action: call.action,
                number: *number,
            }
        })
        .collect())
}

async fn check(operation: Operation, place: &Place, failure: Failure) -> Result<()> {
    let case = Case::new().await?;
    let mut stored = case.arrange(operation).await?;
    let adopted = match operation {
        Operation::Adopt => user(&case.iam, "alice").await?,
        _ => None,
    };
    let wanted = case.wanted(operation);
    let survived = case
        .run_with_fault(&mut stored, wanted.as_ref(), place, failure)
        .await?;
    if failure == Failure::DroppedAfterCommitOnce {
        ensure!(survived, "one lost answer is for the retries of the SDK");
    }
    case.converge(stored, operation, adopted.as_ref()).await
}

/// All calls of an operation, each failing in every way.
async fn table(operation: Operation) {
    let begin = Instant::now();
    let places = places(operation).await.unwrap();
    let writes = places.iter().filter(|place| place.is_write()).count();
    let mut cases = Vec::new();
    for place in &places {
        let failures: &[_] = match (place.is_write(), operation) {
            (false, _) => &Failure::OF_READS,
            // The calls are those of an update, and the question is another one.
            (true, Operation::Adopt) => &Failure::OF_ADOPTION,
            (true, _) => &Failure::ALL,
        };
        cases.extend(failures.iter().map(|failure| (place.clone(), *failure)));
    }
    let count = cases.len();
    let cases = Arc::new(cases);
    let results: Vec<_> = futures_util::stream::iter(0..count)
        .map(|index| {
            let cases = Arc::clone(&cases);
            async move {
                let _place = PARALLEL.acquire().await;
                let (place, failure) = &cases[index];
                let work = check(operation, place, *failure);
                let result = tokio::time::timeout(PATIENCE, work).await;
                let result = result.unwrap_or_else(|_| Err(anyhow::anyhow!("it hangs")));
                result
                    .err()
                    .map(|error| format!("{failure:?} at {place:?}: {error:#}"))
            }
        })
        .buffer_unordered(count)
        .filter_map(async |failed| failed)
        .collect()
        .await;
    println!(
        "{operation:?}: {} calls, {writes} of them writes, {count} cases in {:?}",
        places.len(),
        begin.elapsed()
    );
    assert!(writes > 4, "{places:?}");
    assert!(
        results.is_empty(),
        "{} of {count} cases failed:\n{}",
        results.len(),
        results.join("\n")
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_creation_converges_after_any_failure_of_any_call() {
    table(Operation::Create).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_adoption_converges_after_any_failure_and_never_deletes_the_user() {
    table(Operation::Adopt).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_update_converges_after_any_failure_of_any_call() {
    table(Operation::Update).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deletion_converges_after_any_failure_of_any_call() {
    table(Operation::Delete).await;
}
