//! A Delete that comes while its Create is under way, with an id that CloudFormation made up.

use std::time::Duration;

use harness::cloudformation::{Reception, RequestKind, Sibling, Signal, StackOptions, Status};
use harness::{Fault, FaultKind};

use super::people::{ALICE, People, template};

const PATIENCE: Duration = Duration::from_secs(30);

#[rstest::rstest]
#[case::before_the_ledger("dynamodb:GetItem", FaultKind::HoldBeforeCommit, true)]
#[case::after_the_announcement("dynamodb:UpdateItem", FaultKind::HoldAfterCommit, true)]
#[case::before_the_session("sts:AssumeRole", FaultKind::HoldBeforeCommit, false)]
#[case::before_the_user("iam:CreateUser", FaultKind::HoldBeforeCommit, false)]
#[case::after_the_user("iam:CreateUser", FaultKind::HoldAfterCommit, false)]
#[case::before_the_key("iam:CreateAccessKey", FaultKind::HoldBeforeCommit, false)]
#[case::after_the_key("iam:CreateAccessKey", FaultKind::HoldAfterCommit, false)]
#[tokio::test]
async fn a_delete_that_overtakes_its_create_leaves_nothing(
    #[case] action: &str,
    #[case] kind: FaultKind,
    #[case] in_hub: bool,
    #[values(0, 1)] seconds: i64,
) {
    let mut people = People::new().await;
    people.stack.set_seconds_between_requests(seconds);
    let account = if in_hub {
        people.scene.world.hub()
    } else {
        people.scene.member()
    };
    let control = *people.scene.world.control();
    let hold = Fault::new(kind, action).in_account(account.id());
    let hold = control.add_fault(&hold).await.unwrap();
    let sibling = Signal::new();
    let fail = async {
        control.wait_for_fault(&hold.id, 1, PATIENCE).await.unwrap();
        // The Delete asks for its turn: the third thing that the ledger is asked, or later.
        let delete = Fault::new(FaultKind::Latency(Duration::ZERO), "dynamodb:GetItem")
            .in_account(people.scene.world.hub().id());
        let delete = control.add_fault(&delete).await.unwrap();
        sibling.give();
        control
            .wait_for_fault(&delete.id, 1, PATIENCE)
            .await
            .unwrap();
        control.release(&hold.id).await.unwrap();
    };
    let failing =
        template(&people.scene.full_user("alice")).failing(Sibling::When(sibling.clone()));
    let (status, ()) = tokio::join!(people.stack.create(&failing), fail);
    assert_eq!(
        status.unwrap(),
        Status::RollbackComplete,
        "{:#?}",
        people.stack.events()
    );
    people.stack.settle().await.unwrap();
    let delete = &people.stack.sent()[1].event;
    let id = delete["PhysicalResourceId"].as_str().unwrap();
    assert!(id.starts_with("people-Alice-"), "{id}");
    people.scene.check_empty().await.unwrap();
}

#[tokio::test]
async fn a_create_that_was_done_and_could_not_say_so_is_deleted() {
    let mut people = People::new().await;
    let (reached, release) = (Signal::new(), Signal::new());
    let held = Reception::Held {
        reached: reached.clone(),
        release: release.clone(),
    };
    people
        .stack
        .receive_with(ALICE, RequestKind::Create, [held]);
    // The sibling fails at the moment at which the answer is about to be given.
    let failing = template(&people.scene.full_user("alice")).failing(Sibling::When(reached));
    let delete_is_seen = Fault::new(FaultKind::Latency(Duration::ZERO), "dynamodb:GetItem")
        .in_account(people.scene.world.hub().id())
        .from_call(2);
    let control = *people.scene.world.control();
    let delete_is_seen = control.add_fault(&delete_is_seen).await.unwrap();
    let answer = async {
        control
            .wait_for_fault(&delete_is_seen.id, 1, PATIENCE)
            .await
            .unwrap();
        release.give();
    };
    let (status, ()) = tokio::join!(people.stack.create(&failing), answer);
    assert_eq!(
        status.unwrap(),
        Status::RollbackComplete,
        "{:#?}",
        people.stack.events()
    );
    people.stack.settle().await.unwrap();
    people.scene.check_empty().await.unwrap();
}

#[tokio::test]
async fn a_whole_life_within_one_second_is_lived_in_its_order() {
    let mut people = People::new().await;
    let mut options = StackOptions::new(people.scene.world.hub().id());
    options.seconds_between_requests = 0;
    people.stack = people.scene.stack_with(options);
    let alice = people.scene.full_user("alice");
    people.created(&alice).await;
    let changed = super::people::with(alice.clone(), serde_json::json!({"Tags": []}));
    people.updated(&changed).await;
    let status = people.update_in_vain(&alice).await;
    assert_eq!(status, Status::UpdateRollbackComplete);
    people.assert_is(&changed).await;
    people.deleted().await;
}
