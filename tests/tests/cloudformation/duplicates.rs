//! Lambda delivers events more than once, late, and again after a crash. Nothing happens twice.

use std::time::Duration;

use harness::cloudformation::{Reception, RequestKind, Signal, StackOptions, Status};
use harness::{Fault, FaultKind};
use serde_json::{Value, json};

use super::people::{ALICE, People, template, with};

const PATIENCE: Duration = Duration::from_secs(30);

async fn keys_made(people: &People) -> usize {
    people.calls("iam:CreateAccessKey").await.len()
}

/// A stack whose events are all delivered twice, at the same moment.
async fn doubled() -> People {
    let mut people = People::new().await;
    let mut options = StackOptions::new(people.scene.world.hub().id());
    options.copies = 2;
    people.stack = people.scene.stack_with(options);
    people
}

#[tokio::test]
async fn a_life_in_which_every_event_comes_twice_at_the_same_moment_is_lived_once() {
    let mut people = doubled().await;
    let alice = people.scene.full_user("alice");
    people.created(&alice).await;
    assert_eq!(keys_made(&people).await, 1);
    people.scene.note_secrets().await.unwrap();
    let rotated = with(
        alice,
        json!({"AccessKey": {"RotationTrigger": "leak"}, "ConsoleAccess": {"PasswordResetTrigger": "lost"}}),
    );
    people.updated(&rotated).await;
    assert_eq!(keys_made(&people).await, 2);
    assert_eq!(people.calls("iam:UpdateLoginProfile").await.len(), 1);
    people.scene.note_secrets().await.unwrap();
    people
        .updated(&with(rotated, json!({"UserName": "bob"})))
        .await;
    assert_eq!(keys_made(&people).await, 3);
    assert_eq!(people.calls("iam:CreateUser").await.len(), 2);
    people.deleted().await;
    assert_eq!(people.calls("iam:DeleteUser").await.len(), 2);
}

#[tokio::test]
async fn two_deliveries_of_a_refused_creation_give_one_answer() {
    let mut people = doubled().await;
    let iam = people.scene.member().iam();
    iam.create_user().user_name("alice").send().await.unwrap();
    let alice = people.scene.full_user("alice");
    assert_eq!(people.create(&alice).await, Status::RollbackComplete);
    assert_eq!(people.users().await, ["alice"]);
    people.scene.check().await.unwrap();
}

#[tokio::test]
async fn events_that_come_again_much_later_change_nothing() {
    let mut people = People::new().await;
    let alice = people.scene.full_user("alice");
    let rotated = with(
        alice.clone(),
        json!({"AccessKey": {"RotationTrigger": "leak"}}),
    );
    people.created(&alice).await;
    people.updated(&rotated).await;
    people.scene.note_secrets().await.unwrap();
    let first = people.stack.sent().to_vec();
    people.scene.forget_calls().await.unwrap();
    for sent in &first {
        people.stack.deliver_again(sent).await.unwrap();
    }
    people
        .updated(&with(rotated.clone(), json!({"Tags": []})))
        .await;
    assert_eq!(keys_made(&people).await, 0);
    people.deleted().await;
    people.scene.forget_calls().await.unwrap();
    for sent in &people.stack.sent().to_vec() {
        people.stack.deliver_again(sent).await.unwrap();
    }
    assert_eq!(people.changes().await, Vec::<String>::new());
    people.stack.endpoint().check_confirmed_once().unwrap();
    people.scene.check_empty().await.unwrap();
}

/// The ledger forgets answers after a week, and the order of requests tells all the same.
#[tokio::test]
async fn an_old_event_whose_answer_nobody_remembers_changes_nothing() {
    let mut people = People::new().await;
    let alice = people.scene.full_user("alice");
    people.created(&alice).await;
    people.scene.note_secrets().await.unwrap();
    people
        .updated(&with(
            alice.clone(),
            json!({"AccessKey": {"RotationTrigger": "leak"}}),
        ))
        .await;
    let tagged = with(
        alice,
        json!({"AccessKey": {"RotationTrigger": "leak"}, "Tags": []}),
    );
    people.updated(&tagged).await;
    forget_answers(&people).await;
    people.scene.forget_calls().await.unwrap();
    // The Create, and the Update before the newest one. Their URLs are used up: S3 takes what comes, and nobody reads it.
    for sent in &people.stack.sent()[..2] {
        people.scene.function.invoke(&sent.event).await.unwrap();
    }
    assert_eq!(people.changes().await, Vec::<String>::new());
    people.assert_is(&tagged).await;
    assert_eq!(people.delete().await, Status::DeleteComplete);
    forget_answers(&people).await;
    people.scene.forget_calls().await.unwrap();
    for sent in &people.stack.sent()[..3] {
        people.scene.function.invoke(&sent.event).await.unwrap();
    }
    assert_eq!(people.changes().await, Vec::<String>::new());
    assert_eq!(people.users().await, Vec::<String>::new());
}

