//! Users that exist before Terraform knows them: refused, taken over, completed, imported.

use serde_json::json;

use super::by_hand::{map, set, user};
use super::scene::{Scene, flat};

const ALICE: &str = "crossaccount_iam_user.alice";
const READ_ONLY: &str = "arn:aws:iam::aws:policy/ReadOnlyAccess";
const SECURITY_AUDIT: &str = "arn:aws:iam::aws:policy/SecurityAudit";

#[tokio::test]
async fn a_user_that_exists_is_refused_at_plan_with_the_id_for_an_import() {
    let scene = Scene::new(1).await;
    scene
        .make_user("alice", &[("Whose", "somebody else")])
        .await;
    scene.alice("");
    let error = scene.only_error_on("name");
    assert_eq!(error.summary, "User exists");
    assert_eq!(error.address, ALICE);
    let id = format!("Import it (id {}/alice)", scene.member().id());
    assert!(
        error.detail.contains(&id) && error.detail.contains("\"adopt\""),
        "{error:?}"
    );
    assert_eq!(scene.writes().await, Vec::<String>::new());
}

#[tokio::test]
async fn a_user_that_appears_between_plan_and_apply_is_refused_too() {
    let scene = Scene::new(1).await;
    scene.alice("");
    scene
        .terraform
        .run(&["plan", "-out=early"])
        .unwrap()
        .expect_success()
        .unwrap();
    scene
        .make_user("alice", &[("Whose", "somebody else")])
        .await;
    let output = scene
        .terraform
        .run(&["apply", "-no-color", "early"])
        .unwrap();
    let error = flat(&output.expect_failure().unwrap().text());
    assert!(error.contains("Import it"), "{error}");
    assert_eq!(scene.tags("alice").await, map([("Whose", "somebody else")]));
    assert!(scene.terraform.state().unwrap().is_empty());
}

#[tokio::test]
async fn an_adopted_user_is_changed_as_the_plan_warned_and_keeps_its_id() {
    let scene = Scene::new(1).await;
    let unique_id = scene.make_user("alice", &[("Old", "x")]).await;
    scene.make_groups(&["intruders"]).await;
    scene
        .grant("alice", "intruders", SECURITY_AUDIT, "by-hand")
        .await;
    scene.alice(&format!(
        "adoption_policy = \"adopt\"\n managed_policy_arns = [\"{READ_ONLY}\"]\n tags = {{ Team = \"core\" }}"
    ));
    let found = scene.diagnostics();
    assert_eq!(found.len(), 1, "{found:?}");
    let warning = &found[0];
    assert_eq!(
        (warning.severity.as_str(), warning.summary.as_str()),
        ("warning", "User exists")
    );
    assert!(warning.line.starts_with("name"), "{warning:?}");
    for step in [
        "iam:UntagUser Old".to_owned(),
        "iam:TagUser Team, crossaccount:managed-by".to_owned(),
        format!("iam:DetachUserPolicy {SECURITY_AUDIT}"),
        format!("iam:AttachUserPolicy {READ_ONLY}"),
        unique_id.clone(),
    ] {
        assert!(warning.detail.contains(&step), "{step} in {warning:?}");
    }
    let printed = flat(&scene.apply());
    assert!(
        printed.contains("Existing user was taken over"),
        "{printed}"
    );
    assert_eq!(scene.state(ALICE)["unique_id"], json!(unique_id));
    assert_eq!(scene.attached("alice").await, set([READ_ONLY]));
    // Sets that are not managed are not touched by an adoption either.
    assert_eq!(scene.groups("alice").await, set(["intruders"]));
    assert!(scene.inline("alice").await.contains_key("by-hand"));
    assert_eq!(
        scene.tags("alice").await,
        map([("Team", "core"), ("crossaccount:managed-by", "test")])
    );
    scene.assert_nothing_to_do();
}

