//! The answers to all writing calls are lost for good, under the real Terraform: one account for each call, so that
//! one apply meets them all.

use harness::{Terraform, World};
use serde_json::{Map, Value, json};

use super::faults::{Failure, Place, UserOperation as Operation, places};
use super::scene::Scene;
use super::subject::{content, first, prepare, second, user};

/// A Terraform configuration with one user in each account.
fn configuration(accounts: &[String], wanted: impl Fn(&str) -> Value) -> String {
    let users: Map<String, Value> = accounts
        .iter()
        .map(|account| (format!("in_{account}"), wanted(account)))
        .collect();
    json!({"resource": {"crossaccount_iam_user": users}}).to_string()
}

async fn writes(operation: Operation) -> Vec<Place> {
    places(operation)
        .await
        .unwrap()
        .into_iter()
        .filter(Place::is_write)
        .collect()
}

/// Adds one fault per account; the rest of the accounts is spared.
async fn add_faults(world: &World, accounts: &[String], places: &[Place]) {
    for (account, place) in accounts.iter().zip(places) {
        let fault = Failure::DroppedAfterCommit.fault(place);
        let fault = if place.hub {
            fault
                .in_account(world.hub().id())
                .with_parameter(&format!("account_id={account}"))
        } else {
            fault.in_account(account)
        };
        world.control().add_fault(&fault).await.unwrap();
    }
}

async fn clear_faults(world: &World, accounts: &[String]) {
    for account in accounts
        .iter()
        .map(String::as_str)
        .chain([world.hub().id()])
    {
        world.control().clear_faults(account).await.unwrap();
    }
}

/// An apply that meets all faults, and one more without any, which must be enough.
async fn apply_twice(scene: &Scene, accounts: &[String], places: &[Place], text: &str) {
    let terraform: &Terraform = &scene.terraform;
    terraform.write("main.tf.json", text).unwrap();
    add_faults(&scene.world, accounts, places).await;
    let output = terraform.apply().unwrap().expect_failure().unwrap();
    assert!(
        !output.text().contains("Plugin did not respond"),
        "{}",
        output.text()
    );
    clear_faults(&scene.world, accounts).await;
    scene.apply();
    scene.assert_nothing_to_do();
}

async fn assert_users(world: &World, accounts: &[String], wanted: impl Fn(&str) -> Value) {
    for account in accounts {
        let wanted = content(&wanted(account));
        let found = user(&world.iam(account).unwrap(), &wanted.name)
            .await
            .unwrap();
        assert_eq!(found.map(|user| user.content), Some(wanted), "{account}");
    }
}

/// Accounts enough for all writes of an operation, each ready for its user.
async fn arrange(operation: Operation) -> (Scene, Vec<String>, Vec<Place>) {
    let places = writes(operation).await;
    let scene = Scene::new(places.len()).await;
    let accounts: Vec<String> = scene
        .world
        .members()
        .iter()
        .map(|member| member.id().to_owned())
        .collect();
    for account in &accounts {
        prepare(&scene.world.iam(account).unwrap()).await.unwrap();
    }
    if operation != Operation::Create {
        scene
            .terraform
            .write("main.tf.json", &configuration(&accounts, created))
            .unwrap();
        scene.apply();
        for account in &accounts {
            scene.world.control().clear_calls(account).await.unwrap();
        }
    }
    (scene, accounts, places)
}

fn created(account: &str) -> Value {
    first(account, "fail")
}

#[tokio::test]
async fn terraform_converges_after_the_answer_to_any_write_of_a_creation_was_lost() {
    let (scene, accounts, places) = arrange(Operation::Create).await;
    apply_twice(
        &scene,
        &accounts,
        &places,
        &configuration(&accounts, created),
    )
    .await;
    assert_users(&scene.world, &accounts, created).await;
    println!("creation through Terraform: {} cases", places.len());
}

#[tokio::test]
async fn terraform_converges_after_the_answer_to_any_write_of_an_update_was_lost() {
    let (scene, accounts, places) = arrange(Operation::Update).await;
    apply_twice(
        &scene,
        &accounts,
        &places,
        &configuration(&accounts, second),
    )
    .await;
    assert_users(&scene.world, &accounts, second).await;
    println!("update through Terraform: {} cases", places.len());
}

#[tokio::test]
async fn terraform_converges_after_the_answer_to_any_write_of_a_deletion_was_lost() {
    let (scene, accounts, places) = arrange(Operation::Delete).await;
    apply_twice(&scene, &accounts, &places, "{}").await;
    assert!(scene.terraform.state().unwrap().is_empty());
    for account in &accounts {
        let listed = scene
            .world
            .iam(account)
            .unwrap()
            .list_users()
            .send()
            .await
            .unwrap();
        let names: Vec<_> = listed
            .users()
            .iter()
            .map(aws_sdk_iam::types::User::user_name)
            .collect();
        assert_eq!(names, ["mallory"], "{account}");
    }
    println!("deletion through Terraform: {} cases", places.len());
}
