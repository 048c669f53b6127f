//! Ephemeral credentials with the real Terraform: they arrive where they are needed, and stay in no state and no plan.

use std::collections::BTreeMap;
use std::fs;

use harness::KMS_ALIAS;
use harness::standin::{NewRole, UserSecrets};
use serde_json::json;

use super::scene::Scene;

const USER: &str = r#"
resource "crossaccount_iam_user" "ci" {
  account_id = "{0}"
  name       = "ci"
  access_key = {}
}
ephemeral "crossaccount_iam_access_key" "ci" {
  account_id = crossaccount_iam_user.ci.account_id
  name       = crossaccount_iam_user.ci.name
  unique_id  = crossaccount_iam_user.ci.unique_id
}
"#;

async fn scene() -> Scene {
    let scene = Scene::new(1).await;
    scene.provider(&format!("  secrets = {{ kms_key_id = \"{KMS_ALIAS}\" }}"));
    scene
}

async fn secrets(scene: &Scene, name: &str) -> UserSecrets {
    let control = scene.world.control();
    let secrets = control.user_secrets(scene.member().id(), name).await;
    secrets.unwrap()
}

/// The secret is in no file that Terraform keeps, and not in what it prints.
fn assert_kept_nowhere(scene: &Scene, secret: &str) {
    let plan = scene.terraform.plan_json().unwrap().to_string();
    assert!(!plan.contains(secret), "the plan holds the secret");
    let shown = scene.terraform.show_json().unwrap().to_string();
    assert!(!shown.contains(secret), "the state holds the secret");
    let mut files = 0;
    for entry in fs::read_dir(scene.terraform.path()).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            let bytes = fs::read(&path).unwrap();
            let found = bytes
                .windows(secret.len())
                .any(|it| it == secret.as_bytes());
            assert!(!found, "{} holds the secret", path.display());
            files += 1;
        }
    }
    assert!(files >= 3, "configuration, state and saved plan");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_and_what_is_done_with_its_key_are_made_in_one_apply() {
    let scene = scene().await;
    scene.configure(&format!(
        r#"{USER}
resource "crossaccount_iam_user" "other" {{
  account_id = "{{0}}"
  name       = "other"
  console_access = {{
    password         = ephemeral.crossaccount_iam_access_key.ci.secret
    password_version = 1
  }}
}}
"#
    ));
    scene.apply();
    scene.assert_nothing_to_do();
    let key = secrets(&scene, "ci").await.keys.remove(0);
    let login = secrets(&scene, "other").await.login.unwrap();
    assert_eq!(login.password, key.secret_access_key, "the value arrived");
    assert_kept_nowhere(&scene, &key.secret_access_key);

    // The plan of a rename knows the new name and finds the user by its unique id.
    let text = fs::read_to_string(scene.terraform.path().join("main.tf")).unwrap();
    let text = text.replace("= \"ci\"", "= \"ci.new\"");
    scene.terraform.write("main.tf", &text).unwrap();
    scene.apply();
    scene.assert_nothing_to_do();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_ephemeral_key_configures_another_provider() {
    let scene = scene().await;
    scene.configure(USER);
    scene.apply();
    let secret = secrets(&scene, "ci").await.keys.remove(0).secret_access_key;

    // A role that only opens to whoever knows the secret.
    let control = scene.world.control();
    let trust = json!({"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow",
        "Principal": {"AWS": format!("arn:aws:iam::{}:root", scene.world.hub().id())},
        "Action": ["sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"],
        "Condition": {"StringEquals": {"sts:ExternalId": secret}},
    }]});
    let all = json!({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": ["iam:*"], "Resource": "*"},
    ]});
    control
        .create_role(&NewRole {
            account_id: scene.member().id(),
            name: "Secretive",
            path: "/",
            trust: &trust,
            permissions: &BTreeMap::from([("all".to_owned(), all)]),
            permissions_boundary: None,
            max_session_duration: 3600,
        })
        .await
        .unwrap();
    let rest = format!(
        r#"{USER}
provider "crossaccount" {{
  alias         = "ci"
  deployment_id = "ci"
  role_name     = "Secretive"
  external_id   = EXTERNAL
}}
data "crossaccount_iam_user" "ci" {{
  provider   = crossaccount.ci
  account_id = "{{0}}"
  name       = "ci"
}}
output "arn" {{ value = data.crossaccount_iam_user.ci.arn }}
"#
    );
    scene.configure(&rest.replace("EXTERNAL", "\"wrong\""));
    let found = scene.apply_error();
    assert!(found.contains("Member role cannot be assumed"), "{found}");
    let value = "ephemeral.crossaccount_iam_access_key.ci.secret";
    scene.configure(&rest.replace("EXTERNAL", value));
    scene.apply();
    let arn = scene.terraform.output("arn").unwrap();
    assert!(arn.as_str().unwrap().ends_with(":user/ci"), "{arn}");
    assert_kept_nowhere(&scene, &secret);
}
