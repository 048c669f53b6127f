//! Credentials that cannot be had: an error on the attribute that is wrong, before anything is changed.

use harness::standin::Call;
use harness::{Fault, FaultKind, KMS_ALIAS};
use serde_json::json;

use super::scene::Scene;

const BOTH: &str = "  console_access = {}\n  access_key = {}";
const KEY: &str = "  access_key = {}";
const PASSWORD: &str = "  console_access = {}";

/// Where Terraform shows an error of the provider block.
const PROVIDER: &str = "provider \"crossaccount\"";
/// Where Terraform shows an error on an attribute inside of another one.
const RESOURCE: &str = "resource \"crossaccount_iam_user\"";

async fn scene() -> Scene {
    let scene = Scene::new(1).await;
    scene.provider(&secrets(KMS_ALIAS));
    scene
}

fn secrets(key: &str) -> String {
    format!("  secrets = {{ kms_key_id = \"{key}\" }}")
}

impl Scene {
    /// The calls to all accounts that changed something.
    async fn changes(&self) -> Vec<String> {
        let mut calls: Vec<Call> = self.calls(self.world.hub().id()).await;
        calls.extend(self.calls(self.member().id()).await);
        let reads = [
            "iam:Get", "iam:List", "sts:", "kms:", "ssm:Get", "ssm:List", "ssm:Desc", "s3:Head",
        ];
        let names = calls.into_iter().map(|call| call.action);
        names
            .filter(|name| !reads.iter().any(|read| name.starts_with(read)))
            .collect()
    }

    async fn forget(&self) {
        let control = self.world.control();
        control.clear_calls(self.world.hub().id()).await.unwrap();
        control.clear_calls(self.member().id()).await.unwrap();
    }

    /// The plan has one error, on the line that begins like this and with all of these texts, and the apply that is
    /// tried all the same changes nothing.
    async fn refuses(&self, attributes: &str, line: &str, texts: &[&str]) {
        self.forget().await;
        self.alice(attributes);
        let found = self.only_error_on(line);
        for text in texts {
            let whole = format!("{}: {}", found.summary, found.detail);
            assert!(whole.contains(text), "{text:?} is not in {whole}");
        }
        self.apply_error();
        assert_eq!(self.changes().await, Vec::<String>::new(), "{line}");
    }

    /// A user with a key and a password; its key is so many days old.
    async fn with_credentials(&self, days: f64) {
        self.alice(BOTH);
        self.apply();
        let control = self.world.control();
        control
            .age_user(self.member().id(), "alice", days)
            .await
            .unwrap();
        self.forget().await;
    }

    async fn foreign_key(&self) -> String {
        let made = self
            .member()
            .iam()
            .create_access_key()
            .user_name("alice")
            .send()
            .await;
        made.unwrap().access_key.unwrap().access_key_id
    }

    async fn foreign_parameter(&self, kind: &str) {
        let name = format!("/crossaccount/{}/alice/{kind}", self.member().id());
        let parameter = json!({
            "Name": name, "Value": "not ours", "Type": "SecureString",
            "Tags": [{"Key": "crossaccount:managed-by", "Value": "another deployment"}],
        });
        let control = self.world.control();
        control
            .put_parameter(self.world.hub().id(), &parameter)
            .await
            .unwrap();
    }

