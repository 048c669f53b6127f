//! Accounts that cannot be reached or may not be touched, hub credentials that are no good, and what a plan may call.

use std::collections::{BTreeMap, BTreeSet};

use harness::standin::{Call, NewRole};
use harness::{Terraform, World, WorldOptions};
use serde_json::json;

use super::scene::{Scene, flat};

const ONE: &str = r#"
resource "crossaccount_iam_user" "alice" {
  account_id = "{0}"
  name       = "alice"
}
"#;

/// One user of a name in each account, spread over the given accounts.
fn users(accounts: &[&str], names: &[&str]) -> String {
    let all = |list: &[&str]| format!("[\"{}\"]", list.join("\", \""));
    format!(
        "locals {{\n  all = {{ for pair in setproduct({}, {}) : \"${{pair[0]}}/${{pair[1]}}\" => pair }}\n}}\n\
         resource \"crossaccount_iam_user\" \"all\" {{\n  for_each = local.all\n  account_id = each.value[0]\n  \
         name = each.value[1]\n  groups = []\n  managed_policy_arns = []\n  inline_policies = {{}}\n}}\n",
        all(accounts),
        all(names)
    )
}

fn ids(world: &World) -> Vec<&str> {
    world.members().iter().map(harness::Account::id).collect()
}

async fn user_names(world: &World, account_id: &str) -> Vec<String> {
    let listed = world
        .iam(account_id)
        .unwrap()
        .list_users()
        .send()
        .await
        .unwrap();
    listed
        .users()
        .iter()
        .map(|user| user.user_name().to_owned())
        .collect()
}

/// The calls about all accounts of the world.
async fn all_calls(world: &World) -> Vec<Call> {
    let mut calls = world.control().calls(world.hub().id()).await.unwrap();
    for member in world.members() {
        calls.extend(world.control().calls(member.id()).await.unwrap());
    }
    calls
}

#[tokio::test]
async fn an_account_that_cannot_be_reached_stops_no_other() {
    let scene = Scene::new(5).await;
    let accounts = ids(&scene.world);
    let broken = accounts[2];
    let iam = scene.world.iam(broken).unwrap();
    let role = scene.world.role_name();
    iam.delete_role_policy()
        .role_name(role)
        .policy_name("everything")
        .send()
        .await
        .unwrap();
    iam.delete_role().role_name(role).send().await.unwrap();
    scene.configure(&users(&accounts, &["alice"]));

    let output = scene.terraform.apply().unwrap().expect_failure().unwrap();
    let errors = flat(&output.stderr);
    assert_eq!(errors.matches("Error: ").count(), 1, "{errors}");
    for expected in [
        "Member role cannot be assumed",
        "account_id = each.value[0]",
        &format!("Account {broken}"),
        &scene.world.role_arn(broken),
        "AccessDenied",
        "Check that the role exists under exactly this name and path",
    ] {
        assert!(errors.contains(expected), "{expected:?} is not in {errors}");
    }
    assert_eq!(scene.terraform.state().unwrap().len(), 4);
    for account in &accounts {
        let expected: &[&str] = if *account == broken { &[] } else { &["alice"] };
        assert_eq!(user_names(&scene.world, account).await, expected);
    }

    // The role comes back, and the next apply makes what is missing and nothing else.
    let permissions = BTreeMap::from([(
        "everything".to_owned(),
        json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "iam:*", "Resource": "*"}]}),
    )]);
    let role = NewRole {
        account_id: broken,
        name: role,
        path: "/",
        trust: &scene.world.trust_with_external_id(),
        permissions: &permissions,
        permissions_boundary: None,
        max_session_duration: 3600,
    };
    scene.world.control().create_role(&role).await.unwrap();
    assert!(scene.apply().contains("1 added, 0 changed, 0 destroyed"));
    scene.assert_nothing_to_do();
}

