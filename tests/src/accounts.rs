//! What every scene of a function has: people in member accounts, and a role for the function in the hub account.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use crate::standin::{Account, Call, NewRole, World};

/// The user that is nobody's business.
pub const STRANGER: &str = "mallory";
const BOUNDARY: &str = "Boundary";

/// The ARN of the boundary of a member account.
pub(crate) fn boundary(account_id: &str) -> String {
    format!("arn:aws:iam::{account_id}:policy/{BOUNDARY}")
}

/// A boundary, two groups, and the stranger with a key.
pub(crate) async fn prepare(member: &Account) -> Result<()> {
    let iam = member.iam();
    let statement = json!({"Effect": "Allow", "Action": "*", "Resource": "*"});
    let document = json!({"Version": "2012-10-17", "Statement": [statement]}).to_string();
    iam.create_policy()
        .policy_name(BOUNDARY)
        .policy_document(&document)
        .send()
        .await?;
    for name in ["engineers", "readers"] {
        iam.create_group().group_name(name).send().await?;
    }
    iam.create_user()
        .user_name(STRANGER)
        .path("/people/")
        .permissions_boundary(boundary(member.id()))
        .send()
        .await?;
    iam.add_user_to_group()
        .user_name(STRANGER)
        .group_name("engineers")
        .send()
        .await?;
    iam.create_access_key().user_name(STRANGER).send().await?;
    Ok(())
}

/// The stranger as a text.
pub(crate) async fn stranger(world: &World, member: &Account) -> Result<String> {
    let iam = member.iam();
    let user = iam.get_user().user_name(STRANGER).send().await?.user;
    let secrets = world.control().user_secrets(member.id(), STRANGER).await?;
    let groups = iam
        .list_groups_for_user()
        .user_name(STRANGER)
        .send()
        .await?
        .groups;
    Ok(format!("{user:?} {secrets:?} {groups:?}"))
}

/// The credentials of a function: a session of a role in the hub account with these policies.
pub(crate) async fn role_credentials(
    world: &World,
    role: &str,
    permissions: BTreeMap<String, Value>,
) -> Result<BTreeMap<String, String>> {
    let hub = world.hub().id();
    let trust = json!({"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow",
        "Principal": {"AWS": format!("arn:aws:iam::{hub}:root")},
        "Action": "sts:AssumeRole",
    }]});
    let arn = world
        .control()
        .create_role(&NewRole {
            account_id: hub,
            name: role,
            path: "/",
            trust: &trust,
            permissions: &permissions,
            permissions_boundary: None,
            max_session_duration: 3600,
        })
        .await?;
    let sts = world.hub().sts();
    let answer = sts
        .assume_role()
        .role_arn(arn)
        .role_session_name(role)
        .send()
        .await
        .context("cannot assume the role of the function")?;
    let session = answer
        .credentials
        .context("an answer without credentials")?;
    Ok([
        ("AWS_ACCESS_KEY_ID", session.access_key_id),
        ("AWS_SECRET_ACCESS_KEY", session.secret_access_key),
        ("AWS_SESSION_TOKEN", session.session_token),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into())
}

/// The objects of the audit bucket with their keys, in the order of the keys.
pub(crate) async fn objects(world: &World) -> Result<Vec<(String, String)>> {
    let (s3, bucket) = (world.s3(), world.audit_bucket());
    let mut pages = s3.list_objects_v2().bucket(bucket).into_paginator().send();
    let mut objects = Vec::new();
    while let Some(page) = pages.next().await {
        for object in page?.contents() {
            let key = object.key().context("an object without a key")?;
            let body = s3.get_object().bucket(bucket).key(key).send().await?.body;
            let bytes = body.collect().await?.into_bytes();
            objects.push((key.to_owned(), String::from_utf8(bytes.into())?));
        }
    }
    Ok(objects)
}

fn every(world: &World) -> impl Iterator<Item = &Account> {
    std::iter::once(world.hub()).chain(world.members())
}

/// All calls about all accounts since the log was cleared, in order.
pub(crate) async fn calls(world: &World) -> Result<Vec<Call>> {
    let mut calls = Vec::new();
    for account in every(world) {
        calls.extend(world.control().calls(account.id()).await?);
    }
    calls.sort_by_key(|call| call.number);
    Ok(calls)
}

/// Empties the log of calls.
pub(crate) async fn forget_calls(world: &World) -> Result<()> {
    for account in every(world) {
        world.control().clear_calls(account.id()).await?;
    }
    Ok(())
}

/// That no text, each with its place, shows a secret: as it is, or as it would stand in JSON.
pub(crate) fn shows_none(secrets: &BTreeSet<String>, texts: &[(String, String)]) -> Result<()> {
    for (place, text) in texts {
        for secret in secrets {
            let quoted = serde_json::to_string(secret)?;
            let shown = text.contains(secret) || text.contains(quoted.trim_matches('"'));
            ensure!(!shown, "{place} shows a secret");
        }
    }
    Ok(())
}
