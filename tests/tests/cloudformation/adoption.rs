//! Users that exist before a stack declares them.

use harness::cloudformation::{RequestKind, SceneOptions, Sibling, Status};
use serde_json::{Value, json};

use super::people::{ALICE, People, template, with};

/// A scene in which somebody made a user, and its properties with `AdoptionPolicy: adopt`.
async fn existing(name: &str, path: &str, options: SceneOptions) -> (People, Value) {
    let people = People::with(options).await;
    make(&people, name, path).await;
    let user = people.scene.full_user(name);
    (people, with(user, json!({"AdoptionPolicy": "adopt"})))
}

async fn make(people: &People, name: &str, path: &str) {
    let iam = people.scene.member().iam();
    let tag = aws_sdk_iam::types::Tag::builder()
        .key("Made")
        .value("by hand");
    let create = iam.create_user().user_name(name).path(path);
    create.tags(tag.build().unwrap()).send().await.unwrap();
}

async fn alice() -> (People, Value) {
    existing("alice", "/people/", SceneOptions::default()).await
}

async fn unique_id(people: &People, name: &str) -> String {
    let iam = people.scene.member().iam();
    let found = iam.get_user().user_name(name).send().await.unwrap();
    found.user.unwrap().user_id
}

#[tokio::test]
async fn a_user_is_taken_over_brought_to_its_properties_and_kept_by_the_deletion() {
    let (mut people, alice) = alice().await;
    let id = unique_id(&people, "alice").await;
    people.created(&alice).await;
    assert_eq!(people.stack.get_att(ALICE, "Status").unwrap(), "Updated");
    assert_eq!(people.stack.get_att(ALICE, "UniqueId").unwrap(), id);
    people.updated(&with(alice, json!({"Tags": []}))).await;
    assert_eq!(people.delete().await, Status::DeleteComplete);
    assert_eq!(unique_id(&people, "alice").await, id);
    people.scene.check().await.unwrap();
}

#[tokio::test]
async fn without_the_policy_of_the_template_nothing_is_taken_over() {
    let (mut people, alice) = alice().await;
    let alice = with(alice, json!({"AdoptionPolicy": null}));
    assert_eq!(people.create(&alice).await, Status::RollbackComplete);
    let reason = people.reason(RequestKind::Create);
    assert!(reason.contains("AdoptionPolicy: adopt"), "{reason}");
    assert_eq!(people.secrets("alice").await.tags.len(), 1);
    people.scene.check().await.unwrap();
}

#[tokio::test]
async fn without_the_setting_of_the_function_nothing_is_taken_over() {
    let options = SceneOptions::default().without("CROSSACCOUNT_ALLOW_ADOPTION");
    let (mut people, alice) = existing("alice", "/people/", options).await;
    assert_eq!(people.create(&alice).await, Status::RollbackComplete);
    let reason = people.reason(RequestKind::Create);
    assert!(reason.contains("CROSSACCOUNT_ALLOW_ADOPTION"), "{reason}");
    assert_eq!(people.changes().await, Vec::<String>::new());
    people.scene.check().await.unwrap();
}

#[tokio::test]
async fn a_user_outside_of_the_path_of_the_function_is_not_taken_over() {
    let (mut people, alice) = existing("alice", "/admins/", SceneOptions::default()).await;
    assert_eq!(people.create(&alice).await, Status::RollbackComplete);
    let reason = people.reason(RequestKind::Create);
    assert!(reason.contains("CROSSACCOUNT_USER_PATH_PREFIX"), "{reason}");
    assert_eq!(people.changes().await, Vec::<String>::new());
    people.scene.check().await.unwrap();
}

#[tokio::test]
async fn a_user_with_more_rights_than_a_template_may_give_is_not_taken_over() {
    let options = SceneOptions::default().with(
        "CROSSACCOUNT_ALLOWED_POLICY_ARNS",
        "arn:aws:iam::aws:policy/ReadOnlyAccess",
    );
    let (mut people, alice) = existing("alice", "/people/", options).await;
    let iam = people.scene.member().iam();
    let attach = iam
        .attach_user_policy()
        .user_name("alice")
        .policy_arn("arn:aws:iam::aws:policy/AdministratorAccess");
    attach.send().await.unwrap();
    let alice = with(alice, json!({"ManagedPolicyArns": null}));
    assert_eq!(people.create(&alice).await, Status::RollbackComplete);
    let reason = people.reason(RequestKind::Create);
    assert!(reason.contains("AdministratorAccess"), "{reason}");
    assert_eq!(people.changes().await, Vec::<String>::new());
    people.scene.check().await.unwrap();
}

