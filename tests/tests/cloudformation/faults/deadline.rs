//! AWS calls that never come back: the function answers before its time is up, and nothing goes on afterwards.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use harness::cloudformation::{Reception, RequestKind, Signal, Status};
use harness::lambda::{DeadlineHeader, Outcome};
use harness::{Fault, FaultKind};

use super::case::{Order, options, template};
use super::table::first;
use super::{Case, Place, outcome, places};
use crate::iam_user::faults::{assert_none_failed, run};

/// How long an invocation may take where it hangs.
const SHORT: Duration = Duration::from_secs(8);

fn order(case: &Case) -> Result<Order> {
    Ok(Order::Create(template(&first(case))?))
}

/// A Create that hangs after this call, and what CloudFormation and an operator do about it.
async fn hang(place: &Place) -> Result<()> {
    let mut case = Case::with(options(SHORT)).await?;
    let order = order(&case)?;
    let account_id = case.account(place).to_owned();
    let fault = place.fault(FaultKind::HoldAfterCommit, &account_id);
    case.scene.world.control().add_fault(&fault).await?;
    let mut status = case.carry_out(&order).await?;
    for invocation in case.scene.function.invocations() {
        ensure!(
            matches!(invocation.outcome, Outcome::Returned(_)) && invocation.delivery == 1,
            "an invocation ended with {:?} after {:?}",
            invocation.outcome,
            invocation.duration
        );
    }
    // What was under way comes back now, to a process that is gone.
    case.scene.world.control().clear_faults(&account_id).await?;
    let create = case.stack.sent().first().context("no request")?.clone();
    let calls = case.scene.calls().await?.len();
    let again = case.stack.deliver_again(&create).await?;
    ensure!(again.len() == 1, "the delivery is made again: {again:?}");
    let later = case.scene.calls().await?.split_off(calls);
    let wrote = later.iter().find(|it| !it.action.starts_with("dynamodb:"));
    ensure!(wrote.is_none(), "delivered once more, it did {wrote:?}");
    if status != Status::RollbackComplete {
        status = case.carry_out(&Order::Delete).await?;
        ensure!(
            status == Status::DeleteComplete,
            "the stack is {status}: {:#?}",
            case.stack.events()
        );
    }
    outcome::nothing(&case).await?;
    outcome::history(&case).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_creation_that_hangs_at_any_write_is_answered_in_time() {
    let begin = Instant::now();
    let mut case = Case::new().await.unwrap();
    let order = order(&case).unwrap();
    case.carry_out(&order).await.unwrap();
    let calls = case.scene.calls().await.unwrap();
    let places = places(&calls, case.scene.world.hub().id());
    let writes: Vec<_> = places.iter().filter(|place| place.is_write()).collect();
    let cases = writes.iter().map(|place| {
        let title = format!("hanging after {place:?}");
        (title, hang(place))
    });
    let failed = run(cases).await;
    println!("hanging: {} cases in {:?}", writes.len(), begin.elapsed());
    assert!(writes.len() > 10);
    assert_none_failed(writes.len(), &failed);
}

/// The call of the new key hangs until it is released.
async fn hold_the_key(case: &Case, kind: FaultKind) -> String {
    let control = case.scene.world.control();
    let fault = Fault::new(kind, "iam:CreateAccessKey");
    let fault = fault.in_account(case.scene.member().id());
    control.add_fault(&fault).await.unwrap().id
}

#[tokio::test]
async fn a_process_that_gave_up_ends_and_writes_nothing_later() {
    let mut case = Case::with(options(SHORT)).await.unwrap();
    let order = order(&case).unwrap();
    let held = hold_the_key(&case, FaultKind::HoldBeforeCommit).await;
    let status = case.carry_out(&order).await.unwrap();
    assert_eq!(
        status,
        Status::RollbackComplete,
        "{:#?}",
        case.stack.events()
    );
    let reason = &case.stack.events()[0].reason;
    assert!(
        reason.contains("The time of the function was over"),
        "{reason}"
    );
    // The Delete ran in another process: the first one has ended by itself.
    let used: Vec<_> = case.scene.function.invocations();
    let used: Vec<_> = used
        .iter()
        .map(|it| (it.environment, it.outcome.is_success()))
        .collect();
    assert_eq!(used, [(1, true), (2, true)]);
    let output = case.scene.function.output().unwrap();
    assert!(
        output.contains("the process ends, so that it cannot go on later"),
        "{output}"
    );
    case.scene.world.control().release(&held).await.unwrap();
    outcome::nothing(&case).await.unwrap();
    outcome::history(&case).await.unwrap();
}

#[tokio::test]
async fn an_answer_that_hangs_too_is_sent_by_the_next_delivery() {
    let mut case = Case::with(options(SHORT)).await.unwrap();
    let order = order(&case).unwrap();
    let held = hold_the_key(&case, FaultKind::HoldBeforeCommit).await;
    let plan = Reception::Held {
        reached: Signal::new(),
        release: Signal::new(),
    };
    case.stack
        .receive_with("Alice", RequestKind::Create, [plan]);
    let status = case.carry_out(&order).await.unwrap();
    assert_eq!(
        status,
        Status::RollbackComplete,
        "{:#?}",
        case.stack.events()
    );
    let invocations = case.scene.function.invocations();
    // It gave up in time by itself; Lambda did not have to kill it.
    assert!(
        matches!(invocations[0].outcome, Outcome::Failed(_)),
        "{invocations:#?}"
    );
    assert_eq!(
        (invocations[1].delivery, invocations[1].outcome.is_success()),
        (2, true)
    );
    case.scene.world.control().release(&held).await.unwrap();
    outcome::nothing(&case).await.unwrap();
}

#[tokio::test]
async fn a_process_that_lambda_kills_at_its_deadline_has_its_work_done_by_the_next_one() {
    let mut options = options(Duration::from_secs(5));
    // It thinks that it has a minute.
    options.deadline = DeadlineHeader::Fixed(600_000);
    let mut case = Case::with(options).await.unwrap();
    let order = order(&case).unwrap();
    let held = hold_the_key(&case, FaultKind::HoldAfterCommit).await;
    let status = case.carry_out(&order).await.unwrap();
    assert_eq!(status, Status::CreateComplete, "{:#?}", case.stack.events());
    let invocations = case.scene.function.invocations();
    assert_eq!(invocations[0].outcome, Outcome::TimedOut);
    assert_eq!(invocations[1].delivery, 2);
    case.scene.world.control().release(&held).await.unwrap();
    // The key of the dead process is gone: its secret went with it.
    outcome::is(&case, &first(&case), 1, false).await.unwrap();
    let status = case.carry_out(&Order::Delete).await.unwrap();
    assert_eq!(status, Status::DeleteComplete, "{:#?}", case.stack.events());
    outcome::nothing(&case).await.unwrap();
}

#[tokio::test]
async fn a_deadline_that_tells_nothing_is_a_minute() {
    let mut options = options(Duration::from_secs(40));
    options.deadline = DeadlineHeader::Fixed(600_000);
    let mut case = Case::with(options).await.unwrap();
    let order = order(&case).unwrap();
    let status = case.carry_out(&order).await.unwrap();
    assert_eq!(status, Status::CreateComplete, "{:#?}", case.stack.events());
    outcome::is(&case, &first(&case), 1, false).await.unwrap();
    case.scene.check().await.unwrap();
}
