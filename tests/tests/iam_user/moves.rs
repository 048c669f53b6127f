//! Users that the AWS provider made come here by `moved`, as `docs/MIGRATION.md` says: its configuration is what is run.
//!
//! The state is one that the AWS provider left. Of that provider Terraform needs the schemas, which a stub has.

use std::path::Path;

use harness::{StubProvider, Terraform, World};
use serde_json::{Value, json};

use super::scene::{Scene, flat};

const GUIDE: &str = include_str!("../../../docs/MIGRATION.md");
const READ_ONLY: &str = "arn:aws:iam::aws:policy/ReadOnlyAccess";

/// The configuration of the guide, which is about one account.
fn configuration(scene: &Scene) -> String {
    let (_, rest) = GUIDE
        .split_once("## From the AWS provider")
        .expect("the guide has a chapter");
    let (_, rest) = rest
        .split_once("```hcl\n")
        .expect("with a configuration in it");
    let (text, _) = rest.split_once("```").expect("that ends");
    text.replace("222222222222", scene.member().id())
}

/// A state that the AWS provider left, in the form of Terraform 1.x.
fn state(resources: &[(&str, Value)]) -> String {
    let resources = resources.iter().map(|(address, attributes)| {
        let (kind, name) = address.split_once('.').expect("an address");
        json!({
            "mode": "managed",
            "type": kind,
            "name": name,
            "provider": "provider[\"registry.terraform.io/hashicorp/aws\"]",
            "instances": [{"schema_version": 0, "attributes": attributes, "sensitive_attributes": []}],
        })
    });
    let state = json!({
        "version": 4,
        "terraform_version": "1.11.4",
        "serial": 3,
        "lineage": "5f7c7b7e-5d0c-4d4f-9f0b-0d9c5b1f0a11",
        "outputs": {},
        "resources": resources.collect::<Vec<_>>(),
    });
    state.to_string()
}

async fn scene() -> Scene {
    let world = World::new(1).await.unwrap();
    let binary = Path::new(env!("CARGO_BIN_EXE_stub-provider"));
    let terraform = Terraform::with_stub_beside(world.env(), StubProvider::Aws, binary).unwrap();
    let scene = Scene { world, terraform };
    scene.provider("");
    scene
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_of_the_aws_provider_comes_here_with_all_that_it_has() {
    let scene = scene().await;
    let iam = scene.member().iam();
    let made = iam.create_user().user_name("alice").send().await.unwrap();
    let made = made.user.unwrap();
    let attach = iam.attach_user_policy().user_name("alice");
    attach.policy_arn(READ_ONLY).send().await.unwrap();
    let key = iam.create_access_key().user_name("alice");
    let key = key.send().await.unwrap().access_key.unwrap();

    let left = state(&[
        (
            "aws_iam_user.alice",
            json!({
                "arn": made.arn, "force_destroy": false, "id": "alice", "name": "alice", "path": "/",
                "permissions_boundary": "", "tags": {}, "tags_all": {}, "unique_id": made.user_id,
            }),
        ),
        (
            "aws_iam_user_policy_attachment.alice_read",
            json!({"id": "alice-20251101", "policy_arn": READ_ONLY, "user": "alice"}),
        ),
        (
            "aws_iam_access_key.alice",
            json!({
                "id": key.access_key_id, "user": "alice", "status": "Active",
                "create_date": "2025-11-01T00:00:00Z", "secret": key.secret_access_key,
                "ses_smtp_password_v4": "x", "pgp_key": null, "encrypted_secret": null,
                "encrypted_ses_smtp_password_v4": null, "key_fingerprint": null,
            }),
        ),
    ]);
    scene.terraform.write("terraform.tfstate", &left).unwrap();
    scene
        .terraform
        .write("main.tf", &configuration(&scene))
        .unwrap();

    let planned = scene.plan_changes();
    for told in [
        "# crossaccount_iam_user.alice will be updated in-place # (moved from aws_iam_user.alice)",
        "+ managed_by = \"test\"",
        "# aws_iam_user_policy_attachment.alice_read will no longer be managed by Terraform",
        "# aws_iam_access_key.alice will no longer be managed by Terraform",
        "Plan: 0 to add, 1 to change, 0 to destroy.",
    ] {
        assert!(planned.contains(told), "{told:?} is not in\n{planned}");
    }
    assert_eq!(scene.writes().await, Vec::<String>::new(), "a plan wrote");

    scene.apply();
    assert_eq!(scene.writes().await, ["iam:TagUser"]);
    let now = scene.state("crossaccount_iam_user.alice");
    assert_eq!(now["unique_id"], json!(made.user_id));
    assert_eq!(now["managed_policy_arns"], json!([READ_ONLY]));
    let keys = iam
        .list_access_keys()
        .user_name("alice")
        .send()
        .await
        .unwrap();
    let ids: Vec<_> = keys
        .access_key_metadata()
        .iter()
        .map(|it| it.access_key_id())
        .collect();
    assert_eq!(ids, [Some(key.access_key_id())]);
    scene.assert_nothing_to_do();
    let listed = scene.terraform.run(&["state", "list"]).unwrap();
    assert_eq!(listed.stdout.trim(), "crossaccount_iam_user.alice");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_no_user_in_it_cannot_be_moved_here() {
    let scene = scene().await;
    let left = state(&[(
        "aws_iam_user_policy_attachment.alice",
        json!({"id": "alice-20251101", "policy_arn": READ_ONLY, "user": "alice"}),
    )]);
    scene.terraform.write("terraform.tfstate", &left).unwrap();
    let moved = format!(
        "moved {{\n  from = aws_iam_user_policy_attachment.alice\n  to   = crossaccount_iam_user.alice\n}}\n\
         resource \"crossaccount_iam_user\" \"alice\" {{\n  account_id = \"{}\"\n  name       = \"alice\"\n}}\n",
        scene.member().id()
    );
    scene.terraform.write("main.tf", &moved).unwrap();
    let error = flat(
        &scene
            .terraform
            .plan()
            .unwrap()
            .expect_failure()
            .unwrap()
            .text(),
    );
    assert!(error.contains("aws_iam_user_policy_attachment"), "{error}");
    assert_eq!(scene.writes().await, Vec::<String>::new());
}