/// Takes the records of answers out of the ledger.
async fn forget_answers(people: &People) {
    let dynamodb = people.scene.world.hub().dynamodb();
    for item in people.scene.ledger().await.unwrap() {
        let key = item["Key"].clone();
        if key.as_s().unwrap().starts_with("request#") {
            let delete = dynamodb.delete_item().table_name("crossaccount-ledger");
            delete.key("Key", key).send().await.unwrap();
        }
    }
}

/// Kills the function when it is in the middle of a call, so that Lambda delivers the event again.
async fn killed_at(
    people: &mut People,
    kind: FaultKind,
    action: &str,
    properties: &Value,
) -> Status {
    let control = *people.scene.world.control();
    let member = people.scene.member().id().to_owned();
    let hold = Fault::new(kind, action).in_account(&member);
    let hold = control.add_fault(&hold).await.unwrap();
    let function = people.scene.function.clone();
    let kill = async {
        control.wait_for_fault(&hold.id, 1, PATIENCE).await.unwrap();
        assert_eq!(function.kill_busy(), 1);
        control.release(&hold.id).await.unwrap();
    };
    let template = template(properties);
    let (status, ()) = if people.stack.status() == Status::NotCreated {
        tokio::join!(people.stack.create(&template), kill)
    } else {
        tokio::join!(people.stack.update(&template), kill)
    };
    status.unwrap()
}

#[rstest::rstest]
#[case::before_the_user("iam:CreateUser", FaultKind::HoldBeforeCommit, 1)]
#[case::after_the_user("iam:CreateUser", FaultKind::HoldAfterCommit, 1)]
#[case::after_the_password("iam:CreateLoginProfile", FaultKind::HoldAfterCommit, 1)]
// The secret of this key is lost with the process: the key is deleted, and another one made.
#[case::after_the_key("iam:CreateAccessKey", FaultKind::HoldAfterCommit, 2)]
#[tokio::test]
async fn a_creation_that_is_killed_is_completed_by_its_next_delivery(
    #[case] action: &str,
    #[case] kind: FaultKind,
    #[case] keys: usize,
) {
    let mut people = People::new().await;
    let alice = people.scene.full_user("alice");
    let status = killed_at(&mut people, kind, action, &alice).await;
    assert_eq!(
        status,
        Status::CreateComplete,
        "{:#?}",
        people.stack.events()
    );
    people.assert_is(&alice).await;
    assert_eq!(people.secrets("alice").await.keys.len(), 1);
    assert_eq!(keys_made(&people).await, keys);
    people.deleted().await;
}

#[tokio::test]
async fn a_function_that_dies_with_its_answer_on_the_way_gives_the_same_one_again() {
    let mut people = People::new().await;
    let (reached, release) = (Signal::new(), Signal::new());
    let held = Reception::StoredAndHeld {
        reached: reached.clone(),
        release: release.clone(),
    };
    people
        .stack
        .receive_with(ALICE, RequestKind::Create, [held]);
    let alice = people.scene.full_user("alice");
    let function = people.scene.function.clone();
    let kill = async {
        reached.wait().await;
        function.kill_busy();
        release.give();
    };
    let template = template(&alice);
    let (status, ()) = tokio::join!(people.stack.create(&template), kill);
    assert_eq!(status.unwrap(), Status::CreateComplete);
    let create = &people.stack.sent()[0];
    let puts = people.stack.endpoint().puts(&create.request_id);
    assert_eq!(puts.len(), 2);
    assert_eq!(puts[0].body, puts[1].body);
    assert_eq!(keys_made(&people).await, 1);
    people.assert_is(&alice).await;
    people.deleted().await;
}

#[tokio::test]
async fn a_rotation_that_is_killed_after_it_was_answered_in_the_ledger_rotates_once() {
    let mut people = People::new().await;
    let alice = people.scene.full_user("alice");
    people.created(&alice).await;
    people.scene.note_secrets().await.unwrap();
    // Nobody takes the answer: the first delivery gives up, and the next one only sends it again.
    let refusals = vec![Reception::Refuse; 1];
    people
        .stack
        .receive_with(ALICE, RequestKind::Update, refusals);
    let rotated = with(alice, json!({"AccessKey": {"RotationTrigger": "leak"}}));
    people.updated(&rotated).await;
    assert_eq!(keys_made(&people).await, 2);
    people.deleted().await;
}
