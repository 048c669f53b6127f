//! Another account or another name: a new user, and the old one goes when the update of the stack has succeeded.

use harness::cloudformation::{Replaced, RequestKind, SceneOptions, StackOptions, Status};
use harness::{Fault, FaultKind};
use serde_json::{Value, json};

use super::people::{ALICE, People, with};

fn renamed(alice: &Value) -> Value {
    with(alice.clone(), json!({"UserName": "bob"}))
}

async fn people(replaced: Replaced) -> People {
    let mut people = People::new().await;
    let mut options = StackOptions::new(people.scene.world.hub().id());
    options.replaced = replaced;
    people.stack = people.scene.stack_with(options);
    people
}

#[tokio::test]
async fn another_name_makes_a_new_user_and_then_deletes_the_old_one() {
    let mut people = People::new().await;
    let alice = people.scene.full_user("alice");
    people.created(&alice).await;
    people.scene.note_secrets().await.unwrap();
    people.scene.forget_calls().await.unwrap();
    people.updated(&renamed(&alice)).await;
    assert_eq!(
        people.requests(),
        ["Create alice", "Update bob alice", "Delete alice alice"]
    );
    assert_eq!(people.users().await, ["bob"]);
    let made = people.calls("iam:CreateUser").await[0].number;
    let gone = people.calls("iam:DeleteUser").await[0].number;
    assert!(made < gone, "the new user is there before the old one goes");
    assert!(people.parameter("alice", "access-key").await.is_none());
    people.deleted().await;
}

#[tokio::test]
async fn another_account_makes_a_new_user_there() {
    let mut options = SceneOptions::default();
    options.world.members = 2;
    let mut people = People::with(options).await;
    let alice = people.scene.full_user("alice");
    people.created(&alice).await;
    people.scene.note_secrets().await.unwrap();
    let other = people.scene.world.members()[1].clone();
    let boundary = format!("arn:aws:iam::{}:policy/Boundary", other.id());
    let moved = with(
        alice,
        json!({"AccountId": other.id(), "PermissionsBoundary": boundary}),
    );
    assert_eq!(people.update(&moved).await, Status::UpdateComplete);
    assert_eq!(
        people.stack.reference(ALICE).unwrap(),
        format!("crossaccount:v1:{}:alice", other.id())
    );
    assert_eq!(people.users().await, Vec::<String>::new());
    assert_eq!(people.scene.users(&other).await.unwrap(), ["alice"]);
    people.deleted().await;
}

#[rstest::rstest]
#[case::sent_back(Replaced::UpdatedBack, &["Create alice", "Update bob alice", "Update alice bob", "Delete bob bob"])]
#[case::forgotten(Replaced::Forgotten, &["Create alice", "Update bob alice", "Delete bob bob"])]
#[tokio::test]
async fn a_replacement_that_is_rolled_back_leaves_the_old_user_as_it_was(
    #[case] replaced: Replaced,
    #[case] requests: &[&str],
) {
    let mut people = people(replaced).await;
    let alice = people.scene.full_user("alice");
    people.created(&alice).await;
    let key = people.stored_key("alice").await;
    let status = people.update_in_vain(&renamed(&alice)).await;
    assert_eq!(
        status,
        Status::UpdateRollbackComplete,
        "{:#?}",
        people.stack.events()
    );
    assert_eq!(people.requests(), requests);
    assert_eq!(people.users().await, ["alice"]);
    people.assert_is(&alice).await;
    assert_eq!(people.stored_key("alice").await, key);
    people.scene.check().await.unwrap();
    people.deleted().await;
}

#[tokio::test]
async fn a_replacement_that_fails_keeps_the_old_user_and_its_id() {
    let mut people = People::new().await;
    let alice = people.scene.full_user("alice");
    people.created(&alice).await;
    // Somebody has this name already.
    let iam = people.scene.member().iam();
    iam.create_user().user_name("bob").send().await.unwrap();
    let status = people.update(&renamed(&alice)).await;
    assert_eq!(
        status,
        Status::UpdateRollbackComplete,
        "{:#?}",
        people.stack.events()
    );
    assert_eq!(
        people.requests(),
        ["Create alice", "Update bob alice", "Update alice alice"]
    );
    people.assert_is(&alice).await;
    assert_eq!(people.users().await, ["alice", "bob"]);
    people.scene.check().await.unwrap();
    assert_eq!(people.delete().await, Status::DeleteComplete);
    assert_eq!(people.users().await, ["bob"]);
}

