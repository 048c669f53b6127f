//! Deletions: ours goes with everything that belongs to it, and what is not ours stays.

use harness::cloudformation::{RequestKind, StackTemplate, Status};
use harness::lambda::Outcome;
use serde_json::{Value, json};

use super::people::{ALICE, People, with};

/// Deletes a user as its owner would, without what belongs to it in the secret store.
async fn delete_by_hand(people: &People, name: &str) {
    let iam = people.scene.member().iam();
    for key in people.secrets(name).await.keys {
        let delete = iam
            .delete_access_key()
            .user_name(name)
            .access_key_id(key.access_key_id);
        delete.send().await.unwrap();
    }
    if people.secrets(name).await.login.is_some() {
        iam.delete_login_profile()
            .user_name(name)
            .send()
            .await
            .unwrap();
    }
    iam.delete_user().user_name(name).send().await.unwrap();
}

/// A user with credentials and nothing else, which can be deleted by hand in a few calls.
async fn with_credentials() -> (People, Value) {
    let mut people = People::new().await;
    let credentials = json!({"AccessKey": {}, "ConsoleAccess": {}});
    let alice = with(people.scene.user("alice"), credentials);
    people.created(&alice).await;
    people.scene.note_secrets().await.unwrap();
    (people, alice)
}

#[tokio::test]
async fn a_deletion_that_is_delivered_again_changes_nothing() {
    let (mut people, _) = with_credentials().await;
    people.deleted().await;
    people.scene.forget_calls().await.unwrap();
    // A user of the same name that somebody else makes in between.
    let iam = people.scene.member().iam();
    iam.create_user().user_name("alice").send().await.unwrap();
    let delete = people.stack.sent().last().unwrap().clone();
    let again = people.stack.deliver_again(&delete).await.unwrap();
    assert!(matches!(again[0].outcome, Outcome::Returned(_)));
    assert_eq!(people.changes().await, Vec::<String>::new());
    assert_eq!(people.users().await, ["alice"]);
    people.stack.endpoint().check_confirmed_once().unwrap();
}

#[tokio::test]
async fn a_user_that_is_gone_takes_its_secrets_along() {
    let (mut people, _) = with_credentials().await;
    delete_by_hand(&people, "alice").await;
    people.scene.forget_calls().await.unwrap();
    people.deleted().await;
    assert_eq!(people.changes().await, Vec::<String>::new());
}

#[tokio::test]
async fn somebody_else_with_the_same_name_survives_and_the_old_secrets_go() {
    let (mut people, _) = with_credentials().await;
    delete_by_hand(&people, "alice").await;
    let iam = people.scene.member().iam();
    iam.create_user().user_name("alice").send().await.unwrap();
    iam.create_access_key()
        .user_name("alice")
        .send()
        .await
        .unwrap();
    people.scene.forget_calls().await.unwrap();
    assert_eq!(people.delete().await, Status::DeleteComplete);
    assert_eq!(people.users().await, ["alice"]);
    assert_eq!(people.secrets("alice").await.keys.len(), 1);
    assert_eq!(people.changes().await, Vec::<String>::new());
    assert!(people.parameter("alice", "access-key").await.is_none());
    assert!(
        people
            .parameter("alice", "console-password")
            .await
            .is_none()
    );
    people.scene.check().await.unwrap();
}

#[tokio::test]
async fn a_user_that_another_owner_took_over_survives() {
    let (mut people, _) = with_credentials().await;
    let iam = people.scene.member().iam();
    let owner = aws_sdk_iam::types::Tag::builder()
        .key("crossaccount:managed-by")
        .value("another");
    let tag = iam
        .tag_user()
        .user_name("alice")
        .tags(owner.build().unwrap());
    tag.send().await.unwrap();
    people.scene.forget_calls().await.unwrap();
    assert_eq!(people.delete().await, Status::DeleteComplete);
    assert_eq!(people.users().await, ["alice"]);
    assert_eq!(people.changes().await, Vec::<String>::new());
    people.scene.check().await.unwrap();
}

