//! `AssumeRole`: trust, limits, tags, chains.

use aws_sdk_sts::types::Tag;
use harness::standin::Credentials;
use harness::{World, WorldOptions};
use serde_json::{Value, json};

use super::{allow, policy, refusal};

fn assume(world: &World) -> aws_sdk_sts::operation::assume_role::builders::AssumeRoleFluentBuilder {
    world
        .hub()
        .sts()
        .assume_role()
        .role_arn(world.role_arn(world.members()[0].id()))
        .role_session_name("test")
}

async fn world_trusting(trust: Value) -> World {
    World::with(WorldOptions {
        trust: Some(trust),
        ..WorldOptions::default()
    })
    .await
    .unwrap()
}

fn trust(principal: &str, condition: Value) -> Value {
    json!({"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Principal": {"AWS": principal}, "Action": "sts:AssumeRole",
        "Condition": condition,
    }]})
}

#[tokio::test]
async fn the_external_id_must_be_the_one_of_the_trust_policy() {
    let world = World::new(1).await.unwrap();
    assert!(
        assume(&world)
            .external_id(world.external_id())
            .send()
            .await
            .is_ok()
    );
    assert_eq!(refusal(assume(&world).send().await), "AccessDenied");
    assert_eq!(
        refusal(assume(&world).external_id("other").send().await),
        "AccessDenied"
    );
}

#[tokio::test]
async fn a_role_or_an_account_that_does_not_exist_is_access_denied() {
    let world = World::new(1).await.unwrap();
    for arn in [
        format!("arn:aws:iam::{}:role/Nobody", world.members()[0].id()),
        "arn:aws:iam::799999999999:role/Nobody".to_owned(),
    ] {
        assert_eq!(
            refusal(assume(&world).role_arn(arn).send().await),
            "AccessDenied"
        );
    }
}

#[tokio::test]
async fn the_trust_policy_decides_who_may_come() {
    for (principal, condition, expected) in [
        ("arn:aws:iam::{hub}:root", json!({}), true),
        ("{hub}", json!({}), true),
        ("arn:aws:iam::799999999999:root", json!({}), false),
        ("arn:aws:iam::{hub}:user/somebody", json!({}), false),
        (
            "*",
            json!({"StringEquals": {"aws:PrincipalOrgID": "{organization}"}}),
            true,
        ),
        (
            "*",
            json!({"StringEquals": {"aws:PrincipalOrgID": "o-other"}}),
            false,
        ),
        (
            "{hub}",
            json!({"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::{hub}:user/stand-in/*"}}),
            true,
        ),
        (
            "{hub}",
            json!({"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::{hub}:role/*"}}),
            false,
        ),
    ] {
        let world = world_trusting(trust(principal, condition.clone())).await;
        let allowed = assume(&world).send().await.is_ok();
        assert_eq!(allowed, expected, "{principal} {condition}");
    }
}

#[tokio::test]
async fn a_user_needs_its_own_permission_too() {
    let world = world_trusting(trust("arn:aws:iam::{hub}:root", json!({}))).await;
    let (hub, role) = (world.hub(), world.role_arn(world.members()[0].id()));
    let iam = hub.iam();
    super::make_user(&iam, "deployer").await;
    let key = iam
        .create_access_key()
        .user_name("deployer")
        .send()
        .await
        .unwrap();
    let key = key.access_key().unwrap();
    let sts = aws_sdk_sts::Client::new(&hub.config(&Credentials {
        access_key_id: key.access_key_id().to_owned(),
        secret_access_key: key.secret_access_key().to_owned(),
    }));
    let assume = || {
        sts.assume_role()
            .role_arn(&role)
            .role_session_name("test")
            .send()
    };
    assert_eq!(refusal(assume().await), "AccessDenied");
    let document = policy(json!([allow(json!("sts:AssumeRole"), json!(role))]));
    iam.put_user_policy()
        .user_name("deployer")
        .policy_name("assume")
        .policy_document(document.to_string())
        .send()
        .await
        .unwrap();
    assert!(assume().await.is_ok());
}

