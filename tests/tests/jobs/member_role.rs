//! The jobs with the member role that we ship: it permits what they do, when it was deployed for them.

use harness::cloudformation::world_with_member_role;
use harness::jobs::{Scene, SceneOptions};
use serde_json::json;

use super::key_works;

async fn scene(parameters: &[(&str, &str)]) -> Scene {
    let world = world_with_member_role(1, "role/crossaccount-*", parameters).unwrap();
    let options = SceneOptions {
        world,
        ..SceneOptions::default()
    };
    Scene::with(options).await.unwrap()
}

#[tokio::test]
async fn the_shipped_role_permits_the_whole_life_of_a_row_and_no_call_is_refused() {
    let scene = scene(&[("AllowInventory", "true")]).await;
    let account_id = scene.member().id();
    let statement = json!({"Effect": "Allow", "Action": "sqs:*", "Resource": "*"});
    let document = json!({"Version": "2012-10-17", "Statement": [statement]});
    let everything = json!({
        "ManagedPolicyArns": ["arn:aws:iam::aws:policy/ReadOnlyAccess"],
        "Policies": [{"PolicyName": "queues", "PolicyDocument": document}],
        "Groups": ["engineers"],
        "Tags": [{"Key": "team", "Value": "core"}],
        "ConsoleAccess": {},
    });
    scene
        .put_row("alice", account_id, everything)
        .await
        .unwrap();
    scene.put_row("bob", account_id, json!({})).await.unwrap();
    scene.fire_schedule().await.unwrap();
    scene
        .put_row("alice", account_id, json!({"Groups": ["readers"]}))
        .await
        .unwrap();
    scene
        .world
        .control()
        .age_user(account_id, "bob", 16.0)
        .await
        .unwrap();
    let answer = scene.fire_schedule().await.unwrap();
    assert_eq!(
        answer["counts"],
        json!({"Updated": 1, "Rotated": 1}),
        "{answer:#}"
    );
    key_works(&scene, account_id, "bob").await;
    scene.delete_row("bob", account_id).await.unwrap();
    let answer = scene.fire_schedule().await.unwrap();
    assert_eq!(
        answer["counts"],
        json!({"Exists": 1, "Deleted": 1}),
        "{answer:#}"
    );
    let call = json!({"users": ["carol", "dave"], "accounts": "all"});
    let answer = scene.provision(&call).await.unwrap();
    assert_eq!(answer["counts"], json!({"Created": 2}), "{answer:#}");
    for call in scene.calls().await.unwrap() {
        assert!(call.allowed, "{} was refused: {call:#?}", call.action);
    }
    scene.check().await.unwrap();
}

#[tokio::test]
async fn without_the_feature_inventory_the_registry_says_what_to_deploy() {
    let scene = scene(&[]).await;
    let account_id = scene.member().id();
    scene.put_row("alice", account_id, json!({})).await.unwrap();
    let answer = scene.fire_schedule().await.unwrap();
    let message = answer["rows"][0]["reason"]["message"].as_str().unwrap();
    assert!(message.contains("AllowInventory"), "{message}");
    assert!(scene.users(scene.member()).await.unwrap().is_empty());
    // A call needs no look at the whole account.
    let call = json!({"users": ["carol", "dave"], "accounts": "all"});
    let answer = scene.provision(&call).await.unwrap();
    assert_eq!(answer["counts"], json!({"Created": 2}), "{answer:#}");
    scene.check().await.unwrap();
}
