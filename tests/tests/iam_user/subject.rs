//! The user that the fault tables work on: how it is configured, and how IAM should have it.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result};
use serde_json::{Value, json};

const BOUNDARY: &str = "Boundary";
const OTHER_BOUNDARY: &str = "OtherBoundary";

/// The reserved tags that are about credentials.
const CREDENTIAL_TAGS: [&str; 4] = [
    "crossaccount:current-key",
    "crossaccount:retiring-key",
    "crossaccount:key-intent",
    "crossaccount:console-access",
];

/// All that IAM has of a user, but for its dates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct User {
    pub(crate) unique_id: String,
    pub(crate) content: Content,
    /// The reserved tags that are about credentials.
    pub(crate) credential_tags: BTreeMap<String, String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Content {
    pub(crate) name: String,
    path: String,
    boundary: Option<String>,
    tags: BTreeMap<String, String>,
    policies: BTreeSet<String>,
    inline: BTreeMap<String, Value>,
    groups: BTreeSet<String>,
}

pub(crate) fn statement(action: &str) -> Value {
    json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": action, "Resource": "*"}]})
}

/// The policies and groups that users get, and a user that is nobody's business.
pub(crate) async fn prepare(iam: &aws_sdk_iam::Client) -> Result<()> {
    let document = statement("s3:*").to_string();
    for name in [BOUNDARY, OTHER_BOUNDARY] {
        iam.create_policy()
            .policy_name(name)
            .policy_document(&document)
            .send()
            .await?;
    }
    for name in ["engineers", "readers"] {
        iam.create_group().group_name(name).send().await?;
    }
    iam.create_user().user_name("mallory").send().await?;
    iam.add_user_to_group()
        .user_name("mallory")
        .group_name("engineers")
        .send()
        .await?;
    Ok(())
}

/// The ARN of the boundary that users get.
pub(crate) fn boundary(account_id: &str) -> String {
    format!("arn:aws:iam::{account_id}:policy/{BOUNDARY}")
}

/// The user as it is created, as Terraform's JSON syntax has it too.
pub(crate) fn first(account_id: &str, adoption_policy: &str) -> Value {
    json!({
        "account_id": account_id,
        "name": "alice",
        "path": "/engineering/",
        "permissions_boundary": boundary(account_id),
        "managed_policy_arns": ["arn:aws:iam::aws:policy/ReadOnlyAccess"],
        "inline_policies": {"one": statement("sqs:*").to_string(), "two": statement("sns:*").to_string()},
        "groups": ["engineers"],
        "tags": {"Team": "core", "Stage": "test"},
        "adoption_policy": adoption_policy,
    })
}

/// The same user with everything changed: name, path, boundary, each set and the tags.
pub(crate) fn second(account_id: &str) -> Value {
    json!({
        "account_id": account_id,
        "name": "alice.new",
        "path": "/platform/",
        "permissions_boundary": format!("arn:aws:iam::{account_id}:policy/{OTHER_BOUNDARY}"),
        "managed_policy_arns": ["arn:aws:iam::aws:policy/IAMReadOnlyAccess"],
        "inline_policies": {"two": statement("sns:Publish").to_string(), "three": statement("ec2:*").to_string()},
        "groups": ["readers"],
        "tags": {"Team": "platform", "Owner": "alice"},
    })
}

/// The user of a configuration, as IAM should have it.
pub(crate) fn content(wanted: &Value) -> Content {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let set = |name: &str| {
        wanted[name]
            .as_array()
            .into_iter()
            .flatten()
            .map(text)
            .collect()
    };
    let map = |name: &str| {
        let entries = wanted[name].as_object().into_iter().flatten();
        entries
            .map(|(key, value)| (key.clone(), text(value)))
            .collect::<BTreeMap<_, _>>()
    };
    let mut tags = map("tags");
    tags.insert("crossaccount:managed-by".to_owned(), "test".to_owned());
    let inline = map("inline_policies").into_iter();
    Content {
        name: text(&wanted["name"]),
        path: text(&wanted["path"]),
        boundary: wanted["permissions_boundary"].as_str().map(str::to_owned),
        tags,
        policies: set("managed_policy_arns"),
        inline: inline
            .map(|(name, it)| (name, serde_json::from_str(&it).unwrap()))
            .collect(),
        groups: set("groups"),
    }
}

/// A user as IAM has it.
pub(crate) async fn user(iam: &aws_sdk_iam::Client, name: &str) -> Result<Option<User>> {
    let found = match iam.get_user().user_name(name).send().await {
        Ok(output) => output.user.context("an answer without a user")?,
        Err(error) => match error.into_service_error() {
            error if error.is_no_such_entity_exception() => return Ok(None),
            error => return Err(error.into()),
        },
    };
    let policies = iam
        .list_attached_user_policies()
        .user_name(name)
        .send()
        .await?;
    let groups = iam.list_groups_for_user().user_name(name).send().await?;
    let mut inline = BTreeMap::new();
    for policy in iam
        .list_user_policies()
        .user_name(name)
        .send()
        .await?
        .policy_names
    {
        let answer = iam
            .get_user_policy()
            .user_name(name)
            .policy_name(&policy)
            .send()
            .await?;
        inline.insert(
            policy,
            serde_json::from_str(&percent_decode(answer.policy_document()))?,
        );
    }
    let tags = found
        .tags()
        .iter()
        .map(|tag| (tag.key().to_owned(), tag.value().to_owned()));
    let (credential_tags, tags) =
        tags.partition(|(key, _)| CREDENTIAL_TAGS.contains(&key.as_str()));
    let boundary = found.permissions_boundary();
    Ok(Some(User {
        credential_tags,
        unique_id: found.user_id().to_owned(),
        content: Content {
            name: found.user_name().to_owned(),
            path: found.path().to_owned(),
            boundary: boundary
                .and_then(|it| it.permissions_boundary_arn())
                .map(str::to_owned),
            tags,
            policies: policies
                .attached_policies()
                .iter()
                .filter_map(|policy| policy.policy_arn().map(str::to_owned))
                .collect(),
            inline,
            groups: groups
                .groups()
                .iter()
                .map(|group| group.group_name().to_owned())
                .collect(),
        },
    }))
}

/// IAM returns documents percent-encoded.
fn percent_decode(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        let hex = |byte: Option<u8>| byte.and_then(|it| char::from(it).to_digit(16));
        match byte {
            b'%' => match (hex(rest.next()), hex(rest.next())) {
                (Some(high), Some(low)) => bytes.push(u8::try_from(high * 16 + low).unwrap()),
                _ => bytes.push(b'?'),
            },
            other => bytes.push(other),
        }
    }
    String::from_utf8(bytes).unwrap()
}
