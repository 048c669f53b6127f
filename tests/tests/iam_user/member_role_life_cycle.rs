//! The member role of the shipped template is enough for everything, and nothing in it is too much.

use std::collections::BTreeSet;
use std::path::Path;

use harness::cloudformation::member_role;
use harness::standin::{Call, WorldOptions};
use harness::{KMS_ALIAS, World};
use serde_json::{Value, json};

use super::by_hand::{document, user};
use super::scene::Scene;

const ALICE: &str = "crossaccount_iam_user.alice";
const READ_ONLY: &str = "arn:aws:iam::aws:policy/ReadOnlyAccess";
const SECURITY_AUDIT: &str = "arn:aws:iam::aws:policy/SecurityAudit";

/// A permission: the statement and the action in it.
type Permission = (String, String);

/// A world whose member role is exactly what the template makes of these parameters; `granted` is every permission in it.
async fn deploy(parameters: &[(&str, &str)]) -> (Scene, BTreeSet<Permission>) {
    let template =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/cloudformation/member-role.yaml");
    let mut all = vec![
        ("AWS::AccountId", "222222222222"),
        ("HubAccountId", "111111111111"),
        (
            "HubPrincipalArnPatterns",
            "arn:aws:iam::111111111111:user/*",
        ),
        ("ExternalId", "the-external-id"),
        ("OrganizationId", "o-a1b2c3d4e5"),
    ];
    all.extend(parameters);
    let role = member_role(&template, &all).unwrap();
    let place = |document: &Value| -> Value {
        let text = document.to_string();
        let text = text
            .replace("222222222222", "{member}")
            .replace("111111111111", "{hub}")
            .replace("the-external-id", "{external_id}")
            .replace("o-a1b2c3d4e5", "{organization}");
        serde_json::from_str(&text).unwrap()
    };
    let trust = place(&role.trust_policy);
    let permissions = role
        .policies
        .iter()
        .map(|(name, policy)| (name.clone(), place(policy)));
    let permissions: std::collections::BTreeMap<_, _> = permissions.collect();
    let granted = permissions
        .values()
        .chain([&trust])
        .flat_map(permissions_in)
        .collect();
    let world = World::with(WorldOptions {
        role_name: role.role_name,
        role_path: role.path,
        trust: Some(trust),
        permissions: Some(permissions),
        max_session_duration: role.max_session_duration,
        ..WorldOptions::default()
    });
    (Scene::in_world(world.await.unwrap()), granted)
}

fn permissions_in(policy: &Value) -> Vec<Permission> {
    let mut found = Vec::new();
    for statement in policy["Statement"].as_array().unwrap() {
        for action in statement["Action"].as_array().unwrap() {
            let text = |value: &Value| value.as_str().unwrap().to_owned();
            found.push((text(&statement["Sid"]), text(action)));
        }
    }
    found
}

/// The permissions of the role that were used, whatever session policy narrowed them.
fn used(calls: &[Call]) -> BTreeSet<Permission> {
    let decisions = calls.iter().flat_map(|call| &call.decisions);
    decisions
        .flat_map(|decision| &decision.statements)
        .filter(|statement| {
            statement.policy.ends_with(" inline ManageUsers")
                || statement.policy.ends_with(" trust policy")
        })
        .map(|statement| (statement.sid.clone(), statement.action.clone()))
        .collect()
}

fn refused(calls: &[Call]) -> Vec<String> {
    let refused = calls.iter().filter(|call| {
        !call.allowed
            || call
                .error_code
                .as_deref()
                .is_some_and(|code| code.contains("Denied"))
    });
    refused
        .map(|call| format!("{} {:?} {:?}", call.action, call.resources, call.error_code))
        .collect()
}

