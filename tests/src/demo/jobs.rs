//! Without Terraform and stacks: users in many accounts on one call, and a table of users.

use anyhow::{Result, ensure};
use serde_json::{Value, json};

use super::screen;
use crate::event_source::{EventSourceMapping, MappingOptions};
use crate::jobs::Scene;

const USER: &str = "frida";

/// A call of `provision`, and the life of one row of the registry.
pub(super) async fn show() -> Result<()> {
    screen::title("Without Terraform or stacks: one call, and a table of users");
    let progress = screen::step("Building the jobs");
    let scene = Scene::new(3).await?;
    progress.done(
        "provision and reconcile, each with its role of examples/cloudformation/registry.yaml",
    );

    let progress = screen::step("aws lambda invoke --function-name crossaccount-provision");
    let event = json!({"users": ["erik"], "accounts": "all", "spec": {"Groups": ["engineers"]}});
    let answer = scene.provision(&event).await?;
    progress.done(&format!("{}, {}", answer["outcome"], answer["counts"]));
    for row in answer["rows"].as_array().into_iter().flatten() {
        screen::note(&format!(
            "{} {:<7} {:<8} {}",
            text(row, "account_id"),
            text(row, "user_name"),
            text(row, "status"),
            text(row, "password_parameter"),
        ));
    }
    ensure!(
        answer["outcome"] == "Succeeded",
        "the call failed: {answer:#}"
    );
    screen::note(&format!(
        "report  s3://{}/{}",
        text(&answer["report"], "bucket"),
        text(&answer["report"], "csv")
    ));

    let hub = scene.world.hub();
    let stream = EventSourceMapping::new(
        &scene.reconcile,
        hub,
        scene.table(),
        MappingOptions::default(),
    )
    .await?;
    let account_id = scene.member().id().to_owned();
    let progress = screen::step("aws dynamodb put-item: a row of the registry, and its stream");
    scene
        .put_row(USER, &account_id, json!({"Groups": ["readers"]}))
        .await?;
    scene.put_row("greta", &account_id, json!({})).await?;
    stream.drain().await?;
    progress.done("");
    let result = scene.result(USER, &account_id).await?;
    show_result(&result);
    ensure!(
        result["Status"] == "Created",
        "the row should be a user: {result:#}"
    );

    let progress = screen::step("Sixteen days later the schedule fires");
    scene
        .world
        .control()
        .age_user(&account_id, USER, 16.0)
        .await?;
    let answer = scene.fire_schedule().await?;
    progress.done(&answer["counts"].to_string());
    let result = scene.result(USER, &account_id).await?;
    show_result(&result);
    ensure!(
        result["Status"] == "Rotated",
        "the key should rotate: {result:#}"
    );

    let progress = screen::step("aws dynamodb delete-item: the row goes, and its user with it");
    scene.delete_row(USER, &account_id).await?;
    stream.drain().await?;
    let users = scene.users(scene.member()).await?;
    progress.done(&format!("left in the account: {}", users.join(", ")));
    ensure!(
        users == ["erik", "greta"],
        "only {USER} should be gone: {users:?}"
    );

    let progress = screen::step("The whole table is lost, and the schedule fires");
    scene.delete_row("greta", &account_id).await?;
    let answer = scene.fire_schedule().await?;
    progress.done("nobody is removed");
    screen::note(answer["removals_refused"].as_str().unwrap_or_default());
    let users = scene.users(scene.member()).await?;
    ensure!(
        users == ["erik", "greta"],
        "nobody should be gone: {users:?}"
    );
    scene.check().await
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_default()
}

fn show_result(result: &Value) {
    for name in [
        "Status",
        "UserArn",
        "AccessKeyId",
        "AccessKeyParameter",
        "LastRotation",
    ] {
        screen::note(&format!("{name:<18} {}", text(result, name)));
    }
}