#[tokio::test]
async fn a_failed_adoption_does_not_delete_the_user() {
    let (mut people, alice) = alice().await;
    let id = unique_id(&people, "alice").await;
    let policy = json!({"ManagedPolicyArns": ["arn:aws:iam::aws:policy/NoSuchPolicy"]});
    assert_eq!(
        people.create(&with(alice, policy)).await,
        Status::RollbackComplete
    );
    assert_eq!(unique_id(&people, "alice").await, id);
    people.scene.check().await.unwrap();
}

#[tokio::test]
async fn an_adopted_user_is_kept_when_the_creation_is_rolled_back() {
    let (mut people, alice) = alice().await;
    let id = unique_id(&people, "alice").await;
    let failing = template(&alice).failing(Sibling::AfterAll);
    let status = people.stack.create(&failing).await.unwrap();
    assert_eq!(
        status,
        Status::RollbackComplete,
        "{:#?}",
        people.stack.events()
    );
    assert_eq!(unique_id(&people, "alice").await, id);
    people.scene.check().await.unwrap();
}

#[tokio::test]
async fn an_adopted_user_is_deleted_when_the_template_says_so() {
    let (mut people, alice) = alice().await;
    let alice = with(alice, json!({"DeletionPolicy": "delete"}));
    people.created(&alice).await;
    people.deleted().await;
}

#[tokio::test]
async fn a_user_that_was_adopted_deleted_by_hand_and_made_anew_is_ours_to_delete() {
    let (mut people, _) = alice().await;
    let alice = with(
        people.scene.user("alice"),
        json!({"AdoptionPolicy": "adopt"}),
    );
    people.created(&alice).await;
    let iam = people.scene.member().iam();
    iam.delete_user().user_name("alice").send().await.unwrap();
    people
        .updated(&with(
            alice,
            json!({"Tags": [{"Key": "Team", "Value": "core"}]}),
        ))
        .await;
    people.deleted().await;
}

#[tokio::test]
async fn a_created_user_that_an_adopted_one_replaces_is_deleted_and_the_adopted_one_kept() {
    let (mut people, bob) = existing("bob", "/people/", SceneOptions::default()).await;
    let alice = with(bob.clone(), json!({"UserName": "alice"}));
    people.created(&alice).await;
    people.scene.note_secrets().await.unwrap();
    people.updated(&bob).await;
    assert_eq!(
        people.users().await,
        ["bob"],
        "{:#?}",
        people.stack.events()
    );
    assert_eq!(people.delete().await, Status::DeleteComplete);
    assert_eq!(people.users().await, ["bob"]);
    people.scene.check().await.unwrap();
}

#[tokio::test]
async fn an_adopted_user_that_a_created_one_replaces_is_kept_and_the_created_one_deleted() {
    let (mut people, alice) = alice().await;
    people.created(&alice).await;
    people
        .updated(&with(alice, json!({"UserName": "bob"})))
        .await;
    assert_eq!(people.users().await, ["alice", "bob"]);
    assert_eq!(people.delete().await, Status::DeleteComplete);
    assert_eq!(people.users().await, ["alice"]);
    people.scene.check().await.unwrap();
}

#[tokio::test]
async fn an_adoption_by_a_replacement_that_is_rolled_back_deletes_nobody() {
    let (mut people, bob) = existing("bob", "/people/", SceneOptions::default()).await;
    let alice = with(bob.clone(), json!({"UserName": "alice"}));
    people.created(&alice).await;
    let status = people.update_in_vain(&bob).await;
    assert_eq!(
        status,
        Status::UpdateRollbackComplete,
        "{:#?}",
        people.stack.events()
    );
    assert_eq!(people.users().await, ["alice", "bob"]);
    people.assert_is(&alice).await;
    assert_eq!(people.delete().await, Status::DeleteComplete);
    assert_eq!(people.users().await, ["bob"]);
    people.scene.check().await.unwrap();
}

#[tokio::test]
async fn what_another_stack_owns_is_never_taken_over() {
    let mut people = People::new().await;
    let alice = people.scene.full_user("alice");
    people.created(&alice).await;
    let mut second = people.scene.stack();
    let adopt = with(alice.clone(), json!({"AdoptionPolicy": "adopt"}));
    let status = second.create(&template(&adopt)).await.unwrap();
    assert_eq!(status, Status::RollbackComplete);
    let reason = &second.events()[0].reason;
    assert!(reason.contains(people.stack.id()), "{reason}");
    people.assert_is(&alice).await;
    people.deleted().await;
}
