//! Keys, passwords and their secrets: answers as those of the stand-in, users of any age, and whose call it was.

use std::time::Duration;

use aws_sdk_iam::types::Tag;
use aws_sdk_ssm::types::{ParameterStringFilter, ParameterType};
use harness::KMS_ALIAS;
use harness::bench_server::{SeedKey, SeedUser};

use super::{config, line, server};

const PASSWORD: &str = "correct-Horse-7";
const SECRET: &str = "/crossaccount/222222222222/dora/access-key";

/// Makes every call about keys, passwords and their secrets in a member account.
pub(super) async fn transcript(
    environment: &[(String, String)],
    session: &aws_sdk_sts::types::Credentials,
) -> Vec<String> {
    let mut lines = Vec::new();
    macro_rules! note {
        ($call:expr) => {
            lines.push(line(stringify!($call), $call.send().await))
        };
    }
    let session = config(environment, Some(session));
    let iam = aws_sdk_iam::Client::new(&session);
    note!(iam.get_account_password_policy());
    for name in ["dora", "nobody"] {
        let missing = name == "nobody";
        if !missing {
            iam.create_user().user_name(name).send().await.unwrap();
        }
        note!(iam.update_login_profile().user_name(name));
        note!(
            iam.create_login_profile()
                .user_name(name)
                .password(PASSWORD)
                .password_reset_required(true)
        );
        note!(
            iam.create_login_profile()
                .user_name(name)
                .password(PASSWORD)
        );
        note!(iam.get_login_profile().user_name(name));
        note!(
            iam.update_login_profile()
                .user_name(name)
                .password(PASSWORD)
        );
        note!(iam.get_login_profile().user_name(name));
        note!(
            iam.update_login_profile()
                .user_name(name)
                .password_reset_required(false)
        );
        note!(iam.get_login_profile().user_name(name));
        note!(iam.delete_user().user_name(name));
        note!(iam.delete_login_profile().user_name(name));
        note!(iam.delete_login_profile().user_name(name));
    }

    let made = iam.create_access_key().user_name("dora").send().await;
    let key = made.as_ref().unwrap().access_key().unwrap().clone();
    lines.push(line("create_access_key", made));
    let id = key.access_key_id();
    let mut as_dora = environment.to_vec();
    for (name, value) in &mut as_dora {
        match name.as_str() {
            "AWS_ACCESS_KEY_ID" => id.clone_into(value),
            "AWS_SECRET_ACCESS_KEY" => key.secret_access_key().clone_into(value),
            _ => {}
        }
    }
    let dora = aws_sdk_sts::Client::new(&config(&as_dora, None));
    note!(iam.get_access_key_last_used().access_key_id(id));
    note!(dora.get_caller_identity());
    note!(iam.get_access_key_last_used().access_key_id(id));
    note!(iam.create_access_key().user_name("dora"));
    note!(iam.create_access_key().user_name("dora"));
    note!(iam.list_access_keys().user_name("dora"));
    let update = |status: &str| {
        let update = iam.update_access_key().user_name("dora");
        update.access_key_id(id).status(status.into())
    };
    note!(update("Inactive"));
    note!(dora.get_caller_identity());
    note!(update("Active"));
    note!(dora.get_caller_identity());
    note!(iam.delete_user().user_name("dora"));
    for _ in 0..2 {
        note!(iam.delete_access_key().user_name("dora").access_key_id(id));
        note!(update("Inactive"));
        note!(dora.get_caller_identity());
        note!(iam.get_access_key_last_used().access_key_id(id));
    }

    let kms = aws_sdk_kms::Client::new(&session);
    for name in [KMS_ALIAS, "alias/aws/ssm", "alias/missing"] {
        note!(kms.describe_key().key_id(name));
    }
    let known = kms.describe_key().key_id(KMS_ALIAS).send().await.unwrap();
    let known = known.key_metadata().unwrap();
    for name in [known.key_id(), known.arn().unwrap()] {
        note!(kms.describe_key().key_id(name));
    }

    let ssm = aws_sdk_ssm::Client::new(&session);
    let put = |value: &str| {
        let put = ssm.put_parameter().name(SECRET).value(value);
        put.r#type(ParameterType::SecureString).key_id(KMS_ALIAS)
    };
    let tag = |key: &str, value: &str| {
        let tag = aws_sdk_ssm::types::Tag::builder();
        tag.key(key).value(value).build().unwrap()
    };
    let kind = aws_sdk_ssm::types::ResourceTypeForTagging::Parameter;
    for _ in 0..2 {
        note!(put("one").description("first").tags(tag("owner", "a")));
        note!(put("one").tags(tag("owner", "a")).overwrite(true));
        note!(put("two").overwrite(true));
        note!(ssm.get_parameter().name(SECRET).with_decryption(true));
        note!(ssm.describe_parameters());
        for (key, option, value) in [
            ("Name", "Equals", SECRET),
            ("Name", "Equals", "/other"),
            ("Path", "Recursive", "/crossaccount"),
            ("Path", "Recursive", "/cross"),
            ("tag:owner", "Equals", "a"),
            ("tag:owner", "Equals", "b"),
        ] {
            let filter = ParameterStringFilter::builder().key(key).option(option);
            let filter = filter.values(value).build().unwrap();
            note!(ssm.describe_parameters().parameter_filters(filter));
        }
        note!(
            ssm.add_tags_to_resource()
                .resource_type(kind.clone())
                .resource_id(SECRET)
                .tags(tag("owner", "b"))
                .tags(tag("z", "c"))
        );
        note!(
            ssm.list_tags_for_resource()
                .resource_type(kind.clone())
                .resource_id(SECRET)
        );
        note!(ssm.delete_parameter().name(SECRET));
        note!(ssm.delete_parameter().name(SECRET));
        note!(ssm.get_parameter().name(SECRET).with_decryption(true));
        note!(
            ssm.list_tags_for_resource()
                .resource_type(kind.clone())
                .resource_id(SECRET)
        );
    }
    // What is left would change what follows.
    let left = iam.list_access_keys().user_name("dora").send().await;
    for key in left.unwrap().access_key_metadata() {
        let delete = iam.delete_access_key().user_name("dora");
        delete
            .access_key_id(key.access_key_id().unwrap())
            .send()
            .await
            .unwrap();
    }
    iam.delete_user().user_name("dora").send().await.unwrap();
    lines
}

