//! Users: names, tags, rename, boundary, pages and what stops a deletion.

use aws_sdk_iam::error::ProvideErrorMetadata;
use aws_sdk_iam::types::Tag;
use serde_json::json;

use super::{allow, make_user, member, policy, refusal};

const READ_ONLY: &str = "arn:aws:iam::aws:policy/ReadOnlyAccess";

fn tag(key: &str, value: &str) -> Tag {
    Tag::builder().key(key).value(value).build().unwrap()
}

#[tokio::test]
async fn names_are_unique_without_regard_to_case() {
    let (_world, iam) = member().await;
    make_user(&iam, "alice").await;
    assert_eq!(
        refusal(iam.create_user().user_name("Alice").send().await),
        "EntityAlreadyExists"
    );
    iam.create_group().group_name("team").send().await.unwrap();
    assert_eq!(
        refusal(iam.create_group().group_name("TEAM").send().await),
        "EntityAlreadyExists"
    );
}

#[tokio::test]
async fn names_paths_and_tags_are_validated() {
    let (_world, iam) = member().await;
    let long = "a".repeat(65);
    for name in ["", "a b", "a/b", "a!", long.as_str()] {
        let refused = refusal(iam.create_user().user_name(name).send().await);
        assert_eq!(refused, "ValidationError", "{name:?}");
    }
    for path in ["app", "/app", "app/", "/a b/"] {
        let refused = refusal(iam.create_user().user_name("bob").path(path).send().await);
        assert_eq!(refused, "ValidationError", "{path:?}");
    }
    let twice = iam
        .create_user()
        .user_name("bob")
        .tags(tag("a", "1"))
        .tags(tag("A", "2"));
    assert_eq!(refusal(twice.send().await), "InvalidInput");
    let reserved = iam.create_user().user_name("bob").tags(tag("aws:x", "1"));
    assert_eq!(refusal(reserved.send().await), "InvalidInput");
    let many = (0..51)
        .map(|number| tag(&format!("k{number}"), "v"))
        .collect();
    let many = iam.create_user().user_name("bob").set_tags(Some(many));
    assert_eq!(refusal(many.send().await), "ValidationError");
    assert_eq!(
        refusal(iam.get_user().user_name("bob").send().await),
        "NoSuchEntity"
    );

    assert_eq!(
        refusal(iam.create_user().user_name("Ünïcode").send().await),
        "ValidationError"
    );
    iam.create_user()
        .user_name("bob")
        .tags(tag("Ort: München", "Straße 1"))
        .send()
        .await
        .unwrap();
}

#[tokio::test]
async fn a_user_has_an_upper_case_id_and_an_arn_with_its_path() {
    let (world, iam) = member().await;
    let user = iam
        .create_user()
        .user_name("alice")
        .path("/app/team/")
        .send()
        .await
        .unwrap();
    let user = user.user().unwrap();
    let id = user.user_id();
    assert!(id.starts_with("AIDA") && id.len() == 21, "{id}");
    assert!(
        id.chars()
            .all(|c| c.is_ascii_uppercase() || c.is_ascii_digit()),
        "{id}"
    );
    let account = world.members()[0].id();
    assert_eq!(
        user.arn(),
        format!("arn:aws:iam::{account}:user/app/team/alice")
    );
}

