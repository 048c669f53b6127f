//! What the product relies on in the AWS stand-in, as a table of behaviours.
//!
//! The tests speak to it through aws-sdk-rust, as the product does: an error that the SDK cannot
//! read would prove nothing.

mod accounts;
mod authorization_details;
mod credentials;
mod dynamodb;
mod faults;
mod keys;
mod kms;
mod parameters;
mod permissions;
mod roles;
mod secret_faults;
mod secret_permissions;
mod storage;
mod streams;
mod users;

use std::collections::BTreeMap;
use std::fmt::Debug;

use aws_sdk_iam::error::ProvideErrorMetadata;
use harness::{Account, World, WorldOptions};
use serde_json::{Value, json};

/// The AWS error code of a call that must be refused.
fn refusal<T: Debug, E: ProvideErrorMetadata + Debug>(result: Result<T, E>) -> String {
    let error = result.expect_err("the call should have been refused");
    error
        .code()
        .unwrap_or_else(|| panic!("the error has no code: {error:?}"))
        .to_owned()
}

/// A world with one member account and its IAM, by hand.
async fn member() -> (World, aws_sdk_iam::Client) {
    let world = World::new(1).await.unwrap();
    let iam = world.members()[0].iam();
    (world, iam)
}

async fn make_user(iam: &aws_sdk_iam::Client, name: &str) {
    iam.create_user().user_name(name).send().await.unwrap();
}

fn allow(actions: Value, resources: Value) -> Value {
    json!({"Effect": "Allow", "Action": actions, "Resource": resources})
}

fn policy(statements: Value) -> Value {
    json!({"Version": "2012-10-17", "Statement": statements})
}

/// A world whose member role holds exactly these statements.
async fn world_allowing(statements: Value) -> World {
    World::with(WorldOptions {
        permissions: Some(BTreeMap::from([("only".to_owned(), policy(statements))])),
        ..WorldOptions::default()
    })
    .await
    .unwrap()
}

/// A session of the member role, as the product would get it.
async fn session(world: &World, account: &Account) -> aws_config::SdkConfig {
    let answer = world
        .hub()
        .sts()
        .assume_role()
        .role_arn(world.role_arn(account.id()))
        .role_session_name("test")
        .external_id(world.external_id())
        .send()
        .await
        .unwrap();
    account.session_config(answer.credentials().unwrap())
}

async fn session_iam(world: &World) -> aws_sdk_iam::Client {
    aws_sdk_iam::Client::new(&session(world, &world.members()[0]).await)
}
