//! Access keys of stacks rotate by age, on a schedule of the function: CloudFormation sends nothing when time passes.

use std::time::Duration;

use harness::cloudformation::{SceneOptions, Status};
use harness::lambda::Outcome;
use harness::{Fault, FaultKind};
use serde_json::{Value, json};

use super::people::{ALICE, People, template, with};

const PATIENCE: Duration = Duration::from_secs(30);

fn done(rotated: u32, unchanged: u32) -> Value {
    json!({"Rotated": rotated, "Unchanged": unchanged, "Postponed": 0, "Failed": []})
}

/// Fires the schedule once.
async fn fire(people: &People) -> Outcome {
    let event = json!({"Job": "RotateAccessKeys"});
    people.scene.function.invoke(&event).await.unwrap().outcome
}

/// Fires the schedule, which goes well.
async fn rotate(people: &People) -> Value {
    match fire(people).await {
        Outcome::Returned(value) => value,
        other => panic!("{other:?}"),
    }
}

async fn age(people: &People, name: &str, days: f64) {
    let control = people.scene.world.control();
    let account = people.scene.member().id();
    control.age_user(account, name, days).await.unwrap();
}

/// A stack with a user that has a key and nothing else.
async fn with_key() -> (People, Value) {
    let mut people = People::new().await;
    let alice = with(people.scene.user("alice"), json!({"AccessKey": {}}));
    people.created(&alice).await;
    people.scene.note_secrets().await.unwrap();
    (people, alice)
}

/// The keys of a user: whether each is active, the oldest first.
async fn keys(people: &People, name: &str) -> Vec<(String, bool)> {
    let keys = people.secrets(name).await.keys.into_iter();
    keys.map(|key| (key.access_key_id, key.active)).collect()
}

#[tokio::test]
async fn a_key_is_replaced_switched_off_and_deleted_by_its_age() {
    let (mut people, alice) = with_key().await;
    let first = people.stored_key("alice").await;
    assert_eq!(rotate(&people).await, done(0, 1));
    assert_eq!(keys(&people, "alice").await, [(first.clone(), true)]);

    age(&people, "alice", 16.0).await;
    assert_eq!(rotate(&people).await, done(1, 0));
    let second = people.stored_key("alice").await;
    assert_ne!(first, second);
    let both = [(first.clone(), true), (second.clone(), true)];
    assert_eq!(keys(&people, "alice").await, both);
    assert_eq!(rotate(&people).await, done(0, 1));
    people.scene.note_secrets().await.unwrap();

    age(&people, "alice", 8.0).await;
    assert_eq!(rotate(&people).await, done(1, 0));
    let one_off = [(first.clone(), false), (second.clone(), true)];
    assert_eq!(keys(&people, "alice").await, one_off);

    // The first key goes, and the second one is due.
    age(&people, "alice", 8.0).await;
    assert_eq!(rotate(&people).await, done(1, 0));
    let third = people.stored_key("alice").await;
    let left = [(second.clone(), true), (third.clone(), true)];
    assert_eq!(keys(&people, "alice").await, left);
    assert_eq!(rotate(&people).await, done(0, 1));
    assert_eq!(people.calls("iam:CreateAccessKey").await.len(), 3);

    // The next answer to the stack tells which key it is now.
    assert_eq!(people.stack.get_att(ALICE, "AccessKeyId").unwrap(), first);
    people
        .updated(&with(
            alice,
            json!({"Tags": [{"Key": "Team", "Value": "core"}]}),
        ))
        .await;
    assert_eq!(people.stack.get_att(ALICE, "AccessKeyId").unwrap(), third);
    people.deleted().await;
    assert_eq!(rotate(&people).await, done(0, 0));
}

