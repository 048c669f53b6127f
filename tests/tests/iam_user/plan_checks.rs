//! Bad input: refused by the plan, on the attribute that is wrong, before anything is written.

use super::by_hand::{document, user};
use super::scene::Scene;

const READ_ONLY: &str = "arn:aws:iam::aws:policy/ReadOnlyAccess";
const SECURITY_AUDIT: &str = "arn:aws:iam::aws:policy/SecurityAudit";

/// Each of these is refused on the line that begins with the attribute, and the message tells what is wrong.
#[tokio::test]
async fn wrong_values_are_refused_on_their_attribute() {
    let scene = Scene::new(1).await;
    let long = "a".repeat(65);
    for (attributes, line, message) in [
        ("path = \"staff\"", "path", "staff"),
        (
            "inline_policies = { own = \"{not json\" }",
            "inline_policies",
            "own",
        ),
        (
            "inline_policies = { own = \"[]\" }",
            "inline_policies",
            "own",
        ),
        (
            "managed_policy_arns = [\"arn:aws:iam::999999999999:policy/P\"]",
            "managed_policy_arns",
            "belongs to account 999999999999",
        ),
        (
            "permissions_boundary = \"arn:aws:iam::999999999999:policy/P\"",
            "permissions_boundary",
            "belongs to account 999999999999",
        ),
        (
            "role_arn = \"arn:aws:iam::999999999999:role/Admin\"",
            "role_arn",
            "belongs to account 999999999999",
        ),
        (
            "managed_policy_arns = [\"arn:aws-cn:iam::aws:policy/ReadOnlyAccess\"]",
            "managed_policy_arns",
            "is in the partition aws-cn",
        ),
        (
            "permissions_boundary = \"arn:aws-us-gov:iam::aws:policy/ReadOnlyAccess\"",
            "permissions_boundary",
            "is in the partition aws-us-gov",
        ),
        (
            "tags = { \"crossaccount:managed-by\" = \"me\" }",
            "tags",
            "crossaccount:",
        ),
        (
            "deletion_policy = \"forget\"",
            "deletion_policy",
            "quarantine",
        ),
    ] {
        scene.alice(attributes);
        let error = scene.only_error_on(line);
        assert!(error.detail.contains(message), "{message} in {error:?}");
        assert_eq!(error.address, "crossaccount_iam_user.alice");
    }
    scene.configure(&user("alice", &long, ""));
    let error = scene.only_error_on("name");
    assert!(error.detail.contains("64"), "{error:?}");
    let digits = user("alice", "alice", "").replace("{0}", "1234");
    scene.configure(&digits);
    assert!(
        scene
            .only_error_on("account_id")
            .detail
            .contains("12 digits")
    );
    assert!(scene.calls(scene.member().id()).await.is_empty());
}

#[tokio::test]
async fn names_that_differ_by_case_alone_are_refused_within_a_configuration() {
    let scene = Scene::new(2).await;
    let users = user("lower", "alice", "") + &user("upper", "Alice", "");
    scene.configure(&users);
    let error = scene.only_error_on("name");
    assert_eq!(error.summary, "Two users of one name");
    assert!(error.detail.contains(scene.member().id()), "{error:?}");

    // In two accounts they are two users.
    let apart = user("lower", "alice", "") + &user("upper", "Alice", "").replace("{0}", "{1}");
    scene.configure(&apart);
    scene.plan_changes();
    assert_eq!(scene.writes().await, Vec::<String>::new());
}

/// IAM looks users up by their exact name, so only the creation itself can tell; it is refused as a whole.
#[tokio::test]
async fn a_name_that_differs_by_case_alone_from_an_existing_user_is_refused() {
    let scene = Scene::new(1).await;
    let unique_id = scene.make_user("Alice", &[]).await;
    scene.alice("adoption_policy = \"adopt\"");
    let error = scene.apply_error();
    assert!(
        error.contains("names may not differ by case alone"),
        "{error}"
    );
    assert!(error.contains("EntityAlreadyExists"), "{error}");
    let place = "with crossaccount_iam_user.alice, on main.tf line 3, in resource";
    assert!(
        error.contains(place) && error.contains("3: name = \"alice\""),
        "{error}"
    );
    assert_eq!(scene.writes().await, ["iam:CreateUser"]);
    assert_eq!(scene.user("Alice").await.unwrap().user_id, unique_id);
    assert!(scene.tags("Alice").await.is_empty());
    assert!(scene.terraform.state().unwrap().is_empty());
}

/// Quotas are those of the account, read live.
#[tokio::test]
async fn what_exceeds_a_quota_of_the_account_is_refused_on_its_attribute() {
    let scene = Scene::new(1).await;
    for (name, value) in [
        ("GroupsPerUserQuota", 1),
        ("AttachedPoliciesPerUserQuota", 1),
        ("UserPolicySizeQuota", 150),
        ("UsersQuota", 1),
    ] {
        let control = scene.world.control();
        control
            .set_quota(scene.member().id(), name, value)
            .await
            .unwrap();
    }
    scene.make_groups(&["one", "two"]).await;
    let tags: String = (0..50)
        .map(|number| format!("t{number} = \"x\", "))
        .collect();
    let inline = document(&format!("s3:{}", "A".repeat(100)));
    for (attributes, line, message) in [
        (
            "groups = [\"one\", \"two\"]".to_owned(),
            "groups",
            "2 groups",
        ),
        (
            format!("managed_policy_arns = [\"{READ_ONLY}\", \"{SECURITY_AUDIT}\"]"),
            "managed_policy_arns",
            "allows 1",
        ),
        (
            format!("inline_policies = {{ own = <<-EOT\n{inline}\nEOT\n }}"),
            "inline_policies",
            "allows 150",
        ),
        (format!("tags = {{ {tags} }}"), "tags", "allows 50"),
    ] {
        scene.alice(&attributes);
        let error = scene.only_error_on(line);
        assert_eq!(error.summary, "Quota exceeded");
        assert!(error.detail.contains(message), "{message} in {error:?}");
        assert!(error.detail.contains(scene.member().id()), "{error:?}");
    }

    let users = user("alice", "alice", "") + &user("bob", "bob", "");
    scene.configure(&users);
    // Whichever of the two is planned last is one too many; both are, when they are planned at the same moment.
    let found = scene.diagnostics();
    assert!(
        found.iter().all(|found| found.severity == "error"),
        "{found:?}"
    );
    assert!(
        found
            .iter()
            .all(|found| found.line.starts_with("account_id")),
        "{found:?}"
    );
    let message = "this run creates 2 more, and its quota is 1";
    assert!(
        found.iter().any(|found| found.detail.contains(message)),
        "{found:?}"
    );
    assert_eq!(scene.writes().await, Vec::<String>::new());

    // The same checks hold for a user that exists.
    scene.alice("");
    scene.apply();
    scene.forget_calls().await;
    scene.alice("groups = [\"one\", \"two\"]");
    assert_eq!(scene.only_error_on("groups").summary, "Quota exceeded");
    assert_eq!(scene.writes().await, Vec::<String>::new());
}
