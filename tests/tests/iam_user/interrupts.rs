//! Terraform is interrupted, or the provider dies: the state says what is true, and the next apply goes on.

#![cfg(unix)]

use std::time::{Duration, Instant};

use harness::terraform::RunningTerraform;
use harness::{Fault, FaultKind};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::json;

use super::scene::{Scene, flat};

const LIMIT: Duration = Duration::from_mins(2);
const ARGUMENTS: &[&str] = &["apply", "-no-color", "-auto-approve"];
const USERS: &str = r#"
resource "crossaccount_iam_user" "alice" {
  account_id          = "{0}"
  name                = "alice"
  managed_policy_arns = ["arn:aws:iam::aws:policy/ReadOnlyAccess"]
  inline_policies = {
    identify = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Action = ["sts:GetCallerIdentity"], Resource = "*" }] })
  }
}
resource "crossaccount_iam_user" "bob" {
  account_id = "{0}"
  name       = "bob"
  depends_on = [crossaccount_iam_user.alice]
}
"#;

/// A scene whose apply stands still in a call, and the id of the fault that holds it.
async fn held(kind: FaultKind, action: &str) -> (Scene, RunningTerraform, String) {
    let scene = Scene::new(1).await;
    scene.configure(USERS);
    let fault = Fault::new(kind, action).in_account(scene.member().id());
    let fault = scene.world.control().add_fault(&fault).await.unwrap();
    let run = scene.terraform.spawn(ARGUMENTS).unwrap();
    scene
        .world
        .control()
        .wait_for_fault(&fault.id, 1, LIMIT)
        .await
        .unwrap();
    (scene, run, fault.id)
}

async fn wait_for_output(run: &RunningTerraform, text: &str) {
    let begin = Instant::now();
    while !run.stdout_so_far().contains(text) {
        assert!(begin.elapsed() < LIMIT, "{}", run.stdout_so_far());
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

fn assert_no_lock(scene: &Scene) {
    assert!(
        !scene
            .terraform
            .path()
            .join(".terraform.tfstate.lock.info")
            .exists()
    );
}

/// One more apply brings both users to the wanted state.
async fn assert_converges(scene: &Scene) {
    scene.apply();
    scene.assert_nothing_to_do();
    let iam = scene.member().iam();
    let attached = iam
        .list_attached_user_policies()
        .user_name("alice")
        .send()
        .await
        .unwrap();
    assert_eq!(attached.attached_policies().len(), 1);
    let inline = iam
        .list_user_policies()
        .user_name("alice")
        .send()
        .await
        .unwrap();
    assert_eq!(inline.policy_names(), ["identify"]);
    let users = iam.list_users().send().await.unwrap();
    let mut names: Vec<_> = users
        .users()
        .iter()
        .map(aws_sdk_iam::types::User::user_name)
        .collect();
    names.sort_unstable();
    assert_eq!(names, ["alice", "bob"]);
    assert_no_lock(scene);
}

#[tokio::test]
async fn an_interrupt_lets_the_operation_end_and_begins_no_other() {
    let (scene, run, fault) = held(FaultKind::HoldBeforeCommit, "iam:AttachUserPolicy").await;
    run.interrupt_all().unwrap();
    wait_for_output(&run, "Interrupt received").await;
    scene.world.control().release(&fault).await.unwrap();
    let output = run.wait_within(LIMIT).unwrap();
    assert!(!output.text().contains("crashed"), "{}", output.text());
    assert!(!output.success(), "{}", output.text());

    let created = scene.user("alice").await.unwrap();
    assert!(scene.user("bob").await.is_none());
    assert_eq!(
        scene.terraform.state().unwrap(),
        ["crossaccount_iam_user.alice"]
    );
    let state = scene.state("crossaccount_iam_user.alice");
    assert_eq!(state["unique_id"], json!(created.user_id()));
    assert_eq!(state["managed_policy_arns"].as_array().unwrap().len(), 1);
    assert_eq!(state["inline_policies"].as_object().unwrap().len(), 1);
    assert_no_lock(&scene);
    assert_converges(&scene).await;
    // The same user: it was complete, so it was not made again.
    assert_eq!(
        scene.user("alice").await.unwrap().user_id(),
        created.user_id()
    );
    let records = scene.audit_records().await;
    assert_eq!(
        records
            .iter()
            .filter(|record| record["status"] == "Created")
            .count(),
        2
    );
}

#[tokio::test]
async fn a_second_interrupt_ends_at_once_and_the_next_apply_goes_on() {
    let (scene, run, fault) = held(FaultKind::HoldAfterCommit, "iam:CreateUser").await;
    run.interrupt_all().unwrap();
    wait_for_output(&run, "Interrupt received").await;
    run.interrupt_all().unwrap();
    let output = run.wait_within(LIMIT).unwrap();
    assert!(
        output.text().contains("Two interrupts received"),
        "{}",
        output.text()
    );
    scene.world.control().release(&fault).await.unwrap();
    let created = scene.user("alice").await.unwrap();
    assert_converges(&scene).await;
    // What the interrupted run made is completed and not doubled.
    assert_eq!(
        scene.user("alice").await.unwrap().user_id(),
        created.user_id()
    );
}

/// The process of the provider that a Terraform process has started.
fn provider_of(run: &RunningTerraform) -> Pid {
    let listed = std::process::Command::new("ps")
        .args(["-A", "-o", "pid=,ppid=,args="])
        .output()
        .expect("`ps` is needed to find the provider of a Terraform process");
    let text = String::from_utf8_lossy(&listed.stdout).into_owned();
    let parent = run.id().to_string();
    let children: Vec<i32> = text
        .lines()
        .filter(|line| line.contains("terraform-provider-crossaccount"))
        .filter_map(|line| {
            let mut words = line.split_whitespace();
            let id = words.next()?.parse().ok()?;
            (words.next()? == parent).then_some(id)
        })
        .collect();
    assert_eq!(children.len(), 1, "{text}");
    Pid::from_raw(children[0])
}

#[tokio::test]
async fn a_provider_that_dies_is_told_and_hangs_nothing() {
    for action in ["iam:CreateUser", "iam:PutUserPolicy"] {
        let (scene, run, fault) = held(FaultKind::HoldAfterCommit, action).await;
        kill(provider_of(&run), Signal::SIGKILL).unwrap();
        let output = run.wait_within(LIMIT).unwrap();
        assert!(!output.success());
        let text = flat(&output.text());
        // Which of the two Terraform says depends on what it notices first: the lost connection or the lost call.
        let told = ["Error: Plugin did not respond", "Error: Request cancelled"];
        assert!(told.iter().any(|error| text.contains(error)), "{text}");
        scene.world.control().release(&fault).await.unwrap();
        assert_no_lock(&scene);
        assert_converges(&scene).await;
    }
}