#[tokio::test]
async fn a_wrong_external_id_is_refused_and_never_shown() {
    let scene = Scene::new(1).await;
    let wrong = "external-of-somebody-else";
    let text = format!(
        "terraform {{\n  required_providers {{\n    crossaccount = {{ source = \"crossaccount/crossaccount\" }}\n  }}\n}}\n\
         provider \"crossaccount\" {{\n  external_id = \"{wrong}\"\n  audit = {{ bucket = \"{}\" }}\n}}\n",
        scene.world.audit_bucket()
    );
    scene.terraform.write("provider.tf", &text).unwrap();
    scene.configure(ONE);
    let errors = scene.apply_error();
    assert!(errors.contains("AccessDenied"), "{errors}");
    assert!(
        errors.contains("that it asks for the same external id"),
        "{errors}"
    );
    assert!(errors.contains("account_id = "), "{errors}");
    assert!(!errors.contains(wrong), "{errors}");
    assert_eq!(scene.writes().await, [""; 0]);
    assert!(scene.audit_records().await.is_empty());
}

/// The error of a plan in an environment that differs from the world's.
fn error_with(
    world: &World,
    change: impl Fn(&mut BTreeMap<String, String>),
    settings: &str,
) -> String {
    let mut environment: BTreeMap<_, _> = world.env().into_iter().collect();
    change(&mut environment);
    let terraform = Terraform::new(environment).unwrap();
    let text = format!(
        "terraform {{\n  required_providers {{\n    crossaccount = {{ source = \"crossaccount/crossaccount\" }}\n  }}\n}}\n\
         provider \"crossaccount\" {{\n  external_id = \"{}\"\n  audit = {{ bucket = \"{}\" }}\n{settings}\n}}\n{}",
        world.external_id(),
        world.audit_bucket(),
        ONE.replace("{0}", world.members()[0].id()),
    );
    terraform.write("main.tf", &text).unwrap();
    let output = terraform.plan().unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", output.text());
    flat(&output.stderr)
}

#[track_caller]
fn assert_all(text: &str, expected: &[&str]) {
    for expected in expected {
        assert!(text.contains(expected), "{expected:?} is not in {text}");
    }
    assert_eq!(text.matches("Error: ").count(), 1, "{text}");
}

#[tokio::test]
async fn hub_credentials_that_are_missing_wrong_or_expired_are_told_on_the_provider() {
    let world = World::new(1).await.unwrap();
    let missing = error_with(
        &world,
        |environment| {
            environment.remove("AWS_ACCESS_KEY_ID");
            environment.remove("AWS_SECRET_ACCESS_KEY");
        },
        "",
    );
    assert_all(
        &missing,
        &[
            "Hub credentials cannot be used",
            "provider \"crossaccount\"",
            "Give credentials of the hub account",
        ],
    );

    let wrong = error_with(
        &world,
        |environment| {
            environment.insert(
                "AWS_ACCESS_KEY_ID".to_owned(),
                "AKIAWRONGWRONGWRONG1".to_owned(),
            );
        },
        "",
    );
    assert_all(
        &wrong,
        &[
            "Hub credentials cannot be used",
            "InvalidClientTokenId",
            "AWS does not know the hub credentials",
        ],
    );

    let member = world.members()[0].id();
    let assume = world
        .hub()
        .sts()
        .assume_role()
        .role_arn(world.role_arn(member));
    let assume = assume
        .role_session_name("hub")
        .external_id(world.external_id());
    let session = assume.send().await.unwrap().credentials.unwrap();
    world.control().expire_sessions(member).await.unwrap();
    let expired = error_with(
        &world,
        |environment| {
            let values = [
                ("AWS_ACCESS_KEY_ID", session.access_key_id()),
                ("AWS_SECRET_ACCESS_KEY", session.secret_access_key()),
                ("AWS_SESSION_TOKEN", session.session_token()),
            ];
            environment.extend(values.map(|(name, value)| (name.to_owned(), value.to_owned())));
        },
        "",
    );
    assert_all(
        &expired,
        &[
            "Hub credentials cannot be used",
            "ExpiredToken",
            "renew them",
        ],
    );
    for secret in [session.secret_access_key(), session.session_token()] {
        assert!(!expired.contains(secret));
    }

    let calls = all_calls(&world).await;
    assert!(
        calls.iter().all(|call| call.action.starts_with("sts:")),
        "{calls:?}"
    );
}

