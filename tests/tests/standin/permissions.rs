//! What a session may do: identity policies, conditions, boundaries, session policies.

use aws_sdk_iam::types::Tag;
use serde_json::{Value, json};

use super::{allow, make_user, policy, refusal, session_iam, world_allowing};

#[tokio::test]
async fn only_the_granted_path_can_be_used() {
    let world = world_allowing(json!([allow(
        json!(["iam:CreateUser", "iam:GetUser"]),
        json!("arn:aws:iam::{member}:user/app/*")
    )]))
    .await;
    let iam = session_iam(&world).await;
    iam.create_user()
        .user_name("alice")
        .path("/app/")
        .send()
        .await
        .unwrap();
    assert!(iam.get_user().user_name("alice").send().await.is_ok());
    let outside = iam
        .create_user()
        .user_name("bob")
        .path("/other/")
        .send()
        .await;
    assert_eq!(refusal(outside), "AccessDenied");
    assert_eq!(
        refusal(iam.delete_user().user_name("alice").send().await),
        "AccessDenied"
    );
    // The path of a user that does not exist is unknown, so a grant by path does not cover it.
    assert_eq!(
        refusal(iam.get_user().user_name("nobody").send().await),
        "AccessDenied"
    );
}

#[tokio::test]
async fn an_explicit_deny_wins() {
    let mut deny = allow(json!("iam:DeleteUser"), json!("*"));
    deny["Effect"] = json!("Deny");
    let world = world_allowing(json!([allow(json!("iam:*"), json!("*")), deny])).await;
    let iam = session_iam(&world).await;
    make_user(&iam, "alice").await;
    assert_eq!(
        refusal(iam.delete_user().user_name("alice").send().await),
        "AccessDenied"
    );
}

#[tokio::test]
async fn a_rename_needs_rights_on_the_old_and_on_the_new_name() {
    let world = world_allowing(json!([
        allow(json!("iam:CreateUser"), json!("*")),
        allow(json!("iam:UpdateUser"), json!("arn:aws:iam::*:user/app/*")),
    ]))
    .await;
    let iam = session_iam(&world).await;
    iam.create_user()
        .user_name("alice")
        .path("/app/")
        .send()
        .await
        .unwrap();
    let rename = iam.update_user().user_name("alice").new_user_name("carol");
    assert_eq!(
        refusal(rename.clone().new_path("/other/").send().await),
        "AccessDenied"
    );
    rename.send().await.unwrap();
}

/// One condition on one action: the first value is what the policy wants.
async fn attach_under(condition: Value, policy_arn: &str) -> Result<(), String> {
    let mut statement = allow(json!("iam:AttachUserPolicy"), json!("*"));
    statement["Condition"] = condition;
    let world = world_allowing(json!([statement])).await;
    make_user(&world.members()[0].iam(), "alice").await;
    let iam = session_iam(&world).await;
    match iam
        .attach_user_policy()
        .user_name("alice")
        .policy_arn(policy_arn)
        .send()
        .await
    {
        Ok(_) => Ok(()),
        refused => Err(refusal(refused)),
    }
}

#[tokio::test]
async fn conditions_on_the_policy_to_attach_decide() {
    let read_only = "arn:aws:iam::aws:policy/ReadOnlyAccess";
    let admin = "arn:aws:iam::aws:policy/AdministratorAccess";
    let denied = Err("AccessDenied".to_owned());
    for (condition, arn, expected) in [
        (
            json!({"ArnEquals": {"iam:PolicyARN": read_only}}),
            read_only,
            Ok(()),
        ),
        (
            json!({"ArnEquals": {"iam:PolicyARN": read_only}}),
            admin,
            denied.clone(),
        ),
        (
            json!({"ArnLike": {"iam:PolicyARN": "arn:aws:iam::aws:policy/Read*"}}),
            read_only,
            Ok(()),
        ),
        (
            json!({"ArnNotEquals": {"iam:PolicyARN": admin}}),
            admin,
            denied.clone(),
        ),
        (
            json!({"StringLike": {"iam:PolicyARN": "*/Read????Access"}}),
            read_only,
            Ok(()),
        ),
        (
            json!({"StringNotLike": {"iam:PolicyARN": "*/Admin*"}}),
            admin,
            denied.clone(),
        ),
        (
            json!({"Null": {"iam:PermissionsBoundary": "true"}}),
            read_only,
            Ok(()),
        ),
        (
            json!({"Null": {"iam:PermissionsBoundary": "false"}}),
            read_only,
            denied.clone(),
        ),
        (
            json!({"StringEquals": {"iam:PermissionsBoundary": admin}}),
            read_only,
            denied.clone(),
        ),
        (
            json!({"StringEqualsIfExists": {"iam:PermissionsBoundary": admin}}),
            read_only,
            Ok(()),
        ),
        (
            json!({"Bool": {"aws:SecureTransport": "true"}}),
            read_only,
            Ok(()),
        ),
    ] {
        assert_eq!(
            attach_under(condition.clone(), arn).await,
            expected,
            "{condition} {arn}"
        );
    }
}

#[tokio::test]
async fn an_unknown_operator_or_key_fails_loudly() {
    for condition in [
        json!({"BinaryEquals": {"aws:PrincipalArn": "x"}}),
        json!({"StringEquals": {"made:UpKey": "x"}}),
    ] {
        let refused = attach_under(condition, "arn:aws:iam::aws:policy/ReadOnlyAccess").await;
        assert_eq!(refused, Err("NotImplemented".to_owned()));
    }
}

