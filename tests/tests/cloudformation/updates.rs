//! Updates in place: every property, and nothing when nothing changed.

use harness::cloudformation::{SceneOptions, Status};
use serde_json::{Value, json};

use super::people::{ALICE, People, with};

/// Everything that can be declared, but no credentials.
fn plain(people: &People) -> Value {
    let full = people.scene.full_user("alice");
    with(full, json!({"ConsoleAccess": null, "AccessKey": null}))
}

async fn unique_id(people: &People) -> String {
    let iam = people.scene.member().iam();
    let found = iam.get_user().user_name("alice").send().await.unwrap();
    found.user.unwrap().user_id
}

#[tokio::test]
async fn an_update_of_the_stack_that_changes_nothing_of_the_user_sends_nothing() {
    let mut people = People::new().await;
    let alice = people.scene.full_user("alice");
    people.created(&alice).await;
    people.scene.forget_calls().await.unwrap();
    people.updated(&alice).await;
    assert_eq!(people.requests(), ["Create alice"]);
    people.deleted().await;
}

#[tokio::test]
async fn an_update_that_means_the_same_changes_nothing() {
    let mut people = People::new().await;
    let alice = people.scene.full_user("alice");
    people.created(&alice).await;
    people.scene.forget_calls().await.unwrap();
    // ServiceTimeout is for CloudFormation, and false is what counts without ForceDestroy.
    people
        .updated(&with(
            alice,
            json!({"ServiceTimeout": 600, "ForceDestroy": false}),
        ))
        .await;
    assert_eq!(people.requests().len(), 2);
    assert_eq!(people.stack.get_att(ALICE, "Status").unwrap(), "Unchanged");
    assert_eq!(people.changes().await, Vec::<String>::new());
    people.deleted().await;
}

#[tokio::test]
async fn every_property_without_a_secret_is_changed_in_place_and_back() {
    let options = SceneOptions::default().with(
        "CROSSACCOUNT_PERMISSIONS_BOUNDARIES",
        "arn:aws:iam::*:policy/Boundary*",
    );
    let mut people = People::with(options).await;
    let account = people.scene.member().id().to_owned();
    let document = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:ListAllMyBuckets", "Resource": "*"}]});
    let iam = people.scene.member().iam();
    let boundary = iam
        .create_policy()
        .policy_name("BoundaryTwo")
        .policy_document(document.to_string());
    boundary.send().await.unwrap();
    let alice = plain(&people);
    people.created(&alice).await;
    let id = unique_id(&people).await;
    let queues = alice["Policies"][0].clone();
    for change in [
        json!({"Tags": [{"Key": "Team", "Value": "edge"}, {"Key": "Level", "Value": "2"}]}),
        json!({"Tags": []}),
        json!({"Path": "/people/machines/"}),
        json!({"PermissionsBoundary": format!("arn:aws:iam::{account}:policy/BoundaryTwo")}),
        json!({"ManagedPolicyArns": ["arn:aws:iam::aws:policy/SecurityAudit", "arn:aws:iam::aws:policy/ReadOnlyAccess"]}),
        json!({"ManagedPolicyArns": []}),
        json!({"Policies": [queues, {"PolicyName": "buckets", "PolicyDocument": document}]}),
        json!({"Policies": [{"PolicyName": "queues", "PolicyDocument": document}]}),
        json!({"Policies": []}),
        json!({"Groups": ["readers"]}),
        json!({"Groups": []}),
    ] {
        people.updated(&with(alice.clone(), change.clone())).await;
        assert_eq!(
            people.stack.get_att(ALICE, "Status").unwrap(),
            "Updated",
            "{change}"
        );
        people.updated(&alice).await;
    }
    assert_eq!(unique_id(&people).await, id, "it is still the same user");
    people.deleted().await;
}

