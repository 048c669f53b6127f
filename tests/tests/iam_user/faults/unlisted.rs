//! A run dies while it makes a key, and the next one does not see that key yet: IAM may list a new key late.

use anyhow::Result;
use harness::{Fault, FaultKind};

use super::credentials::CredentialOperation;
use super::table::{assert_none_failed, run};
use super::{Case, Failure, Operation, Place, places};

/// `seen` is how many lists with keys in them the run asks for before it makes one.
async fn check(
    operation: CredentialOperation,
    seen: u32,
    place: &Place,
    failure: Failure,
) -> Result<()> {
    let case = Case::new(operation).await?;
    let (mut stored, before) = operation.arrange(&case).await?;
    case.forget_calls().await?;
    let wanted = operation.wanted(&case);
    let control = case.world.control();
    let unlisted =
        Fault::new(FaultKind::NewestNotListed, "iam:ListAccessKeys").in_account(case.member().id());
    if failure == Failure::Killed {
        case.run_with_fault(&mut stored, wanted.as_ref(), place, failure)
            .await?;
        control.add_fault(&unlisted.always()).await?;
        // It may fail for the very reason that there is no place for another key.
        let _ = case.apply(&mut stored, wanted.as_ref()).await;
    } else {
        // Its own key is missing from the list with which the run looks for what a lost answer has left.
        control
            .add_fault(&unlisted.from_call(seen + 1).always())
            .await?;
        case.run_with_fault(&mut stored, wanted.as_ref(), place, failure)
            .await?;
    }
    control.clear_faults(case.member().id()).await?;
    case.converge(stored, operation, &before).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_that_is_not_listed_yet_is_found_by_a_later_run() {
    let mut cases = Vec::new();
    for operation in [
        CredentialOperation::CreateUnlisted,
        CredentialOperation::Rotate,
    ] {
        let places = places(operation).await.unwrap();
        let lists = places.iter().filter(|it| it.action == "iam:ListAccessKeys");
        let seen = match operation {
            CredentialOperation::CreateUnlisted => 0,
            _ => u32::try_from(lists.count()).unwrap(),
        };
        let made = places
            .iter()
            .position(|it| it.action == "iam:CreateAccessKey");
        for place in places.into_iter().skip(made.unwrap()) {
            if place.is_write() && !place.action.starts_with("s3:") {
                if place.action == "iam:CreateAccessKey" {
                    cases.push((
                        operation,
                        seen,
                        place.clone(),
                        Failure::DroppedAfterCommitOnce,
                    ));
                }
                cases.push((operation, seen, place, Failure::Killed));
            }
        }
    }
    let count = cases.len();
    let failed = run(cases.iter().map(|(operation, seen, place, failure)| {
        let title = format!("{operation:?}, {failure:?} at {place:?}");
        (title, check(*operation, *seen, place, *failure))
    }))
    .await;
    println!("keys that are not listed: {count} cases");
    assert_none_failed(count, &failed);
}