#[tokio::test]
async fn users_can_only_be_made_with_the_boundary_and_the_tags_that_the_policy_wants() {
    let boundary = "arn:aws:iam::aws:policy/ReadOnlyAccess";
    let mut create = allow(json!("iam:CreateUser"), json!("*"));
    create["Condition"] = json!({"StringEquals": {"iam:PermissionsBoundary": boundary}});
    let mut tag = allow(json!("iam:TagUser"), json!("*"));
    tag["Condition"] = json!({
        "StringEquals": {"aws:RequestTag/team": "red"},
        "ForAllValues:StringEquals": {"aws:TagKeys": ["team", "owner"]},
    });
    let world = world_allowing(json!([create, tag])).await;
    let iam = session_iam(&world).await;
    let make = |name: &str| {
        iam.create_user()
            .user_name(name)
            .permissions_boundary(boundary)
    };
    let tag = |key: &str, value: &str| Tag::builder().key(key).value(value).build().unwrap();

    assert_eq!(
        refusal(iam.create_user().user_name("none").send().await),
        "AccessDenied"
    );
    make("plain").send().await.unwrap();
    make("red")
        .tags(tag("team", "red"))
        .tags(tag("owner", "me"))
        .send()
        .await
        .unwrap();
    let blue = make("blue").tags(tag("team", "blue")).send().await;
    assert_eq!(refusal(blue), "AccessDenied");
    let other = make("other")
        .tags(tag("team", "red"))
        .tags(tag("extra", "x"))
        .send()
        .await;
    assert_eq!(refusal(other), "AccessDenied");
}

#[tokio::test]
async fn tags_of_the_user_can_guard_it() {
    let mut delete = allow(json!("iam:DeleteUser"), json!("*"));
    delete["Condition"] = json!({"StringEquals": {"aws:ResourceTag/managed": "yes"}});
    let world = world_allowing(json!([delete])).await;
    let by_hand = world.members()[0].iam();
    make_user(&by_hand, "foreign").await;
    let managed = Tag::builder().key("managed").value("yes").build().unwrap();
    by_hand
        .create_user()
        .user_name("ours")
        .tags(managed)
        .send()
        .await
        .unwrap();

    let iam = session_iam(&world).await;
    assert_eq!(
        refusal(iam.delete_user().user_name("foreign").send().await),
        "AccessDenied"
    );
    iam.delete_user().user_name("ours").send().await.unwrap();
}

#[tokio::test]
async fn a_session_policy_takes_rights_away() {
    let world = world_allowing(json!([allow(json!("iam:*"), json!("*"))])).await;
    let member = &world.members()[0];
    let reading = policy(json!([allow(json!(["iam:Get*", "iam:List*"]), json!("*"))]));
    let answer = world
        .hub()
        .sts()
        .assume_role()
        .role_arn(world.role_arn(member.id()))
        .role_session_name("reader")
        .external_id(world.external_id())
        .policy(reading.to_string())
        .send()
        .await
        .unwrap();
    let config = member.session_config(answer.credentials().unwrap());
    let iam = aws_sdk_iam::Client::new(&config);
    assert!(iam.list_users().send().await.is_ok());
    assert_eq!(
        refusal(iam.create_user().user_name("alice").send().await),
        "AccessDenied"
    );
}

#[tokio::test]
async fn a_users_own_boundary_limits_its_policies() {
    let (world, iam) = super::member().await;
    let member = &world.members()[0];
    let boundary = "arn:aws:iam::aws:policy/IAMReadOnlyAccess";
    iam.create_user()
        .user_name("alice")
        .permissions_boundary(boundary)
        .send()
        .await
        .unwrap();
    let admin = "arn:aws:iam::aws:policy/AdministratorAccess";
    iam.attach_user_policy()
        .user_name("alice")
        .policy_arn(admin)
        .send()
        .await
        .unwrap();
    let key = iam
        .create_access_key()
        .user_name("alice")
        .send()
        .await
        .unwrap();
    let key = key.access_key().unwrap();
    let credentials = harness::standin::Credentials {
        access_key_id: key.access_key_id().to_owned(),
        secret_access_key: key.secret_access_key().to_owned(),
    };
    let alice = aws_sdk_iam::Client::new(&member.config(&credentials));
    assert!(alice.list_users().send().await.is_ok());
    assert_eq!(
        refusal(alice.create_user().user_name("bob").send().await),
        "AccessDenied"
    );
}

#[tokio::test]
async fn the_log_tells_which_statement_allowed_a_call() {
    let world = world_allowing(json!([
        allow(
            json!(["iam:CreateUser", "iam:DeleteUser"]),
            json!("arn:aws:iam::*:user/*")
        ),
        allow(json!("iam:GetUser"), json!("*")),
    ]))
    .await;
    let account = world.members()[0].id();
    let iam = session_iam(&world).await;
    world.control().clear_calls(account).await.unwrap();
    make_user(&iam, "alice").await;
    assert_eq!(refusal(iam.list_users().send().await), "AccessDenied");

    let calls = world.control().calls(account).await.unwrap();
    let [create, list] = calls.as_slice() else {
        panic!("{calls:?}")
    };
    assert_eq!(create.action, "iam:CreateUser");
    assert_eq!(
        create.resources,
        [format!("arn:aws:iam::{account}:user/alice")]
    );
    assert!(create.allowed && create.committed && create.status == 200);
    assert!(
        create
            .principal_arn
            .ends_with(":assumed-role/CrossAccountUserAdmin/test")
    );
    let [statement] = create.decisions[0].statements.as_slice() else {
        panic!("{create:?}")
    };
    assert_eq!(statement.index, 0);
    assert_eq!(statement.action, "iam:CreateUser");
    assert_eq!(statement.resource.as_deref(), Some("arn:aws:iam::*:user/*"));
    assert!(!list.allowed && !list.committed);
    assert_eq!(list.error_code.as_deref(), Some("AccessDenied"));
    assert!(!list.request_id.is_empty());
}
