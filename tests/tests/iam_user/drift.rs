//! Changes by hand: what a plan shows of them, and what an apply does about them.

use serde_json::json;

use super::by_hand::{document, map, set, tag};
use super::scene::Scene;

const ALICE: &str = "crossaccount_iam_user.alice";
const READ_ONLY: &str = "arn:aws:iam::aws:policy/ReadOnlyAccess";
const SECURITY_AUDIT: &str = "arn:aws:iam::aws:policy/SecurityAudit";

#[tokio::test]
async fn drift_of_everything_managed_is_shown_and_repaired() {
    let scene = Scene::new(1).await;
    scene.make_groups(&["staff", "intruders"]).await;
    let own = document("s3:ListAllMyBuckets");
    scene.alice(&format!(
        "path = \"/staff/\"\n permissions_boundary = \"{SECURITY_AUDIT}\"\n managed_policy_arns = [\"{READ_ONLY}\"]\n \
         groups = [\"staff\"]\n tags = {{ Team = \"core\", Cost = \"42\" }}\n \
         inline_policies = {{ own = <<-EOT\n{own}\nEOT\n }}"
    ));
    scene.apply();
    let unique_id = scene.user("alice").await.unwrap().user_id;

    let iam = scene.member().iam();
    scene
        .grant("alice", "intruders", SECURITY_AUDIT, "backdoor")
        .await;
    let leave = iam
        .remove_user_from_group()
        .user_name("alice")
        .group_name("staff");
    leave.send().await.unwrap();
    iam.detach_user_policy()
        .user_name("alice")
        .policy_arn(READ_ONLY)
        .send()
        .await
        .unwrap();
    let put = iam.put_user_policy().user_name("alice").policy_name("own");
    put.policy_document(document("iam:*")).send().await.unwrap();
    iam.delete_user_permissions_boundary()
        .user_name("alice")
        .send()
        .await
        .unwrap();
    iam.untag_user()
        .user_name("alice")
        .tag_keys("Cost")
        .send()
        .await
        .unwrap();
    let tags = iam.tag_user().user_name("alice").tags(tag("Team", "evil"));
    tags.tags(tag("Extra", "x")).send().await.unwrap();
    iam.update_user()
        .user_name("alice")
        .new_path("/hidden/")
        .send()
        .await
        .unwrap();

    let plan = scene.terraform.plan_json().unwrap();
    let change = &plan["resource_changes"][0]["change"];
    let (before, after) = (&change["before"], &change["after"]);
    assert_eq!(change["actions"], json!(["update"]));
    for (name, drifted, wanted) in [
        ("path", json!("/hidden/"), json!("/staff/")),
        ("permissions_boundary", json!(null), json!(SECURITY_AUDIT)),
        (
            "managed_policy_arns",
            json!([SECURITY_AUDIT]),
            json!([READ_ONLY]),
        ),
        ("groups", json!(["intruders"]), json!(["staff"])),
        (
            "tags",
            json!({"Team": "evil", "Extra": "x"}),
            json!({"Team": "core", "Cost": "42"}),
        ),
    ] {
        assert_eq!((&before[name], &after[name]), (&drifted, &wanted), "{name}");
    }
    let policies = |side: &serde_json::Value| {
        side["inline_policies"]
            .as_object()
            .unwrap()
            .keys()
            .cloned()
            .collect::<Vec<_>>()
    };
    assert_eq!(policies(before), ["backdoor", "own"]);
    assert!(
        before["inline_policies"]["own"]
            .as_str()
            .unwrap()
            .contains("iam:*")
    );
    assert_eq!(policies(after), ["own"]);

    scene.apply();
    let user = scene.user("alice").await.unwrap();
    assert_eq!(
        (user.user_id(), user.path()),
        (unique_id.as_str(), "/staff/")
    );
    let boundary = user
        .permissions_boundary()
        .unwrap()
        .permissions_boundary_arn();
    assert_eq!(boundary, Some(SECURITY_AUDIT));
    assert_eq!(scene.attached("alice").await, set([READ_ONLY]));
    assert_eq!(scene.groups("alice").await, set(["staff"]));
    let inline = scene.inline("alice").await;
    assert_eq!(json!(inline), json!({"own": "s3:ListAllMyBuckets"}));
    assert_eq!(
        scene.tags("alice").await,
        map([
            ("Cost", "42"),
            ("Team", "core"),
            ("crossaccount:managed-by", "test")
        ])
    );
    scene.assert_nothing_to_do();
}