#[rstest::rstest]
#[case::a_key(json!({"keys": 1}), "access key AKIA")]
#[case::a_group(json!({"group": "readers"}), "group membership readers")]
#[case::a_policy(json!({"policy": "arn:aws:iam::aws:policy/SecurityAudit"}), "attached policy arn:aws:iam::aws:policy/SecurityAudit")]
#[tokio::test]
async fn things_made_by_hand_stop_a_deletion_until_it_is_forced(
    #[case] made: Value,
    #[case] named: &str,
) {
    let mut people = People::new().await;
    let alice = people.scene.user("alice");
    people.created(&alice).await;
    let iam = people.scene.member().iam();
    if made["keys"] == 1 {
        iam.create_access_key()
            .user_name("alice")
            .send()
            .await
            .unwrap();
    }
    if let Some(group) = made["group"].as_str() {
        let add = iam.add_user_to_group().user_name("alice").group_name(group);
        add.send().await.unwrap();
    }
    if let Some(policy) = made["policy"].as_str() {
        let attach = iam
            .attach_user_policy()
            .user_name("alice")
            .policy_arn(policy);
        attach.send().await.unwrap();
    }
    assert_eq!(people.delete().await, Status::DeleteFailed);
    let reason = people.reason(RequestKind::Delete);
    assert!(reason.contains(named), "{reason}");
    assert!(reason.contains("ForceDestroy: true"), "{reason}");
    assert_eq!(people.users().await, ["alice"]);
    people.scene.check().await.unwrap();
    // What the reason says helps; here for another stack, because this one takes no update any more.
    let force = with(people.scene.user("bob"), json!({"ForceDestroy": true}));
    people.stack = people.scene.stack();
    people.created(&force).await;
    let add = iam
        .add_user_to_group()
        .user_name("bob")
        .group_name("readers");
    add.send().await.unwrap();
    iam.create_access_key()
        .user_name("bob")
        .send()
        .await
        .unwrap();
    assert_eq!(people.delete().await, Status::DeleteComplete);
    assert_eq!(people.users().await, ["alice"]);
    people.scene.check().await.unwrap();
}

#[tokio::test]
async fn force_destroy_counts_as_long_as_the_function_allows_it() {
    let mut people = People::new().await;
    let alice = with(people.scene.user("alice"), json!({"ForceDestroy": "true"}));
    people.created(&alice).await;
    let iam = people.scene.member().iam();
    iam.create_access_key()
        .user_name("alice")
        .send()
        .await
        .unwrap();
    let function = people.scene.function.clone();
    function.configure("CROSSACCOUNT_ALLOW_FORCE_DESTROY", None);
    assert_eq!(people.delete().await, Status::DeleteFailed);
    function.configure("CROSSACCOUNT_ALLOW_FORCE_DESTROY", Some("true"));
    people.deleted().await;
}

#[tokio::test]
async fn a_retained_user_stays_as_it_is() {
    let mut people = People::new().await;
    let policy = json!({"DeletionPolicy": "retain"});
    let alice = with(people.scene.full_user("alice"), policy);
    people.created(&alice).await;
    let before = format!("{:?}", people.secrets("alice").await);
    people.scene.forget_calls().await.unwrap();
    assert_eq!(people.delete().await, Status::DeleteComplete);
    assert_eq!(people.changes().await, Vec::<String>::new());
    assert_eq!(format!("{:?}", people.secrets("alice").await), before);
    people.stored_key("alice").await;
    people.scene.check().await.unwrap();
}

#[tokio::test]
async fn a_quarantined_user_stays_and_can_do_nothing() {
    let mut people = People::new().await;
    let policy = json!({"DeletionPolicy": "quarantine"});
    let alice = with(people.scene.full_user("alice"), policy);
    people.created(&alice).await;
    people.scene.note_secrets().await.unwrap();
    assert_eq!(people.delete().await, Status::DeleteComplete);
    let found = people.secrets("alice").await;
    assert!(found.keys.iter().all(|key| !key.active));
    assert!(found.login.is_none());
    assert!(found.tags.contains_key("crossaccount:quarantined-by"));
    let iam = people.scene.member().iam();
    let policies = iam
        .list_user_policies()
        .user_name("alice")
        .send()
        .await
        .unwrap();
    assert!(
        policies
            .policy_names()
            .contains(&"crossaccount-quarantine".to_owned())
    );
    people.scene.check().await.unwrap();
}

