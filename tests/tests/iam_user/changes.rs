//! Changes of the configuration: what is changed in place, what is replaced, and what a plan knows before.

use serde_json::json;

use super::by_hand::{document, map, set, user};
use super::scene::Scene;

const ALICE: &str = "crossaccount_iam_user.alice";
const READ_ONLY: &str = "arn:aws:iam::aws:policy/ReadOnlyAccess";
const SECURITY_AUDIT: &str = "arn:aws:iam::aws:policy/SecurityAudit";

#[tokio::test]
async fn a_user_is_renamed_and_moved_in_place_with_everything_that_it_has() {
    let scene = Scene::new(1).await;
    scene.make_groups(&["staff"]).await;
    let sets = format!(
        "managed_policy_arns = [\"{READ_ONLY}\"]\n inline_policies = {{ own = <<-EOT\n{}\nEOT\n }}\n groups = [\"staff\"]",
        document("s3:ListAllMyBuckets")
    );
    scene.alice(&sets);
    scene.apply();
    let before = scene.user("alice").await.unwrap();
    let key = scene
        .member()
        .iam()
        .create_access_key()
        .user_name("alice")
        .send()
        .await
        .unwrap();

    scene.configure(&user(
        "alice",
        "alice.smith",
        &format!("{sets}\n path = \"/staff/\""),
    ));
    scene.forget_calls().await;
    let plan = scene.terraform.plan_json().unwrap();
    let change = &plan["resource_changes"][0]["change"];
    let account_id = scene.member().id();
    assert_eq!(change["actions"], json!(["update"]));
    assert_eq!(
        change["after"]["id"],
        json!(format!("{account_id}/alice.smith"))
    );
    assert_eq!(
        change["after"]["arn"],
        json!(format!("arn:aws:iam::{account_id}:user/staff/alice.smith"))
    );
    assert_eq!(change["after"]["unique_id"], json!(before.user_id()));
    scene.apply();

    assert_eq!(scene.writes().await, ["iam:UpdateUser"]);
    assert!(scene.user("alice").await.is_none());
    let after = scene.user("alice.smith").await.unwrap();
    assert_eq!(
        (after.user_id(), after.path()),
        (before.user_id(), "/staff/")
    );
    assert_eq!(scene.groups("alice.smith").await, set(["staff"]));
    assert_eq!(scene.attached("alice.smith").await, set([READ_ONLY]));
    assert_eq!(
        scene.inline("alice.smith").await["own"],
        json!("s3:ListAllMyBuckets")
    );
    let keys = scene
        .member()
        .iam()
        .list_access_keys()
        .user_name("alice.smith")
        .send()
        .await;
    let kept = keys.unwrap().access_key_metadata()[0]
        .access_key_id()
        .unwrap()
        .to_owned();
    assert_eq!(kept, key.access_key.unwrap().access_key_id);
    scene.assert_nothing_to_do();
}

#[tokio::test]
async fn a_boundary_is_set_changed_and_removed_in_place() {
    let scene = Scene::new(1).await;
    scene.alice("");
    scene.apply();
    let boundary = async || {
        let user = scene.user("alice").await.unwrap();
        user.permissions_boundary
            .and_then(|boundary| boundary.permissions_boundary_arn)
    };
    for (attributes, expected, write) in [
        (READ_ONLY, Some(READ_ONLY), "iam:PutUserPermissionsBoundary"),
        (
            SECURITY_AUDIT,
            Some(SECURITY_AUDIT),
            "iam:PutUserPermissionsBoundary",
        ),
        ("", None, "iam:DeleteUserPermissionsBoundary"),
    ] {
        let attributes = match attributes {
            "" => String::new(),
            arn => format!("permissions_boundary = \"{arn}\""),
        };
        scene.alice(&attributes);
        scene.forget_calls().await;
        scene.apply();
        assert_eq!(scene.writes().await, [write]);
        assert_eq!(boundary().await.as_deref(), expected);
    }
    scene.assert_nothing_to_do();
}

#[tokio::test]
async fn a_set_that_is_not_configured_is_neither_read_nor_changed() {
    let scene = Scene::new(1).await;
    scene.make_groups(&["staff"]).await;
    scene.alice("");
    scene.apply();
    scene.grant("alice", "staff", READ_ONLY, "by-hand").await;

    scene.forget_calls().await;
    scene.assert_nothing_to_do();
    let calls = scene.calls(scene.member().id()).await;
    let lists: Vec<_> = calls
        .iter()
        .map(|call| &call.action)
        .filter(|action| action.contains("List"))
        .collect();
    assert!(lists.is_empty(), "{lists:?}");

    scene.alice("tags = { Team = \"core\" }");
    scene.apply();
    assert_eq!(scene.groups("alice").await, set(["staff"]));
    assert_eq!(scene.attached("alice").await, set([READ_ONLY]));
    assert_eq!(
        scene.inline("alice").await["by-hand"],
        json!("sqs:ListQueues")
    );
}

