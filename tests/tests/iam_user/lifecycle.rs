//! Create, change, drift, destroy.

use serde_json::json;

use super::scene::Scene;

const ALICE: &str = r#"
resource "crossaccount_iam_user" "alice" {
  account_id          = "{0}"
  name                = "alice"
  path                = "/engineering/"
  managed_policy_arns = ["arn:aws:iam::aws:policy/ReadOnlyAccess"]
  inline_policies = {
    identify = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Action = ["sts:GetCallerIdentity"], Resource = "*" }] })
  }
  groups = []
  tags   = { Team = "core" }
}
"#;

#[tokio::test]
async fn a_user_is_created_kept_and_destroyed() {
    let scene = Scene::new(1).await;
    scene.configure(ALICE);
    scene.apply();

    let user = scene.user("alice").await.unwrap();
    let state = scene.state("crossaccount_iam_user.alice");
    assert_eq!(user.path(), "/engineering/");
    assert_eq!(state["unique_id"], json!(user.user_id()));
    assert_eq!(state["arn"], json!(user.arn()));
    assert_eq!(state["id"], json!(format!("{}/alice", scene.member().id())));
    assert_eq!(state["tags_all"], json!({"Team": "core"}));
    assert_eq!(state["managed_by"], json!("test"));
    let mut tags: Vec<_> = user
        .tags()
        .iter()
        .map(|tag| (tag.key(), tag.value()))
        .collect();
    tags.sort_unstable();
    assert_eq!(
        tags,
        [("Team", "core"), ("crossaccount:managed-by", "test")]
    );

    scene.assert_nothing_to_do();
    scene.terraform.destroy().unwrap().expect_success().unwrap();
    assert!(scene.user("alice").await.is_none());
}