#[tokio::test]
async fn sets_that_are_no_longer_declared_are_left_as_they_are() {
    let mut people = People::new().await;
    let alice = plain(&people);
    people.created(&alice).await;
    let unmanaged = json!({"ManagedPolicyArns": null, "Policies": null, "Groups": null});
    let status = people.update(&with(alice.clone(), unmanaged)).await;
    assert_eq!(status, Status::UpdateComplete);
    people.assert_is(&alice).await;
    // They are not ours any more, so they stand in the way of the deletion.
    assert_eq!(people.delete().await, Status::DeleteFailed);
    people.scene.check().await.unwrap();
}

#[tokio::test]
async fn console_access_is_given_reset_and_taken_away() {
    let mut people = People::new().await;
    let alice = people.scene.user("alice");
    let access = |access: Value| with(alice.clone(), json!({"ConsoleAccess": access}));
    people.created(&alice).await;
    people.updated(&access(json!({}))).await;
    let first = people.secrets("alice").await.login.unwrap();
    assert!(first.reset_required);
    people
        .updated(&access(
            json!({"PasswordResetTrigger": "lost", "PasswordResetRequired": "false"}),
        ))
        .await;
    let second = people.secrets("alice").await.login.unwrap();
    assert_ne!(first.password, second.password);
    assert!(!second.reset_required);
    people
        .updated(&access(json!({"PasswordResetTrigger": "lost", "PasswordResetRequired": false, "PasswordLength": 40})))
        .await;
    let third = people.secrets("alice").await.login.unwrap();
    assert_eq!(third.password.len(), 40);
    people.updated(&alice).await;
    people.deleted().await;
}

#[tokio::test]
async fn an_access_key_is_given_replaced_switched_off_and_taken_away() {
    let mut people = People::new().await;
    let alice = people.scene.user("alice");
    let key = |key: Value| with(alice.clone(), json!({"AccessKey": key}));
    people.created(&alice).await;
    people.updated(&key(json!({}))).await;
    let first = people.stored_key("alice").await;
    people
        .updated(&key(json!({"RotationTrigger": "leak"})))
        .await;
    let second = people.stored_key("alice").await;
    assert_ne!(first, second);
    assert_eq!(people.stack.get_att(ALICE, "Status").unwrap(), "Rotated");
    // Another interval is no reason for another key.
    people
        .updated(&key(
            json!({"RotationTrigger": "leak", "RotateAfterDays": 20}),
        ))
        .await;
    people
        .updated(&key(
            json!({"RotationTrigger": "leak", "Status": "Inactive"}),
        ))
        .await;
    let keys = people.secrets("alice").await.keys;
    assert_eq!(keys.len(), 2);
    assert!(keys.iter().all(|key| !key.active), "{keys:?}");
    people
        .updated(&key(json!({"RotationTrigger": "leak"})))
        .await;
    assert_eq!(people.stored_key("alice").await, second);
    let keys = people.secrets("alice").await.keys;
    assert!(
        keys.iter()
            .any(|key| key.active && key.access_key_id == second)
    );
    assert_eq!(people.calls("iam:CreateAccessKey").await.len(), 2);
    people.updated(&alice).await;
    people.deleted().await;
}

#[tokio::test]
async fn a_user_that_was_deleted_by_hand_is_made_anew_by_an_update() {
    let mut people = People::new().await;
    let alice = with(people.scene.user("alice"), json!({"AccessKey": {}}));
    people.created(&alice).await;
    let (id, key) = (unique_id(&people).await, people.stored_key("alice").await);
    people.scene.note_secrets().await.unwrap();
    let iam = people.scene.member().iam();
    let delete_key = iam
        .delete_access_key()
        .user_name("alice")
        .access_key_id(&key);
    delete_key.send().await.unwrap();
    iam.delete_user().user_name("alice").send().await.unwrap();
    people
        .updated(&with(
            alice,
            json!({"Tags": [{"Key": "Team", "Value": "core"}]}),
        ))
        .await;
    assert_ne!(unique_id(&people).await, id);
    assert_ne!(people.stored_key("alice").await, key);
    assert_eq!(people.stack.get_att(ALICE, "Status").unwrap(), "Created");
    people.deleted().await;
}
