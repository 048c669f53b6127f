//! The users of a whole account: everything that belongs to them, and the same users page by page.

use std::time::Duration;

use aws_sdk_iam::types::{EntityType, User};
use harness::bench_server::SeedUser;

use super::{BOUNDARY, GROUP, POLICY, READ_ONLY, config, server, tag};

#[tokio::test]
async fn the_inventory_has_everything_of_a_user_but_its_credentials() {
    let server = server(Duration::ZERO);
    let iam = aws_sdk_iam::Client::new(&config(&server.env(), None));
    iam.create_user()
        .user_name("alice")
        .path("/app/")
        .permissions_boundary(BOUNDARY)
        .tags(tag("Team", "a + b"))
        .send()
        .await
        .unwrap();
    iam.create_user().user_name("bob").send().await.unwrap();
    iam.attach_user_policy()
        .user_name("alice")
        .policy_arn(READ_ONLY)
        .send()
        .await
        .unwrap();
    iam.put_user_policy()
        .user_name("alice")
        .policy_name("own")
        .policy_document(POLICY)
        .send()
        .await
        .unwrap();
    iam.add_user_to_group()
        .user_name("alice")
        .group_name(GROUP)
        .send()
        .await
        .unwrap();

    let all = iam
        .get_account_authorization_details()
        .filter(EntityType::User)
        .send()
        .await
        .unwrap();
    assert!(!all.is_truncated());
    let [alice, bob] = all.user_detail_list() else {
        panic!("there are two users: {all:?}");
    };
    assert_eq!(alice.user_name(), Some("alice"));
    assert_eq!(alice.path(), Some("/app/"));
    assert_eq!(
        alice.arn(),
        Some("arn:aws:iam::800000000000:user/app/alice")
    );
    assert!(alice.user_id().unwrap().starts_with("AIDA"));
    assert!(alice.create_date().is_some());
    let boundary = alice.permissions_boundary().unwrap();
    assert_eq!(boundary.permissions_boundary_arn(), Some(BOUNDARY));
    assert_eq!(alice.tags(), [tag("Team", "a + b")]);
    assert_eq!(alice.group_list(), [GROUP]);
    let [attached] = alice.attached_managed_policies() else {
        panic!("one policy is attached: {alice:?}");
    };
    assert_eq!(attached.policy_name(), Some("ReadOnlyAccess"));
    assert_eq!(attached.policy_arn(), Some(READ_ONLY));
    let [own] = alice.user_policy_list() else {
        panic!("there is one inline policy: {alice:?}");
    };
    assert_eq!(own.policy_name(), Some("own"));
    let document = own.policy_document().unwrap();
    assert!(
        document.starts_with("%7B%22Version%22%3A%20%22"),
        "{document}"
    );

    assert_eq!(bob.path(), Some("/"));
    assert!(bob.permissions_boundary().is_none());
    assert!(bob.tags().is_empty() && bob.group_list().is_empty());
    assert!(bob.attached_managed_policies().is_empty() && bob.user_policy_list().is_empty());

    // The product asks for users alone.
    let more = iam.get_account_authorization_details().send().await;
    assert!(more.is_err());
}

#[tokio::test]
async fn users_come_in_pages_until_the_last() {
    let server = server(Duration::ZERO);
    for number in 0..5 {
        server.seed_user(SeedUser {
            account_id: "800000000000".to_owned(),
            name: format!("user-{number}"),
            path: if number == 0 { "/" } else { "/app/" }.to_owned(),
            tags: Vec::new(),
            keys: Vec::new(),
        });
    }
    let iam = aws_sdk_iam::Client::new(&config(&server.env(), None));
    let mut seen = Vec::new();
    let mut marker = None;
    loop {
        let page = iam
            .get_account_authorization_details()
            .filter(EntityType::User)
            .max_items(2)
            .set_marker(marker)
            .send()
            .await
            .unwrap();
        let names = page.user_detail_list().iter();
        seen.push(
            names
                .map(|user| user.user_name().unwrap().to_owned())
                .collect::<Vec<_>>(),
        );
        assert_eq!(page.is_truncated(), page.marker().is_some());
        marker = page.marker().map(str::to_owned);
        if marker.is_none() {
            break;
        }
    }
    assert_eq!(
        seen,
        [
            vec!["user-0", "user-1"],
            vec!["user-2", "user-3"],
            vec!["user-4"]
        ]
    );

    let page = iam.list_users().path_prefix("/app/").max_items(3);
    let page = page.send().await.unwrap();
    let names: Vec<_> = page.users().iter().map(User::user_name).collect();
    assert_eq!(names, ["user-1", "user-2", "user-3"]);
    assert!(page.is_truncated());
    let rest = iam
        .list_users()
        .path_prefix("/app/")
        .set_marker(page.marker().map(str::to_owned));
    let rest = rest.send().await.unwrap();
    let names: Vec<_> = rest.users().iter().map(User::user_name).collect();
    assert_eq!(names, ["user-4"]);
    assert!(!rest.is_truncated());
}
