//! Identities as messages.

use crossaccount_proto::tfplugin6::{
    ResourceIdentityData, ResourceIdentitySchema, resource_identity_schema::IdentityAttribute,
};

use super::values;
use crate::schema::{Attribute, Diagnostics, Identity, Presence};
use crate::value::{Object, Value};

/// The schema of an identity as a message.
pub(in crate::framework) fn to_proto(identity: &Identity) -> ResourceIdentitySchema {
    let attributes = identity.schema().attributes();
    ResourceIdentitySchema {
        version: identity.schema().state_version(),
        identity_attributes: attributes.iter().map(attribute).collect(),
    }
}

fn attribute(attribute: &Attribute) -> IdentityAttribute {
    let required = attribute.presence() == Some(Presence::Required);
    IdentityAttribute {
        name: attribute.name().to_owned(),
        r#type: attribute.ty().to_json(),
        required_for_import: required,
        optional_for_import: !required,
        description: attribute.description.clone(),
    }
}

/// Reads an identity. State that was written before there was one has none; one in which
/// everything is null says as much.
pub(in crate::framework) fn decode(
    message: Option<&ResourceIdentityData>,
    identity: &Identity,
) -> Result<Option<Object>, Diagnostics> {
    let value = message.and_then(|message| message.identity_data.as_ref());
    let object = values::decode_object(value, &identity.ty(), "identity")?;
    Ok(object.filter(|object| !object.iter().all(|(_, value): (_, &Value)| value.is_null())))
}

/// Writes an identity.
pub(in crate::framework) fn encode(
    object: Object,
    identity: &Identity,
) -> Result<ResourceIdentityData, Diagnostics> {
    let value = values::encode_object(Some(object), &identity.ty(), "identity")?;
    Ok(ResourceIdentityData {
        identity_data: Some(value),
    })
}