#[tokio::test]
async fn an_empty_set_removes_what_is_there_after_a_warning_that_names_it() {
    let scene = Scene::new(1).await;
    scene.make_groups(&["staff"]).await;
    scene.alice("");
    scene.apply();
    scene.grant("alice", "staff", READ_ONLY, "by-hand").await;

    scene.alice("groups = []\n managed_policy_arns = []\n inline_policies = {}");
    let warnings = scene.diagnostics();
    let mut named: Vec<_> = warnings
        .iter()
        .map(|found| {
            assert_eq!(
                found.summary, "Existing entries will be removed",
                "{found:?}"
            );
            let attribute = found.line.split(' ').next().unwrap();
            let entry = found
                .detail
                .rsplit(' ')
                .next()
                .unwrap()
                .trim_end_matches('.');
            (attribute, entry)
        })
        .collect();
    named.sort_unstable();
    assert_eq!(
        named,
        [
            ("groups", "staff"),
            ("inline_policies", "by-hand"),
            ("managed_policy_arns", READ_ONLY)
        ]
    );
    scene.apply();
    assert_eq!(scene.groups("alice").await, set([]));
    assert_eq!(scene.attached("alice").await, set([]));
    assert!(scene.inline("alice").await.is_empty());
    scene.assert_nothing_to_do();

    // Taken out of the configuration, the sets are nobody's business again.
    scene.alice("");
    scene.apply();
    scene.grant("alice", "staff", READ_ONLY, "by-hand").await;
    scene.assert_nothing_to_do();
}

#[tokio::test]
async fn inline_policies_that_mean_the_same_are_no_change() {
    let scene = Scene::new(1).await;
    let with = |text: &str| {
        scene.alice(&format!(
            "inline_policies = {{ own = <<-EOT\n{text}\nEOT\n }}"
        ));
    };
    with(
        r#"{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": ["s3:GetObject", "s3:PutObject"], "Resource": "*"}]}"#,
    );
    scene.apply();
    scene.assert_nothing_to_do();

    // Somebody writes it in another way by hand.
    let other = r#"{ "Statement": { "Resource": ["*"], "Action": ["s3:PutObject", "s3:GetObject"], "Effect": "Allow" }, "Version": "2012-10-17" }"#;
    let put = scene
        .member()
        .iam()
        .put_user_policy()
        .user_name("alice")
        .policy_name("own");
    put.policy_document(other).send().await.unwrap();
    scene.assert_nothing_to_do();

    // The configuration writes it in a third way.
    with(
        r#"{"Statement": [{"Action": ["s3:PutObject", "s3:GetObject"], "Effect": "Allow", "Resource": ["*"]}], "Version": "2012-10-17"}"#,
    );
    scene.assert_nothing_to_do();

    // What means something else is a change.
    with(&document("s3:GetObject"));
    scene.plan_changes();
    scene.apply();
    assert_eq!(scene.inline("alice").await["own"], json!("s3:GetObject"));
}

#[tokio::test]
async fn default_tags_come_go_and_are_overridden() {
    let scene = Scene::new(1).await;
    scene.provider("default_tags = { CostCenter = \"42\", Stage = \"test\" }");
    scene.alice("tags = { Team = \"core\", Stage = \"production\" }");
    scene.apply();
    let state = scene.state(ALICE);
    assert_eq!(
        state["tags"],
        json!({"Team": "core", "Stage": "production"})
    );
    let all = json!({"Team": "core", "Stage": "production", "CostCenter": "42"});
    assert_eq!(state["tags_all"], all);
    scene.assert_nothing_to_do();

    scene.provider("default_tags = { Stage = \"test\" }");
    let plan = scene.terraform.plan_json().unwrap();
    let after = &plan["resource_changes"][0]["change"]["after"];
    assert_eq!(
        after["tags_all"],
        json!({"Team": "core", "Stage": "production"})
    );
    scene.apply();
    assert_eq!(
        scene.tags("alice").await,
        map([
            ("Stage", "production"),
            ("Team", "core"),
            ("crossaccount:managed-by", "test")
        ])
    );
    scene.assert_nothing_to_do();

    scene.alice("");
    scene.apply();
    assert_eq!(scene.state(ALICE)["tags_all"], json!({"Stage": "test"}));
    scene.assert_nothing_to_do();
}

