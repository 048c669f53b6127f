//! Every interleaving of a Create and its Delete at their AWS calls: in the end nothing is left, and both were answered.
//!
//! A stack that is rolled back while a Create still runs sends the Delete at once, with an id that it invented.

use std::time::Instant;

use anyhow::{Context, Result, ensure};
use harness::cloudformation::{Reception, RequestKind, Sibling, Signal, Status};
use harness::{Fault, FaultKind};

use super::case::{Order, template};
use super::table::first;
use super::{Case, PATIENCE, Place, outcome, places};
use crate::iam_user::faults::{assert_none_failed, run};

/// What the change of a Delete that asks for its turn looks like, as it stands in JSON.
const ASKS_FOR_TURN: &str = "\"SET #holder = :holder, #until = :until\"";

/// The calls of an undisturbed Create, and of the Delete after it.
async fn calls() -> Result<(Vec<Place>, Vec<Place>)> {
    let mut case = Case::new().await?;
    let order = Order::Create(template(&first(&case))?);
    let mut all = Vec::new();
    for order in [order, Order::Delete] {
        case.scene.forget_calls().await?;
        case.carry_out(&order).await?;
        let calls = case.scene.calls().await?;
        all.push(places(&calls, case.scene.world.hub().id()));
    }
    let delete = all.pop().context("no calls")?;
    let create = all.pop().context("no calls")?;
    Ok((create, delete))
}

/// A stack whose creation is cancelled on a signal, while its Create is held at a call.
struct Race {
    case: Case,
    cancel: Signal,
    /// Given when the answer to the Create arrives.
    answered: Signal,
    /// The fault that holds the Create.
    held: String,
}

impl Race {
    async fn new(place: &Place, kind: FaultKind) -> Result<Self> {
        let mut case = Case::new().await?;
        let answered = Signal::new();
        let plan = Reception::Held {
            reached: answered.clone(),
            release: Signal::given(),
        };
        case.stack
            .receive_with("Alice", RequestKind::Create, [plan]);
        let fault = place.fault(kind, case.account(place));
        let held = case.scene.world.control().add_fault(&fault).await?.id;
        Ok(Self {
            case,
            cancel: Signal::new(),
            answered,
            held,
        })
    }

    /// Creates the stack while something happens beside it: it is rolled back, and all deliveries come to their end.
    async fn creation(self, beside: impl AsyncFnOnce(&Beside<'_>) -> Result<()>) -> Result<Case> {
        let Self {
            mut case,
            cancel,
            answered,
            held,
        } = self;
        let template = template(&first(&case))?;
        let template = template.failing(Sibling::When(cancel.clone()));
        let Case { scene, stack } = &mut case;
        let rolled_back = Signal::new();
        let seen = Beside {
            scene,
            cancel,
            answered,
            rolled_back: rolled_back.clone(),
            held,
        };
        let beside = beside(&seen);
        let create = async {
            let status = stack.create(&template).await;
            rolled_back.give();
            status
        };
        let (status, ()) = tokio::try_join!(create, beside)?;
        ensure!(
            status == Status::RollbackComplete,
            "the stack is {status}: {:#?}",
            stack.events()
        );
        stack.settle().await?;
        Ok(case)
    }
}

/// What the other side of a race sees and does.
struct Beside<'a> {
    scene: &'a harness::cloudformation::Scene,
    cancel: Signal,
    answered: Signal,
    rolled_back: Signal,
    held: String,
}

impl Beside<'_> {
    async fn fault(&self, fault: Fault) -> Result<String> {
        let fault = fault.in_account(self.scene.world.hub().id());
        Ok(self.scene.world.control().add_fault(&fault).await?.id)
    }

    async fn wait(&self, fault: &str, hits: u32) -> Result<()> {
        let control = self.scene.world.control();
        control
            .wait_for_fault(fault, hits, PATIENCE)
            .await
            .map(drop)
    }

    async fn release(&self, fault: &str) -> Result<()> {
        self.scene.world.control().release(fault).await
    }

    /// Cancels the creation and waits until the Delete has ended or waits for its turn.
    async fn delete_until_it_waits(&self) -> Result<()> {
        let asking = FaultKind::Latency(std::time::Duration::ZERO);
        let asking = Fault::new(asking, "dynamodb:UpdateItem").with_parameter(ASKS_FOR_TURN);
        let asking = self.fault(asking.always()).await?;
        self.cancel.give();
        tokio::select! {
            // The second time, it has been told to wait.
            waits = self.wait(&asking, 2) => waits,
            () = self.rolled_back.wait() => Ok(()),
        }
    }

    /// The process of the Create dies, and the second delivery of the request is held at its first call.
    async fn kill_create(&self) -> Result<String> {
        let second = Fault::new(FaultKind::HoldBeforeCommit, "dynamodb:GetItem");
        let second = self.fault(second).await?;
        self.scene.function.kill_busy();
        self.wait(&second, 1).await?;
        self.release(&self.held).await?;
        Ok(second)
    }
}

