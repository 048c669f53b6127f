//! Creations that fail: nothing is left, nobody else is touched, and the stack rolls back.

use harness::cloudformation::{RequestKind, Scene, SceneOptions, Sibling, Status};
use serde_json::{Value, json};

use super::people::{People, template, with};

const NOTHING: &str = "crossaccount:v1:nothing";

/// Creates a stack that fails and rolls back, and returns the reason. The Delete knows that there is nothing.
async fn refused(people: &mut People, properties: &Value) -> String {
    let status = people.create(properties).await;
    assert_eq!(
        status,
        Status::RollbackComplete,
        "{:#?}",
        people.stack.events()
    );
    let delete = &people.stack.sent()[1].event;
    assert_eq!(delete["PhysicalResourceId"], NOTHING);
    people.reason(RequestKind::Create)
}

#[rstest::rstest]
#[case::unknown_property(json!({"Grups": ["engineers"]}), "Groups")]
#[case::no_account(json!({"AccountId": null}), "AccountId")]
#[case::no_name(json!({"UserName": null}), "UserName")]
#[case::odd_boolean(json!({"ForceDestroy": "yes"}), "ForceDestroy")]
#[case::odd_number(json!({"AccessKey": {"RotateAfterDays": "15 days"}}), "RotateAfterDays")]
#[case::contradiction(json!({"AccessKey": {"RotateAfterDays": 30, "DeleteAfterDays": 15}}), "DeleteAfterDays")]
#[case::foreign_account(json!({"AccountId": "222222222222", "PermissionsBoundary": "arn:aws:iam::222222222222:policy/Boundary"}), "CROSSACCOUNT_ALLOWED_ACCOUNT_IDS")]
#[case::foreign_path(json!({"Path": "/admins/"}), "CROSSACCOUNT_USER_PATH_PREFIX")]
#[case::no_path(json!({"Path": null}), "CROSSACCOUNT_USER_PATH_PREFIX")]
#[case::no_boundary(json!({"PermissionsBoundary": null}), "CROSSACCOUNT_PERMISSIONS_BOUNDARIES")]
#[case::foreign_policy(json!({"ManagedPolicyArns": ["arn:aws:iam::222222222222:policy/Mine"]}), "222222222222")]
#[case::foreign_group(json!({"Groups": ["administrators"]}), "CROSSACCOUNT_ALLOWED_GROUPS")]
#[tokio::test]
async fn what_may_not_be_asked_for_is_refused_before_any_call(
    #[case] change: Value,
    #[case] named: &str,
) {
    let mut people = People::new().await;
    let alice = with(people.scene.user("alice"), change);
    let reason = refused(&mut people, &alice).await;
    assert!(reason.contains(named), "{reason}");
    let calls = people.scene.calls().await.unwrap();
    let made = calls.iter().find(|call| {
        let service = call.action.split(':').next().unwrap_or_default();
        !["dynamodb", "sts"].contains(&service) || call.action == "sts:AssumeRole"
    });
    assert!(made.is_none(), "{made:?}");
    people.scene.check_empty().await.unwrap();
}

#[tokio::test]
async fn a_user_of_somebody_else_is_neither_changed_nor_deleted() {
    let mut people = People::new().await;
    let iam = people.scene.member().iam();
    let made = iam.create_user().user_name("alice").path("/people/");
    made.send().await.unwrap();
    iam.create_access_key()
        .user_name("alice")
        .send()
        .await
        .unwrap();
    let before = format!("{:?}", people.secrets("alice").await);
    let alice = people.scene.full_user("alice");
    let reason = refused(&mut people, &alice).await;
    assert!(reason.contains("EntityAlreadyExists"), "{reason}");
    assert!(reason.contains("AdoptionPolicy: adopt"), "{reason}");
    assert_eq!(format!("{:?}", people.secrets("alice").await), before);
    assert_eq!(people.changes().await, ["iam:CreateUser"]);
    people.scene.check().await.unwrap();
}

