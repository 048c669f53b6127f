//! Without its ledger the function answers FAILED and changes nothing.

use std::time::Duration;

use anyhow::Result;
use harness::cloudformation::Status;
use harness::{Fault, FaultKind};

use super::case::{Order, options, template};
use super::table::first;
use super::{Case, outcome};

/// Every call of the ledger fails from now on.
async fn break_ledger(case: &Case, kind: FaultKind) -> Result<()> {
    let hub = case.scene.world.hub().id();
    let fault = Fault::new(kind, "dynamodb:*").in_account(hub).always();
    case.scene.world.control().add_fault(&fault).await.map(drop)
}

async fn mend_ledger(case: &Case) -> Result<()> {
    let hub = case.scene.world.hub().id();
    case.scene.world.control().clear_faults(hub).await
}

fn not_allowed() -> FaultKind {
    FaultKind::HttpError {
        status: 400,
        code: "AccessDeniedException".to_owned(),
    }
}

/// Nothing was changed, and every reason names the table.
async fn changed_nothing(case: &Case) {
    let calls = case.scene.calls().await.unwrap();
    let reads = ["sts:", "iam:Get", "iam:List", "dynamodb:"];
    let write = calls
        .iter()
        .find(|call| !reads.iter().any(|read| call.action.starts_with(read)));
    assert!(write.is_none(), "{write:#?}");
}

fn assert_told(case: &Case, from: usize) {
    let events = &case.stack.events()[from..];
    assert!(!events.is_empty());
    for event in events {
        let told = event.reason.contains("ledger table crossaccount-ledger");
        assert!(told, "{event:#?}");
    }
}

#[rstest::rstest]
#[case::error(FaultKind::HttpError { status: 500, code: "InternalServerError".to_owned() })]
#[case::not_allowed(not_allowed())]
#[case::throttled(FaultKind::Throttle)]
#[case::unreachable(FaultKind::DropBeforeCommit)]
#[tokio::test]
async fn without_the_ledger_nothing_is_made(#[case] kind: FaultKind) {
    let mut case = Case::with(options(Duration::from_mins(1))).await.unwrap();
    let create = Order::Create(template(&first(&case)).unwrap());
    break_ledger(&case, kind).await.unwrap();
    let status = case.carry_out(&create).await.unwrap();
    assert_eq!(status, Status::RollbackFailed);
    assert_told(&case, 0);
    changed_nothing(&case).await;
    mend_ledger(&case).await.unwrap();
    let status = case.carry_out(&Order::Delete).await.unwrap();
    assert_eq!(status, Status::DeleteComplete, "{:#?}", case.stack.events());
    outcome::nothing(&case).await.unwrap();
}

#[tokio::test]
async fn without_the_ledger_nothing_is_deleted() {
    let mut case = Case::with(options(Duration::from_mins(1))).await.unwrap();
    let create = Order::Create(template(&first(&case)).unwrap());
    let status = case.carry_out(&create).await.unwrap();
    assert_eq!(status, Status::CreateComplete, "{:#?}", case.stack.events());
    case.scene.forget_calls().await.unwrap();
    break_ledger(&case, not_allowed()).await.unwrap();
    let status = case.carry_out(&Order::Delete).await.unwrap();
    assert_eq!(status, Status::DeleteFailed);
    assert_told(&case, 1);
    changed_nothing(&case).await;
    mend_ledger(&case).await.unwrap();
    outcome::is(&case, &first(&case), 1, false).await.unwrap();
    case.scene.check().await.unwrap();
}
