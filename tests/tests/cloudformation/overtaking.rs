//! A Delete that comes while its Create is under way, with an id that CloudFormation made up.

use std::collections::HashMap;
use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use harness::cloudformation::{
    Reception, RequestKind, Scene, Sibling, Signal, StackOptions, Status,
};
use harness::{Fault, FaultKind};
use serde_json::{Value, json};

use super::people::{ALICE, People, template, with};

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
    let changed = with(alice.clone(), json!({"Tags": []}));
    people.updated(&changed).await;
    let status = people.update_in_vain(&alice).await;
    assert_eq!(status, Status::UpdateRollbackComplete);
    people.assert_is(&changed).await;
    people.deleted().await;
}

/// Waits until the ledger knows a newer request than this one.
async fn newer_request(scene: &Scene, than: &str) {
    let is_older = |item: &HashMap<String, AttributeValue>| {
        let request = item.get("Request").and_then(|request| request.as_s().ok());
        request.is_some_and(|request| request == than)
    };
    while scene.ledger().await.unwrap().iter().any(is_older) {}
}

/// The newest request that the ledger knows of the only resource.
async fn newest_request(scene: &Scene) -> String {
    let items = scene.ledger().await.unwrap();
    let mut requests = items.iter().filter_map(|item| item.get("Request"));
    requests.next().unwrap().as_s().unwrap().clone()
}

/// Updates the stack, and lets another resource fail while the update is in the middle of a call.
async fn update_and_fail_at(
    people: &mut People,
    kind: FaultKind,
    action: &str,
    properties: &Value,
) -> Status {
    let scene = &people.scene;
    let control = *scene.world.control();
    let hold = Fault::new(kind, action).in_account(scene.member().id());
    let hold = control.add_fault(&hold).await.unwrap();
    let sibling = Signal::new();
    let fail = async {
        control.wait_for_fault(&hold.id, 1, PATIENCE).await.unwrap();
        let update = newest_request(scene).await;
        sibling.give();
        newer_request(scene, &update).await;
        control.release(&hold.id).await.unwrap();
    };
    let failing = template(properties).failing(Sibling::When(sibling.clone()));
    let (status, ()) = tokio::join!(people.stack.update(&failing), fail);
    people.stack.settle().await.unwrap();
    status.unwrap()
}

#[rstest::rstest]
#[case::before_the_tags("iam:TagUser", FaultKind::HoldBeforeCommit)]
#[case::after_the_tags("iam:TagUser", FaultKind::HoldAfterCommit)]
#[case::after_the_group("iam:AddUserToGroup", FaultKind::HoldAfterCommit)]
#[tokio::test]
async fn a_roll_back_that_overtakes_its_update_brings_the_old_state(
    #[case] action: &str,
    #[case] kind: FaultKind,
    #[values(0, 1)] seconds: i64,
) {
    let mut people = People::new().await;
    people.stack.set_seconds_between_requests(seconds);
    let alice = people.scene.full_user("alice");
    people.created(&alice).await;
    let tags =
        json!({"Tags": [{"Key": "Team", "Value": "edge"}], "Groups": ["engineers", "readers"]});
    let changed = with(alice.clone(), tags);
    let status = update_and_fail_at(&mut people, kind, action, &changed).await;
    assert_eq!(
        status,
        Status::UpdateRollbackComplete,
        "{:#?}",
        people.stack.events()
    );
    people.assert_is(&alice).await;
    people.deleted().await;
}

#[rstest::rstest]
#[case::before_the_user("iam:CreateUser", FaultKind::HoldBeforeCommit)]
#[case::after_the_user("iam:CreateUser", FaultKind::HoldAfterCommit)]
#[case::after_the_key("iam:CreateAccessKey", FaultKind::HoldAfterCommit)]
#[tokio::test]
async fn a_roll_back_that_overtakes_a_replacement_leaves_no_new_user(
    #[case] action: &str,
    #[case] kind: FaultKind,
    #[values(0, 1)] seconds: i64,
) {
    let mut people = People::new().await;
    people.stack.set_seconds_between_requests(seconds);
    let alice = people.scene.full_user("alice");
    people.created(&alice).await;
    let bob = with(alice.clone(), json!({"UserName": "bob"}));
    let status = update_and_fail_at(&mut people, kind, action, &bob).await;
    assert_eq!(
        status,
        Status::UpdateRollbackComplete,
        "{:#?}",
        people.stack.events()
    );
    assert_eq!(people.users().await, ["alice"]);
    people.assert_is(&alice).await;
    let items = people.scene.ledger().await.unwrap();
    let names = items.iter().flat_map(HashMap::keys);
    let of_bob: Vec<_> = names.filter(|name| name.ends_with(":bob")).collect();
    assert!(of_bob.is_empty(), "{of_bob:?}");
    people.deleted().await;
}

#[tokio::test]
async fn a_replacement_that_was_done_and_could_not_say_so_is_removed_by_the_roll_back() {
    let mut people = People::new().await;
    let alice = people.scene.full_user("alice");
    people.created(&alice).await;
    let (reached, release) = (Signal::new(), Signal::new());
    let held = Reception::Held {
        reached: reached.clone(),
        release: release.clone(),
    };
    people
        .stack
        .receive_with(ALICE, RequestKind::Update, [held]);
    let scene = &people.scene;
    let answer = async {
        reached.wait().await;
        newer_request(scene, &newest_request(scene).await).await;
        release.give();
    };
    let bob = with(alice.clone(), json!({"UserName": "bob"}));
    let failing = template(&bob).failing(Sibling::When(reached.clone()));
    let (status, ()) = tokio::join!(people.stack.update(&failing), answer);
    assert_eq!(
        status.unwrap(),
        Status::UpdateRollbackComplete,
        "{:#?}",
        people.stack.events()
    );
    people.stack.settle().await.unwrap();
    assert_eq!(people.users().await, ["alice"]);
    people.assert_is(&alice).await;
    people.deleted().await;
}