#[tokio::test]
async fn a_user_of_another_owner_is_refused_even_when_it_may_be_adopted() {
    let scene = Scene::new(1).await;
    scene
        .make_user("alice", &[("crossaccount:managed-by", "other-team")])
        .await;
    scene.alice("adoption_policy = \"adopt\"");
    let error = scene.only_error_on("name");
    assert_eq!(error.summary, "User exists and belongs to somebody else");
    assert!(error.detail.contains("\"other-team\""), "{error:?}");
    assert_eq!(scene.writes().await, Vec::<String>::new());
}

#[tokio::test]
async fn a_user_whose_state_was_lost_is_completed() {
    let scene = Scene::new(1).await;
    scene.alice("");
    scene.apply();
    let unique_id = scene.user("alice").await.unwrap().user_id;
    std::fs::remove_file(scene.terraform.path().join("terraform.tfstate")).unwrap();

    scene.alice(&format!("managed_policy_arns = [\"{READ_ONLY}\"]"));
    let found = scene.diagnostics();
    assert!(
        found[0]
            .detail
            .contains("created by an earlier run of this deployment"),
        "{found:?}"
    );
    scene.forget_calls().await;
    scene.apply();
    assert_eq!(
        scene.writes().await,
        ["iam:CreateUser", "iam:AttachUserPolicy"]
    );
    assert_eq!(scene.state(ALICE)["unique_id"], json!(unique_id));
    scene.assert_nothing_to_do();
}

#[tokio::test]
async fn a_failed_adoption_never_puts_the_user_at_risk() {
    let scene = Scene::new(1).await;
    let unique_id = scene.make_user("alice", &[]).await;
    let account_id = scene.member().id().to_owned();
    let missing = format!("arn:aws:iam::{account_id}:policy/Missing");
    let adopt = |arn: &str| {
        scene.alice(&format!(
            "adoption_policy = \"adopt\"\n managed_policy_arns = [\"{arn}\"]"
        ));
    };
    adopt(&missing);
    let error = scene.apply_error();
    assert!(
        error.contains("NoSuchEntity") && error.contains(&missing),
        "{error}"
    );
    assert!(scene.terraform.state().unwrap().is_empty());
    let user = scene.user("alice").await.unwrap();
    assert_eq!(user.user_id(), unique_id);

    // Nothing is planned against it: neither a deletion nor a replacement.
    adopt(READ_ONLY);
    let plan = scene.terraform.plan_json().unwrap();
    let changes = plan["resource_changes"].as_array().unwrap();
    assert_eq!(changes.len(), 1);
    assert_eq!(changes[0]["change"]["actions"], json!(["create"]));
    scene.apply();
    assert_eq!(scene.state(ALICE)["unique_id"], json!(unique_id));
    scene.assert_nothing_to_do();
}

#[rstest::rstest]
#[case::by_id("{account}/alice")]
#[case::by_arn("arn:aws:iam::{account}:user/staff/alice")]
#[tokio::test]
async fn an_import_writes_nothing_and_the_next_apply_takes_the_user_over(#[case] id: &str) {
    let scene = Scene::new(1).await;
    let unique_id = scene.make_user("alice", &[("Team", "core")]).await;
    scene.make_groups(&["staff"]).await;
    scene.grant("alice", "staff", READ_ONLY, "by-hand").await;
    let iam = scene.member().iam();
    iam.update_user()
        .user_name("alice")
        .new_path("/staff/")
        .send()
        .await
        .unwrap();
    scene.alice(
        "path = \"/staff/\"\n tags = { Team = \"core\" }\n groups = [\"staff\"]\n \
         managed_policy_arns = [\"arn:aws:iam::aws:policy/ReadOnlyAccess\"]\n inline_policies = { by-hand = jsonencode({ \
         Version = \"2012-10-17\", Statement = [{ Effect = \"Allow\", Action = \"sqs:ListQueues\", Resource = \"*\" }] }) }",
    );
    let id = id.replace("{account}", scene.member().id());
    scene
        .terraform
        .import(ALICE, &id)
        .unwrap()
        .expect_success()
        .unwrap();
    assert_eq!(scene.writes().await, Vec::<String>::new());
    assert_eq!(scene.tags("alice").await, map([("Team", "core")]));
    let state = scene.state(ALICE);
    assert_eq!(state["unique_id"], json!(unique_id));
    assert_eq!(state["managed_by"], json!(null));
    assert_eq!(state["groups"], json!(["staff"]));

    let plan = scene.terraform.plan_json().unwrap();
    let change = &plan["resource_changes"][0]["change"];
    assert_eq!(change["actions"], json!(["update"]));
    let (before, after) = (change["before"].as_object().unwrap(), &change["after"]);
    let changed: Vec<_> = before
        .iter()
        .filter(|(name, value)| after[name.as_str()] != **value)
        .collect();
    assert_eq!(changed, [(&"managed_by".to_owned(), &json!(null))]);
    assert_eq!(after["managed_by"], json!("test"));

    scene.apply();
    assert_eq!(scene.writes().await, ["iam:TagUser"]);
    scene.assert_nothing_to_do();
}

