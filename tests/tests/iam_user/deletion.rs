//! The end of a user: what stops it, what goes with it, what stays.

use serde_json::json;

use super::by_hand::{document, map, set, user};
use super::scene::{Scene, flat};

const ALICE: &str = "crossaccount_iam_user.alice";
const READ_ONLY: &str = "arn:aws:iam::aws:policy/ReadOnlyAccess";

fn destroy(scene: &Scene) -> String {
    flat(
        &scene
            .terraform
            .destroy()
            .unwrap()
            .expect_success()
            .unwrap()
            .text(),
    )
}

fn destroy_error(scene: &Scene) -> String {
    flat(
        &scene
            .terraform
            .destroy()
            .unwrap()
            .expect_failure()
            .unwrap()
            .text(),
    )
}

#[tokio::test]
async fn what_others_made_stops_a_deletion_and_is_named() {
    let scene = Scene::new(1).await;
    scene.make_groups(&["ours", "theirs"]).await;
    scene.alice(&format!(
        "groups = [\"ours\"]\n inline_policies = {{ own = <<-EOT\n{}\nEOT\n }}",
        document("s3:ListAllMyBuckets")
    ));
    scene.apply();
    let hung = scene.hang_everything_on("alice").await;
    scene.grant("alice", "theirs", READ_ONLY, "by-hand").await;
    let before = scene.active("alice").await;

    scene.forget_calls().await;
    // Without a refresh: the state knows nothing of what was added meanwhile.
    let output = scene
        .terraform
        .run(&["destroy", "-no-color", "-auto-approve", "-refresh=false"]);
    let error = flat(&output.unwrap().expect_failure().unwrap().text());
    for name in [
        "console password",
        &format!("access key {}", hung.keys[0]),
        &format!("access key {}", hung.keys[1]),
        &format!("MFA device {}", hung.mfa_serial),
        &format!("SSH public key {}", hung.ssh_key),
        &format!("signing certificate {}", hung.certificate),
        &format!("service-specific credential {}", hung.service_credential),
        "inline policy by-hand",
        &format!("attached policy {READ_ONLY}"),
        "group membership theirs",
        "set force_destroy = true",
        scene.member().id(),
    ] {
        assert!(error.contains(name), "{name} in {error}");
    }
    assert!(
        !error.contains("membership ours") && !error.contains("policy own"),
        "{error}"
    );
    assert_eq!(scene.writes().await, Vec::<String>::new());
    assert_eq!(scene.active("alice").await, before);
    assert_eq!(scene.groups("alice").await, set(["ours", "theirs"]));
    assert_eq!(scene.state(ALICE)["name"], json!("alice"));
}

#[tokio::test]
async fn force_destroy_removes_everything_that_hangs_on_the_user() {
    let scene = Scene::new(1).await;
    scene.make_groups(&["ours", "theirs"]).await;
    let policy = scene.make_policy("Theirs").await;
    scene.alice("force_destroy = true\n groups = [\"ours\"]");
    scene.apply();
    scene.hang_everything_on("alice").await;
    scene.grant("alice", "theirs", &policy, "by-hand").await;

    scene.forget_calls().await;
    destroy(&scene);
    assert!(scene.user("alice").await.is_none());
    assert_eq!(scene.virtual_devices().await, 0);
    // Access goes first, the user last.
    assert_eq!(
        scene.writes().await,
        [
            "iam:DeleteLoginProfile",
            "iam:DeleteAccessKey",
            "iam:DeleteAccessKey",
            "iam:DeleteServiceSpecificCredential",
            "iam:DeactivateMFADevice",
            "iam:DeleteVirtualMFADevice",
            "iam:DeleteSigningCertificate",
            "iam:DeleteSSHPublicKey",
            "iam:DeleteUserPolicy",
            "iam:DetachUserPolicy",
            "iam:RemoveUserFromGroup",
            "iam:RemoveUserFromGroup",
            "iam:DeleteUser",
        ]
    );
    assert!(scene.terraform.state().unwrap().is_empty());
}

#[tokio::test]
async fn a_retained_user_is_forgotten_and_not_touched() {
    let scene = Scene::new(1).await;
    scene.alice("deletion_policy = \"retain\"");
    scene.apply();
    let (user, tags) = (
        scene.user("alice").await.unwrap(),
        scene.tags("alice").await,
    );
    scene.forget_calls().await;
    destroy(&scene);
    assert_eq!(scene.writes().await, Vec::<String>::new());
    assert_eq!(scene.user("alice").await.unwrap().user_id, user.user_id);
    assert_eq!(scene.tags("alice").await, tags);
    assert!(scene.terraform.state().unwrap().is_empty());
}

