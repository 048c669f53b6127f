//! S3 as the place of audit records.

use aws_sdk_s3::primitives::ByteStream;
use harness::World;
use serde_json::json;

use super::{allow, refusal, session, world_allowing};

#[tokio::test]
async fn an_object_is_written_create_only_once() {
    let world = World::new(0).await.unwrap();
    let s3 = world.s3();
    let put = |text: &'static str| {
        s3.put_object()
            .bucket(world.audit_bucket())
            .key("audit/dt=2026-01-02/a b+c.json")
            .if_none_match("*")
            .body(ByteStream::from_static(text.as_bytes()))
            .send()
    };
    put("first").await.unwrap();
    assert_eq!(refusal(put("second").await), "PreconditionFailed");
    let object = s3
        .get_object()
        .bucket(world.audit_bucket())
        .key("audit/dt=2026-01-02/a b+c.json")
        .send()
        .await
        .unwrap();
    assert_eq!(object.body.collect().await.unwrap().into_bytes(), "first");
}

#[tokio::test]
async fn a_bucket_that_is_missing_and_one_that_is_forbidden_are_told_apart() {
    let world = world_allowing(json!([allow(json!("iam:*"), json!("*"))])).await;
    let missing = world
        .s3()
        .put_object()
        .bucket("no-such-bucket-here")
        .key("a")
        .send()
        .await;
    assert_eq!(refusal(missing), "NoSuchBucket");
    let config = session(&world, &world.members()[0]).await;
    let config = aws_sdk_s3::config::Builder::from(&config)
        .force_path_style(true)
        .build();
    let s3 = aws_sdk_s3::Client::from_conf(config);
    let forbidden = s3
        .put_object()
        .bucket(world.audit_bucket())
        .key("a")
        .send()
        .await;
    assert_eq!(refusal(forbidden), "AccessDenied");
}

#[tokio::test]
async fn a_bucket_policy_is_evaluated_with_its_conditions() {
    let world = World::new(0).await.unwrap();
    let (s3, bucket) = (world.s3(), world.audit_bucket());
    let resources = [
        format!("arn:aws:s3:::{bucket}"),
        format!("arn:aws:s3:::{bucket}/*"),
    ];
    let policy = |condition: serde_json::Value| {
        json!({"Version": "2012-10-17", "Statement": [{
            "Effect": "Deny", "Principal": "*", "Action": "s3:PutObject", "Resource": resources,
            "Condition": condition,
        }]})
        .to_string()
    };
    let put = || s3.put_object().bucket(bucket).key("a").send();
    let insecure = policy(json!({"Bool": {"aws:SecureTransport": "false"}}));
    s3.put_bucket_policy()
        .bucket(bucket)
        .policy(insecure)
        .send()
        .await
        .unwrap();
    put().await.unwrap();
    let unencrypted =
        policy(json!({"StringNotEquals": {"s3:x-amz-server-side-encryption": "aws:kms"}}));
    s3.put_bucket_policy()
        .bucket(bucket)
        .policy(unencrypted)
        .send()
        .await
        .unwrap();
    assert_eq!(refusal(put().await), "AccessDenied");
    let encrypted = s3.put_object().bucket(bucket).key("a");
    let encrypted = encrypted
        .server_side_encryption("aws:kms".into())
        .send()
        .await;
    assert!(encrypted.is_ok(), "{encrypted:?}");
}