#[tokio::test]
async fn a_plan_knows_what_follows_from_the_configuration() {
    let scene = Scene::new(1).await;
    scene.provider("default_tags = { CostCenter = \"42\" }");
    scene.alice("path = \"/staff/\"\n tags = { Team = \"core\" }");
    let plan = scene.terraform.plan_json().unwrap();
    let change = &plan["resource_changes"][0]["change"];
    let account_id = scene.member().id();
    assert_eq!(change["after"]["id"], json!(format!("{account_id}/alice")));
    assert_eq!(
        change["after"]["arn"],
        json!(format!("arn:aws:iam::{account_id}:user/staff/alice"))
    );
    assert_eq!(
        change["after"]["tags_all"],
        json!({"CostCenter": "42", "Team": "core"})
    );
    assert_eq!(change["after"]["managed_by"], json!("test"));
    let unknown = change["after_unknown"].as_object().unwrap();
    let unknown: Vec<_> = unknown
        .iter()
        .filter(|(_, value)| **value == json!(true))
        .map(|(name, _)| name)
        .collect();
    assert_eq!(unknown, ["create_date", "unique_id"]);
}

#[tokio::test]
async fn another_account_replaces_the_user() {
    let scene = Scene::new(2).await;
    scene.alice("");
    scene.apply();
    let text = user("alice", "alice", "").replace("{0}", "{1}");
    scene.configure(&text);
    let plan = scene.terraform.plan_json().unwrap();
    let change = &plan["resource_changes"][0]["change"];
    assert_eq!(change["actions"], json!(["delete", "create"]));
    assert_eq!(change["replace_paths"], json!([["account_id"]]));
    scene.apply();
    assert!(scene.user("alice").await.is_none());
    let other = scene.world.members()[1].iam();
    let user = other
        .get_user()
        .user_name("alice")
        .send()
        .await
        .unwrap()
        .user
        .unwrap();
    assert_eq!(scene.state(ALICE)["unique_id"], json!(user.user_id()));
    scene.assert_nothing_to_do();
}

#[tokio::test]
async fn an_account_that_is_unknown_at_plan_is_planned_and_applied() {
    let scene = Scene::new(1).await;
    let account = "resource \"terraform_data\" \"account\" { input = \"{0}\" }\n";
    let alice = user("alice", "alice", "").replace("\"{0}\"", "terraform_data.account.output");
    scene.configure(&format!("{account}{alice}"));
    let plan = scene.terraform.plan_json().unwrap();
    let changes = plan["resource_changes"].as_array().unwrap();
    let change = &changes
        .iter()
        .find(|change| change["address"] == ALICE)
        .unwrap()["change"];
    for name in ["account_id", "arn", "id"] {
        assert_eq!(change["after_unknown"][name], json!(true), "{name}");
    }
    assert_eq!(change["after"]["managed_by"], json!("test"));
    assert!(scene.calls(scene.member().id()).await.is_empty());
    scene.apply();
    assert!(scene.user("alice").await.is_some());
    scene.assert_nothing_to_do();
}

#[tokio::test]
async fn a_provider_configuration_that_is_unknown_at_plan_is_planned_and_applied() {
    let scene = Scene::new(1).await;
    let file = scene.terraform.path().join("provider.tf");
    let text = std::fs::read_to_string(&file).unwrap();
    let literal = format!("\"{}\"", scene.world.external_id());
    assert!(text.contains(&literal));
    let text = text.replace(&literal, "terraform_data.external_id.output");
    scene.terraform.write("provider.tf", &text).unwrap();
    let external_id =
        format!("resource \"terraform_data\" \"external_id\" {{ input = {literal} }}\n");
    scene.configure(&format!(
        "{external_id}{}",
        user("alice", "alice", "tags = { A = \"b\" }")
    ));

    let plan = scene.terraform.plan_json().unwrap();
    let changes = plan["resource_changes"].as_array().unwrap();
    let change = &changes
        .iter()
        .find(|change| change["address"] == ALICE)
        .unwrap()["change"];
    assert_eq!(change["after"]["name"], json!("alice"));
    assert_eq!(change["after_unknown"]["managed_by"], json!(true));
    assert!(scene.calls(scene.member().id()).await.is_empty());
    scene.apply();
    assert_eq!(scene.state(ALICE)["tags_all"], json!({"A": "b"}));
    scene.assert_nothing_to_do();
}

#[tokio::test]
async fn timeouts_are_kept_and_a_change_of_them_writes_nothing() {
    let scene = Scene::new(1).await;
    scene.alice("timeouts = { create = \"5m\", read = \"90s\" }");
    scene.apply();
    assert_eq!(scene.state(ALICE)["timeouts"]["create"], json!("5m"));
    scene.assert_nothing_to_do();

    scene.alice("timeouts = { update = \"2m\", delete = \"1h\" }");
    scene.forget_calls().await;
    scene.apply();
    assert_eq!(scene.writes().await, Vec::<String>::new());
    scene.assert_nothing_to_do();

    scene.alice("timeouts = { update = \"soon\" }");
    // Terraform 1.11 shows the head of the resource for whatever is inside of a nested attribute; the text names it.
    let error = scene.only_error_on("resource");
    assert!(
        error
            .detail
            .starts_with("timeouts.update: must be a duration"),
        "{error:?}"
    );
}