#[tokio::test]
async fn the_same_name_in_other_letters_is_not_touched() {
    let mut people = People::new().await;
    let iam = people.scene.member().iam();
    iam.create_user().user_name("Alice").send().await.unwrap();
    let alice = people.scene.user("alice");
    let reason = refused(&mut people, &alice).await;
    assert!(reason.contains("upper and lower"), "{reason}");
    assert_eq!(people.users().await, ["Alice"]);
    people.scene.check().await.unwrap();
}

#[tokio::test]
async fn an_account_without_the_member_role_is_named_and_rolls_back() {
    let options = SceneOptions::default().with("CROSSACCOUNT_ROLE_NAME", "NoSuchRole");
    let mut people = People::with(options).await;
    let alice = people.scene.full_user("alice");
    let reason = refused(&mut people, &alice).await;
    assert!(reason.contains("NoSuchRole"), "{reason}");
    assert!(reason.contains(people.scene.member().id()), "{reason}");
    people.scene.check_empty().await.unwrap();
}

#[tokio::test]
async fn an_account_that_is_full_is_named_and_rolls_back() {
    let mut people = People::new().await;
    let member = people.scene.member().id().to_owned();
    let control = *people.scene.world.control();
    // The stranger has the only place.
    control.set_quota(&member, "UsersQuota", 1).await.unwrap();
    let alice = people.scene.user("alice");
    let reason = refused(&mut people, &alice).await;
    assert!(reason.contains("LimitExceeded"), "{reason}");
    people.scene.check_empty().await.unwrap();
}

#[tokio::test]
async fn what_was_made_before_the_failure_is_removed_again() {
    let mut people = People::new().await;
    let policy = json!({"ManagedPolicyArns": ["arn:aws:iam::aws:policy/NoSuchPolicy"]});
    let alice = with(people.scene.full_user("alice"), policy);
    let reason = refused(&mut people, &alice).await;
    assert!(reason.contains("NoSuchPolicy"), "{reason}");
    assert_eq!(people.calls("iam:CreateUser").await.len(), 1);
    people.scene.check_empty().await.unwrap();
}

#[tokio::test]
async fn a_created_user_is_deleted_when_a_sibling_fails() {
    let mut people = People::new().await;
    let alice = people.scene.full_user("alice");
    let failing = template(&alice).failing(Sibling::AfterAll);
    let status = people.stack.create(&failing).await.unwrap();
    assert_eq!(
        status,
        Status::RollbackComplete,
        "{:#?}",
        people.stack.events()
    );
    assert_eq!(people.requests(), ["Create alice", "Delete alice alice"]);
    people.scene.check_empty().await.unwrap();
}

#[tokio::test]
async fn a_stack_can_be_tried_again_after_its_roll_back() {
    let mut people = People::new().await;
    let alice = people.scene.full_user("alice");
    let failing = template(&alice).failing(Sibling::AfterAll);
    people.stack.create(&failing).await.unwrap();
    // CloudFormation asks for another stack of the same name.
    people.stack = people.scene.stack();
    people.created(&alice).await;
    people.deleted().await;
}

#[tokio::test]
async fn without_a_roll_back_the_stack_of_a_refused_creation_can_still_be_deleted() {
    let scene = Scene::new(1).await.unwrap();
    let mut options = harness::cloudformation::StackOptions::new(scene.world.hub().id());
    options.disable_rollback = true;
    let stack = scene.stack_with(options);
    let mut people = People { scene, stack };
    let alice = with(people.scene.user("alice"), json!({"Path": "/admins/"}));
    assert_eq!(people.create(&alice).await, Status::CreateFailed);
    people.deleted().await;
}

#[tokio::test]
async fn a_stack_of_another_account_is_refused() {
    let scene = Scene::new(1).await.unwrap();
    let elsewhere = harness::cloudformation::StackOptions::new("222222222222");
    let stack = scene.stack_with(elsewhere);
    let mut people = People { scene, stack };
    let alice = people.scene.user("alice");
    let reason = refused(&mut people, &alice).await;
    assert!(
        reason.contains("CROSSACCOUNT_ALLOWED_STACK_ACCOUNT_IDS"),
        "{reason}"
    );
    people.scene.check_empty().await.unwrap();
}
