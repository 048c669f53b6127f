//! What one face refuses, the other one refuses too, before anything is changed.

use harness::cloudformation::{StackTemplate, Status};
use serde_json::{Value, json};

use super::cases::{document, with};
use super::faces::{Pair, in_account};
use super::translation::for_terraform;
use crate::iam_user::host::Stored;

/// What nobody may declare.
fn bad_inputs() -> Vec<(&'static str, Value)> {
    let many = |number: usize, one: fn(usize) -> Value| (0..number).map(one).collect::<Value>();
    let key = |key: Value| json!({"AccessKey": key});
    let tags = |tags: &[&str]| -> Value {
        let tags = tags.iter().map(|key| json!({"Key": key, "Value": "x"}));
        json!({"Tags": tags.collect::<Value>()})
    };
    let long = format!("sqs:{}", "x".repeat(2100));
    let inline = |name: &str, document: Value| json!({"Policies": [{"PolicyName": name, "PolicyDocument": document}]});
    vec![
        ("an account that is none", json!({"AccountId": "12345"})),
        ("a name with a space", json!({"UserName": "a b"})),
        (
            "a name that is too long",
            json!({"UserName": "a".repeat(65)}),
        ),
        ("a path without slashes", json!({"Path": "people"})),
        (
            "a boundary of another partition",
            json!({"PermissionsBoundary": "arn:aws-cn:iam::{account}:policy/Boundary"}),
        ),
        (
            "a boundary that is no policy",
            json!({"PermissionsBoundary": "arn:aws:iam::{account}:role/Boundary"}),
        ),
        (
            "a policy of another partition",
            json!({"ManagedPolicyArns": ["arn:aws-cn:iam::aws:policy/ReadOnlyAccess"]}),
        ),
        (
            "more policies than IAM attaches",
            json!({"ManagedPolicyArns": many(21, |it| json!(format!("arn:aws:iam::{{account}}:policy/p{it}")))}),
        ),
        (
            "more groups than IAM allows",
            json!({"Groups": many(11, |it| json!(format!("g{it}")))}),
        ),
        ("a group that is none", json!({"Groups": ["a/b"]})),
        (
            "an inline policy that is no document",
            inline("p", json!("{")),
        ),
        (
            "an inline policy with a name that is kept",
            inline("crossaccount-quarantine", document("sqs:*")),
        ),
        (
            "inline policies that are too long",
            inline("p", document(&long)),
        ),
        ("a reserved tag", tags(&["crossaccount:managed-by"])),
        ("a tag of AWS", tags(&["aws:x"])),
        ("tags that differ by case alone", tags(&["Team", "team"])),
        (
            "more tags than there is room for",
            json!({"Tags": many(45, |it| json!({"Key": format!("k{it}"), "Value": "x"}))}),
        ),
        (
            "a key that is deleted before it is replaced",
            key(json!({"RotateAfterDays": 15, "DeleteAfterDays": 10})),
        ),
        (
            "a key that is in the way of the next one",
            key(json!({"RotateAfterDays": 15, "DeleteAfterDays": 31})),
        ),
        (
            "a key that is disabled after it is deleted",
            key(json!({"RotateAfterDays": 15, "DisableAfterDays": 30, "DeleteAfterDays": 25})),
        ),
        (
            "a key that lives no day",
            key(json!({"RotateAfterDays": 0})),
        ),
        (
            "a status of a key that is none",
            key(json!({"Status": "Off"})),
        ),
        (
            "an empty rotation trigger",
            key(json!({"RotationTrigger": ""})),
        ),
        (
            "a password that is too short",
            json!({"ConsoleAccess": {"PasswordLength": 7}}),
        ),
        (
            "a password that is too long",
            json!({"ConsoleAccess": {"PasswordLength": 129}}),
        ),
        (
            "an adoption policy that is none",
            json!({"AdoptionPolicy": "steal"}),
        ),
        (
            "a deletion policy that is none",
            json!({"DeletionPolicy": "forget"}),
        ),
        (
            "a role of another account",
            json!({"RoleArn": "arn:aws:iam::999999999999:role/CrossAccountUserAdmin"}),
        ),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn both_faces_refuse_the_same() {
    let pair = Pair::new().await.unwrap();
    let mut wrong = Vec::new();
    for (name, more) in bad_inputs() {
        let properties = with(&more);
        let wanted = for_terraform(&in_account(&properties, pair.terraform()));
        let mut provider = pair.provider().await.unwrap();
        let applied = provider.apply(&mut Stored::default(), Some(&wanted)).await;
        match applied {
            Ok(()) => wrong.push(format!("{name}: Terraform takes it")),
            Err(error) => println!("{name}: {error:#}"),
        }
        let properties = in_account(&properties, pair.cloudformation());
        let template = StackTemplate::new().with("Alice", &properties).unwrap();
        let mut stack = pair.scene.stack();
        match stack.create(&template).await.unwrap() {
            Status::RollbackComplete => println!("{}", stack.events()[0].reason),
            other => wrong.push(format!("{name}: CloudFormation takes it: {other}")),
        }
        for call in pair.scene.calls().await.unwrap() {
            let reads = ["iam:Get", "iam:List", "ssm:Get", "ssm:List", "ssm:Describe"];
            let about_users = call.action.starts_with("iam:") || call.action.starts_with("ssm:");
            if about_users && !reads.iter().any(|read| call.action.starts_with(read)) {
                wrong.push(format!("{name}: {} was called", call.action));
            }
        }
        pair.scene.forget_calls().await.unwrap();
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    for account in pair.scene.world.members() {
        assert!(pair.scene.users(account).await.unwrap().is_empty());
    }
}

/// The same properties without the fault are taken: a table of refusals proves nothing when everything is refused.
#[tokio::test(flavor = "multi_thread")]
async fn both_faces_take_what_is_right() {
    let pair = Pair::new().await.unwrap();
    let mut provider = pair.provider().await.unwrap();
    let properties = with(&json!({
        "PermissionsBoundary": "arn:aws:iam::{account}:policy/Boundary",
        "AccessKey": {"RotateAfterDays": 15, "DeleteAfterDays": 30},
    }));
    let wanted = for_terraform(&in_account(&properties, pair.terraform()));
    let applied = provider.apply(&mut Stored::default(), Some(&wanted)).await;
    applied.unwrap();
    let properties = in_account(&properties, pair.cloudformation());
    let template = StackTemplate::new().with("Alice", &properties).unwrap();
    let created = pair.scene.stack().create(&template).await.unwrap();
    assert_eq!(created, Status::CreateComplete);
}