#[tokio::test]
async fn durations_names_and_session_policies_are_validated() {
    let world = World::new(1).await.unwrap();
    let valid = || assume(&world).external_id(world.external_id());
    for seconds in [899, 43_201, 3601] {
        let refused = refusal(valid().duration_seconds(seconds).send().await);
        assert_eq!(refused, "ValidationError", "{seconds}");
    }
    for name in ["a", "a b", "a/b"] {
        let refused = refusal(valid().role_session_name(name).send().await);
        assert_eq!(refused, "ValidationError", "{name}");
    }
    assert_eq!(
        refusal(valid().external_id("a b").send().await),
        "ValidationError"
    );
    assert_eq!(
        refusal(valid().policy("{").send().await),
        "MalformedPolicyDocument"
    );
    let long = " ".repeat(2049);
    assert_eq!(
        refusal(valid().policy(long).send().await),
        "ValidationError"
    );
    let longest = World::with(WorldOptions {
        max_session_duration: 7200,
        ..Default::default()
    });
    let longest = longest.await.unwrap();
    let answer = assume(&longest)
        .external_id(longest.external_id())
        .duration_seconds(7200);
    assert!(answer.send().await.is_ok());
}

#[tokio::test]
async fn a_chained_session_lasts_an_hour_at_most() {
    let world = World::with(WorldOptions {
        members: 2,
        trust: Some(trust("*", json!({}))),
        permissions: Some(
            [(
                "all".to_owned(),
                policy(json!([allow(json!("*"), json!("*"))])),
            )]
            .into(),
        ),
        max_session_duration: 7200,
        ..WorldOptions::default()
    })
    .await
    .unwrap();
    let first = super::session(&world, &world.members()[0]).await;
    let chained = aws_sdk_sts::Client::new(&first)
        .assume_role()
        .role_arn(world.role_arn(world.members()[1].id()))
        .role_session_name("chained");
    let refused = chained.clone().duration_seconds(3601).send().await;
    assert_eq!(refusal(refused), "ValidationError");
    let identity = chained.duration_seconds(3600).send().await.unwrap();
    let arn = identity.assumed_role_user().unwrap().arn().to_owned();
    let account = world.members()[1].id();
    assert_eq!(
        arn,
        format!("arn:aws:sts::{account}:assumed-role/CrossAccountUserAdmin/chained")
    );
}

#[tokio::test]
async fn session_tags_and_source_identity_must_be_trusted() {
    let tag = Tag::builder().key("run").value("42").build().unwrap();
    let world = World::new(1).await.unwrap();
    let tagged = assume(&world)
        .external_id(world.external_id())
        .tags(tag.clone());
    assert!(tagged.source_identity("alice").send().await.is_ok());

    // The external id and the session name are of AssumeRole alone.
    for condition in [
        json!({"StringEquals": {"sts:ExternalId": "{external_id}"}}),
        json!({"StringLike": {"sts:RoleSessionName": "*"}}),
    ] {
        let mut all = trust("{hub}", condition);
        all["Statement"][0]["Action"] = json!("sts:*");
        let world = world_trusting(all).await;
        let assume = || assume(&world).external_id(world.external_id());
        assert!(assume().send().await.is_ok());
        for refused in [
            assume().tags(tag.clone()).send().await,
            assume().source_identity("alice").send().await,
        ] {
            assert_eq!(refusal(refused), "AccessDenied");
        }
    }

    let strict = world_trusting(trust("{hub}", json!({}))).await;
    assert!(assume(&strict).send().await.is_ok());
    assert_eq!(
        refusal(assume(&strict).tags(tag).send().await),
        "AccessDenied"
    );
    assert_eq!(
        refusal(assume(&strict).source_identity("alice").send().await),
        "AccessDenied"
    );
}

#[tokio::test]
async fn the_log_counts_assumed_roles_under_the_account_of_the_role() {
    let world = World::new(1).await.unwrap();
    assume(&world)
        .external_id(world.external_id())
        .send()
        .await
        .unwrap();
    let calls = world
        .control()
        .calls(world.members()[0].id())
        .await
        .unwrap();
    let [call] = calls.as_slice() else {
        panic!("{calls:?}")
    };
    assert_eq!(call.action, "sts:AssumeRole");
    assert_eq!(call.caller_account_id, world.hub().id());
    assert!(
        call.decisions[0].statements[0]
            .policy
            .ends_with("trust policy")
    );
}