#[tokio::test]
async fn users_can_be_there_before_with_keys_of_any_age_and_days_can_pass() {
    let server = server(Duration::ZERO);
    let day = Duration::from_hours(24);
    let key = |id: &str, days, last_used| SeedKey {
        access_key_id: id.to_owned(),
        age: day * days,
        last_used,
    };
    let tags = [
        ("crossaccount:current-key", "AKIANEW"),
        ("crossaccount:retiring-key", "AKIAOLD 2026-03-16T00:00:00Z"),
        ("crossaccount:key-intent", "none"),
    ];
    server.seed_user(SeedUser {
        account_id: "800000000000".to_owned(),
        name: "alice".to_owned(),
        path: "/people/".to_owned(),
        tags: tags
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .to_vec(),
        keys: vec![key("AKIANEW", 1, None), key("AKIAOLD", 40, Some(day * 3))],
    });
    server.age_users(15);
    assert_eq!((server.users(), server.access_keys()), (1, 2));

    let iam = aws_sdk_iam::Client::new(&config(&server.env(), None));
    let alice = iam.get_user().user_name("alice").send().await.unwrap();
    let tags: Vec<_> = alice
        .user()
        .unwrap()
        .tags()
        .iter()
        .map(Tag::value)
        .collect();
    assert_eq!(tags, ["AKIANEW", "AKIAOLD 2026-03-01T00:00:00Z", "none"]);
    let keys = iam.list_access_keys().user_name("alice").send().await;
    let keys = keys.unwrap();
    let now = jiff::Timestamp::now().as_second();
    let days = |date: &aws_sdk_iam::primitives::DateTime| (now - date.secs()) / 86_400;
    let ages: Vec<_> = keys
        .access_key_metadata()
        .iter()
        .map(|key| {
            (
                key.access_key_id().unwrap(),
                days(key.create_date().unwrap()),
            )
        })
        .collect();
    assert_eq!(ages, [("AKIAOLD", 55), ("AKIANEW", 16)]);
    let used = iam.get_access_key_last_used().access_key_id("AKIAOLD");
    let used = used.send().await.unwrap();
    let used = used.access_key_last_used().unwrap().last_used_date();
    assert_eq!(days(used.unwrap()), 18);

    // A seeded key signs calls, and the log tells for which user.
    let mut environment = server.env();
    for (name, value) in &mut environment {
        if name == "AWS_ACCESS_KEY_ID" {
            "AKIANEW".clone_into(value);
        }
    }
    server.take_calls();
    let sts = aws_sdk_sts::Client::new(&config(&environment, None));
    let identity = sts.get_caller_identity().send().await.unwrap();
    assert!(identity.arn().unwrap().ends_with(":user/people/alice"));
    assert_eq!(server.take_calls()[0].user_name, "alice");
}

#[tokio::test]
async fn a_secret_counts_for_the_user_in_its_name_wherever_it_is_kept() {
    let server = server(Duration::ZERO);
    let ssm = aws_sdk_ssm::Client::new(&config(&server.env(), None));
    let put = ssm.put_parameter().name(SECRET).value("x");
    put.r#type(ParameterType::SecureString)
        .send()
        .await
        .unwrap();
    ssm.describe_parameters().send().await.unwrap();
    let calls = server.take_calls();
    let about = |number: usize| {
        let call = &calls[number];
        (call.account_id.as_str(), call.user_name.as_str())
    };
    assert_eq!(about(0), ("222222222222", "dora"));
    assert_eq!(about(1), ("800000000000", ""));
    assert_eq!(server.parameters(), 1);
}