#[tokio::test]
async fn the_whole_life_of_a_user_needs_every_permission_of_the_role_and_no_other() {
    let (scene, granted) = deploy(&[
        ("AllowForceDestroy", "true"),
        ("AllowQuarantine", "true"),
        ("AllowSessionTags", "true"),
        ("AllowSourceIdentity", "true"),
        ("AllowMemberSecrets", "true"),
    ])
    .await;
    scene.provider(&format!(
        "session = {{ tags = {{ Purpose = \"users\" }}, source_identity = \"ci\" }}\n\
         secrets = {{ kms_key_id = \"{KMS_ALIAS}\", location = \"member\" }}"
    ));
    scene.make_groups(&["staff", "guests"]).await;

    // Created with everything, then everything changed, then everything taken away.
    let full = |name: &str, path: &str, boundary: &str, policy: &str, group: &str, tag: &str| {
        user(
            "alice",
            name,
            &format!(
                "path = \"{path}\"\n permissions_boundary = \"{boundary}\"\n managed_policy_arns = [\"{policy}\"]\n \
                 groups = [\"{group}\"]\n tags = {{ {tag} = \"x\" }}\n inline_policies = {{ {tag} = <<-EOT\n{}\nEOT\n }}",
                document("s3:ListAllMyBuckets")
            ),
        )
    };
    scene.configure(&full("alice", "/", READ_ONLY, READ_ONLY, "staff", "one"));
    scene.apply();
    scene.configure(&full(
        "alice.smith",
        "/x/",
        SECURITY_AUDIT,
        SECURITY_AUDIT,
        "guests",
        "two",
    ));
    scene.apply();
    scene.assert_nothing_to_do();

    use_credentials(&scene).await;

    // Looked at by the data sources.
    let account_id = scene.member().id().to_owned();
    let data = format!(
        "data \"crossaccount_iam_user\" \"one\" {{\n  account_id = \"{account_id}\"\n  name = \"alice.smith\"\n}}\n\
         data \"crossaccount_iam_users\" \"all\" {{\n  account_id = \"{account_id}\"\n  path_prefix = \"/x/\"\n}}\n"
    );
    scene.terraform.write("data.tf", &data).unwrap();
    scene.apply();
    let one = scene.state("data.crossaccount_iam_user.one");
    assert_eq!(one["groups"], json!(["guests"]));
    let all = scene.state("data.crossaccount_iam_users.all");
    assert_eq!(all["users"][0]["name"], json!("alice.smith"));
    scene.terraform.write("data.tf", "").unwrap();

    let tail = "groups = []\n managed_policy_arns = []\n inline_policies = {}";
    scene.alice(&format!("{tail}\n deletion_policy = \"quarantine\""));
    scene.apply();

    // Renamed by hand and found again.
    let rename = scene
        .member()
        .iam()
        .update_user()
        .user_name("alice")
        .new_user_name("mallory");
    rename.send().await.unwrap();
    scene.backdate();
    scene.apply();

    // Locked with everything that can hang on a user, wanted again, and deleted with all of it.
    scene.hang_everything_on("alice").await;
    scene.terraform.destroy().unwrap().expect_success().unwrap();
    assert_eq!(
        scene.active("alice").await["keys"],
        json!(["Inactive", "Inactive"])
    );
    scene.alice("force_destroy = true");
    scene.apply();
    scene.grant("alice", "staff", READ_ONLY, "by-hand").await;
    scene.assert_nothing_to_do();
    scene.terraform.destroy().unwrap().expect_success().unwrap();
    assert!(scene.user("alice").await.is_none());
    assert_eq!(scene.virtual_devices().await, 0);

    let calls = scene.calls(scene.member().id()).await;
    assert_eq!(refused(&calls), Vec::<String>::new());
    let used = used(&calls);
    let unused: Vec<_> = granted
        .difference(&used)
        // Parameter Store asks for it when a value is longer than 4 kB, which ours are not; but an account may
        // be set to the advanced tier.
        .filter(|(_, action)| action != "kms:GenerateDataKey")
        .collect();
    assert!(
        unused.is_empty(),
        "granted by the template and never needed: {unused:#?}"
    );
    let unknown: Vec<_> = used.difference(&granted).collect();
    assert!(
        unknown.is_empty(),
        "used, but not found in the template: {unknown:#?}"
    );
}