#[tokio::test]
async fn a_rename_keeps_everything_and_refuses_a_taken_name() {
    let (world, iam) = member().await;
    iam.create_user()
        .user_name("alice")
        .tags(tag("team", "red"))
        .send()
        .await
        .unwrap();
    make_user(&iam, "bob").await;
    let before = iam.get_user().user_name("alice").send().await.unwrap();
    iam.attach_user_policy()
        .user_name("alice")
        .policy_arn(READ_ONLY)
        .send()
        .await
        .unwrap();
    iam.create_group().group_name("team").send().await.unwrap();
    iam.add_user_to_group()
        .user_name("alice")
        .group_name("team")
        .send()
        .await
        .unwrap();
    let key = iam
        .create_access_key()
        .user_name("alice")
        .send()
        .await
        .unwrap();

    let taken = iam
        .update_user()
        .user_name("alice")
        .new_user_name("BOB")
        .send()
        .await;
    assert_eq!(refusal(taken), "EntityAlreadyExists");
    iam.update_user()
        .user_name("alice")
        .new_user_name("carol")
        .new_path("/new/")
        .send()
        .await
        .unwrap();

    assert_eq!(
        refusal(iam.get_user().user_name("alice").send().await),
        "NoSuchEntity"
    );
    let after = iam.get_user().user_name("carol").send().await.unwrap();
    let (before, after) = (before.user().unwrap(), after.user().unwrap());
    assert_eq!(after.user_id(), before.user_id());
    assert_eq!(after.tags(), before.tags());
    let account = world.members()[0].id();
    assert_eq!(
        after.arn(),
        format!("arn:aws:iam::{account}:user/new/carol")
    );
    let attached = iam
        .list_attached_user_policies()
        .user_name("carol")
        .send()
        .await
        .unwrap();
    assert_eq!(attached.attached_policies().len(), 1);
    let groups = iam
        .list_groups_for_user()
        .user_name("carol")
        .send()
        .await
        .unwrap();
    assert_eq!(groups.groups().len(), 1);
    let key_id = key.access_key().unwrap().access_key_id();
    iam.delete_access_key()
        .user_name("carol")
        .access_key_id(key_id)
        .send()
        .await
        .unwrap();
    let keys = iam
        .list_access_keys()
        .user_name("carol")
        .send()
        .await
        .unwrap();
    assert_eq!(keys.access_key_metadata().len(), 0);
}

#[tokio::test]
async fn a_boundary_is_kept_shown_and_removed_and_must_exist() {
    let (_world, iam) = member().await;
    let missing = "arn:aws:iam::aws:policy/NoSuchPolicy";
    let refused = iam
        .create_user()
        .user_name("alice")
        .permissions_boundary(missing)
        .send()
        .await;
    assert_eq!(refusal(refused), "NoSuchEntity");
    iam.create_user()
        .user_name("alice")
        .permissions_boundary(READ_ONLY)
        .send()
        .await
        .unwrap();
    let boundary = async || {
        let user = iam.get_user().user_name("alice").send().await.unwrap();
        let user = user.user().unwrap();
        user.permissions_boundary()
            .map(|b| b.permissions_boundary_arn().unwrap().to_owned())
    };
    assert_eq!(boundary().await.as_deref(), Some(READ_ONLY));

    let admin = "arn:aws:iam::aws:policy/AdministratorAccess";
    let put = iam.put_user_permissions_boundary().user_name("alice");
    assert_eq!(
        refusal(put.clone().permissions_boundary(missing).send().await),
        "NoSuchEntity"
    );
    put.permissions_boundary(admin).send().await.unwrap();
    assert_eq!(boundary().await.as_deref(), Some(admin));
    iam.delete_user_permissions_boundary()
        .user_name("alice")
        .send()
        .await
        .unwrap();
    assert_eq!(boundary().await, None);
}

#[tokio::test]
async fn lists_of_users_come_in_pages_without_tags_and_boundaries() {
    let (_world, iam) = member().await;
    for number in 0..5 {
        iam.create_user()
            .user_name(format!("user-{number}"))
            .permissions_boundary(READ_ONLY)
            .tags(tag("a", "b"))
            .send()
            .await
            .unwrap();
    }
    let mut names = Vec::new();
    let mut marker = None;
    loop {
        let page = iam
            .list_users()
            .max_items(2)
            .set_marker(marker)
            .send()
            .await
            .unwrap();
        assert!(page.users().len() <= 2);
        for user in page.users() {
            assert!(user.tags().is_empty() && user.permissions_boundary().is_none());
            names.push(user.user_name().to_owned());
        }
        assert!(names.len() <= 5, "the pages do not end: {names:?}");
        assert_eq!(page.is_truncated(), page.marker().is_some());
        marker = page.marker().map(str::to_owned);
        if marker.is_none() {
            break;
        }
    }
    assert_eq!(names, ["user-0", "user-1", "user-2", "user-3", "user-4"]);
}