/// After a race: nothing is left, and both requests were answered.
async fn check(case: Case) -> Result<()> {
    outcome::nothing(&case).await?;
    outcome::history(&case).await
}

/// The Create is held at a call while the Delete comes.
async fn delete_while_create_is_at(place: &Place, kind: FaultKind) -> Result<()> {
    let race = Race::new(place, kind).await?;
    let case = race.creation(async |beside| {
        beside.wait(&beside.held, 1).await?;
        beside.delete_until_it_waits().await?;
        beside.release(&beside.held).await
    });
    check(case.await?).await
}

/// The Create dies at a call, the Delete runs to its end, and then Lambda delivers the Create again.
async fn delete_after_create_died_at(place: &Place) -> Result<()> {
    let race = Race::new(place, FaultKind::HoldAfterCommit).await?;
    let case = race.creation(async |beside| {
        beside.wait(&beside.held, 1).await?;
        let second = beside.kill_create().await?;
        beside.cancel.give();
        beside.rolled_back.wait().await;
        beside.release(&second).await
    });
    check(case.await?).await
}

/// The Create has died when it had made its key, and comes again while the Delete is held at a call.
async fn create_again_while_delete_is_at(
    died_at: &Place,
    place: &Place,
    kind: FaultKind,
) -> Result<()> {
    let race = Race::new(died_at, FaultKind::HoldAfterCommit).await?;
    let account_id = race.case.account(place).to_owned();
    let case = race.creation(async |beside| {
        beside.wait(&beside.held, 1).await?;
        let second = beside.kill_create().await?;
        let held = place.fault(kind, &account_id);
        let held = beside.scene.world.control().add_fault(&held).await?.id;
        beside.cancel.give();
        tokio::select! {
            held = beside.wait(&held, 1) => held?,
            // It does without the call, and the Create must not be held in its place.
            () = beside.rolled_back.wait() => beside.release(&held).await?,
        }
        beside.release(&second).await?;
        beside.answered.wait().await;
        beside.release(&held).await
    });
    check(case.await?).await
}

fn report(what: &str, begin: Instant, count: usize, failed: &[String]) {
    println!("{what}: {count} cases in {:?}", begin.elapsed());
    assert!(count > 20);
    assert_none_failed(count, failed);
}

/// Before each call, which is after the one before it, and after each change of the ledger.
fn holds(places: &[Place]) -> Vec<(&Place, FaultKind)> {
    let kinds = |place: &Place| {
        let mut kinds = vec![FaultKind::HoldBeforeCommit];
        if place.is_write() && place.is_of_ledger() {
            kinds.push(FaultKind::HoldAfterCommit);
        }
        kinds
    };
    let holds = places.iter().flat_map(|place| {
        let kinds = kinds(place).into_iter();
        kinds.map(move |kind| (place, kind))
    });
    holds.collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_delete_at_any_call_of_its_create_leaves_nothing() {
    let begin = Instant::now();
    let (create, _) = calls().await.unwrap();
    let holds = holds(&create);
    let cases = holds.iter().map(|(place, kind)| {
        let title = format!("Create {kind:?} at {place:?}");
        (title, delete_while_create_is_at(place, kind.clone()))
    });
    let failed = run(cases).await;
    report("Delete while Create runs", begin, holds.len(), &failed);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_delete_after_its_create_died_at_any_call_leaves_nothing() {
    let begin = Instant::now();
    let (create, _) = calls().await.unwrap();
    let writes: Vec<_> = create.iter().filter(|place| place.is_write()).collect();
    let cases = writes.iter().map(|place| {
        let title = format!("Create killed at {place:?}");
        (title, delete_after_create_died_at(place))
    });
    let failed = run(cases).await;
    let count = writes.len();
    println!(
        "Delete after Create died: {count} cases in {:?}",
        begin.elapsed()
    );
    assert_none_failed(count, &failed);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_create_that_comes_again_at_any_call_of_its_delete_leaves_nothing() {
    let begin = Instant::now();
    let (create, delete) = calls().await.unwrap();
    let died_at = create.iter().find(|it| it.action == "iam:CreateAccessKey");
    let died_at = died_at.unwrap();
    let holds = holds(&delete);
    let cases = holds.iter().map(|(place, kind)| {
        let title = format!("Delete {kind:?} at {place:?}");
        let case = create_again_while_delete_is_at(died_at, place, kind.clone());
        (title, case)
    });
    let failed = run(cases).await;
    report(
        "Create again while Delete runs",
        begin,
        holds.len(),
        &failed,
    );
}
