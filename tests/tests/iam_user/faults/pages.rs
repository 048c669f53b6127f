//! IAM "might return fewer than the `MaxItems` number of results, even when there are more results available": every list
//! that decides about something is read to its end.

use std::sync::Arc;

use anyhow::Result;
use crossaccount_core::audit::{Audit, Face, RunContext};
use crossaccount_core::clock::SystemClock;
use crossaccount_core::ids::{AccountId, Path, RunId, UserName};
use crossaccount_core::permissions::{
    inventory_session_policy, secrets_session_policy, write_session_policy,
};
use crossaccount_core::secret::Secret;
use crossaccount_core::secrets::SecretLocation;
use crossaccount_core::session::{
    Base, Endpoint, Endpoints, ExternalId, SessionName, SessionPolicies, SessionSettings, Sessions,
    Target, http_client,
};
use crossaccount_core::user::{Users, UsersSettings};
use serde_json::json;

use super::super::host::Stored;
use super::super::subject::{first, statement, user};
use super::{Case, UserOperation};

const SECURITY_AUDIT: &str = "arn:aws:iam::aws:policy/SecurityAudit";

/// Accounts in which every list of IAM has pages of one item.
async fn case() -> Result<Case> {
    let case = Case::new(UserOperation::Create).await?;
    let account_id = case.member().id();
    case.world.control().set_page_size(account_id, 1).await?;
    Ok(case)
}

/// Two of everything that a user can hold twice, and one of the rest, by hand.
async fn hang_everything_on_alice(iam: &aws_sdk_iam::Client) -> Result<()> {
    let login = iam.create_login_profile().user_name("alice");
    login.password("a-Long-passw0rd!").send().await?;
    for number in ["one", "two"] {
        iam.create_access_key().user_name("alice").send().await?;
        let device = iam.create_virtual_mfa_device();
        let device = device.virtual_mfa_device_name(number).send().await?;
        let serial = device.virtual_mfa_device.map(|device| device.serial_number);
        let enable = iam.enable_mfa_device().user_name("alice");
        let enable = enable.set_serial_number(serial);
        let enable = enable.authentication_code1("123456");
        enable.authentication_code2("654321").send().await?;
        let key = iam.upload_ssh_public_key().user_name("alice");
        let body = format!("ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQ {number}");
        key.ssh_public_key_body(body).send().await?;
        let certificate = iam.upload_signing_certificate().user_name("alice");
        let body = format!("-----BEGIN CERTIFICATE-----\n{number}\n-----END CERTIFICATE-----");
        certificate.certificate_body(body).send().await?;
        let credential = iam.create_service_specific_credential();
        let credential = credential.user_name("alice");
        let service = credential.service_name("codecommit.amazonaws.com");
        service.send().await?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_user_whose_lists_have_pages_of_one_is_seen_and_deleted_whole() {
    let case = case().await.unwrap();
    let mut wanted = first(case.member().id(), "fail");
    let policies = wanted["managed_policy_arns"].as_array_mut().unwrap();
    policies.push(json!(SECURITY_AUDIT));
    wanted["groups"] = json!(["engineers", "readers"]);
    wanted["force_destroy"] = json!(true);
    let mut stored = Stored::default();
    case.apply(&mut stored, Some(&wanted)).await.unwrap();
    let mut provider = case.provider().await.unwrap();
    let changes = provider.changes(&mut stored, &wanted).await.unwrap();
    assert_eq!(changes, Vec::<String>::new());

    // What somebody adds at the end of a list is seen too.
    let put = case.iam.put_user_policy().user_name("alice");
    let put = put
        .policy_name("zzz")
        .policy_document(statement("s3:*").to_string());
    put.send().await.unwrap();
    let changes = provider.changes(&mut stored, &wanted).await.unwrap();
    assert_eq!(changes, ["inline_policies"]);

    // Renamed by hand, and found by its unique id behind others.
    let rename = case.iam.update_user().user_name("alice");
    rename.new_user_name("zoe").send().await.unwrap();
    let account_id = case.member().id();
    let control = case.world.control();
    control.age_user(account_id, "zoe", 1.0).await.unwrap();
    let changes = provider.changes(&mut stored, &wanted).await.unwrap();
    assert!(changes.contains(&"name".to_owned()), "{changes:?}");
    case.apply(&mut stored, Some(&wanted)).await.unwrap();

    hang_everything_on_alice(&case.iam).await.unwrap();
    case.apply(&mut stored, None).await.unwrap();
    assert!(!stored.exists());
    assert!(user(&case.iam, "alice").await.unwrap().is_none());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_survey_and_a_list_of_users_with_pages_of_one_see_everybody() {
    let case = case().await.unwrap();
    let names = ["alice", "bob", "carol"];
    for name in names {
        let made = case.iam.create_user().user_name(name);
        let owner = aws_sdk_iam::types::Tag::builder();
        let owner = owner.key("crossaccount:managed-by").value("test");
        let made = made.tags(owner.build().unwrap());
        made.send().await.unwrap();
        for policy in ["one", "two"] {
            let put = case.iam.put_user_policy().user_name(name);
            let document = statement("sqs:*").to_string();
            let put = put.policy_name(policy).policy_document(document);
            put.send().await.unwrap();
        }
    }
    let users = users(&case);
    let account_id: AccountId = case.member().id().parse().unwrap();
    let target = Target::from(account_id);
    let survey = users.survey(&target, &[]).await.unwrap();
    for name in names {
        let name: UserName = name.parse().unwrap();
        let found = survey.user(&name).unwrap();
        assert_eq!(found.inline_policies.as_ref().unwrap().len(), 2);
    }
    assert_eq!(survey.owned(&users).count(), names.len());
    let listed = users.list(&target, &Path::default()).await.unwrap();
    let listed: Vec<_> = listed.iter().map(|user| user.name.as_str()).collect();
    assert_eq!(listed, ["alice", "bob", "carol", "mallory"]);
}

/// The operations as the registry has them.
fn users(case: &Case) -> Users {
    let (world, run_id) = (&case.world, RunId::random());
    let endpoint: Endpoint = world.endpoint().parse().unwrap();
    let external_id = Secret::new(world.external_id().to_owned());
    let settings = SessionSettings {
        external_id: Some(ExternalId::new(external_id).unwrap()),
        endpoints: Endpoints {
            iam: Some(endpoint.clone()),
            sts: Some(endpoint),
            ..Endpoints::default()
        },
        ..SessionSettings::new(
            "us-east-1".parse().unwrap(),
            world.role_name().parse().unwrap(),
            SessionName::for_run(run_id),
        )
    };
    let location = SecretLocation::Hub;
    let policies = SessionPolicies::new(
        inventory_session_policy(location),
        write_session_policy(location),
        secrets_session_policy(),
    );
    let hub = world.hub();
    let config = hub.config(hub.credentials());
    let base = Base {
        credentials: config.credentials_provider().unwrap(),
        http: http_client(),
    };
    let clock = Arc::new(SystemClock);
    let sessions = Sessions::new(settings, policies.unwrap(), base, clock.clone());
    let sessions = Arc::new(sessions);
    let run = RunContext {
        run_id,
        face: Face::Terraform,
    };
    let audit = Audit::new(None, Arc::clone(&sessions), run, clock.clone());
    let settings = UsersSettings {
        owner: "test".parse().unwrap(),
        max_user_deletions: None,
    };
    Users::new(sessions, Arc::new(audit), clock, settings, None)
}
