//! The tables: each call of a creation, an update, a replacement and a deletion, failing in each way.

use std::collections::BTreeMap;
use std::time::Instant;

use anyhow::{Result, ensure};
use harness::cloudformation::Status;
use serde_json::{Value, json};

use super::case::{Order, template};
use super::{Case, Failure, Place, outcome, places};
use crate::iam_user::faults::{assert_none_failed, run};

/// What is done with a user that has everything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operation {
    Create,
    /// Policies, groups and tags change, and the key is rotated by its trigger.
    Update,
    /// The name changes: there is a new user, and the old one is cleaned up.
    Replace,
    Delete,
}

/// The user as it is created.
pub(super) fn first(case: &Case) -> Value {
    let mut user = case.scene.full_user("alice");
    user["AccessKey"]["RotationTrigger"] = json!("first");
    user
}

impl Operation {
    /// What exists before, and the calls of that forgotten.
    async fn arrange(self) -> Result<Case> {
        let mut case = Case::new().await?;
        if self != Self::Create {
            let order = Order::Create(template(&first(&case))?);
            expect(case.carry_out(&order).await?, Status::CreateComplete, &case)?;
        }
        case.scene.forget_calls().await?;
        Ok(case)
    }

    /// The user that there is in the end.
    fn wanted(self, case: &Case) -> Value {
        let mut user = first(case);
        match self {
            Self::Create | Self::Delete => {}
            Self::Update => {
                user["ManagedPolicyArns"] = json!(["arn:aws:iam::aws:policy/SecurityAudit"]);
                user["Groups"] = json!(["readers"]);
                user["Policies"] = json!([]);
                user["Tags"] = json!([{"Key": "Stage", "Value": "test"}]);
                user["AccessKey"]["RotationTrigger"] = json!("second");
            }
            Self::Replace => user["UserName"] = json!("alicia"),
        }
        user
    }

    /// How many keys it has.
    fn keys(self) -> usize {
        if self == Self::Update { 2 } else { 1 }
    }

    fn order(self, case: &Case) -> Result<Order> {
        let template = template(&self.wanted(case))?;
        Ok(match self {
            Self::Create => Order::Create(template),
            Self::Update | Self::Replace => Order::Update(template),
            Self::Delete => Order::Delete,
        })
    }

    fn success(self) -> Status {
        match self {
            Self::Create => Status::CreateComplete,
            Self::Update | Self::Replace => Status::UpdateComplete,
            Self::Delete => Status::DeleteComplete,
        }
    }

    /// What an operator does after a failure, until everything is as wanted.
    async fn repeat(self, case: &mut Case, mut status: Status) -> Result<()> {
        let order = self.order(case)?;
        match self {
            Self::Create => {
                if status == Status::RollbackFailed {
                    status = case.carry_out(&Order::Delete).await?;
                    expect(status, Status::DeleteComplete, case)?;
                } else {
                    expect(status, Status::RollbackComplete, case)?;
                }
                outcome::nothing(case).await?;
                case.new_stack();
            }
            Self::Update | Self::Replace => {
                if status == Status::UpdateRollbackFailed {
                    status = case.stack.continue_update_rollback(&[]).await?;
                }
                expect(status, Status::UpdateRollbackComplete, case)?;
                case.stack.settle().await?;
                // A key that was made in the meantime was named and stored, or is gone.
                let keys = case.scene.credentials("alice").await?.keys.len();
                outcome::is(case, &first(case), keys, true).await?;
            }
            Self::Delete => expect(status, Status::DeleteFailed, case)?,
        }
        let status = case.carry_out(&order).await?;
        expect(status, self.success(), case)
    }
}

fn expect(status: Status, wanted: Status, case: &Case) -> Result<()> {
    ensure!(
        status == wanted,
        "the stack is {status} and not {wanted}: {:#?}",
        case.stack.events()
    );
    Ok(())
}

async fn check(operation: Operation, place: &Place, failure: Failure) -> Result<()> {
    let mut case = operation.arrange().await?;
    let order = operation.order(&case)?;
    let status = case.carry_out_with_fault(&order, place, failure).await?;
    if matches!(failure, Failure::LostAnswer | Failure::Killed) {
        // One lost answer is for the retries of the SDK, and one death for those of Lambda.
        expect(status, operation.success(), &case)?;
    } else if status != operation.success() {
        operation.repeat(&mut case, status).await?;
    }
    finish(operation, case).await
}

/// Everything is as it should be, also after the stack is deleted.
async fn finish(operation: Operation, mut case: Case) -> Result<()> {
    if operation != Operation::Delete {
        outcome::is(&case, &operation.wanted(&case), operation.keys(), false).await?;
        // Learns the secrets before they are gone.
        case.scene.note_secrets().await?;
        ensure!(
            case.stack.orphans().is_empty(),
            "given up: {:?}",
            case.stack.orphans()
        );
        let status = case.carry_out(&Order::Delete).await?;
        expect(status, Status::DeleteComplete, &case)?;
    }
    outcome::nothing(&case).await?;
    outcome::history(&case).await
}

/// All calls of an operation, each failing in every way that tells something new.
async fn table(operation: Operation, leave_out: &[Failure]) {
    let begin = Instant::now();
    let mut case = operation.arrange().await.unwrap();
    let order = operation.order(&case).unwrap();
    let status = case.carry_out(&order).await.unwrap();
    expect(status, operation.success(), &case).unwrap();
    let calls = case.scene.calls().await.unwrap();
    let places = places(&calls, case.scene.world.hub().id());
    finish(operation, case).await.unwrap();

    let cases = places.iter().flat_map(|place| {
        let failures = place.failures().iter();
        failures.map(move |failure| (place, *failure))
    });
    let cases: Vec<_> = cases
        .filter(|(_, failure)| !leave_out.contains(failure))
        .collect();
    let mut kinds = BTreeMap::new();
    for (_, failure) in &cases {
        *kinds.entry(format!("{failure:?}")).or_insert(0) += 1;
    }
    let failed = run(cases.iter().map(|(place, failure)| {
        let title = format!("{operation:?}: {failure:?} at {place:?}");
        (title, check(operation, place, *failure))
    }))
    .await;
    println!(
        "{operation:?}: {} calls, {} cases {kinds:?} in {:?}",
        places.len(),
        cases.len(),
        begin.elapsed()
    );
    assert!(places.iter().filter(|it| it.is_write()).count() > 10);
    assert_none_failed(cases.len(), &failed);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_creation_ends_well_after_any_failure_of_any_call() {
    table(Operation::Create, &[]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_update_ends_well_after_any_failure_of_any_call() {
    table(
        Operation::Update,
        &[Failure::Throttled, Failure::LostRequests],
    )
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replacement_ends_well_after_any_failure_of_any_call() {
    // An outage that lasts through three attempts to clean up leaves what CloudFormation forgets: nobody can help that.
    // Its calls are those of a creation and of a deletion, and the question is what becomes of two users.
    let left_out = [
        Failure::Throttled,
        Failure::ServerError,
        Failure::LostRequests,
        Failure::LostAnswer,
        Failure::Outage,
    ];
    table(Operation::Replace, &left_out).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deletion_ends_well_after_any_failure_of_any_call() {
    table(Operation::Delete, &[Failure::Outage]).await;
}