/// A second user lives through everything that can happen to a password and to keys.
async fn use_credentials(scene: &Scene) {
    let (control, account_id) = (scene.world.control(), scene.member().id());
    let bob = |name: &str, attributes: &str| {
        scene.terraform.write("bob.tf", &format!(
            "resource \"crossaccount_iam_user\" \"bob\" {{\n account_id = \"{account_id}\"\n name = \"{name}\"\n \
             {attributes}\n}}\n"
        )).unwrap();
    };
    let both = "console_access = {}\n access_key = {}";
    bob("bob", both);
    scene.apply();
    // Rotated, disabled, deleted.
    for days in [16.0, 8.0, 8.0] {
        control.age_user(account_id, "bob", days).await.unwrap();
        scene.apply();
    }
    bob("robert", &format!("{both}\n path = \"/x/\""));
    scene.apply();
    bob(
        "robert",
        "console_access = { password_reset_trigger = \"again\" }\n path = \"/x/\"",
    );
    scene.apply();
    bob("robert", "path = \"/x/\"");
    scene.apply();
    scene.assert_nothing_to_do();
    assert!(control.parameters(account_id).await.unwrap().is_empty());
    std::fs::remove_file(scene.terraform.path().join("bob.tf")).unwrap();
    scene.apply();
}

#[tokio::test]
async fn a_role_that_is_limited_to_a_path_a_boundary_and_policies_is_enough_within_them() {
    let (scene, _) = deploy(&[
        ("UserPathPrefix", "/engineering/"),
        ("GroupPathPrefix", "/"),
        (
            "PermissionsBoundaryArn",
            "arn:aws:iam::*:policy/UserBoundary",
        ),
        ("AllowedPolicyArns", READ_ONLY),
    ])
    .await;
    scene.make_groups(&["staff"]).await;
    let boundary = scene.make_policy("UserBoundary").await;
    let alice = |path: &str, boundary: &str, policy: &str| {
        let boundary = match boundary {
            "" => String::new(),
            arn => format!("permissions_boundary = \"{arn}\""),
        };
        scene.alice(&format!(
            "path = \"{path}\"\n {boundary}\n managed_policy_arns = [\"{policy}\"]\n groups = [\"staff\"]\n \
             inline_policies = {{ own = <<-EOT\n{}\nEOT\n }}",
            document("s3:ListAllMyBuckets")
        ));
    };

    // Outside of the limits nothing is created.
    for (path, boundary) in [("/", boundary.as_str()), ("/engineering/", "")] {
        alice(path, boundary, READ_ONLY);
        let error = scene.apply_error();
        assert!(error.contains("AccessDenied"), "{error}");
        assert!(scene.user("alice").await.is_none());
        assert!(scene.terraform.state().unwrap().is_empty());
    }

    scene.forget_calls().await;
    alice("/engineering/", &boundary, READ_ONLY);
    scene.apply();
    alice("/engineering/backend/", &boundary, READ_ONLY);
    scene.apply();
    scene.assert_nothing_to_do();
    assert_eq!(
        refused(&scene.calls(scene.member().id()).await),
        Vec::<String>::new()
    );

    // The boundary cannot be taken off, nor another policy be given; what failed is told and what exists is kept.
    alice("/engineering/backend/", "", READ_ONLY);
    let error = scene.apply_error();
    assert!(
        error.contains("iam:DeleteUserPermissionsBoundary"),
        "{error}"
    );
    let calls = scene.calls(scene.member().id()).await;
    let denied = calls
        .iter()
        .flat_map(|call| &call.decisions)
        .filter(|found| !found.allowed);
    let sids: BTreeSet<_> = denied
        .flat_map(|found| &found.statements)
        .map(|found| found.sid.as_str())
        .collect();
    assert!(sids.contains("NeverRemoveBoundaries"), "{sids:?}");
    alice("/engineering/backend/", &boundary, SECURITY_AUDIT);
    let error = scene.apply_error();
    assert!(
        error.contains(SECURITY_AUDIT) && error.contains("AccessDenied"),
        "{error}"
    );
    let user = scene.user("alice").await.unwrap();
    assert_eq!(
        user.permissions_boundary()
            .unwrap()
            .permissions_boundary_arn(),
        Some(&*boundary)
    );
    assert_eq!(scene.state(ALICE)["permissions_boundary"], json!(boundary));

    // A user that was deleted by hand is known to be gone, and created anew.
    alice("/engineering/backend/", &boundary, READ_ONLY);
    scene.apply();
    scene.forget_calls().await;
    scene.terraform.destroy().unwrap().expect_success().unwrap();
    assert!(scene.user("alice").await.is_none());
    assert_eq!(
        refused(&scene.calls(scene.member().id()).await),
        Vec::<String>::new()
    );
}