#[tokio::test]
async fn every_list_of_a_user_comes_in_pages() {
    let (world, iam) = member().await;
    iam.create_user()
        .user_name("alice")
        .tags(tag("a", "1"))
        .tags(tag("b", "2"))
        .send()
        .await
        .unwrap();
    let document = policy(json!([allow(json!("s3:*"), json!("*"))])).to_string();
    for (name, arn) in [
        ("one", READ_ONLY),
        ("two", "arn:aws:iam::aws:policy/AWSDenyAll"),
    ] {
        iam.create_group().group_name(name).send().await.unwrap();
        iam.add_user_to_group()
            .user_name("alice")
            .group_name(name)
            .send()
            .await
            .unwrap();
        iam.attach_user_policy()
            .user_name("alice")
            .policy_arn(arn)
            .send()
            .await
            .unwrap();
        let put = iam.put_user_policy().user_name("alice").policy_name(name);
        put.policy_document(&document).send().await.unwrap();
        iam.create_access_key()
            .user_name("alice")
            .send()
            .await
            .unwrap();
    }
    // Each list has two entries: one on the first page, one on the second, nothing after it.
    macro_rules! has_two_pages {
        ($call:ident, $items:ident) => {
            let list = || iam.$call().user_name("alice").max_items(1);
            let first = list().send().await.unwrap();
            assert_eq!(first.$items().len(), 1);
            assert!(first.is_truncated());
            let second = list()
                .set_marker(first.marker().map(str::to_owned))
                .send()
                .await
                .unwrap();
            assert_eq!(second.$items().len(), 1);
            assert!(!second.is_truncated() && second.marker().is_none());
            assert_ne!(first.$items(), second.$items());
        };
    }
    has_two_pages!(list_user_tags, tags);
    has_two_pages!(list_groups_for_user, groups);
    has_two_pages!(list_attached_user_policies, attached_policies);
    has_two_pages!(list_user_policies, policy_names);
    has_two_pages!(list_access_keys, access_key_metadata);
    let groups = iam.list_groups().max_items(1).send().await.unwrap();
    assert!(groups.is_truncated() && groups.groups().len() == 1);

    // IAM may give fewer than asked for.
    let (control, account_id) = (world.control(), world.members()[0].id());
    control.set_page_size(account_id, 1).await.unwrap();
    let groups = iam.list_groups().max_items(1000).send().await.unwrap();
    assert!(groups.is_truncated() && groups.groups().len() == 1);
    assert!(control.set_page_size(account_id, 0).await.is_err());
}

#[tokio::test]
async fn quotas_of_a_user_are_enforced_and_reported() {
    let (world, iam) = member().await;
    make_user(&iam, "alice").await;
    let summary = iam.get_account_summary().send().await.unwrap();
    let summary = summary.summary_map().unwrap();
    let quota = |name: &str| {
        summary
            .iter()
            .find(|(key, _)| key.as_str() == name)
            .map(|(_, value)| *value)
    };
    assert_eq!(quota("GroupsPerUserQuota"), Some(10));
    assert_eq!(quota("AttachedPoliciesPerUserQuota"), Some(10));
    assert_eq!(quota("UserPolicySizeQuota"), Some(2048));
    assert_eq!(quota("AccessKeysPerUserQuota"), Some(2));

    let account = world.members()[0].id();
    world
        .control()
        .set_quota(account, "GroupsPerUserQuota", 1)
        .await
        .unwrap();
    world
        .control()
        .set_quota(account, "AttachedPoliciesPerUserQuota", 1)
        .await
        .unwrap();
    for group in ["one", "two"] {
        iam.create_group().group_name(group).send().await.unwrap();
    }
    let join = |group: &str| {
        iam.add_user_to_group()
            .user_name("alice")
            .group_name(group)
            .send()
    };
    join("one").await.unwrap();
    join("one").await.unwrap();
    assert_eq!(refusal(join("two").await), "LimitExceeded");
    let attach = |arn: &str| {
        iam.attach_user_policy()
            .user_name("alice")
            .policy_arn(arn)
            .send()
    };
    attach(READ_ONLY).await.unwrap();
    attach(READ_ONLY).await.unwrap();
    assert_eq!(
        refusal(attach("arn:aws:iam::aws:policy/AWSDenyAll").await),
        "LimitExceeded"
    );
}