#[tokio::test]
async fn a_replacement_that_breaks_off_removes_the_new_user_itself() {
    let mut people = People::new().await;
    let alice = people.scene.full_user("alice");
    people.created(&alice).await;
    let unknown =
        json!({"UserName": "bob", "ManagedPolicyArns": ["arn:aws:iam::aws:policy/NoSuchPolicy"]});
    let status = people.update(&with(alice.clone(), unknown)).await;
    assert_eq!(status, Status::UpdateRollbackComplete);
    let reason = &people.stack.events()[1].reason;
    assert!(reason.contains("NoSuchPolicy"), "{reason}");
    assert!(reason.contains("removed again"), "{reason}");
    assert_eq!(people.users().await, ["alice"]);
    people.assert_is(&alice).await;
    people.deleted().await;
}

#[tokio::test]
async fn an_old_user_that_cannot_be_deleted_is_tried_three_times_and_left_with_its_reason() {
    let mut people = People::new().await;
    let alice = people.scene.full_user("alice");
    people.created(&alice).await;
    let iam = people.scene.member().iam();
    let by_hand = iam
        .add_user_to_group()
        .user_name("alice")
        .group_name("readers");
    by_hand.send().await.unwrap();
    let bob = renamed(&alice);
    assert_eq!(people.update(&bob).await, Status::UpdateComplete);
    let deletions = people.requests();
    assert_eq!(deletions[2..], ["Delete alice alice"; 3]);
    assert_eq!(
        people.stack.orphans()[0].physical_resource_id,
        people.id("alice")
    );
    let reason = people.reason(RequestKind::Delete);
    assert!(reason.contains("group membership readers"), "{reason}");
    assert_eq!(people.users().await, ["alice", "bob"]);
    people.assert_is(&bob).await;
    people.scene.check().await.unwrap();
    // The tag still tells whose it was.
    let tags = people.secrets("alice").await.tags;
    let owner = format!("{}/{ALICE}", people.stack.id());
    assert_eq!(tags["crossaccount:managed-by"], owner);
    assert_eq!(people.delete().await, Status::DeleteComplete);
    assert_eq!(people.users().await, ["alice"]);
}

#[tokio::test]
async fn a_clean_up_that_fails_twice_succeeds_the_third_time() {
    let mut people = People::new().await;
    let alice = people.scene.user("alice");
    people.created(&alice).await;
    let refused = FaultKind::HttpError {
        status: 403,
        code: "AccessDenied".to_owned(),
    };
    let fault = Fault::new(refused, "iam:DeleteUser")
        .in_account(people.scene.member().id())
        .times(2);
    people
        .scene
        .world
        .control()
        .add_fault(&fault)
        .await
        .unwrap();
    people.updated(&renamed(&alice)).await;
    assert_eq!(people.requests().len(), 5, "{:?}", people.stack.events());
    assert_eq!(people.users().await, ["bob"]);
    people.deleted().await;
}

#[tokio::test]
async fn the_old_user_stays_when_the_template_retains_it() {
    let mut people = People::new().await;
    let alice = people.scene.user("alice");
    let template = |properties: &Value| {
        harness::cloudformation::StackTemplate::new()
            .with_retained(ALICE, properties)
            .unwrap()
    };
    people.stack.create(&template(&alice)).await.unwrap();
    let status = people
        .stack
        .update(&template(&renamed(&alice)))
        .await
        .unwrap();
    assert_eq!(status, Status::UpdateComplete);
    assert_eq!(people.users().await, ["alice", "bob"]);
    assert_eq!(people.delete().await, Status::DeleteComplete);
    assert_eq!(people.users().await, ["alice", "bob"]);
    assert_eq!(people.requests(), ["Create alice", "Update bob alice"]);
    people.scene.check().await.unwrap();
}

#[tokio::test]
async fn a_name_goes_and_comes_back() {
    let mut people = People::new().await;
    let alice = people.scene.full_user("alice");
    people.created(&alice).await;
    people.scene.note_secrets().await.unwrap();
    people.updated(&renamed(&alice)).await;
    people.scene.note_secrets().await.unwrap();
    people.updated(&alice).await;
    assert_eq!(people.users().await, ["alice"]);
    people.deleted().await;
}