#[tokio::test]
async fn a_region_that_cannot_be_used_is_told_on_the_region() {
    let world = World::new(1).await.unwrap();
    let no_region = error_with(
        &world,
        |environment| {
            environment.remove("AWS_REGION");
        },
        "",
    );
    assert_all(&no_region, &["No Region is configured"]);
    let invalid = error_with(&world, |_| {}, "  region = \"Frankfurt\"");
    assert_all(&invalid, &["region = \"Frankfurt\""]);
    let other = error_with(&world, |_| {}, "  region = \"cn-north-1\"");
    assert_all(&other, &["region = \"cn-north-1\"", "aws-cn"]);
    // Nothing listens where the endpoint of this Region would be.
    let closed = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let unknown = error_with(
        &world,
        |environment| {
            environment.insert(
                "AWS_ENDPOINT_URL_STS".to_owned(),
                format!("http://{closed}"),
            );
        },
        "  region = \"eu-north-9\"",
    );
    assert_all(&unknown, &["eu-north-9", "check that the Region exists"]);
    assert!(
        world
            .control()
            .calls(world.members()[0].id())
            .await
            .unwrap()
            .is_empty()
    );
}

#[tokio::test]
async fn an_account_that_may_not_be_touched_is_never_called() {
    let scene = Scene::new(2).await;
    let accounts = ids(&scene.world);
    scene.configure(&users(&accounts, &["alice"]));
    for settings in [
        format!("forbidden_account_ids = [\"{}\"]", accounts[1]),
        format!("allowed_account_ids = [\"{}\"]", accounts[0]),
    ] {
        scene.provider(&settings);
        let errors = scene.plan_error();
        assert_all(
            &errors,
            &[
                "Refused by a guardrail",
                "account_id = each.value[0]",
                &format!("Account {}", accounts[1]),
            ],
        );
        assert!(scene.calls(accounts[1]).await.is_empty());
        assert!(!scene.calls(accounts[0]).await.is_empty());
    }
}

#[tokio::test]
async fn each_run_assumes_a_member_role_at_most_twice() {
    let scene = Scene::new(3).await;
    let accounts = ids(&scene.world);
    scene.configure(&users(&accounts, &["a", "b", "c", "d", "e"]));
    assert!(scene.apply().contains("15 added"));
    scene.assert_nothing_to_do();
    scene.terraform.destroy().unwrap().expect_success().unwrap();

    let mut runs = BTreeSet::new();
    for account in accounts {
        // Every process has a run id of its own, and the session name carries it.
        let mut assumed: BTreeMap<String, u32> = BTreeMap::new();
        for call in scene.calls(account).await {
            if call.action == "sts:AssumeRole" {
                let name = call.parameters["RoleSessionName"].as_str().unwrap();
                *assumed.entry(name.to_owned()).or_default() += 1;
            }
        }
        assert!(assumed.values().all(|count| *count <= 2), "{assumed:?}");
        runs.extend(assumed.into_keys());
    }
    // Plan and apply of the creation, the plan, at least plan and apply of the destruction.
    assert!(runs.len() >= 5, "{runs:?}");
}

#[tokio::test]
async fn the_hub_account_itself_is_managed_without_a_role() {
    let scene = Scene::new(0).await;
    let hub = scene.world.hub().id();
    scene.configure(&users(&[hub], &["alice"]));
    scene.apply();
    assert_eq!(user_names(&scene.world, hub).await, ["alice"]);
    scene.assert_nothing_to_do();
    scene.terraform.destroy().unwrap().expect_success().unwrap();
    assert!(user_names(&scene.world, hub).await.is_empty());
    let calls = scene.calls(hub).await;
    assert!(
        calls.iter().all(|call| call.action != "sts:AssumeRole"),
        "{calls:?}"
    );
}

