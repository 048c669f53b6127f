//! What a session may do with keys, secrets and the keys that seal them.

use aws_sdk_iam::types::Tag;
use aws_sdk_kms::primitives::Blob;
use aws_sdk_ssm::types::ParameterType;
use harness::{KMS_ALIAS, World};
use serde_json::{Value, json};

use super::{allow, make_user, refusal, session, session_iam, world_allowing};

const NAME: &str = "/crossaccount/1/alice/access-key";
const PARAMETERS: &str = "arn:aws:ssm:*:{member}:parameter/crossaccount/*";

/// A statement under a condition.
fn allow_if(actions: Value, resources: Value, condition: Value) -> Value {
    let mut statement = allow(actions, resources);
    statement["Condition"] = condition;
    statement
}

async fn session_ssm(world: &World) -> aws_sdk_ssm::Client {
    aws_sdk_ssm::Client::new(&session(world, &world.members()[0]).await)
}

async fn session_kms(world: &World) -> aws_sdk_kms::Client {
    aws_sdk_kms::Client::new(&session(world, &world.members()[0]).await)
}

/// Writes a secret under [`KMS_ALIAS`]: the error code, and its message.
async fn write(ssm: &aws_sdk_ssm::Client, name: &str) -> Result<(), (String, String)> {
    let put = ssm.put_parameter().name(name).value("secret");
    let put = put.r#type(ParameterType::SecureString).key_id(KMS_ALIAS);
    match put.overwrite(true).send().await {
        Ok(_) => Ok(()),
        Err(error) => {
            let text = format!("{error:?}");
            Err((refusal::<(), _>(Err(error)), text))
        }
    }
}

fn denied<T>(result: Result<T, (String, String)>, action: &str) {
    let Err((code, text)) = result else {
        panic!("{action} should have been refused")
    };
    assert_eq!(code, "AccessDeniedException");
    assert!(
        text.contains(&format!("not authorized to perform: {action} ")),
        "{text}"
    );
}

#[tokio::test]
async fn keys_can_be_limited_to_users_that_carry_our_tag() {
    let ours = json!({"Null": {"iam:ResourceTag/crossaccount:managed-by": "false"}});
    let actions = json!([
        "iam:CreateAccessKey",
        "iam:UpdateAccessKey",
        "iam:ListAccessKeys"
    ]);
    let world = world_allowing(json!([allow_if(actions, json!("*"), ours)])).await;
    let by_hand = world.members()[0].iam();
    make_user(&by_hand, "foreign").await;
    let tag = Tag::builder().key("crossaccount:managed-by").value("a");
    by_hand
        .create_user()
        .user_name("ours")
        .tags(tag.build().unwrap())
        .send()
        .await
        .unwrap();

    let iam = session_iam(&world).await;
    let create = |name: &str| iam.create_access_key().user_name(name).send();
    let key = create("ours").await.unwrap();
    assert!(
        iam.list_access_keys()
            .user_name("ours")
            .send()
            .await
            .is_ok()
    );
    for name in ["foreign", "nobody"] {
        assert_eq!(refusal(create(name).await), "AccessDenied", "{name}");
    }
    // The right ends with the tag.
    let untag = by_hand.untag_user().user_name("ours");
    let untag = untag.tag_keys("crossaccount:managed-by");
    untag.send().await.unwrap();
    let disable = iam.update_access_key().user_name("ours");
    let disable = disable
        .access_key_id(key.access_key().unwrap().access_key_id())
        .status("Inactive".into());
    assert_eq!(refusal(disable.send().await), "AccessDenied");
}

#[tokio::test]
async fn writing_and_reading_a_secret_needs_rights_on_its_key_too() {
    let parameter = allow(
        json!(["ssm:PutParameter", "ssm:GetParameter"]),
        json!(PARAMETERS),
    );
    let world = world_allowing(json!([parameter])).await;
    let ssm = session_ssm(&world).await;
    denied(write(&ssm, NAME).await, "kms:Encrypt");
    let member = world.members()[0].id();
    assert!(world.control().parameters(member).await.unwrap().is_empty());
    denied(write(&ssm, "/other/key").await, "ssm:PutParameter");

    let encrypt = allow(json!("kms:Encrypt"), json!("*"));
    let world = world_allowing(json!([parameter, encrypt])).await;
    let ssm = session_ssm(&world).await;
    write(&ssm, NAME).await.unwrap();
    let get = |decrypt| {
        ssm.get_parameter()
            .name(NAME)
            .with_decryption(decrypt)
            .send()
    };
    assert!(get(false).await.is_ok());
    assert_eq!(refusal(get(true).await), "AccessDeniedException");
}