    async fn key_ids(&self) -> Vec<String> {
        let control = self.world.control();
        let user = control
            .user_secrets(self.member().id(), "alice")
            .await
            .unwrap();
        user.keys.into_iter().map(|key| key.access_key_id).collect()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_foreign_keys_leave_no_place_for_ours_and_are_named() {
    let scene = scene().await;
    scene.alice("");
    scene.apply();
    let foreign = [scene.foreign_key().await, scene.foreign_key().await];
    let texts = [
        "Access key cannot be had",
        &foreign[0],
        &foreign[1],
        "two keys",
    ];
    scene.refuses(KEY, "access_key", &texts).await;
    assert_eq!(scene.key_ids().await, foreign);

    // A place that is free is taken, and the other key is left alone.
    let iam = scene.member().iam();
    let delete = iam.delete_access_key().user_name("alice");
    delete.access_key_id(&foreign[0]).send().await.unwrap();
    scene.apply();
    scene.assert_nothing_to_do();
    let keys = scene.key_ids().await;
    assert_eq!((keys.len(), &keys[0]), (2, &foreign[1]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_foreign_key_beside_ours_stops_the_rotation_and_nothing_else() {
    let scene = scene().await;
    scene.with_credentials(16.0).await;
    let ours = scene.key_ids().await;
    let foreign = scene.foreign_key().await;
    let found = scene.diagnostics();
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0].severity, "warning");
    assert!(found[0].line.starts_with("access_key"), "{found:?}");
    for text in [
        ours[0].as_str(),
        &foreign,
        "cannot be replaced now",
        "delete it",
    ] {
        assert!(found[0].detail.contains(text), "{text} is not in {found:?}");
    }
    scene.alice(&format!("{BOTH}\n  tags = {{ Team = \"core\" }}"));
    scene.apply();
    assert_eq!(
        scene.key_ids().await,
        [&ours[0], &foreign].map(Clone::clone)
    );
    let changes = scene.changes().await;
    assert!(
        !changes
            .iter()
            .any(|it| it.contains("AccessKey") || it.starts_with("ssm")),
        "{changes:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_parameter_of_somebody_else_is_never_overwritten() {
    for (kind, attributes, line) in [
        ("access-key", KEY, "access_key"),
        ("console-password", PASSWORD, "console_access"),
    ] {
        let scene = scene().await;
        scene.foreign_parameter(kind).await;
        scene
            .refuses(attributes, line, &["parameter", "belongs to"])
            .await;
        assert!(scene.user("alice").await.is_none());
        // Neither when the user is there already.
        scene.alice("");
        scene.apply();
        scene
            .refuses(attributes, line, &["parameter", "belongs to"])
            .await;
        let control = scene.world.control();
        let all = control.parameters(scene.world.hub().id()).await.unwrap();
        let values: Vec<_> = all
            .iter()
            .map(|it| (it.value.as_str(), it.version))
            .collect();
        assert_eq!(values, [("not ours", 1)]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_that_somebody_else_set_is_only_replaced_on_demand() {
    let scene = scene().await;
    scene.alice("");
    scene.apply();
    let login = scene
        .member()
        .iam()
        .create_login_profile()
        .user_name("alice");
    login
        .password("Somebody else's 1 password!")
        .send()
        .await
        .unwrap();
    let texts = ["Console access cannot be had", "did not set", "adopt"];
    scene.refuses(PASSWORD, "console_access", &texts).await;
    // Without the attribute it is none of our business.
    scene.alice("");
    scene.assert_nothing_to_do();
    scene.alice(&format!("{PASSWORD}\n  adoption_policy = \"adopt\""));
    scene.apply();
    scene.assert_nothing_to_do();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_cannot_encrypt_is_told_before_anything_is_made() {
    let scene = scene().await;
    let (control, hub) = (scene.world.control(), scene.world.hub().id());
    control
        .create_kms_key(hub, Some("alias/rsa"), "RSA_2048")
        .await
        .unwrap();
    control
        .set_kms_key_state(hub, KMS_ALIAS, "Disabled")
        .await
        .unwrap();
    for (key, why) in [
        (KMS_ALIAS, "Disabled"),
        ("alias/unknown", "alias/unknown"),
        ("alias/rsa", "RSA_2048"),
    ] {
        scene.provider(&secrets(key));
        let texts = [why, "secrets.kms_key_id"];
        for attributes in [KEY, PASSWORD] {
            scene.refuses(attributes, PROVIDER, &texts).await;
        }
    }
    assert!(scene.user("alice").await.is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rotation_with_a_disabled_key_keeps_the_old_access_key() {
    let scene = scene().await;
    scene.with_credentials(16.0).await;
    let keys = scene.key_ids().await;
    let (control, hub) = (scene.world.control(), scene.world.hub().id());
    control
        .set_kms_key_state(hub, KMS_ALIAS, "Disabled")
        .await
        .unwrap();
    scene.refuses(BOTH, PROVIDER, &["Disabled"]).await;
    assert_eq!(scene.key_ids().await, keys);
    control
        .set_kms_key_state(hub, KMS_ALIAS, "Enabled")
        .await
        .unwrap();
    scene.apply();
    scene.assert_nothing_to_do();
    assert_eq!(scene.key_ids().await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_has_to_fit_the_policy_of_the_account() {
    let scene = scene().await;
    let control = scene.world.control();
    let policy = json!({"MinimumPasswordLength": 40, "RequireNumbers": true});
    control
        .set_password_policy(scene.member().id(), Some(policy))
        .await
        .unwrap();
    let short = "  console_access = {\n    password_length = 20\n  }";
    scene
        .refuses(
            short,
            RESOURCE,
            &["a password of 20 characters", "at least 40"],
        )
        .await;

    // Without a wish the length follows the policy.
    scene.alice(PASSWORD);
    scene.apply();
    let user = control
        .user_secrets(scene.member().id(), "alice")
        .await
        .unwrap();
    assert_eq!(user.login.unwrap().password.chars().count(), 40);
}

/// IAM does not take such a policy today; it would be refused before anything is made all the same.
#[tokio::test(flavor = "multi_thread")]
async fn a_password_policy_that_no_length_can_satisfy_is_told_before_anything_is_made() {
    let scene = scene().await;
    let policy = json!({"MinimumPasswordLength": 129});
    let control = scene.world.control();
    control
        .set_password_policy(scene.member().id(), Some(policy))
        .await
        .unwrap();
    let told = [
        "asks for 129 characters, and IAM takes at most 128",
        "Lower the minimum length in the account's password policy.",
        scene.member().id(),
    ];
    for attributes in [
        PASSWORD,
        "  console_access = {\n    password_length = 128\n  }",
    ] {
        scene.refuses(attributes, RESOURCE, &told).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn intervals_that_contradict_each_other_are_refused_without_any_call() {
    let scene = scene().await;
    for (settings, name, text) in [
        (
            "rotate_after_days = 30\n    delete_after_days = 20",
            "delete_after_days",
            "30",
        ),
        (
            "rotate_after_days = 10\n    delete_after_days = 21",
            "delete_after_days",
            "20",
        ),
        ("disable_after_days = 3", "disable_after_days", "15"),
    ] {
        let attributes = format!("  access_key = {{\n    {settings}\n  }}");
        let name = format!("access_key.{name}");
        scene.refuses(&attributes, RESOURCE, &[&name, text]).await;
        assert!(
            scene.calls(scene.member().id()).await.is_empty(),
            "{settings}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_credential_without_a_secret_store_is_refused() {
    let scene = Scene::new(1).await;
    for (attributes, line) in [(KEY, "access_key"), (PASSWORD, "console_access")] {
        scene
            .refuses(attributes, line, &["No secret store", "secrets"])
            .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_cannot_be_stored_is_deleted_again_and_nothing_is_lost() {
    let scene = scene().await;
    scene.with_credentials(16.0).await;
    let keys = scene.key_ids().await;
    let control = scene.world.control();
    let kind = FaultKind::HttpError {
        status: 400,
        code: "ParameterLimitExceeded".to_owned(),
    };
    let hub = scene.world.hub().id();
    let fault = Fault::new(kind, "ssm:PutParameter")
        .in_account(hub)
        .always();
    control.add_fault(&fault).await.unwrap();
    let error = scene.apply_error();
    for text in [
        "ParameterLimitExceeded",
        "Nothing was lost",
        "alice",
        scene.member().id(),
        "with crossaccount_iam_user.alice",
    ] {
        assert!(error.contains(text), "{text:?} is not in {error}");
    }
    assert_eq!(
        scene.key_ids().await,
        keys,
        "the new key is gone, the old one stays"
    );
    let user = control
        .user_secrets(scene.member().id(), "alice")
        .await
        .unwrap();
    assert!(user.keys[0].active);
    assert_eq!(user.tags["crossaccount:key-intent"], "none");
    let changes = scene.writes().await;
    let made = changes.iter().position(|it| it == "iam:CreateAccessKey");
    let deleted = changes.iter().position(|it| it == "iam:DeleteAccessKey");
    assert!(made.is_some() && made < deleted, "{changes:?}");

    control.clear_faults(hub).await.unwrap();
    scene.apply();
    scene.assert_nothing_to_do();
    assert_eq!(scene.key_ids().await.len(), 2);
}