#[tokio::test]
async fn inline_policies_are_checked_and_share_2048_characters_without_white_space() {
    let (_world, iam) = member().await;
    make_user(&iam, "alice").await;
    let put = |name: &str, document: String| {
        iam.put_user_policy()
            .user_name("alice")
            .policy_name(name)
            .policy_document(document)
            .send()
    };
    assert_eq!(
        refusal(put("bad", "{".to_owned()).await),
        "MalformedPolicyDocument"
    );
    let sized = |padding: usize| {
        let mut statement = allow(json!("s3:GetObject"), json!("*"));
        statement["Sid"] = json!("a".repeat(padding));
        policy(json!([statement]))
    };
    put("one", serde_json::to_string_pretty(&sized(1800)).unwrap())
        .await
        .unwrap();
    put("one", sized(1900).to_string()).await.unwrap();
    assert_eq!(
        refusal(put("two", sized(1).to_string()).await),
        "LimitExceeded"
    );
    let names = iam
        .list_user_policies()
        .user_name("alice")
        .send()
        .await
        .unwrap();
    assert_eq!(names.policy_names(), ["one"]);
}

#[tokio::test]
async fn what_is_missing_is_named_by_kind() {
    let (_world, iam) = member().await;
    make_user(&iam, "alice").await;
    let join = iam
        .add_user_to_group()
        .user_name("alice")
        .group_name("nobody")
        .send()
        .await;
    let error = join.unwrap_err().into_service_error();
    assert_eq!(
        error.message().unwrap(),
        "The group with name nobody cannot be found."
    );
    iam.create_group().group_name("team").send().await.unwrap();
    let join = iam
        .add_user_to_group()
        .user_name("bob")
        .group_name("team")
        .send()
        .await;
    let error = join.unwrap_err().into_service_error();
    assert_eq!(
        error.message().unwrap(),
        "The user with name bob cannot be found."
    );
    let attach = iam.attach_user_policy().user_name("alice");
    let attach = attach
        .policy_arn("arn:aws:iam::aws:policy/NoSuchPolicy")
        .send()
        .await;
    assert_eq!(refusal(attach), "NoSuchEntity");
}

#[tokio::test]
async fn policies_and_groups_in_use_are_not_deleted() {
    let (_world, iam) = member().await;
    make_user(&iam, "alice").await;
    let document = policy(json!([allow(json!("s3:*"), json!("*"))])).to_string();
    let made = iam
        .create_policy()
        .policy_name("own")
        .policy_document(document)
        .send()
        .await
        .unwrap();
    let arn = made.policy().unwrap().arn().unwrap().to_owned();
    let delete = || iam.delete_policy().policy_arn(&arn).send();
    iam.attach_user_policy()
        .user_name("alice")
        .policy_arn(&arn)
        .send()
        .await
        .unwrap();
    assert_eq!(refusal(delete().await), "DeleteConflict");
    iam.detach_user_policy()
        .user_name("alice")
        .policy_arn(&arn)
        .send()
        .await
        .unwrap();
    iam.put_user_permissions_boundary()
        .user_name("alice")
        .permissions_boundary(&arn)
        .send()
        .await
        .unwrap();
    assert_eq!(refusal(delete().await), "DeleteConflict");
    iam.delete_user_permissions_boundary()
        .user_name("alice")
        .send()
        .await
        .unwrap();
    delete().await.unwrap();

    iam.create_group().group_name("team").send().await.unwrap();
    iam.add_user_to_group()
        .user_name("alice")
        .group_name("team")
        .send()
        .await
        .unwrap();
    let delete = || iam.delete_group().group_name("team").send();
    assert_eq!(refusal(delete().await), "DeleteConflict");
    iam.remove_user_from_group()
        .user_name("alice")
        .group_name("team")
        .send()
        .await
        .unwrap();
    delete().await.unwrap();
}