#[tokio::test]
async fn an_import_of_a_user_that_does_not_exist_says_so() {
    let scene = Scene::new(1).await;
    scene.alice("");
    let id = format!("{}/alice", scene.member().id());
    let output = scene
        .terraform
        .import(ALICE, &id)
        .unwrap()
        .expect_failure()
        .unwrap();
    assert!(
        flat(&output.text()).contains("non-existent"),
        "{}",
        output.text()
    );
    let output = scene
        .terraform
        .import(ALICE, "alice")
        .unwrap()
        .expect_failure()
        .unwrap();
    assert!(
        flat(&output.text()).contains("account_id/name"),
        "{}",
        output.text()
    );
}

/// A key of `for_each` changes: Terraform destroys under the old address and creates under the new one in one run, in
/// an order that it does not promise.
#[tokio::test]
async fn a_new_address_without_a_moved_block_ends_with_the_user_in_place() {
    let scene = Scene::new(1).await;
    let with = |key: &str| {
        scene.configure(&format!(
            "resource \"crossaccount_iam_user\" \"all\" {{\n  for_each = {{ {key} = \"alice\" }}\n  account_id = \"{{0}}\"\n  \
             name = each.value\n}}\n"
        ));
    };
    with("old");
    scene.apply();
    with("new");
    scene.apply();
    let user = scene.user("alice").await.unwrap();
    assert_eq!(
        scene.terraform.state().unwrap(),
        ["crossaccount_iam_user.all[\"new\"]"]
    );
    let state = scene.state("crossaccount_iam_user.all[\"new\"]");
    assert_eq!(state["unique_id"], json!(user.user_id()));
    scene.assert_nothing_to_do();
}

/// The dangerous order is forced: `marker` depends on the new address, and the old one may only go after `marker`,
/// which depended on it.
#[tokio::test]
async fn a_user_that_another_address_took_over_is_not_deleted_by_the_old_one() {
    let scene = Scene::new(1).await;
    let with = |label: &str| {
        let alice = user(label, "alice", "lifecycle { create_before_destroy = true }");
        scene.configure(&format!(
            "{alice}resource \"terraform_data\" \"marker\" {{\n  input = [\"{label}\", crossaccount_iam_user.{label}.id]\n}}\n"
        ));
    };
    with("old");
    scene.apply();
    let unique_id = scene.user("alice").await.unwrap().user_id;
    with("new");
    scene.forget_calls().await;
    let printed = flat(&scene.apply());
    assert!(
        printed.contains("managed by another resource of this configuration now"),
        "{printed}"
    );
    assert_eq!(scene.writes().await, ["iam:CreateUser"]);
    assert_eq!(scene.user("alice").await.unwrap().user_id, unique_id);
    assert_eq!(
        scene.terraform.state().unwrap(),
        ["crossaccount_iam_user.new", "terraform_data.marker"]
    );
    scene.assert_nothing_to_do();
}
