//! Faults hit the call that the test names, and no other.

use std::time::Duration;

use aws_sdk_iam::error::ProvideErrorMetadata;
use aws_sdk_iam::types::Tag;
use harness::{Fault, FaultKind, World};
use serde_json::{Value, json};

use super::{allow, make_user, policy, refusal, session_iam, world_allowing};

const LIMIT: Duration = Duration::from_secs(30);

async fn world_with(fault: Fault) -> (World, aws_sdk_iam::Client) {
    let world = World::new(1).await.unwrap();
    let account = &world.members()[0];
    let iam = account.logged_iam();
    world
        .control()
        .add_fault(&fault.in_account(account.id()))
        .await
        .unwrap();
    (world, iam)
}

async fn exists(world: &World, name: &str) -> bool {
    world.members()[0]
        .iam()
        .get_user()
        .user_name(name)
        .send()
        .await
        .is_ok()
}

#[tokio::test]
async fn a_throttled_call_does_nothing_and_only_the_named_call_is_hit() {
    let fault = Fault::new(FaultKind::Throttle, "iam:CreateUser")
        .from_call(2)
        .times(2);
    let (world, iam) = world_with(fault).await;
    make_user(&iam, "one").await;
    for _ in 0..2 {
        let refused = iam.create_user().user_name("two").send().await;
        assert_eq!(refusal(refused), "Throttling");
        assert!(!exists(&world, "two").await);
    }
    make_user(&iam, "two").await;
}

#[tokio::test]
async fn other_accounts_are_spared() {
    let fault = Fault::new(FaultKind::Throttle, "*").always();
    let (_world, iam) = world_with(fault).await;
    assert_eq!(refusal(iam.list_users().send().await), "Throttling");
    let other = World::new(1).await.unwrap();
    assert!(
        other.members()[0]
            .logged_iam()
            .list_users()
            .send()
            .await
            .is_ok()
    );
}

#[tokio::test]
async fn each_service_throttles_with_its_own_code() {
    let world = World::new(0).await.unwrap();
    let hub = world.hub();
    let fault = Fault::new(FaultKind::Throttle, "*")
        .in_account(hub.id())
        .always();
    world.control().add_fault(&fault).await.unwrap();
    let config = hub.config(hub.credentials());
    let s3 = aws_sdk_s3::Client::from_conf(
        aws_sdk_s3::config::Builder::from(&config)
            .force_path_style(true)
            .build(),
    );
    assert_eq!(refusal(s3.list_buckets().send().await), "SlowDown");
    assert_eq!(
        refusal(hub.sts().get_caller_identity().send().await),
        "Throttling"
    );
}

#[tokio::test]
async fn an_http_error_has_its_status_and_code() {
    let kind = FaultKind::HttpError {
        status: 503,
        code: "ServiceUnavailable".to_owned(),
    };
    let (_world, iam) = world_with(Fault::new(kind, "iam:ListUsers")).await;
    let error = iam.list_users().send().await.unwrap_err();
    assert_eq!(error.code(), Some("ServiceUnavailable"));
    assert_eq!(error.raw_response().unwrap().status().as_u16(), 503);
}

#[tokio::test]
async fn a_call_dropped_before_commit_did_nothing_and_one_after_commit_did() {
    for (kind, done) in [
        (FaultKind::DropBeforeCommit, false),
        (FaultKind::DropAfterCommit, true),
    ] {
        let (world, iam) = world_with(Fault::new(kind.clone(), "iam:CreateUser")).await;
        let error = iam
            .create_user()
            .user_name("alice")
            .send()
            .await
            .unwrap_err();
        assert!(error.as_service_error().is_none(), "{error:?}");
        assert_eq!(exists(&world, "alice").await, done, "{kind:?}");
        let calls = world
            .control()
            .calls(world.members()[0].id())
            .await
            .unwrap();
        assert_eq!(calls[0].action, "iam:CreateUser");
        assert_eq!(calls[0].committed, done);
        assert!(calls[0].fault.is_some());
    }
}

#[tokio::test]
async fn a_fresh_user_can_be_invisible_for_some_calls() {
    let (_world, iam) = world_with(Fault::new(FaultKind::NotVisible, "iam:*").times(2)).await;
    assert_eq!(
        refusal(iam.get_user().user_name("alice").send().await),
        "NoSuchEntity"
    );
    make_user(&iam, "alice").await;
    for _ in 0..2 {
        assert_eq!(
            refusal(iam.get_user().user_name("alice").send().await),
            "NoSuchEntity"
        );
    }
    assert!(iam.get_user().user_name("alice").send().await.is_ok());
}

