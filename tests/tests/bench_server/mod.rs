//! The server of the benchmark answers as the AWS stand-in does: the same calls through the AWS SDK lead to the same
//! fields on both, but for what is random or a time.

mod inventory;
mod jobs;
mod secrets;
mod table;

use std::fmt::Debug;
use std::time::Duration;

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_sdk_iam::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_iam::types::Tag;
use aws_sdk_s3::primitives::ByteStream;
use aws_smithy_http_client::Builder as HttpClientBuilder;
use harness::World;
use harness::bench_server::jobs::TABLE;
use harness::bench_server::{
    BenchServer, BenchServerOptions, TableOptions, by_action, round_trips,
};
use regex::Regex;

const BUCKET_NAME: &str = "audit-benchmark";
const GROUP: &str = "engineers";
const READ_ONLY: &str = "arn:aws:iam::aws:policy/ReadOnlyAccess";
const BOUNDARY: &str = "arn:aws:iam::aws:policy/PowerUserAccess";
const POLICY: &str = r#"{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:Get*", "Resource": "*"}]}"#;

/// Every call that the server answers, as its log names it, but for `iam:GetAccountAuthorizationDetails`: see [`inventory`].
const ANSWERED: [&str; 47] = [
    "dynamodb:DeleteItem",
    "dynamodb:DescribeTable",
    "dynamodb:GetItem",
    "dynamodb:PutItem",
    "dynamodb:Scan",
    "dynamodb:UpdateItem",
    "iam:AddUserToGroup",
    "iam:AttachUserPolicy",
    "iam:CreateAccessKey",
    "iam:CreateLoginProfile",
    "iam:CreateUser",
    "iam:DeleteAccessKey",
    "iam:DeleteLoginProfile",
    "iam:DeleteUser",
    "iam:DeleteUserPolicy",
    "iam:DetachUserPolicy",
    "iam:GetAccessKeyLastUsed",
    "iam:GetAccountPasswordPolicy",
    "iam:GetAccountSummary",
    "iam:GetLoginProfile",
    "iam:GetUser",
    "iam:GetUserPolicy",
    "iam:ListAccessKeys",
    "iam:ListAttachedUserPolicies",
    "iam:ListGroupsForUser",
    "iam:ListMFADevices",
    "iam:ListSSHPublicKeys",
    "iam:ListServiceSpecificCredentials",
    "iam:ListSigningCertificates",
    "iam:ListUserPolicies",
    "iam:ListUsers",
    "iam:PutUserPolicy",
    "iam:RemoveUserFromGroup",
    "iam:TagUser",
    "iam:UpdateAccessKey",
    "iam:UpdateLoginProfile",
    "kms:DescribeKey",
    "s3:HeadBucket",
    "s3:PutObject",
    "ssm:AddTagsToResource",
    "ssm:DeleteParameter",
    "ssm:DescribeParameters",
    "ssm:GetParameter",
    "ssm:ListTagsForResource",
    "ssm:PutParameter",
    "sts:AssumeRole",
    "sts:GetCallerIdentity",
];

fn server(latency: Duration) -> BenchServer {
    BenchServer::start(BenchServerOptions {
        groups: vec![GROUP.to_owned()],
        buckets: vec![BUCKET_NAME.to_owned()],
        tables: vec![TableOptions {
            name: TABLE.to_owned(),
            hash_key: "UserName".to_owned(),
            range_key: Some("AccountId".to_owned()),
        }],
        latency,
        ..BenchServerOptions::default()
    })
    .unwrap()
}

fn config(
    environment: &[(String, String)],
    session: Option<&aws_sdk_sts::types::Credentials>,
) -> SdkConfig {
    let of = |name: &str| {
        let found = environment.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.clone()).unwrap()
    };
    let credentials = match session {
        None => Credentials::new(
            of("AWS_ACCESS_KEY_ID"),
            of("AWS_SECRET_ACCESS_KEY"),
            None,
            None,
            "test",
        ),
        Some(session) => Credentials::new(
            session.access_key_id(),
            session.secret_access_key(),
            Some(session.session_token().to_owned()),
            None,
            "test",
        ),
    };
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(of("AWS_REGION")))
        .endpoint_url(of("AWS_ENDPOINT_URL"))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .http_client(HttpClientBuilder::new().build_http())
        .retry_config(aws_config::retry::RetryConfig::disabled())
        .build()
}

