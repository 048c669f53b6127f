//! Access keys and console passwords in their life: propagation, last use, age, and what only the stand-in tells.

use aws_sdk_iam::Client;
use aws_sdk_iam::types::{StatusType, Tag};
use harness::standin::Credentials;
use harness::{Account, World};
use serde_json::json;

use super::{make_user, member, refusal};

const PASSWORD: &str = "correct-Horse-7";

async fn make_key(iam: &Client) -> Credentials {
    let made = iam.create_access_key().user_name("alice").send();
    let made = made.await.unwrap();
    let key = made.access_key().unwrap();
    Credentials {
        access_key_id: key.access_key_id().to_owned(),
        secret_access_key: key.secret_access_key().to_owned(),
    }
}

/// The ARN of who signs with a key, or the error code.
async fn who(account: &Account, key: &Credentials) -> Result<String, String> {
    let sts = aws_sdk_sts::Client::new(&account.config(key));
    match sts.get_caller_identity().send().await {
        Ok(answer) => Ok(answer.arn().unwrap().to_owned()),
        refused => Err(refusal(refused)),
    }
}

#[tokio::test]
async fn only_an_active_key_of_today_says_who_it_is() {
    let (world, iam) = member().await;
    let account = &world.members()[0];
    make_user(&iam, "alice").await;
    let key = make_key(&iam).await;
    let refused = Err("InvalidClientTokenId".to_owned());
    let alice = format!("arn:aws:iam::{}:user/alice", account.id());
    assert_eq!(who(account, &key).await, Ok(alice));
    let wrong = Credentials {
        secret_access_key: "wrong".to_owned(),
        ..key.clone()
    };
    assert_eq!(
        who(account, &wrong).await,
        Err("SignatureDoesNotMatch".to_owned())
    );

    let id = key.access_key_id.as_str();
    iam.update_access_key()
        .user_name("alice")
        .access_key_id(id)
        .status(StatusType::Inactive)
        .send()
        .await
        .unwrap();
    assert_eq!(who(account, &key).await, refused);
    let delete = iam.delete_access_key().user_name("alice").access_key_id(id);
    delete.send().await.unwrap();
    assert_eq!(who(account, &key).await, refused);
}

#[tokio::test]
async fn a_new_key_can_need_some_calls_until_it_is_known() {
    let (world, iam) = member().await;
    let account = &world.members()[0];
    make_user(&iam, "alice").await;
    let old = make_key(&iam).await;
    world
        .control()
        .set_key_delay(account.id(), 2)
        .await
        .unwrap();
    let new = make_key(&iam).await;
    assert!(who(account, &old).await.is_ok());
    for _ in 0..2 {
        assert_eq!(
            who(account, &new).await,
            Err("InvalidClientTokenId".to_owned())
        );
    }
    let secrets = world.control().user_secrets(account.id(), "alice").await;
    assert_eq!(
        secrets
            .unwrap()
            .keys
            .iter()
            .filter(|key| key.last_used.is_some())
            .count(),
        1
    );
    assert!(who(account, &new).await.is_ok());
}

#[tokio::test]
async fn using_a_key_sets_when_and_where_it_was_used() {
    let (world, iam) = member().await;
    make_user(&iam, "alice").await;
    let key = make_key(&iam).await;
    who(&world.members()[0], &key).await.unwrap();
    let used = iam
        .get_access_key_last_used()
        .access_key_id(&key.access_key_id)
        .send()
        .await
        .unwrap();
    assert_eq!(used.user_name(), Some("alice"));
    let used = used.access_key_last_used().unwrap();
    assert_eq!((used.service_name(), used.region()), ("sts", "us-east-1"));
    assert!(used.last_used_date().is_some());
    iam.delete_access_key()
        .user_name("alice")
        .access_key_id(&key.access_key_id)
        .send()
        .await
        .unwrap();
    let gone = iam
        .get_access_key_last_used()
        .access_key_id(&key.access_key_id)
        .send()
        .await;
    assert_eq!(refusal(gone), "AccessDenied");
}

#[tokio::test]
async fn inactive_keys_count_against_the_limit() {
    let (_world, iam) = member().await;
    make_user(&iam, "alice").await;
    for _ in 0..2 {
        let key = make_key(&iam).await;
        iam.update_access_key()
            .user_name("alice")
            .access_key_id(key.access_key_id)
            .status(StatusType::Inactive)
            .send()
            .await
            .unwrap();
    }
    let third = iam.create_access_key().user_name("alice").send().await;
    assert_eq!(refusal(third), "LimitExceeded");
}

