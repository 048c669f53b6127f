//! `GetAccountAuthorizationDetails`: all users of an account with what they hold.

use aws_sdk_iam::types::{EntityType, Tag, UserDetail};
use harness::{Fault, FaultKind};
use serde_json::json;

use super::{allow, make_user, member, policy, refusal, session_iam, world_allowing};

const READ_ONLY: &str = "arn:aws:iam::aws:policy/ReadOnlyAccess";

const ACTION: &str = "iam:GetAccountAuthorizationDetails";

fn names(users: Vec<UserDetail>) -> Vec<String> {
    let names = users.into_iter().filter_map(|user| user.user_name);
    names.collect()
}

async fn page(iam: &aws_sdk_iam::Client) -> Vec<UserDetail> {
    let call = iam.get_account_authorization_details();
    let answer = call.filter(EntityType::User).send().await.unwrap();
    assert!(!answer.is_truncated());
    answer.user_detail_list.unwrap_or_default()
}

#[tokio::test]
async fn a_user_is_shown_with_all_that_it_holds() {
    let (_world, iam) = member().await;
    let document = policy(json!([allow(json!("sqs:*"), json!("*"))])).to_string();
    let boundary = iam.create_policy().policy_name("Boundary");
    let boundary = boundary.policy_document(&document).send().await.unwrap();
    let boundary = boundary.policy.unwrap().arn.unwrap();
    iam.create_group()
        .group_name("engineers")
        .send()
        .await
        .unwrap();
    let tag = Tag::builder().key("Team").value("core").build().unwrap();
    let made = iam.create_user().user_name("alice").path("/people/");
    let made = made.permissions_boundary(&boundary).tags(tag.clone());
    let made = made.send().await.unwrap().user.unwrap();
    let group = iam.add_user_to_group().user_name("alice");
    group.group_name("engineers").send().await.unwrap();
    let attach = iam.attach_user_policy().user_name("alice");
    attach.policy_arn(READ_ONLY).send().await.unwrap();
    let inline = iam
        .put_user_policy()
        .user_name("alice")
        .policy_name("queues");
    inline.policy_document(&document).send().await.unwrap();
    make_user(&iam, "bob").await;

    let users = page(&iam).await;
    let [alice, bob] = &users[..] else {
        panic!("{users:?}");
    };
    assert_eq!(alice.path(), Some("/people/"));
    assert_eq!(alice.user_id(), Some(made.user_id()));
    assert_eq!(alice.arn(), Some(made.arn()));
    assert_eq!(alice.create_date(), Some(made.create_date()));
    assert_eq!(alice.group_list(), ["engineers"]);
    assert_eq!(alice.tags(), [tag]);
    let held = alice.permissions_boundary().unwrap();
    assert_eq!(held.permissions_boundary_arn(), Some(boundary.as_str()));
    let [attached] = alice.attached_managed_policies() else {
        panic!("{alice:?}");
    };
    assert_eq!(attached.policy_arn(), Some(READ_ONLY));
    let [inline] = alice.user_policy_list() else {
        panic!("{alice:?}");
    };
    let text = inline.policy_document().unwrap();
    assert!(text.starts_with("%7B"), "{text}");
    let text = percent_encoding::percent_decode_str(text)
        .decode_utf8()
        .unwrap();
    assert_eq!(text, document);
    assert_eq!(bob.user_name(), Some("bob"));
    assert!(bob.permissions_boundary().is_none() && bob.group_list().is_empty());
}

#[tokio::test]
async fn the_list_has_pages_and_no_user_is_lost_when_others_go() {
    let (_world, iam) = member().await;
    for number in 0..5 {
        make_user(&iam, &format!("user-{number}")).await;
    }
    let call = || {
        iam.get_account_authorization_details()
            .filter(EntityType::User)
    };
    let first = call().max_items(2).send().await.unwrap();
    assert!(first.is_truncated());
    iam.delete_user().user_name("user-1").send().await.unwrap();
    let second = call()
        .max_items(2)
        .set_marker(first.marker)
        .send()
        .await
        .unwrap();
    let third = call()
        .max_items(2)
        .set_marker(second.marker)
        .send()
        .await
        .unwrap();
    assert!(!third.is_truncated() && third.marker.is_none());
    let names: Vec<_> = [
        first.user_detail_list,
        second.user_detail_list,
        third.user_detail_list,
    ]
    .into_iter()
    .flatten()
    .flatten()
    .filter_map(|user| user.user_name)
    .collect();
    assert_eq!(names, ["user-0", "user-1", "user-2", "user-3", "user-4"]);
}