#[tokio::test]
async fn an_invisible_user_is_judged_without_path_tags_and_boundary() {
    let below = json!("arn:aws:iam::{member}:user/people/*");
    let any = json!("arn:aws:iam::{member}:user/*");
    let limited = |condition: Value| {
        let mut statement = allow(json!("iam:PutUserPolicy"), any.clone());
        statement["Condition"] = condition;
        statement
    };
    let tag = limited(json!({"Null": {"iam:ResourceTag/Team": "false"}}));
    let boundary = limited(json!({"Null": {"iam:PermissionsBoundary": "false"}}));
    for (statement, expected) in [
        (
            allow(json!("iam:PutUserPolicy"), any.clone()),
            "NoSuchEntity",
        ),
        (allow(json!("iam:PutUserPolicy"), below), "AccessDenied"),
        (tag, "AccessDenied"),
        (boundary, "AccessDenied"),
    ] {
        let world = world_allowing(json!([statement])).await;
        let account = &world.members()[0];
        let document = policy(json!([allow(json!("sqs:*"), json!("*"))])).to_string();
        let made = account.iam().create_user().user_name("alice");
        let made = made.path("/people/").tags(team());
        let made = made.permissions_boundary("arn:aws:iam::aws:policy/ReadOnlyAccess");
        made.send().await.unwrap();
        let fault = Fault::new(FaultKind::NotVisible, "iam:PutUserPolicy");
        let fault = fault.in_account(account.id()).times(2);
        world.control().add_fault(&fault).await.unwrap();
        let iam = session_iam(&world).await;
        let put = || {
            let put = iam.put_user_policy().user_name("alice");
            put.policy_name("one").policy_document(&document).send()
        };
        for _ in 0..2 {
            assert_eq!(refusal(put().await), expected, "{statement}");
        }
        put().await.unwrap();
        let calls = world.control().calls(account.id()).await.unwrap();
        let puts = calls
            .iter()
            .filter(|call| call.action == "iam:PutUserPolicy");
        let committed: Vec<_> = puts.map(|call| call.committed).collect();
        assert_eq!(committed, [false, false, true]);
    }
}

fn team() -> Tag {
    Tag::builder().key("Team").value("core").build().unwrap()
}

#[tokio::test]
async fn a_fault_can_be_limited_to_one_user() {
    let fault = Fault::new(FaultKind::Throttle, "iam:CreateUser")
        .with_parameter("bob")
        .always();
    let (_world, iam) = world_with(fault).await;
    make_user(&iam, "alice").await;
    assert_eq!(
        refusal(iam.create_user().user_name("bob").send().await),
        "Throttling"
    );
}

#[tokio::test]
async fn a_held_call_is_done_and_answers_only_after_its_release() {
    let world = World::new(1).await.unwrap();
    let account = &world.members()[0];
    let control = world.control();
    let fault = Fault::new(FaultKind::HoldAfterCommit, "iam:CreateUser").in_account(account.id());
    let fault = control.add_fault(&fault).await.unwrap();
    let iam = account.logged_iam();
    let call = tokio::spawn(async move { iam.create_user().user_name("alice").send().await });

    control.wait_for_fault(&fault.id, 1, LIMIT).await.unwrap();
    assert!(exists(&world, "alice").await);
    assert!(!call.is_finished());
    control.release(&fault.id).await.unwrap();
    call.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_call_held_before_commit_has_done_nothing_yet() {
    let world = World::new(1).await.unwrap();
    let account = &world.members()[0];
    let control = world.control();
    let fault = Fault::new(FaultKind::HoldBeforeCommit, "iam:CreateUser").in_account(account.id());
    let fault = control.add_fault(&fault).await.unwrap();
    let iam = account.logged_iam();
    let call = tokio::spawn(async move { iam.create_user().user_name("alice").send().await });

    control.wait_for_fault(&fault.id, 1, LIMIT).await.unwrap();
    assert!(!exists(&world, "alice").await);
    control.release(&fault.id).await.unwrap();
    call.await.unwrap().unwrap();
    assert!(exists(&world, "alice").await);
}

#[tokio::test]
async fn a_fault_on_assuming_a_role_is_limited_to_the_account_of_the_role() {
    let world = World::new(2).await.unwrap();
    let (first, second) = (world.members()[0].id(), world.members()[1].id());
    let fault = Fault::new(FaultKind::Throttle, "sts:AssumeRole")
        .in_account(first)
        .always();
    world.control().add_fault(&fault).await.unwrap();
    let assume = |account: &str| {
        world
            .hub()
            .sts()
            .assume_role()
            .role_arn(world.role_arn(account))
            .role_session_name("test")
            .external_id(world.external_id())
            .send()
    };
    assert_eq!(refusal(assume(first).await), "Throttling");
    assert!(assume(second).await.is_ok());
    world.control().clear_faults(first).await.unwrap();
    assert!(assume(first).await.is_ok());
}

#[tokio::test]
async fn latency_delays_a_call() {
    let delay = Duration::from_millis(200);
    let (_world, iam) = world_with(Fault::new(FaultKind::Latency(delay), "iam:ListUsers")).await;
    let before = std::time::Instant::now();
    iam.list_users().send().await.unwrap();
    assert!(before.elapsed() >= delay);
}