#[tokio::test]
async fn a_user_that_the_template_retains_gets_no_request() {
    let mut people = People::new().await;
    let alice = people.scene.full_user("alice");
    let template = StackTemplate::new().with_retained(ALICE, &alice).unwrap();
    people.stack.create(&template).await.unwrap();
    assert_eq!(people.delete().await, Status::DeleteComplete);
    assert_eq!(people.requests(), ["Create alice"]);
    assert_eq!(people.users().await, ["alice"]);
    people.scene.check().await.unwrap();
}

#[tokio::test]
async fn an_account_that_is_no_longer_allowed_keeps_its_user_and_the_reason_says_so() {
    let mut people = People::new().await;
    let alice = people.scene.full_user("alice");
    people.created(&alice).await;
    let function = people.scene.function.clone();
    function.configure("CROSSACCOUNT_ALLOWED_ACCOUNT_IDS", Some("222222222222"));
    assert_eq!(people.delete().await, Status::DeleteFailed);
    let reason = people.reason(RequestKind::Delete);
    assert!(
        reason.contains("CROSSACCOUNT_ALLOWED_ACCOUNT_IDS"),
        "{reason}"
    );
    assert_eq!(people.users().await, ["alice"]);
    let member = people.scene.member().id().to_owned();
    function.configure("CROSSACCOUNT_ALLOWED_ACCOUNT_IDS", Some(&member));
    people.deleted().await;
}

#[tokio::test]
async fn properties_that_no_version_understands_any_more_do_not_stop_a_deletion() {
    let (people, _) = with_credentials().await;
    let create = people.stack.sent()[0].event.clone();
    let delete = with(
        create,
        json!({
            "RequestType": "Delete",
            "PhysicalResourceId": people.id("alice"),
            "ResourceProperties": {"Name": "alice", "Flag": ["x"]},
            "RequestId": "00000000-0000-4000-8000-000000000000",
        }),
    );
    // Its URL is that of the Create, which was answered: what counts here is what is done.
    people.scene.function.invoke(&delete).await.unwrap();
    assert_eq!(people.users().await, Vec::<String>::new());
    assert!(people.parameter("alice", "access-key").await.is_none());
}

#[rstest::rstest]
#[case::of_another_stack(json!({"StackId": "arn:aws:cloudformation:us-east-1:700000000000:stack/other/1"}))]
#[case::of_another_logical_id(json!({"LogicalResourceId": "Bob"}))]
#[case::of_another_stack_with_an_id_made_up(json!({
    "StackId": "arn:aws:cloudformation:us-east-1:700000000000:stack/other/1",
    "PhysicalResourceId": "other-Alice-0123456789ABC",
}))]
#[tokio::test]
async fn a_deletion_that_names_somebody_elses_user_leaves_it_alone(#[case] change: Value) {
    let (mut people, alice) = with_credentials().await;
    let create = people.stack.sent()[0].event.clone();
    let delete = json!({
        "RequestType": "Delete",
        "PhysicalResourceId": people.id("alice"),
        "RequestId": "00000000-0000-4000-8000-000000000000",
    });
    let delete = with(with(create, delete), change);
    people.scene.forget_calls().await.unwrap();
    // Its URL is that of the Create, which was answered: what counts here is what is done.
    let done = people.scene.function.invoke(&delete).await.unwrap();
    assert!(done.outcome.is_success());
    assert_eq!(people.changes().await, Vec::<String>::new());
    people.assert_is(&alice).await;
    let told = people.scene.function.output().unwrap();
    assert!(told.contains("does not belong to this stack"), "{told}");
    assert_eq!(people.delete().await, Status::DeleteComplete);
    assert_eq!(people.users().await, Vec::<String>::new());
}
