//! Updates that fail: the id stays, and the roll-back brings the old state again.

use harness::cloudformation::{RequestKind, ResourceStatus, Scene, Sibling, StackTemplate, Status};
use serde_json::{Value, json};

use super::people::{ALICE, ATTRIBUTES, People, template, with};

const ROLLED_BACK: Status = Status::UpdateRollbackComplete;

#[rstest::rstest]
#[case::unknown_property(json!({"Grups": ["engineers"]}), "Groups")]
#[case::a_rule(json!({"Path": "/admins/"}), "CROSSACCOUNT_USER_PATH_PREFIX")]
#[case::a_policy_that_is_missing(json!({"ManagedPolicyArns": ["arn:aws:iam::aws:policy/NoSuchPolicy"]}), "NoSuchPolicy")]
#[case::a_forbidden_account(json!({"AccountId": "222222222222", "PermissionsBoundary": "arn:aws:iam::222222222222:policy/Boundary"}), "CROSSACCOUNT_ALLOWED_ACCOUNT_IDS")]
#[tokio::test]
async fn a_failed_update_echoes_the_id_and_is_rolled_back(
    #[case] change: Value,
    #[case] named: &str,
) {
    let mut people = People::new().await;
    let alice = people.scene.full_user("alice");
    people.created(&alice).await;
    let key = people.stored_key("alice").await;
    // Something that is changed before the failure, and has to come back.
    let tags = json!({"Tags": [{"Key": "Team", "Value": "edge"}]});
    let wanted = with(with(alice.clone(), tags), change);
    assert_eq!(
        people.update(&wanted).await,
        ROLLED_BACK,
        "{:#?}",
        people.stack.events()
    );
    let failed = &people.stack.events()[1];
    assert_eq!(failed.status, ResourceStatus::UpdateFailed);
    assert!(failed.reason.contains(named), "{}", failed.reason);
    let rollback = &people.stack.sent()[2].event;
    assert_eq!(rollback["PhysicalResourceId"], people.id("alice"));
    people.assert_is(&alice).await;
    assert_eq!(people.stored_key("alice").await, key);
    people.deleted().await;
}

#[tokio::test]
async fn an_update_is_undone_when_a_sibling_fails() {
    let mut people = People::new().await;
    let alice = people.scene.full_user("alice");
    people.created(&alice).await;
    let change = json!({
        "Tags": [],
        "Groups": ["readers"],
        "Path": "/people/machines/",
        "Policies": [],
        "ManagedPolicyArns": ["arn:aws:iam::aws:policy/SecurityAudit"],
    });
    let status = people.update_in_vain(&with(alice.clone(), change)).await;
    assert_eq!(status, ROLLED_BACK, "{:#?}", people.stack.events());
    assert_eq!(people.stack.get_att(ALICE, "Status").unwrap(), "Updated");
    people.assert_is(&alice).await;
    people.deleted().await;
}

#[tokio::test]
async fn credentials_that_an_update_took_away_are_made_anew_by_its_roll_back() {
    let mut people = People::new().await;
    let alice = people.scene.full_user("alice");
    people.created(&alice).await;
    people.scene.note_secrets().await.unwrap();
    let without = with(
        alice.clone(),
        json!({"ConsoleAccess": null, "AccessKey": null}),
    );
    assert_eq!(people.update_in_vain(&without).await, ROLLED_BACK);
    people.assert_is(&alice).await;
    people.deleted().await;
}

#[tokio::test]
async fn a_rotation_stays_when_its_update_is_rolled_back_and_no_key_is_lost() {
    let mut people = People::new().await;
    let alice = people.scene.full_user("alice");
    people.created(&alice).await;
    let first = people.stored_key("alice").await;
    let rotated = with(
        alice.clone(),
        json!({"AccessKey": {"RotationTrigger": "leak"}}),
    );
    assert_eq!(
        people.update_in_vain(&rotated).await,
        ROLLED_BACK,
        "{:#?}",
        people.stack.events()
    );
    let second = people.stored_key("alice").await;
    assert_ne!(first, second);
    people.assert_is(&alice).await;
    assert_eq!(people.calls("iam:CreateAccessKey").await.len(), 2);
    people.deleted().await;
}

#[tokio::test]
async fn a_rule_that_came_later_stops_no_roll_back() {
    let mut people = People::new().await;
    let alice = people.scene.full_user("alice");
    people.created(&alice).await;
    let function = people.scene.function.clone();
    function.configure("CROSSACCOUNT_ALLOWED_GROUPS", Some("auditors"));
    let changed = with(alice.clone(), json!({"Tags": []}));
    assert_eq!(
        people.update(&changed).await,
        ROLLED_BACK,
        "{:#?}",
        people.stack.events()
    );
    let refusal = &people.stack.events()[1].reason;
    assert!(refusal.contains("CROSSACCOUNT_ALLOWED_GROUPS"), "{refusal}");
    assert_eq!(people.stack.get_att(ALICE, "Status").unwrap(), "Unchanged");
    people.assert_is(&alice).await;
    people.deleted().await;
}

