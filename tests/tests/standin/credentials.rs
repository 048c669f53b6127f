//! What can belong to a user: each kind is listed, stops a deletion, and can be removed.

use aws_sdk_iam::Client;
use aws_sdk_iam::error::ProvideErrorMetadata;
use aws_sdk_iam::primitives::DateTime;

use super::{make_user, member, refusal};

const PASSWORD: &str = "correct-Horse-7";

/// Deletion must be refused with a message that names what is in the way.
async fn is_in_the_way(iam: &Client, what: &str) {
    let error = iam
        .delete_user()
        .user_name("alice")
        .send()
        .await
        .unwrap_err();
    assert_eq!(error.code(), Some("DeleteConflict"), "{what}");
    assert!(error.message().unwrap().contains(what), "{error:?}");
}

#[tokio::test]
async fn everything_that_belongs_to_a_user_stops_its_deletion_until_it_is_removed() {
    let (_world, iam) = member().await;
    make_user(&iam, "alice").await;

    iam.create_login_profile()
        .user_name("alice")
        .password(PASSWORD)
        .send()
        .await
        .unwrap();
    is_in_the_way(&iam, "login profile").await;
    iam.delete_login_profile()
        .user_name("alice")
        .send()
        .await
        .unwrap();

    let key = iam
        .create_access_key()
        .user_name("alice")
        .send()
        .await
        .unwrap();
    is_in_the_way(&iam, "access keys").await;
    let key_id = key.access_key().unwrap().access_key_id();
    iam.delete_access_key()
        .user_name("alice")
        .access_key_id(key_id)
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
    is_in_the_way(&iam, "group").await;
    iam.remove_user_from_group()
        .user_name("alice")
        .group_name("team")
        .send()
        .await
        .unwrap();

    let device = iam
        .create_virtual_mfa_device()
        .virtual_mfa_device_name("phone")
        .send()
        .await;
    let device = device
        .unwrap()
        .virtual_mfa_device()
        .unwrap()
        .serial_number()
        .to_owned();
    iam.enable_mfa_device()
        .user_name("alice")
        .serial_number(&device)
        .authentication_code1("123456")
        .authentication_code2("654321")
        .send()
        .await
        .unwrap();
    is_in_the_way(&iam, "MFA device").await;
    let listed = iam
        .list_mfa_devices()
        .user_name("alice")
        .send()
        .await
        .unwrap();
    assert_eq!(listed.mfa_devices()[0].serial_number(), device);
    let delete = || {
        iam.delete_virtual_mfa_device()
            .serial_number(&device)
            .send()
    };
    assert_eq!(refusal(delete().await), "DeleteConflict");
    iam.deactivate_mfa_device()
        .user_name("alice")
        .serial_number(&device)
        .send()
        .await
        .unwrap();
    delete().await.unwrap();

    let body = "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQ alice";
    iam.upload_ssh_public_key()
        .user_name("alice")
        .ssh_public_key_body(body)
        .send()
        .await
        .unwrap();
    is_in_the_way(&iam, "SSH").await;
    let listed = iam
        .list_ssh_public_keys()
        .user_name("alice")
        .send()
        .await
        .unwrap();
    let key_id = listed.ssh_public_keys()[0].ssh_public_key_id();
    iam.delete_ssh_public_key()
        .user_name("alice")
        .ssh_public_key_id(key_id)
        .send()
        .await
        .unwrap();

    let body = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----";
    iam.upload_signing_certificate()
        .user_name("alice")
        .certificate_body(body)
        .send()
        .await
        .unwrap();
    is_in_the_way(&iam, "signing certificate").await;
    let listed = iam
        .list_signing_certificates()
        .user_name("alice")
        .send()
        .await
        .unwrap();
    let id = listed.certificates()[0].certificate_id();
    iam.delete_signing_certificate()
        .user_name("alice")
        .certificate_id(id)
        .send()
        .await
        .unwrap();

    iam.create_service_specific_credential()
        .user_name("alice")
        .service_name("codecommit.amazonaws.com")
        .send()
        .await
        .unwrap();
    is_in_the_way(&iam, "service specific").await;
    let listed = iam
        .list_service_specific_credentials()
        .user_name("alice")
        .send()
        .await
        .unwrap();
    let id = listed.service_specific_credentials()[0].service_specific_credential_id();
    iam.delete_service_specific_credential()
        .user_name("alice")
        .service_specific_credential_id(id)
        .send()
        .await
        .unwrap();

    let document =
        r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:*","Resource":"*"}}"#;
    iam.put_user_policy()
        .user_name("alice")
        .policy_name("own")
        .policy_document(document)
        .send()
        .await
        .unwrap();
    is_in_the_way(&iam, "policies").await;
    iam.delete_user_policy()
        .user_name("alice")
        .policy_name("own")
        .send()
        .await
        .unwrap();

    let arn = "arn:aws:iam::aws:policy/ReadOnlyAccess";
    iam.attach_user_policy()
        .user_name("alice")
        .policy_arn(arn)
        .send()
        .await
        .unwrap();
    is_in_the_way(&iam, "detach all policies").await;
    iam.detach_user_policy()
        .user_name("alice")
        .policy_arn(arn)
        .send()
        .await
        .unwrap();

    iam.delete_user().user_name("alice").send().await.unwrap();
    assert_eq!(
        refusal(iam.get_user().user_name("alice").send().await),
        "NoSuchEntity"
    );
}

