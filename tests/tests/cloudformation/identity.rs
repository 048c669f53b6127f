//! Whose user it is: one stack and one logical id, and nobody else.

use harness::cloudformation::{Scene, StackTemplate, Status};
use serde_json::{Value, json};

use super::people::{ALICE, ATTRIBUTES, People, template, with};

#[tokio::test]
async fn the_second_stack_that_declares_a_user_is_refused_and_leaves_it_alone() {
    let mut people = People::new().await;
    let alice = people.scene.user("alice");
    people.created(&alice).await;
    people.scene.forget_calls().await.unwrap();
    let mut second = people.scene.stack();
    let status = second.create(&template(&alice)).await.unwrap();
    assert_eq!(status, Status::RollbackComplete);
    let reason = &second.events()[0].reason;
    assert!(reason.contains(people.stack.id()), "{reason}");
    assert_eq!(people.changes().await, ["iam:CreateUser"]);
    people.assert_is(&alice).await;
    people.deleted().await;
}

#[tokio::test]
async fn two_logical_ids_of_one_stack_cannot_share_a_user() {
    let scene = Scene::new(1).await.unwrap();
    let mut stack = scene.stack();
    let alice = scene.full_user("alice");
    let twice = StackTemplate::new()
        .with(ALICE, &alice)
        .unwrap()
        .with("Twin", &alice)
        .unwrap();
    let status = stack.create(&twice).await.unwrap();
    assert_eq!(status, Status::RollbackComplete, "{:#?}", stack.events());
    stack.settle().await.unwrap();
    scene.check_empty().await.unwrap();
}

#[tokio::test]
async fn another_logical_id_for_the_same_user_is_refused_while_the_old_one_is_there() {
    let scene = Scene::new(1).await.unwrap();
    let mut stack = scene.stack();
    let alice = scene.full_user("alice");
    stack.create(&template(&alice)).await.unwrap();
    let renamed = StackTemplate::new().with("Renamed", &alice).unwrap();
    assert_eq!(
        stack.update(&renamed).await.unwrap(),
        Status::UpdateRollbackComplete
    );
    assert_eq!(scene.users(scene.member()).await.unwrap(), ["alice"]);
    assert_eq!(stack.delete().await.unwrap(), Status::DeleteComplete);
    scene.check_empty().await.unwrap();
}

#[tokio::test]
async fn the_same_name_in_two_accounts_is_two_users() {
    let scene = Scene::new(2).await.unwrap();
    let mut stack = scene.stack();
    let here = scene.full_user("alice");
    let other = scene.world.members()[1].id().to_owned();
    let boundary = format!("arn:aws:iam::{other}:policy/Boundary");
    let there = with(
        here.clone(),
        json!({"AccountId": other, "PermissionsBoundary": boundary}),
    );
    let both = StackTemplate::new()
        .with(ALICE, &here)
        .unwrap()
        .with("There", &there)
        .unwrap();
    assert_eq!(
        stack.create(&both).await.unwrap(),
        Status::CreateComplete,
        "{:#?}",
        stack.events()
    );
    for member in scene.world.members() {
        assert_eq!(scene.users(member).await.unwrap(), ["alice"]);
    }
    assert_eq!(stack.delete().await.unwrap(), Status::DeleteComplete);
    scene.check_empty().await.unwrap();
}

/// These texts stand in stacks of our users: they never change.
#[tokio::test]
async fn the_answer_to_a_creation_is_what_it_always_was() {
    let mut people = People::new().await;
    let alice = people.scene.full_user("alice");
    people.created(&alice).await;
    let create = &people.stack.sent()[0];
    let put = &people.stack.endpoint().puts(&create.request_id)[0];
    let answer: Value = serde_json::from_slice(&put.body).unwrap();
    let account = people.scene.member().id();
    let get = |key: &str| people.stack.get_att(ALICE, key).unwrap();
    let place = |what: &str| format!("/crossaccount/{account}/alice/{what}");
    assert_eq!(
        answer,
        json!({
            "Status": "SUCCESS",
            "PhysicalResourceId": format!("crossaccount:v1:{account}:alice"),
            "StackId": people.stack.id(),
            "RequestId": create.request_id,
            "LogicalResourceId": ALICE,
            "Data": {
                "Arn": format!("arn:aws:iam::{account}:user/people/alice"),
                "UniqueId": get("UniqueId"),
                "AccountId": account,
                "UserName": "alice",
                "AccessKeyId": get("AccessKeyId"),
                "AccessKeyParameter": place("access-key"),
                "ConsolePasswordParameter": place("console-password"),
                "Status": "Created",
            },
        })
    );
    people.deleted().await;
}

#[tokio::test]
async fn every_answer_has_the_same_attributes() {
    let mut people = People::new().await;
    let alice = people.scene.user("alice");
    people.created(&alice).await;
    people
        .updated(&with(
            alice.clone(),
            json!({"Tags": [{"Key": "Team", "Value": "core"}]}),
        ))
        .await;
    people
        .updated(&with(alice.clone(), json!({"UserName": "bob"})))
        .await;
    people.update_in_vain(&alice).await;
    people.deleted().await;
    let mut all = ATTRIBUTES;
    all.sort_unstable();
    let bodies = people.stack.endpoint().bodies();
    assert!(bodies.len() > 6);
    for body in bodies {
        let answer: Value = serde_json::from_slice(&body).unwrap();
        let mut keys: Vec<_> = answer["Data"].as_object().unwrap().keys().collect();
        keys.sort();
        assert_eq!(keys, all, "{answer}");
    }
}