#[tokio::test]
async fn a_run_is_recorded_in_the_audit_bucket() {
    let (people, _) = with_key().await;
    age(&people, "alice", 16.0).await;
    let before = people.scene.audit_objects().await.unwrap().len();
    rotate(&people).await;
    let objects = people.scene.audit_objects().await.unwrap();
    assert_eq!(objects.len(), before + 2);
    let rotations = objects
        .iter()
        .filter(|(_, text)| text.contains(r#""rotate_access_key""#));
    assert_eq!(rotations.count(), 2);
    people.scene.check().await.unwrap();
}

#[tokio::test]
async fn what_somebody_did_to_a_key_is_not_undone() {
    let (people, _) = with_key().await;
    let key = people.stored_key("alice").await;
    let iam = people.scene.member().iam();
    let switch_off = iam
        .update_access_key()
        .user_name("alice")
        .access_key_id(&key);
    switch_off.status("Inactive".into()).send().await.unwrap();
    age(&people, "alice", 16.0).await;
    assert_eq!(rotate(&people).await, done(0, 1));
    assert_eq!(keys(&people, "alice").await, [(key.clone(), false)]);
    let delete = iam
        .delete_access_key()
        .user_name("alice")
        .access_key_id(&key);
    delete.send().await.unwrap();
    assert_eq!(rotate(&people).await, done(0, 1));
    assert_eq!(keys(&people, "alice").await, []);
    assert_eq!(people.calls("iam:CreateAccessKey").await.len(), 1);
    people.scene.check().await.unwrap();
}

#[tokio::test]
async fn a_user_without_an_access_key_has_no_schedule() {
    let (mut people, alice) = with_key().await;
    people
        .updated(&with(alice, json!({"AccessKey": null})))
        .await;
    assert_eq!(rotate(&people).await, done(0, 0));
    people.deleted().await;
}

#[tokio::test]
async fn the_schedule_follows_a_replacement() {
    let (mut people, alice) = with_key().await;
    people
        .updated(&with(alice, json!({"UserName": "bob"})))
        .await;
    people.scene.note_secrets().await.unwrap();
    age(&people, "bob", 16.0).await;
    assert_eq!(rotate(&people).await, done(1, 0));
    assert_eq!(keys(&people, "bob").await.len(), 2);
    people.deleted().await;
    assert_eq!(rotate(&people).await, done(0, 0));
}

#[rstest::rstest]
#[case::sent_back(harness::cloudformation::Replaced::UpdatedBack)]
#[case::forgotten(harness::cloudformation::Replaced::Forgotten)]
#[tokio::test]
async fn the_schedule_is_that_of_the_old_user_after_a_replacement_was_rolled_back(
    #[case] replaced: harness::cloudformation::Replaced,
) {
    let mut people = People::new().await;
    let mut options = harness::cloudformation::StackOptions::new(people.scene.world.hub().id());
    options.replaced = replaced;
    people.stack = people.scene.stack_with(options);
    let alice = with(people.scene.user("alice"), json!({"AccessKey": {}}));
    people.created(&alice).await;
    let status = people
        .update_in_vain(&with(alice, json!({"UserName": "bob"})))
        .await;
    assert_eq!(status, Status::UpdateRollbackComplete);
    people.scene.note_secrets().await.unwrap();
    age(&people, "alice", 16.0).await;
    assert_eq!(rotate(&people).await, done(1, 0));
    people.deleted().await;
}

#[tokio::test]
async fn a_request_that_is_at_work_postpones_the_schedule() {
    let (mut people, alice) = with_key().await;
    age(&people, "alice", 16.0).await;
    let control = *people.scene.world.control();
    let hold = Fault::new(FaultKind::HoldBeforeCommit, "iam:TagUser")
        .in_account(people.scene.member().id());
    let hold = control.add_fault(&hold).await.unwrap();
    let tagged = with(alice, json!({"Tags": [{"Key": "Team", "Value": "core"}]}));
    let template = template(&tagged);
    let function = people.scene.function.clone();
    let in_between = async {
        control.wait_for_fault(&hold.id, 1, PATIENCE).await.unwrap();
        let event = json!({"Job": "RotateAccessKeys"});
        let fired = function.invoke(&event).await.unwrap().outcome;
        control.release(&hold.id).await.unwrap();
        fired
    };
    let (status, fired) = tokio::join!(people.stack.update(&template), in_between);
    assert_eq!(status.unwrap(), Status::UpdateComplete);
    let postponed = json!({"Rotated": 0, "Unchanged": 0, "Postponed": 1, "Failed": []});
    assert_eq!(fired, Outcome::Returned(postponed));
    // The update has done what was due.
    assert_eq!(rotate(&people).await, done(0, 1));
    assert_eq!(people.calls("iam:CreateAccessKey").await.len(), 2);
    people.deleted().await;
}

#[tokio::test]
async fn a_delete_waits_for_a_run_that_is_at_work() {
    let (mut people, _) = with_key().await;
    age(&people, "alice", 16.0).await;
    let control = *people.scene.world.control();
    let hold = Fault::new(FaultKind::HoldAfterCommit, "iam:CreateAccessKey")
        .in_account(people.scene.member().id());
    let hold = control.add_fault(&hold).await.unwrap();
    let hub = people.scene.world.hub().id().to_owned();
    let delete_is_seen =
        Fault::new(FaultKind::Latency(Duration::ZERO), "dynamodb:GetItem").in_account(&hub);
    let delete_is_seen = control.add_fault(&delete_is_seen).await.unwrap();
    let function = people.scene.function.clone();
    let release = async {
        control
            .wait_for_fault(&delete_is_seen.id, 1, PATIENCE)
            .await
            .unwrap();
        control.release(&hold.id).await.unwrap();
    };
    let event = json!({"Job": "RotateAccessKeys"});
    let stack = &mut people.stack;
    let delete = async {
        control.wait_for_fault(&hold.id, 1, PATIENCE).await.unwrap();
        stack.delete().await.unwrap()
    };
    let (fired, status, ()) = tokio::join!(function.invoke(&event), delete, release);
    assert_eq!(fired.unwrap().outcome, Outcome::Returned(done(1, 0)));
    assert_eq!(
        status,
        Status::DeleteComplete,
        "{:#?}",
        people.stack.events()
    );
    people.scene.check_empty().await.unwrap();
}

#[tokio::test]
async fn two_runs_at_the_same_moment_make_one_key() {
    let (mut people, _) = with_key().await;
    age(&people, "alice", 16.0).await;
    let (one, other) = tokio::join!(fire(&people), fire(&people));
    assert!(one.is_success() && other.is_success(), "{one:?} {other:?}");
    assert_eq!(people.calls("iam:CreateAccessKey").await.len(), 2);
    assert_eq!(keys(&people, "alice").await.len(), 2);
    people.scene.note_secrets().await.unwrap();
    people.deleted().await;
}

#[tokio::test]
async fn a_user_that_is_gone_or_of_somebody_else_is_no_failure() {
    let (people, _) = with_key().await;
    let iam = people.scene.member().iam();
    let untag = iam
        .untag_user()
        .user_name("alice")
        .tag_keys("crossaccount:managed-by");
    untag.send().await.unwrap();
    age(&people, "alice", 16.0).await;
    assert_eq!(rotate(&people).await, done(0, 1));
    let key = people.stored_key("alice").await;
    let delete = iam
        .delete_access_key()
        .user_name("alice")
        .access_key_id(key);
    delete.send().await.unwrap();
    iam.delete_user().user_name("alice").send().await.unwrap();
    assert_eq!(rotate(&people).await, done(0, 1));
    people.scene.check().await.unwrap();
}

#[tokio::test]
async fn an_account_that_fails_is_named_and_stops_no_other() {
    let mut options = SceneOptions::default();
    options.world.members = 2;
    let mut people = People::with(options).await;
    let alice = with(people.scene.user("alice"), json!({"AccessKey": {}}));
    let other = people.scene.world.members()[1].id().to_owned();
    let boundary = format!("arn:aws:iam::{other}:policy/Boundary");
    let there = with(
        alice.clone(),
        json!({"AccountId": other, "PermissionsBoundary": boundary}),
    );
    let both = template(&alice).with("There", &there).unwrap();
    assert_eq!(
        people.stack.create(&both).await.unwrap(),
        Status::CreateComplete
    );
    people.scene.note_secrets().await.unwrap();
    let control = *people.scene.world.control();
    for member in people.scene.world.members() {
        control.age_user(member.id(), "alice", 16.0).await.unwrap();
    }
    let here = people.scene.member().id().to_owned();
    people
        .scene
        .function
        .configure("CROSSACCOUNT_ALLOWED_ACCOUNT_IDS", Some(&here));
    let Outcome::Failed(told) = fire(&people).await else {
        panic!("a failed schedule has to count as an error of the function");
    };
    let message = told["errorMessage"].as_str().unwrap();
    assert!(message.contains("There"), "{message}");
    assert!(
        message.contains("CROSSACCOUNT_ALLOWED_ACCOUNT_IDS"),
        "{message}"
    );
    assert_eq!(keys(&people, "alice").await.len(), 2);
    assert_eq!(
        control
            .user_secrets(&other, "alice")
            .await
            .unwrap()
            .keys
            .len(),
        1
    );
    people.scene.check().await.unwrap();
}

#[rstest::rstest]
#[case::an_unknown_job(json!({"Job": "Rotate"}), None, "RotateAccessKeys")]
#[case::without_settings(json!({"Job": "RotateAccessKeys"}), Some("CROSSACCOUNT_EXTERNAL_ID"), "CROSSACCOUNT_EXTERNAL_ID")]
#[tokio::test]
async fn a_job_that_cannot_be_done_fails_with_the_reason(
    #[case] event: Value,
    #[case] missing: Option<&str>,
    #[case] named: &str,
) {
    let people = People::new().await;
    if let Some(missing) = missing {
        people.scene.function.configure(missing, None);
    }
    let outcome = people.scene.function.invoke(&event).await.unwrap().outcome;
    let Outcome::Failed(told) = outcome else {
        panic!("{outcome:?}");
    };
    let message = told["errorMessage"].as_str().unwrap();
    assert!(message.contains(named), "{message}");
}