#[tokio::test]
async fn a_user_can_have_a_member_role_of_its_own() {
    let scene = Scene::in_world(
        World::with(WorldOptions {
            role_name: "Special".to_owned(),
            role_path: "/teams/".to_owned(),
            ..WorldOptions::default()
        })
        .await
        .unwrap(),
    );
    let role = scene.world.role_arn(scene.member().id());
    scene.configure(&ONE.replace("name ", &format!("role_arn = \"{role}\"\n  name ")));
    scene.apply();
    assert!(scene.user("alice").await.is_some());
    let calls = scene.calls(scene.member().id()).await;
    let assumed: BTreeSet<_> = calls
        .iter()
        .filter(|call| call.action == "sts:AssumeRole")
        .map(|call| call.parameters["RoleArn"].as_str().unwrap())
        .collect();
    assert_eq!(assumed, BTreeSet::from([role.as_str()]));
    scene.terraform.destroy().unwrap().expect_success().unwrap();
    assert!(scene.user("alice").await.is_none());

    let other = role.replace(scene.member().id(), "700999999999");
    scene.configure(&ONE.replace("name ", &format!("role_arn = \"{other}\"\n  name ")));
    let errors = scene.plan_error();
    assert_all(
        &errors,
        &["Role of another account", "role_arn = ", "700999999999"],
    );
}

#[tokio::test]
async fn a_plan_only_reads_and_its_session_could_not_write() {
    let scene = Scene::new(1).await;
    scene.configure(&users(&[scene.member().id()], &["alice", "bob"]));
    scene.apply();
    let iam = scene.member().iam();
    iam.delete_user().user_name("bob").send().await.unwrap();
    iam.tag_user()
        .user_name("alice")
        .tags(
            aws_sdk_iam::types::Tag::builder()
                .key("By")
                .value("hand")
                .build()
                .unwrap(),
        )
        .send()
        .await
        .unwrap();
    let (hub, member) = (scene.world.hub().id(), scene.member().id());
    for account in [hub, member] {
        scene.world.control().clear_calls(account).await.unwrap();
    }
    scene.configure(&users(&[member], &["alice", "bob", "carol"]));
    let plan = scene.plan_changes();
    assert!(plan.contains("2 to add, 1 to change"), "{plan}");

    let calls = all_calls(&scene.world).await;
    let reads = [
        "iam:Get",
        "iam:List",
        "sts:AssumeRole",
        "sts:GetCallerIdentity",
        "s3:HeadBucket",
    ];
    for call in &calls {
        assert!(
            reads.iter().any(|read| call.action.starts_with(read)),
            "{}",
            call.action
        );
    }
    assert!(
        scene
            .audit_records()
            .await
            .iter()
            .all(|record| record["action"] == "create_user")
    );

    // The very session of the plan, opened once more by hand: it may read and not write.
    let assumed = calls
        .iter()
        .find(|call| call.action == "sts:AssumeRole")
        .unwrap();
    let policy = assumed.parameters["Policy"].as_str().unwrap();
    let assume = scene
        .world
        .hub()
        .sts()
        .assume_role()
        .role_arn(scene.world.role_arn(member));
    let assume = assume
        .role_session_name("plan")
        .external_id(scene.world.external_id());
    let session = assume
        .policy(policy)
        .send()
        .await
        .unwrap()
        .credentials
        .unwrap();
    let iam = aws_sdk_iam::Client::new(&scene.member().session_config(&session));
    iam.get_user().user_name("alice").send().await.unwrap();
    let refused = iam.create_user().user_name("eve").send().await.unwrap_err();
    assert_eq!(
        aws_sdk_iam::error::ProvideErrorMetadata::code(&refused),
        Some("AccessDenied")
    );
    let refused = iam
        .delete_user()
        .user_name("alice")
        .send()
        .await
        .unwrap_err();
    assert_eq!(
        aws_sdk_iam::error::ProvideErrorMetadata::code(&refused),
        Some("AccessDenied")
    );
}