#[tokio::test]
async fn a_service_credential_shows_its_secret_only_when_made_or_reset() {
    let (_world, iam) = member().await;
    make_user(&iam, "alice").await;
    let service = "codecommit.amazonaws.com";
    let create = || {
        iam.create_service_specific_credential()
            .user_name("alice")
            .service_name(service)
            .send()
    };
    let made = create().await.unwrap();
    let made = made.service_specific_credential().unwrap();
    let id = made.service_specific_credential_id();
    let reset = iam
        .reset_service_specific_credential()
        .user_name("alice")
        .service_specific_credential_id(id)
        .send()
        .await
        .unwrap();
    let reset = reset.service_specific_credential().unwrap();
    assert_ne!(reset.service_password(), made.service_password());
    assert_eq!(reset.service_user_name(), made.service_user_name());
    create().await.unwrap();
    assert_eq!(refusal(create().await), "LimitExceeded");
}

#[tokio::test]
async fn a_login_profile_keeps_its_reset_flag_and_its_own_date() {
    let (world, iam) = member().await;
    make_user(&iam, "alice").await;
    let account = world.members()[0].id();
    let long_ago = serde_json::json!({"create_date": "2020-02-29T00:00:00Z"});
    world
        .control()
        .set_user(account, "alice", &long_ago)
        .await
        .unwrap();
    let create = || {
        iam.create_login_profile()
            .user_name("alice")
            .password(PASSWORD)
            .password_reset_required(true)
            .send()
    };
    let weak = iam
        .create_login_profile()
        .user_name("alice")
        .password("password")
        .send()
        .await;
    assert_eq!(refusal(weak), "PasswordPolicyViolation");
    create().await.unwrap();
    assert_eq!(refusal(create().await), "EntityAlreadyExists");

    // An update without a password must not touch the password or the profile.
    iam.update_login_profile()
        .user_name("alice")
        .send()
        .await
        .unwrap();
    let profile = iam
        .get_login_profile()
        .user_name("alice")
        .send()
        .await
        .unwrap();
    let profile = profile.login_profile().unwrap();
    assert!(profile.password_reset_required());
    let user = iam.get_user().user_name("alice").send().await.unwrap();
    let created = *user.user().unwrap().create_date();
    assert_eq!(created, DateTime::from_secs(1_582_934_400));
    assert!(*profile.create_date() > created);

    iam.update_login_profile()
        .user_name("alice")
        .password_reset_required(false)
        .send()
        .await
        .unwrap();
    let profile = iam
        .get_login_profile()
        .user_name("alice")
        .send()
        .await
        .unwrap();
    assert!(!profile.login_profile().unwrap().password_reset_required());
}

#[tokio::test]
async fn the_password_policy_of_the_account_decides() {
    let (_world, iam) = member().await;
    make_user(&iam, "alice").await;
    assert_eq!(
        refusal(iam.get_account_password_policy().send().await),
        "NoSuchEntity"
    );
    iam.update_account_password_policy()
        .minimum_password_length(20)
        .require_symbols(true)
        .send()
        .await
        .unwrap();
    let policy = iam.get_account_password_policy().send().await.unwrap();
    assert_eq!(
        policy.password_policy().unwrap().minimum_password_length(),
        Some(20)
    );
    let create = |password: &str| {
        iam.create_login_profile()
            .user_name("alice")
            .password(password)
            .send()
    };
    assert_eq!(refusal(create(PASSWORD).await), "PasswordPolicyViolation");
    create("a-long-enough-password").await.unwrap();
}

#[tokio::test]
async fn dates_of_keys_can_be_set_and_keys_of_other_accounts_are_unknown() {
    let world = harness::World::new(2).await.unwrap();
    let (account, iam) = (world.members()[0].id(), world.members()[0].iam());
    make_user(&iam, "alice").await;
    let key = iam
        .create_access_key()
        .user_name("alice")
        .send()
        .await
        .unwrap();
    let key_id = key.access_key().unwrap().access_key_id().to_owned();
    let last_used = || iam.get_access_key_last_used().access_key_id(&key_id).send();
    let unused = last_used().await.unwrap();
    let unused = unused.access_key_last_used().unwrap();
    assert_eq!(
        (unused.last_used_date(), unused.service_name()),
        (None, "N/A")
    );

    let control = world.control();
    let date = "2026-01-02T03:04:05Z";
    control
        .set_key_create_date(account, &key_id, date)
        .await
        .unwrap();
    control
        .set_key_last_used(account, &key_id, Some(date))
        .await
        .unwrap();

    let expected = DateTime::from_secs(1_767_323_045);
    let listed = iam
        .list_access_keys()
        .user_name("alice")
        .send()
        .await
        .unwrap();
    assert_eq!(
        listed.access_key_metadata()[0].create_date(),
        Some(&expected)
    );
    let used = last_used().await.unwrap();
    assert_eq!(used.user_name(), Some("alice"));
    assert_eq!(
        used.access_key_last_used().unwrap().last_used_date(),
        Some(&expected)
    );
    let elsewhere = world.members()[1].iam();
    let foreign = elsewhere
        .get_access_key_last_used()
        .access_key_id(&key_id)
        .send()
        .await;
    assert_eq!(refusal(foreign), "AccessDenied");
}

#[tokio::test]
async fn a_third_access_key_exceeds_the_limit() {
    let (_world, iam) = member().await;
    make_user(&iam, "alice").await;
    let create = || iam.create_access_key().user_name("alice").send();
    create().await.unwrap();
    create().await.unwrap();
    assert_eq!(refusal(create().await), "LimitExceeded");
}