#[tokio::test]
async fn a_user_that_was_renamed_by_hand_is_found_and_renamed_back() {
    let scene = Scene::new(1).await;
    scene.alice("");
    scene.apply();
    let unique_id = scene.user("alice").await.unwrap().user_id;
    let rename = scene
        .member()
        .iam()
        .update_user()
        .user_name("alice")
        .new_user_name("mallory");
    rename.send().await.unwrap();
    scene.backdate();

    let plan = scene.terraform.plan_json().unwrap();
    let change = &plan["resource_changes"][0]["change"];
    assert_eq!(change["actions"], json!(["update"]));
    assert_eq!(change["before"]["name"], json!("mallory"));
    assert_eq!(change["after"]["name"], json!("alice"));
    scene.apply();
    assert_eq!(scene.user("alice").await.unwrap().user_id, unique_id);
    assert!(scene.user("mallory").await.is_none());
    scene.assert_nothing_to_do();
}

#[tokio::test]
async fn an_ownership_tag_that_was_removed_is_shown_and_written_again() {
    let scene = Scene::new(1).await;
    scene.alice("");
    scene.apply();
    let untag = scene.member().iam().untag_user().user_name("alice");
    untag
        .tag_keys("crossaccount:managed-by")
        .send()
        .await
        .unwrap();

    let plan = scene.terraform.plan_json().unwrap();
    let change = &plan["resource_changes"][0]["change"];
    assert_eq!(change["actions"], json!(["update"]));
    assert_eq!(change["before"]["managed_by"], json!(null));
    assert_eq!(change["after"]["managed_by"], json!("test"));
    scene.apply();
    assert_eq!(
        scene.tags("alice").await,
        map([("crossaccount:managed-by", "test")])
    );
    scene.assert_nothing_to_do();
}

#[tokio::test]
async fn a_user_that_somebody_else_took_over_is_left_alone_with_an_error() {
    let scene = Scene::new(1).await;
    scene.alice("");
    scene.apply();
    let retag = scene.member().iam().tag_user().user_name("alice");
    retag
        .tags(tag("crossaccount:managed-by", "other-team"))
        .send()
        .await
        .unwrap();

    scene.forget_calls().await;
    scene.alice("tags = { Team = \"core\" }");
    let error = scene.apply_error();
    assert!(error.contains("managed by \"other-team\""), "{error}");
    assert!(error.contains(scene.member().id()), "{error}");
    let error = scene
        .terraform
        .destroy()
        .unwrap()
        .expect_failure()
        .unwrap()
        .text();
    assert!(error.contains("other-team"), "{error}");
    assert_eq!(scene.writes().await, Vec::<String>::new());
    assert_eq!(
        scene.tags("alice").await,
        map([("crossaccount:managed-by", "other-team")])
    );
    assert_eq!(scene.state(ALICE)["name"], json!("alice"));
}

#[tokio::test]
async fn a_user_that_was_deleted_by_hand_is_created_anew() {
    let scene = Scene::new(1).await;
    scene.alice("");
    scene.apply();
    let unique_id = scene.user("alice").await.unwrap().user_id;
    scene
        .member()
        .iam()
        .delete_user()
        .user_name("alice")
        .send()
        .await
        .unwrap();
    scene.backdate();

    let plan = scene.terraform.plan_json().unwrap();
    assert_eq!(
        plan["resource_changes"][0]["change"]["actions"],
        json!(["create"])
    );
    scene.apply();
    let user = scene.user("alice").await.unwrap();
    assert_ne!(user.user_id(), unique_id);
    scene.assert_nothing_to_do();
}

#[tokio::test]
async fn a_user_that_was_replaced_by_hand_is_an_error_that_says_what_to_do() {
    let scene = Scene::new(1).await;
    scene.alice("tags = { Team = \"core\" }");
    scene.apply();
    let recorded = scene.user("alice").await.unwrap().user_id;
    scene
        .member()
        .iam()
        .delete_user()
        .user_name("alice")
        .send()
        .await
        .unwrap();
    let stranger = scene
        .make_user("alice", &[("Whose", "somebody else")])
        .await;

    scene.forget_calls().await;
    for error in [scene.plan_error(), scene.apply_error()] {
        assert!(error.contains("User was replaced"), "{error}");
        assert!(
            error.contains(&recorded) && error.contains(&stranger),
            "{error}"
        );
        let import = format!("import the new one (id {}/alice)", scene.member().id());
        assert!(
            error.contains("Nothing was changed.") && error.contains(&import),
            "{error}"
        );
    }
    assert_eq!(scene.writes().await, Vec::<String>::new());
    assert_eq!(scene.tags("alice").await, map([("Whose", "somebody else")]));

    // The way out that the message names.
    scene
        .terraform
        .run(&["state", "rm", ALICE])
        .unwrap()
        .expect_success()
        .unwrap();
    let id = format!("{}/alice", scene.member().id());
    scene
        .terraform
        .import(ALICE, &id)
        .unwrap()
        .expect_success()
        .unwrap();
    scene.apply();
    assert_eq!(scene.state(ALICE)["unique_id"], json!(stranger));
    scene.assert_nothing_to_do();
}