#[tokio::test]
async fn a_key_can_be_limited_to_parameter_store_and_to_its_alias() {
    let through_ssm = json!({
        "StringLike": {"kms:ViaService": "ssm.*.amazonaws.com"},
        "ForAnyValue:StringEquals": {"kms:ResourceAliases": KMS_ALIAS},
    });
    let by_alias = json!({"ForAnyValue:StringEquals": {"kms:ResourceAliases": KMS_ALIAS}});
    let world = world_allowing(json!([
        allow(json!("ssm:PutParameter"), json!(PARAMETERS)),
        allow_if(json!("kms:Encrypt"), json!("*"), through_ssm),
        allow_if(
            json!("kms:DescribeKey"),
            json!("arn:aws:kms:*:{member}:key/*"),
            by_alias
        ),
    ]))
    .await;
    let ssm = session_ssm(&world).await;
    write(&ssm, NAME).await.unwrap();
    let member = world.members()[0].id();
    let kms = session_kms(&world).await;
    let direct = kms.encrypt().key_id(KMS_ALIAS).plaintext(Blob::new("x"));
    assert_eq!(refusal(direct.send().await), "AccessDeniedException");
    assert!(kms.describe_key().key_id(KMS_ALIAS).send().await.is_ok());

    let control = world.control();
    let other = control
        .create_kms_key(member, Some("alias/other"), "SYMMETRIC_DEFAULT")
        .await
        .unwrap();
    for name in ["alias/other", other.arn.as_str()] {
        let refused = kms.describe_key().key_id(name).send().await;
        assert_eq!(refusal(refused), "AccessDeniedException", "{name}");
    }
    let put = ssm.put_parameter().name(NAME).value("x").overwrite(true);
    let put = put
        .r#type(ParameterType::SecureString)
        .key_id("alias/other");
    assert_eq!(refusal(put.send().await), "AccessDeniedException");
}

#[tokio::test]
async fn parameters_can_only_be_described_with_a_right_on_everything() {
    for (resource, expected) in [("*", true), ("arn:aws:ssm:*:*:parameter/*", false)] {
        let world = world_allowing(json!([allow(
            json!("ssm:DescribeParameters"),
            json!(resource)
        )]))
        .await;
        let found = session_ssm(&world).await.describe_parameters().send().await;
        assert_eq!(found.is_ok(), expected, "{resource}");
        if !expected {
            assert_eq!(refusal(found), "AccessDeniedException");
        }
    }
}

#[tokio::test]
async fn parameters_can_be_guarded_by_their_tags_and_tagging_is_a_right_of_its_own() {
    let ours = json!({"StringEquals": {"aws:ResourceTag/crossaccount:managed-by": "a"}});
    let world = world_allowing(json!([
        allow(json!("ssm:PutParameter"), json!(PARAMETERS)),
        allow_if(json!("ssm:DeleteParameter"), json!(PARAMETERS), ours),
    ]))
    .await;
    let ssm = session_ssm(&world).await;
    let tag = aws_sdk_ssm::types::Tag::builder().key("k").value("v");
    let tagged = ssm.put_parameter().name(NAME).value("x");
    let tagged = tagged
        .r#type(ParameterType::String)
        .tags(tag.build().unwrap());
    assert_eq!(refusal(tagged.send().await), "AccessDeniedException");

    let member = world.members()[0].id();
    for (name, owner) in [("/crossaccount/ours", "a"), ("/crossaccount/foreign", "b")] {
        let parameter = json!({
            "Name": name, "Value": "x", "Type": "String",
            "Tags": [{"Key": "crossaccount:managed-by", "Value": owner}],
        });
        let control = world.control();
        control.put_parameter(member, &parameter).await.unwrap();
    }
    let delete = |name: &str| ssm.delete_parameter().name(name).send();
    let foreign = delete("/crossaccount/foreign").await;
    assert_eq!(refusal(foreign), "AccessDeniedException");
    delete("/crossaccount/ours").await.unwrap();
}

#[tokio::test]
async fn an_action_that_the_evaluator_does_not_know_fails_loudly() {
    let world = world_allowing(json!([allow(json!(["ssm:*", "kms:*"]), json!("*"))])).await;
    let commands = session_ssm(&world).await.list_commands().send().await;
    assert_eq!(refusal(commands), "NotImplemented");
    let mac = session_kms(&world)
        .await
        .generate_random()
        .number_of_bytes(8);
    assert_eq!(refusal(mac.send().await), "NotImplemented");
}