#[tokio::test]
async fn a_quarantined_user_has_no_access_until_it_is_wanted_again() {
    let scene = Scene::new(1).await;
    scene.make_groups(&["staff"]).await;
    let attributes = format!(
        "deletion_policy = \"quarantine\"\n groups = [\"staff\"]\n inline_policies = {{ own = <<-EOT\n{}\nEOT\n }}",
        document("s3:ListAllMyBuckets")
    );
    scene.alice(&attributes);
    scene.apply();
    let unique_id = scene.user("alice").await.unwrap().user_id;
    scene.hang_everything_on("alice").await;

    destroy(&scene);
    assert!(scene.terraform.state().unwrap().is_empty());
    assert_eq!(scene.user("alice").await.unwrap().user_id, unique_id);
    assert_eq!(
        scene.active("alice").await,
        json!({
            "password": false, "keys": ["Inactive", "Inactive"], "ssh": ["Inactive"],
            "certificates": ["Inactive"], "services": ["Inactive"], "devices": 1,
        })
    );
    let inline = scene.inline("alice").await;
    assert_eq!(
        json!(inline),
        json!({"crossaccount-quarantine": "*", "own": "s3:ListAllMyBuckets"})
    );
    assert_eq!(scene.groups("alice").await, set(["staff"]));
    let locked = map([
        ("crossaccount:managed-by", "test"),
        ("crossaccount:quarantined-by", "test"),
    ]);
    assert_eq!(scene.tags("alice").await, locked);

    // Wanted again: the lock goes, what was taken away does not come back by itself.
    scene.alice(&attributes);
    let found = scene.diagnostics();
    assert!(
        found[0]
            .detail
            .contains("was quarantined by this deployment"),
        "{found:?}"
    );
    scene.apply();
    assert_eq!(scene.state(ALICE)["unique_id"], json!(unique_id));
    assert_eq!(
        json!(scene.inline("alice").await),
        json!({"own": "s3:ListAllMyBuckets"})
    );
    assert_eq!(
        scene.tags("alice").await,
        map([("crossaccount:managed-by", "test")])
    );
    assert_eq!(
        scene.active("alice").await["keys"],
        json!(["Inactive", "Inactive"])
    );
    scene.assert_nothing_to_do();
}

#[tokio::test]
async fn a_stranger_of_the_same_name_is_left_alone() {
    let scene = Scene::new(1).await;
    scene.alice("force_destroy = true");
    scene.apply();
    scene
        .member()
        .iam()
        .delete_user()
        .user_name("alice")
        .send()
        .await
        .unwrap();
    let stranger = scene.make_user("alice", &[]).await;
    scene.forget_calls().await;
    // With a refresh the plan refuses already; without it the deletion has to find out.
    assert!(destroy_error(&scene).contains("User was replaced"));
    let output = scene
        .terraform
        .run(&["destroy", "-no-color", "-auto-approve", "-refresh=false"]);
    let printed = flat(&output.unwrap().expect_success().unwrap().text());
    assert!(
        printed.contains("is another user than the one that was recorded"),
        "{printed}"
    );
    assert_eq!(scene.writes().await, Vec::<String>::new());
    assert_eq!(scene.user("alice").await.unwrap().user_id, stranger);
    assert!(scene.terraform.state().unwrap().is_empty());
}

#[tokio::test]
async fn a_user_that_is_gone_already_counts_as_destroyed() {
    let scene = Scene::new(1).await;
    scene.alice("");
    scene.apply();
    scene
        .member()
        .iam()
        .delete_user()
        .user_name("alice")
        .send()
        .await
        .unwrap();
    let output = scene
        .terraform
        .run(&["destroy", "-no-color", "-auto-approve", "-refresh=false"]);
    output.unwrap().expect_success().unwrap();
    assert!(scene.terraform.state().unwrap().is_empty());
}

#[tokio::test]
async fn the_guardrail_stops_the_deletion_of_one_user_too_many() {
    let scene = Scene::new(1).await;
    scene.provider("guardrails = { max_user_deletions = 1 }");
    let with = |names: &[&str], attributes: &str| {
        let users: String = names
            .iter()
            .map(|name| user(name, name, attributes))
            .collect();
        scene.configure(&users);
    };
    with(&["alice", "bob", "carol"], "");
    scene.apply();

    scene.forget_calls().await;
    with(&["carol"], "");
    let errors = [
        scene.plan_error(),
        scene.apply_error(),
        destroy_error(&scene),
    ];
    for error in errors {
        assert!(
            error.contains("more users than the 1 that are allowed"),
            "{error}"
        );
        assert!(
            error.contains("raise `guardrails.max_user_deletions`"),
            "{error}"
        );
    }
    assert_eq!(scene.writes().await, Vec::<String>::new());

    // A quarantine takes access away as a deletion does, and counts.
    with(
        &["alice", "bob", "carol"],
        "deletion_policy = \"quarantine\"",
    );
    scene.apply();
    assert!(destroy_error(&scene).contains("more users than the 1 that are allowed"));

    // Up to the limit it works, and what is only forgotten does not count.
    with(&["alice", "bob", "carol"], "deletion_policy = \"delete\"");
    scene.apply();
    with(&["bob", "carol"], "deletion_policy = \"retain\"");
    scene.apply();
    assert!(scene.user("alice").await.is_none());
    destroy(&scene);
    assert!(scene.user("bob").await.is_some() && scene.user("carol").await.is_some());
}