#[tokio::test]
async fn without_a_filter_all_kinds_are_shown() {
    let (_world, iam) = member().await;
    make_user(&iam, "alice").await;
    iam.create_group()
        .group_name("engineers")
        .send()
        .await
        .unwrap();
    let answer = iam
        .get_account_authorization_details()
        .send()
        .await
        .unwrap();
    assert_eq!(answer.user_detail_list().len(), 1);
    assert_eq!(answer.group_detail_list().len(), 1);
    // The member role.
    assert_eq!(answer.role_detail_list().len(), 1);
    let call = iam.get_account_authorization_details();
    let groups = call.filter(EntityType::Group).send().await.unwrap();
    assert!(groups.user_detail_list().is_empty());
}

#[tokio::test]
async fn what_is_out_of_range_is_refused() {
    let (_world, iam) = member().await;
    let call = || iam.get_account_authorization_details();
    for refused in [
        call().max_items(0).send().await,
        call().max_items(1001).send().await,
        call().filter(EntityType::from("Users")).send().await,
    ] {
        assert_eq!(refusal(refused), "ValidationError");
    }
}

#[tokio::test]
async fn a_role_needs_the_permission_on_everything() {
    let narrow = json!("arn:aws:iam::*:user/*");
    let action = json!(ACTION);
    let world = world_allowing(json!([allow(action.clone(), narrow)])).await;
    let iam = session_iam(&world).await;
    let refused = iam.get_account_authorization_details().send().await;
    assert_eq!(refusal(refused), "AccessDenied");
    // Nor does it learn of anybody from a place that has not heard of the newest.
    make_user(&world.members()[0].iam(), "alice").await;
    let stale = Fault::new(FaultKind::NewestNotListed, ACTION);
    world.control().add_fault(&stale).await.unwrap();
    let refused = iam.get_account_authorization_details().send().await;
    assert_eq!(refusal(refused), "AccessDenied");
    let world = world_allowing(json!([allow(action, json!("*"))])).await;
    assert!(page(&session_iam(&world).await).await.is_empty());
}

#[tokio::test]
async fn calls_are_logged_and_faults_hit_them() {
    let (world, iam) = member().await;
    make_user(&iam, "alice").await;
    make_user(&iam, "bob").await;
    let account = &world.members()[0];
    let logged = account.logged_iam();
    let control = world.control();
    let throttle = Fault::new(FaultKind::Throttle, ACTION).in_account(account.id());
    control.add_fault(&throttle).await.unwrap();
    let refused = logged.get_account_authorization_details().send().await;
    assert_eq!(refusal(refused), "Throttling");
    let stale = Fault::new(FaultKind::NewestNotListed, ACTION).in_account(account.id());
    control.add_fault(&stale).await.unwrap();
    assert_eq!(names(page(&logged).await), ["alice"]);
    assert_eq!(names(page(&logged).await), ["alice", "bob"]);
    let calls = control.calls(account.id()).await.unwrap();
    assert_eq!(calls.iter().filter(|call| call.action == ACTION).count(), 3);
}

#[tokio::test]
async fn the_user_that_was_made_last_is_missing_from_the_page_that_it_would_be_on() {
    let (world, iam) = member().await;
    make_user(&iam, "alice").await;
    make_user(&iam, "bob").await;
    // Another name makes nobody new.
    let rename = iam.update_user().user_name("alice").new_user_name("zoe");
    rename.send().await.unwrap();
    let account = &world.members()[0];
    let stale = Fault::new(FaultKind::NewestNotListed, ACTION).in_account(account.id());
    world.control().add_fault(&stale).await.unwrap();

    let logged = account.logged_iam();
    let call = || logged.get_account_authorization_details();
    let groups = call().filter(EntityType::Group).send().await.unwrap();
    assert!(groups.user_detail_list().is_empty());
    let by_hand = iam.get_account_authorization_details();
    let first = by_hand.filter(EntityType::User).max_items(1).send().await;
    let behind_bob = call().filter(EntityType::User);
    let behind_bob = behind_bob.set_marker(first.unwrap().marker).send().await;
    let behind_bob = behind_bob.unwrap().user_detail_list.unwrap_or_default();
    assert_eq!(names(behind_bob), ["zoe"]);
    assert_eq!(names(page(&logged).await), ["zoe"]);
    assert_eq!(names(page(&logged).await), ["bob", "zoe"]);
}
