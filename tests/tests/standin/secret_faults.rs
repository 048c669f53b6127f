//! Every kind of fault on the calls that make, check and store credentials.

use std::time::Duration;

use aws_sdk_ssm::types::ParameterType;
use harness::standin::Call;
use harness::{Account, Fault, FaultKind, KMS_ALIAS, World};

use super::make_user;

const NAME: &str = "/crossaccount/1/alice/access-key";
const LIMIT: Duration = Duration::from_secs(30);

/// What makes credentials, in the order in which it can be done.
const ACTIONS: [&str; 15] = [
    "iam:GetAccountPasswordPolicy",
    "iam:TagUser",
    "iam:CreateAccessKey",
    "iam:ListAccessKeys",
    "iam:GetAccessKeyLastUsed",
    "iam:UpdateAccessKey",
    "sts:GetCallerIdentity",
    "kms:DescribeKey",
    "ssm:PutParameter",
    "ssm:DescribeParameters",
    "ssm:ListTagsForResource",
    "ssm:DeleteParameter",
    "iam:CreateLoginProfile",
    "iam:UpdateLoginProfile",
    "iam:DeleteLoginProfile",
];

/// Calls one action as the logged operator; the outcome is in the call log.
async fn call(account: &Account, action: &str, key_id: &str) {
    let config = account.config(account.credentials());
    let iam = aws_sdk_iam::Client::new(&config);
    let ssm = aws_sdk_ssm::Client::new(&config);
    let user = "alice";
    macro_rules! send {
        ($request:expr) => {
            drop($request.send().await)
        };
    }
    match action {
        "iam:GetAccountPasswordPolicy" => send!(iam.get_account_password_policy()),
        "iam:TagUser" => {
            let tag = aws_sdk_iam::types::Tag::builder().key("a").value("b");
            send!(iam.tag_user().user_name(user).tags(tag.build().unwrap()));
        }
        "iam:CreateAccessKey" => send!(iam.create_access_key().user_name(user)),
        "iam:ListAccessKeys" => send!(iam.list_access_keys().user_name(user)),
        "iam:GetAccessKeyLastUsed" => {
            send!(iam.get_access_key_last_used().access_key_id(key_id));
        }
        "iam:UpdateAccessKey" => {
            let update = iam.update_access_key().user_name(user);
            send!(update.access_key_id(key_id).status("Inactive".into()));
        }
        "sts:GetCallerIdentity" => send!(account.sts().get_caller_identity()),
        "kms:DescribeKey" => {
            send!(
                aws_sdk_kms::Client::new(&config)
                    .describe_key()
                    .key_id(KMS_ALIAS)
            );
        }
        "ssm:PutParameter" => {
            let put = ssm.put_parameter().name(NAME).value("x").key_id(KMS_ALIAS);
            send!(put.r#type(ParameterType::SecureString));
        }
        "ssm:DescribeParameters" => send!(ssm.describe_parameters()),
        "ssm:ListTagsForResource" => {
            let list = ssm.list_tags_for_resource().resource_id(NAME);
            send!(list.resource_type("Parameter".into()));
        }
        "ssm:DeleteParameter" => send!(ssm.delete_parameter().name(NAME)),
        "iam:CreateLoginProfile" => {
            let create = iam.create_login_profile().user_name(user);
            send!(create.password("correct-Horse-7"));
        }
        "iam:UpdateLoginProfile" => {
            let update = iam.update_login_profile().user_name(user);
            send!(update.password_reset_required(true));
        }
        "iam:DeleteLoginProfile" => send!(iam.delete_login_profile().user_name(user)),
        other => panic!("{other}"),
    }
}

/// A world in which the member has alice with one key.
async fn prepared() -> (World, String) {
    let world = World::new(1).await.unwrap();
    let iam = world.members()[0].iam();
    make_user(&iam, "alice").await;
    let key = iam.create_access_key().user_name("alice").send().await;
    let key = key
        .unwrap()
        .access_key()
        .unwrap()
        .access_key_id()
        .to_owned();
    (world, key)
}

/// Each action meets the fault once and then passes: the calls in the log, two of each action.
async fn calls_under(kind: FaultKind) -> Vec<Call> {
    let (world, key) = prepared().await;
    let account = &world.members()[0];
    let policy = serde_json::json!({"MinimumPasswordLength": 8});
    let control = world.control();
    control
        .set_password_policy(account.id(), Some(policy))
        .await
        .unwrap();
    for action in ACTIONS {
        let fault = Fault::new(kind.clone(), action).in_account(account.id());
        control.add_fault(&fault).await.unwrap();
        call(account, action, &key).await;
        call(account, action, &key).await;
    }
    control.calls(account.id()).await.unwrap()
}

/// The status of the hit call and of the one after it, of every action.
fn pairs(calls: &[Call]) -> Vec<(&Call, &Call)> {
    assert_eq!(calls.len(), 2 * ACTIONS.len());
    let pairs = calls.iter().step_by(2).zip(calls.iter().skip(1).step_by(2));
    let pairs: Vec<_> = pairs.collect();
    for ((hit, spared), action) in pairs.iter().zip(ACTIONS) {
        assert_eq!(
            (hit.action.as_str(), spared.action.as_str()),
            (action, action)
        );
        assert!(hit.fault.is_some() && spared.fault.is_none(), "{action}");
    }
    pairs
}

#[tokio::test]
async fn throttled_calls_and_server_errors_do_nothing_and_the_next_call_passes() {
    let error = FaultKind::HttpError {
        status: 500,
        code: "InternalFailure".to_owned(),
    };
    for kind in [FaultKind::Throttle, error, FaultKind::DropBeforeCommit] {
        let calls = calls_under(kind.clone()).await;
        for (hit, spared) in pairs(&calls) {
            assert!(!hit.committed, "{kind:?} {hit:?}");
            assert_eq!(spared.status, 200, "{kind:?} {spared:?}");
            let code = hit.error_code.as_deref().unwrap();
            let expected = match kind {
                FaultKind::Throttle if hit.action.starts_with("iam") => "Throttling",
                FaultKind::Throttle if hit.action.starts_with("sts") => "Throttling",
                FaultKind::Throttle => "ThrottlingException",
                FaultKind::HttpError { .. } => "InternalFailure",
                _ => "(connection dropped)",
            };
            assert_eq!(code, expected, "{}", hit.action);
        }
    }
}

#[tokio::test]
async fn a_lost_answer_leaves_what_was_done() {
    let calls = calls_under(FaultKind::DropAfterCommit).await;
    for (hit, repeated) in pairs(&calls) {
        assert!(hit.committed, "{hit:?}");
        let expected = match hit.action.as_str() {
            "ssm:PutParameter" => Some("ParameterAlreadyExists"),
            "ssm:DeleteParameter" => Some("ParameterNotFound"),
            "iam:CreateLoginProfile" => Some("EntityAlreadyExists"),
            // alice had one key, and the lost answer was of her second.
            "iam:CreateAccessKey" => Some("LimitExceeded"),
            "iam:DeleteLoginProfile" => Some("NoSuchEntity"),
            _ => None,
        };
        assert_eq!(repeated.error_code.as_deref(), expected, "{}", hit.action);
    }
}

#[tokio::test]
async fn what_has_not_spread_yet_is_not_found_and_creations_are_spared() {
    let (world, key) = prepared().await;
    let account = &world.members()[0];
    call(account, "ssm:PutParameter", &key).await;
    for (action, expected) in [
        ("iam:ListAccessKeys", Some("NoSuchEntity")),
        ("iam:CreateAccessKey", Some("NoSuchEntity")),
        ("sts:GetCallerIdentity", Some("InvalidClientTokenId")),
        ("kms:DescribeKey", Some("NotFoundException")),
        ("ssm:ListTagsForResource", Some("InvalidResourceId")),
        ("ssm:DeleteParameter", Some("ParameterNotFound")),
        ("ssm:DescribeParameters", None),
    ] {
        let fault = Fault::new(FaultKind::NotVisible, action).in_account(account.id());
        world.control().add_fault(&fault).await.unwrap();
        call(account, action, &key).await;
        let calls = world.control().calls(account.id()).await.unwrap();
        let last = calls.last().unwrap();
        assert_eq!(last.action, action);
        assert_eq!(last.error_code.as_deref(), expected, "{action}");
        assert!(!last.committed && last.fault.is_some(), "{last:?}");
    }
    let ssm = aws_sdk_ssm::Client::new(&account.config(account.credentials()));
    let fault = Fault::new(FaultKind::NotVisible, "ssm:DescribeParameters");
    world
        .control()
        .add_fault(&fault.in_account(account.id()))
        .await
        .unwrap();
    let count = async || {
        let found = ssm.describe_parameters().send().await.unwrap();
        found.parameters().len()
    };
    assert_eq!((count().await, count().await), (0, 1));
}

#[tokio::test]
async fn a_new_key_can_be_missing_from_the_list_for_a_moment() {
    let (world, first) = prepared().await;
    let account = &world.members()[0];
    let iam = account.logged_iam();
    call(account, "iam:CreateAccessKey", &first).await;
    let fault = Fault::new(FaultKind::NewestNotListed, "*").in_account(account.id());
    world.control().add_fault(&fault).await.unwrap();
    assert!(iam.get_user().user_name("alice").send().await.is_ok());
    let list = async || {
        let listed = iam.list_access_keys().user_name("alice").send().await;
        let listed = listed.unwrap();
        let ids = listed.access_key_metadata().iter();
        ids.map(|key| key.access_key_id().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(list().await, [first]);
    assert_eq!(list().await.len(), 2);
}

#[tokio::test]
async fn a_call_can_be_held_before_and_after_it_is_done() {
    for (kind, stored) in [
        (FaultKind::HoldBeforeCommit, 0),
        (FaultKind::HoldAfterCommit, 1),
    ] {
        let (world, key) = prepared().await;
        let (control, account) = (world.control(), world.members()[0].clone());
        let fault = Fault::new(kind, "ssm:PutParameter").in_account(account.id());
        let fault = control.add_fault(&fault).await.unwrap();
        let id = account.id().to_owned();
        let running = tokio::spawn(async move { call(&account, "ssm:PutParameter", &key).await });
        control.wait_for_fault(&fault.id, 1, LIMIT).await.unwrap();
        assert_eq!(control.parameters(&id).await.unwrap().len(), stored);
        control.release(&fault.id).await.unwrap();
        running.await.unwrap();
        assert_eq!(control.parameters(&id).await.unwrap().len(), 1);
    }
}

#[tokio::test]
async fn a_login_profile_can_be_busy_for_a_moment() {
    let (world, key) = prepared().await;
    let account = &world.members()[0];
    let kind = FaultKind::HttpError {
        status: 409,
        code: "EntityTemporarilyUnmodifiable".to_owned(),
    };
    let fault = Fault::new(kind, "iam:UpdateLoginProfile").in_account(account.id());
    world.control().add_fault(&fault).await.unwrap();
    call(account, "iam:CreateLoginProfile", &key).await;
    let update = || {
        account
            .logged_iam()
            .update_login_profile()
            .user_name("alice")
            .password("correct-Horse-8")
            .send()
    };
    let error = update().await.unwrap_err().into_service_error();
    assert!(
        error.is_entity_temporarily_unmodifiable_exception(),
        "{error:?}"
    );
    let password = async || {
        let found = world.control().user_secrets(account.id(), "alice").await;
        found.unwrap().login.unwrap().password
    };
    assert_eq!(password().await, "correct-Horse-7");
    update().await.unwrap();
    assert_eq!(password().await, "correct-Horse-8");
}