/// What a call answered, without what is random or a time.
fn line<T, E>(call: &str, result: Result<T, SdkError<E>>) -> String
where
    T: Debug,
    E: ProvideErrorMetadata + Debug,
{
    let text = match result {
        Ok(output) => format!("{output:?}"),
        Err(SdkError::ServiceError(refused)) => {
            let (error, status) = (refused.err(), refused.raw().status());
            format!("{status} {:?}: {:?}", error.code(), error.message())
        }
        Err(error) => panic!("{call} was not answered: {error:?}"),
    };
    let rules = [
        (r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "REQUEST"),
        (r"\d{4}-\d\d-\d\dT[0-9:.]+Z", "TIME"),
        (r"\b[0-9]{12}\b", "ACCOUNT"),
        (r"(AIDA|AGPA|AROA|ASIA|AKIA)[A-Z0-9]{16,17}", "${1}ID"),
        (r#"session_token: "[^"]*""#, "session_token: TOKEN"),
        (r#"e_tag: Some\("[^)]*"\)"#, "e_tag: TAG"),
    ];
    let text = rules.iter().fold(text, |text, (pattern, replacement)| {
        Regex::new(pattern)
            .unwrap()
            .replace_all(&text, *replacement)
            .into_owned()
    });
    format!("{call}: {text}")
}

fn tag(key: &str, value: &str) -> Tag {
    Tag::builder().key(key).value(value).build().unwrap()
}

/// Makes every call, in a member account and in the hub, and tells what was answered.
async fn transcript(
    environment: &[(String, String)],
    role_arn: &str,
    external_id: &str,
    bucket: &str,
) -> Vec<String> {
    let mut lines = Vec::new();
    macro_rules! note {
        ($call:expr) => {
            lines.push(line(stringify!($call), $call.send().await))
        };
    }

    let hub = config(environment, None);
    let sts = aws_sdk_sts::Client::new(&hub);
    // Who the hub is depends on who made the server, so only the account is compared.
    let identity = sts.get_caller_identity().send().await.unwrap();
    lines.push(format!(
        "identity: {} {}",
        identity.account().unwrap().len(),
        identity
            .arn()
            .unwrap()
            .contains(&format!("arn:aws:iam::{}:", identity.account().unwrap()))
    ));
    let assume = sts
        .assume_role()
        .role_arn(role_arn)
        .role_session_name("crossaccount-test")
        .external_id(external_id)
        .duration_seconds(900)
        .source_identity("somebody");
    let session = assume.clone().send().await;
    let credentials = session.as_ref().unwrap().credentials().unwrap().clone();
    lines.push(line("assume_role", session));
    note!(assume.clone().set_source_identity(None));

    let iam = aws_sdk_iam::Client::new(&config(environment, Some(&credentials)));
    let mut summary: Vec<_> = iam
        .get_account_summary()
        .send()
        .await
        .unwrap()
        .summary_map()
        .unwrap()
        .iter()
        .map(|(key, value)| format!("{} = {value}", key.as_str()))
        .collect();
    summary.sort();
    lines.extend(summary);

    // Twice with a user and once without: before, with everything, and after.
    for name in ["alice", "bob"] {
        let missing = name == "bob";
        if !missing {
            note!(
                iam.create_user()
                    .user_name(name)
                    .path("/app/")
                    .permissions_boundary(BOUNDARY)
                    .tags(tag("Team", "a + b"))
                    .tags(tag("crossaccount:managed-by", "@me"))
            );
            note!(iam.create_user().user_name("ALICE"));
            note!(
                iam.create_user()
                    .user_name("carol")
                    .permissions_boundary("arn:aws:iam::222222222222:policy/none")
            );
            note!(iam.create_user().user_name("plain"));
            note!(iam.get_user().user_name("plain"));
            note!(iam.list_users());
            note!(iam.list_users().path_prefix("/app/"));
        }
        note!(
            iam.tag_user()
                .user_name(name)
                .tags(tag("team", "c"))
                .tags(tag("Cost", "1"))
        );
        note!(
            iam.attach_user_policy()
                .user_name(name)
                .policy_arn(READ_ONLY)
        );
        note!(
            iam.attach_user_policy()
                .user_name(name)
                .policy_arn(BOUNDARY)
        );
        note!(
            iam.put_user_policy()
                .user_name(name)
                .policy_name("own")
                .policy_document(POLICY)
        );
        note!(iam.add_user_to_group().user_name(name).group_name(GROUP));
        note!(iam.add_user_to_group().user_name(name).group_name("nobody"));
        note!(iam.get_user().user_name(name));
        note!(iam.list_attached_user_policies().user_name(name));
        note!(iam.list_user_policies().user_name(name).max_items(1000));
        note!(iam.get_user_policy().user_name(name).policy_name("own"));
        note!(iam.get_user_policy().user_name(name).policy_name("other"));
        note!(iam.list_groups_for_user().user_name(name));
        note!(iam.get_login_profile().user_name(name));
        note!(iam.list_access_keys().user_name(name));
        note!(iam.list_mfa_devices().user_name(name));
        note!(iam.list_signing_certificates().user_name(name));
        note!(iam.list_ssh_public_keys().user_name(name));
        note!(iam.list_service_specific_credentials().user_name(name));
        note!(iam.delete_user().user_name(name));
        note!(
            iam.remove_user_from_group()
                .user_name(name)
                .group_name(GROUP)
        );
        note!(
            iam.remove_user_from_group()
                .user_name(name)
                .group_name(GROUP)
        );
        note!(iam.delete_user().user_name(name));
        note!(iam.delete_user_policy().user_name(name).policy_name("own"));
        note!(iam.delete_user_policy().user_name(name).policy_name("own"));
        note!(iam.delete_user().user_name(name));
        note!(
            iam.detach_user_policy()
                .user_name(name)
                .policy_arn(READ_ONLY)
        );
        note!(
            iam.detach_user_policy()
                .user_name(name)
                .policy_arn(READ_ONLY)
        );
        note!(
            iam.detach_user_policy()
                .user_name(name)
                .policy_arn(BOUNDARY)
        );
        note!(iam.list_groups_for_user().user_name(name));
        note!(iam.list_attached_user_policies().user_name(name));
        note!(iam.list_user_policies().user_name(name));
        note!(iam.delete_user().user_name(name));
        note!(iam.get_user().user_name(name));
    }

    lines.extend(secrets::transcript(environment, &credentials).await);
    lines.extend(table::transcript(environment).await);

    let s3 = aws_sdk_s3::config::Builder::from(&hub)
        .force_path_style(true)
        .build();
    let s3 = aws_sdk_s3::Client::from_conf(s3);
    for name in [bucket, "no-such-bucket-here"] {
        let known = if name == bucket { "the bucket" } else { name };
        lines.push(line(
            &format!("head {known}"),
            s3.head_bucket().bucket(name).send().await,
        ));
        for _ in 0..2 {
            let put = s3
                .put_object()
                .bucket(name)
                .key("a/dt=2026-01-02/b c.json")
                .if_none_match("*");
            let put = put.body(ByteStream::from_static(b"{}")).send().await;
            lines.push(line(&format!("put {known}"), put));
        }
    }
    lines
}

#[tokio::test]
async fn every_answer_has_the_same_fields_as_that_of_the_stand_in() {
    let world = World::new(1).await.unwrap();
    let member = world.members()[0].id();
    world
        .iam(member)
        .unwrap()
        .create_group()
        .group_name(GROUP)
        .send()
        .await
        .unwrap();
    table::make(&world.env()).await;
    let expected = transcript(
        &world.env(),
        &world.role_arn(member),
        world.external_id(),
        world.audit_bucket(),
    )
    .await;

    let server = server(Duration::ZERO);
    let role_arn = "arn:aws:iam::222222222222:role/CrossAccountUserAdmin";
    let answered = transcript(&server.env(), role_arn, "anything", BUCKET_NAME).await;
    let differences: Vec<String> = answered
        .iter()
        .zip(&expected)
        .filter(|(answered, expected)| answered != expected)
        .map(|(answered, expected)| format!("here: {answered}\nthere: {expected}\n"))
        .collect();
    assert!(differences.is_empty(), "{}", differences.join("\n"));
    assert_eq!(answered.len(), expected.len());
    assert_eq!(server.users(), 1, "only the user without children is left");

    let calls = server.take_calls();
    let compared: Vec<String> = by_action(&calls).into_keys().collect();
    assert_eq!(compared, ANSWERED);
}

#[tokio::test]
async fn a_call_that_the_benchmark_does_not_make_is_refused_as_such() {
    let server = server(Duration::ZERO);
    let iam = aws_sdk_iam::Client::new(&config(&server.env(), None));
    iam.create_user().user_name("alice").send().await.unwrap();
    let refused = iam
        .update_user()
        .user_name("alice")
        .new_path("/x/")
        .send()
        .await
        .unwrap_err();
    assert_eq!(refused.code(), Some("InvalidAction"));
    let calls = server.take_calls();
    assert_eq!(calls[1].error_code.as_deref(), Some("InvalidAction"));
    assert_eq!(calls[1].status, 400);
}

#[tokio::test]
async fn unknown_credentials_are_refused() {
    let server = server(Duration::ZERO);
    let mut environment = server.env();
    for (name, value) in &mut environment {
        if name == "AWS_ACCESS_KEY_ID" {
            "AKIAUNKNOWN000000000".clone_into(value);
        }
    }
    let iam = aws_sdk_iam::Client::new(&config(&environment, None));
    let refused = iam.get_user().user_name("alice").send().await.unwrap_err();
    assert_eq!(refused.code(), Some("InvalidClientTokenId"));
}

#[tokio::test]
async fn every_call_takes_the_latency_and_calls_at_the_same_time_are_one_round_trip() {
    let latency = Duration::from_millis(40);
    let server = server(latency);
    let iam = aws_sdk_iam::Client::new(&config(&server.env(), None));
    iam.create_user().user_name("alice").send().await.unwrap();
    let (user, groups) = tokio::join!(
        iam.get_user().user_name("alice").send(),
        iam.list_groups_for_user().user_name("alice").send(),
    );
    assert!(user.is_ok() && groups.is_ok());
    let calls = server.take_calls();
    assert_eq!(calls.len(), 3);
    assert!(
        calls
            .iter()
            .all(|call| call.end.checked_sub(call.begin).unwrap() >= latency),
        "{calls:?}"
    );
    assert!(
        calls.iter().all(|call| call.user_name == "alice"),
        "{calls:?}"
    );
    assert_eq!(round_trips(&calls), 2, "{calls:?}");
    assert!(server.take_calls().is_empty());
}
