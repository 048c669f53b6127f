//! Replies: the same keys always, and never a secret.

use std::collections::BTreeMap;

use crossaccount_core::audit::Status;
use crossaccount_core::session::Target;
use crossaccount_core::user::access_keys::KeyTags;
use crossaccount_core::user::{ObservedUser, UserSpec, Users};
use serde_json::{Map, Value};

use crate::physical_id::PhysicalId;
use crate::protocol::answer::Reply;
use crate::protocol::request::Request;
use crossaccount_lambda::properties::remember;

/// The names that `Fn::GetAtt` knows. A key that is missing in one answer breaks a stack, so all are in every answer; what
/// there is not is an empty text.
pub const ATTRIBUTES: [&str; 8] = [
    "Arn",
    "UniqueId",
    "AccountId",
    "UserName",
    "AccessKeyId",
    "AccessKeyParameter",
    "ConsolePasswordParameter",
    "Status",
];

/// The user that properties name, when they do.
pub(super) fn identity_of(properties: &Map<String, Value>) -> Option<PhysicalId> {
    let remembered = remember(properties);
    Some(PhysicalId::User {
        account_id: remembered.account_id?,
        name: remembered.name?,
    })
}

/// The reply to a request that failed.
pub(super) fn failed(
    request: &Request,
    physical_resource_id: &str,
    reason: impl Into<String>,
) -> Reply {
    let mut data = blank();
    fill_identity(&mut data, identity_of(&request.properties));
    data.insert("Status", "Failed".to_owned());
    Reply {
        result: Err(reason.into()),
        physical_resource_id: physical_resource_id.to_owned(),
        data,
    }
}

/// The reply about a user that is as wanted.
pub(super) fn exists(
    users: &Users,
    target: &Target,
    spec: &UserSpec,
    user: &ObservedUser,
    status: Status,
) -> Reply {
    let id = PhysicalId::User {
        account_id: target.account_id.clone(),
        name: spec.name.clone(),
    };
    let mut data = blank();
    let physical_resource_id = id.to_string();
    fill_identity(&mut data, Some(id));
    data.insert("Arn", user.arn.clone());
    data.insert("UniqueId", user.unique_id.clone());
    data.insert("Status", word(status));
    if let Some(places) = users.places(target, &spec.name) {
        if spec.access_key.is_some() {
            let current = KeyTags::read(&user.tags).current;
            data.insert("AccessKeyId", current.map(|key| key.id).unwrap_or_default());
            data.insert("AccessKeyParameter", places.access_key.to_string());
        }
        if spec.console_access.is_some() {
            data.insert(
                "ConsolePasswordParameter",
                places.console_password.to_string(),
            );
        }
    }
    Reply {
        result: Ok(()),
        physical_resource_id,
        data,
    }
}

/// The reply to a Delete that came to its end.
pub(super) fn gone(request: &Request, status: Status) -> Reply {
    let incoming = request.physical_resource_id.clone().unwrap_or_default();
    let mut data = blank();
    let identity = match PhysicalId::read(&incoming) {
        id @ PhysicalId::User { .. } => Some(id),
        PhysicalId::Nothing | PhysicalId::Other(_) => identity_of(&request.properties),
    };
    fill_identity(&mut data, identity);
    data.insert("Status", word(status));
    Reply {
        result: Ok(()),
        physical_resource_id: incoming,
        data,
    }
}

fn blank() -> BTreeMap<&'static str, String> {
    ATTRIBUTES
        .into_iter()
        .map(|name| (name, String::new()))
        .collect()
}

fn fill_identity(data: &mut BTreeMap<&'static str, String>, id: Option<PhysicalId>) {
    if let Some(PhysicalId::User { account_id, name }) = id {
        data.insert("AccountId", account_id.to_string());
        data.insert("UserName", name.to_string());
    }
}

/// The status as audit records spell it.
fn word(status: Status) -> String {
    match status {
        Status::Created => "Created",
        Status::Exists => "Exists",
        Status::Updated => "Updated",
        Status::Deleted => "Deleted",
        Status::Rotated => "Rotated",
        Status::Unchanged => "Unchanged",
        Status::Failed => "Failed",
    }
    .to_owned()
}