#[tokio::test]
async fn a_rule_that_came_in_the_middle_leaves_a_way_back_once_it_is_gone() {
    let mut people = People::new().await;
    let alice = people.scene.full_user("alice");
    people.created(&alice).await;
    let changed = with(alice.clone(), json!({"Groups": ["readers"]}));
    people.updated(&changed).await;
    // The update succeeds; the way back to `engineers` is refused.
    let function = people.scene.function.clone();
    function.configure("CROSSACCOUNT_ALLOWED_GROUPS", Some("readers"));
    let tagged = with(alice.clone(), json!({"Groups": ["readers"], "Tags": []}));
    people.updated(&tagged).await;
    let status = people.update(&alice).await;
    assert_eq!(status, ROLLED_BACK, "{:#?}", people.stack.events());
    people.assert_is(&tagged).await;
    people.deleted().await;
}

#[tokio::test]
async fn a_roll_back_that_fails_is_continued_when_the_reason_is_gone() {
    let mut people = People::new().await;
    let alice = people.scene.full_user("alice");
    people.created(&alice).await;
    let function = people.scene.function.clone();
    let signal = harness::cloudformation::Signal::new();
    // The rule changes after the update and before its roll-back.
    let changed = with(alice.clone(), json!({"Groups": ["readers"]}));
    let failing = template(&changed).failing(Sibling::When(signal.clone()));
    people.stack.receive_with(
        ALICE,
        RequestKind::Update,
        [harness::cloudformation::Reception::Held {
            reached: signal.clone(),
            release: signal.clone(),
        }],
    );
    let configure = async {
        signal.wait().await;
        function.configure("CROSSACCOUNT_ALLOWED_GROUPS", Some("readers"));
    };
    let (status, ()) = tokio::join!(people.stack.update(&failing), configure);
    assert_eq!(
        status.unwrap(),
        Status::UpdateRollbackFailed,
        "{:#?}",
        people.stack.events()
    );
    let reason = people.reason(RequestKind::Update);
    assert!(reason.contains("engineers"), "{reason}");
    function.configure("CROSSACCOUNT_ALLOWED_GROUPS", Some("engineers,readers"));
    let status = people.stack.continue_update_rollback(&[]).await.unwrap();
    assert_eq!(status, ROLLED_BACK);
    people.assert_is(&alice).await;
    people.deleted().await;
}

#[tokio::test]
async fn what_an_update_adds_to_a_stack_goes_with_its_roll_back() {
    let scene = Scene::new(1).await.unwrap();
    let mut stack = scene.stack();
    let (alice, bob) = (scene.full_user("alice"), scene.full_user("bob"));
    stack.create(&template(&alice)).await.unwrap();
    let both = StackTemplate::new()
        .with(ALICE, &alice)
        .unwrap()
        .with("Bob", &bob)
        .unwrap();
    let status = stack
        .update(&both.failing(Sibling::AfterAll))
        .await
        .unwrap();
    assert_eq!(status, ROLLED_BACK, "{:#?}", stack.events());
    assert_eq!(scene.users(scene.member()).await.unwrap(), ["alice"]);
    scene.check().await.unwrap();
    // And what it takes away from it goes with its success.
    let both = StackTemplate::new()
        .with(ALICE, &alice)
        .unwrap()
        .with("Bob", &bob)
        .unwrap();
    assert_eq!(stack.update(&both).await.unwrap(), Status::UpdateComplete);
    assert_eq!(
        stack.update(&template(&alice)).await.unwrap(),
        Status::UpdateComplete
    );
    assert_eq!(scene.users(scene.member()).await.unwrap(), ["alice"]);
    assert_eq!(stack.delete().await.unwrap(), Status::DeleteComplete);
    scene.check_empty().await.unwrap();
}

#[tokio::test]
async fn the_attributes_are_all_there_after_a_failure_too() {
    let mut people = People::new().await;
    let alice = people.scene.user("alice");
    people.created(&alice).await;
    people
        .update(&with(alice, json!({"Path": "/admins/"})))
        .await;
    let mut bodies = Vec::new();
    for sent in people.stack.sent() {
        bodies.extend(people.stack.endpoint().puts(&sent.request_id));
    }
    assert_eq!(bodies.len(), 3);
    for put in bodies {
        let answer: Value = serde_json::from_slice(&put.body).unwrap();
        let mut keys: Vec<_> = answer["Data"]
            .as_object()
            .unwrap()
            .keys()
            .cloned()
            .collect();
        keys.sort();
        let mut all = ATTRIBUTES;
        all.sort_unstable();
        assert_eq!(keys, all, "{answer}");
    }
    people.deleted().await;
}