#[tokio::test]
async fn days_pass_for_one_user_in_no_time() {
    let (world, iam) = member().await;
    let (control, account) = (world.control(), &world.members()[0]);
    make_user(&iam, "alice").await;
    let key = make_key(&iam).await;
    who(account, &key).await.unwrap();
    let tag = |key: &str, value: &str| Tag::builder().key(key).value(value).build().unwrap();
    iam.tag_user()
        .user_name("alice")
        .tags(tag(
            "crossaccount:retiring-key",
            "AKIA1 2026-03-01T00:30:00Z",
        ))
        .tags(tag(
            "crossaccount:key-intent",
            "2026-03-01T00:30:00.123456789Z",
        ))
        .tags(tag("other", "2026-03-01T00:30:00Z"))
        .send()
        .await
        .unwrap();
    let id = account.id();
    let before = control.user_secrets(id, "alice").await.unwrap();
    control.age_user(id, "alice", 15.0).await.unwrap();
    let after = control.user_secrets(id, "alice").await.unwrap();

    assert_eq!(
        after.tags["crossaccount:retiring-key"],
        "AKIA1 2026-02-14T00:30:00Z"
    );
    assert_eq!(
        after.tags["crossaccount:key-intent"],
        "2026-02-14T00:30:00.123456789Z"
    );
    assert_eq!(after.tags["other"], "2026-03-01T00:30:00Z");
    let days = |from: &str, to: &str| {
        let time = |text: &str| text.parse::<jiff::Timestamp>().unwrap();
        time(to).duration_since(time(from)).as_hours() / 24
    };
    let (old, new) = (&after.keys[0], &before.keys[0]);
    assert_eq!(days(&old.create_date, &new.create_date), 15);
    assert_eq!(
        days(
            old.last_used.as_ref().unwrap(),
            new.last_used.as_ref().unwrap()
        ),
        15
    );
    let listed = iam.list_access_keys().user_name("alice").send().await;
    let listed = listed.unwrap();
    let date = listed.access_key_metadata()[0].create_date().unwrap();
    let expected: jiff::Timestamp = old.create_date.parse().unwrap();
    assert_eq!(date.secs(), expected.as_second());
}

#[tokio::test]
async fn the_harness_reads_secrets_passwords_and_the_reset_flag() {
    let (world, iam) = member().await;
    let (control, id) = (world.control(), world.members()[0].id());
    make_user(&iam, "alice").await;
    let key = make_key(&iam).await;
    let create = iam.create_login_profile().user_name("alice");
    let create = create.password(PASSWORD).password_reset_required(true);
    create.send().await.unwrap();

    let found = control.user_secrets(id, "alice").await.unwrap();
    assert_eq!(found.keys[0].access_key_id, key.access_key_id);
    assert_eq!(found.keys[0].secret_access_key, key.secret_access_key);
    assert!(found.keys[0].active);
    let login = found.login.unwrap();
    assert_eq!(
        (login.password.as_str(), login.reset_required),
        (PASSWORD, true)
    );

    // Without a password the old one stays.
    let update = iam.update_login_profile().user_name("alice");
    let update = update.password_reset_required(false);
    update.send().await.unwrap();
    let login = control.user_secrets(id, "alice").await.unwrap().login;
    let login = login.unwrap();
    assert_eq!(
        (login.password.as_str(), login.reset_required),
        (PASSWORD, false)
    );
}

#[tokio::test]
async fn a_test_can_set_the_password_policy() {
    let world = World::new(1).await.unwrap();
    let (control, account) = (world.control(), &world.members()[0]);
    let iam = account.iam();
    make_user(&iam, "alice").await;
    let none = iam.get_account_password_policy().send().await;
    assert_eq!(refusal(none), "NoSuchEntity");
    let policy = json!({"MinimumPasswordLength": 20, "RequireSymbols": true});
    control
        .set_password_policy(account.id(), Some(policy))
        .await
        .unwrap();
    let shown = iam.get_account_password_policy().send().await.unwrap();
    let shown = shown.password_policy().unwrap();
    assert_eq!(shown.minimum_password_length(), Some(20));
    assert!(shown.require_symbols() && !shown.require_numbers());
    let create = |password: &str| {
        iam.create_login_profile()
            .user_name("alice")
            .password(password)
            .send()
    };
    assert_eq!(refusal(create(PASSWORD).await), "PasswordPolicyViolation");
    control
        .set_password_policy(account.id(), None)
        .await
        .unwrap();
    create(PASSWORD).await.unwrap();
    assert_eq!(refusal(create(PASSWORD).await), "EntityAlreadyExists");
}
