//! State and identities of an earlier version of their schema, brought to the current one. Terraform
//! asks for the state of every instance, also when the versions are equal, and for an identity only
//! when they differ.

use std::sync::Arc;

use crossaccount_proto::tfplugin6::{RawState, upgrade_resource_identity, upgrade_resource_state};
use serde_json::{Map, Value as Json};

use super::for_state;
use crate::framework::Provider;
use crate::framework::registry::Inner;
use crate::framework::server::Call;
use crate::framework::wire::{diagnostics, identity as wire, values};
use crate::schema::{Diagnostic, Diagnostics};
use crate::value::{Object, Type, Value, json};

impl<P: Provider> Call<P> for upgrade_resource_state::Request {
    type Answer = upgrade_resource_state::Response;
    const NAME: &'static str = "UpgradeResourceState";

    fn subject(&self) -> &str {
        &self.type_name
    }

    async fn answer(self, server: Arc<Inner<P>>) -> Result<Self::Answer, Diagnostics> {
        let resource = server.resource(&self.type_name)?;
        let stored = Stored {
            what: "state",
            type_name: &self.type_name,
            version: self.version,
            raw: self.raw_state.unwrap_or_default(),
        };
        let current = resource.schema.state_version();
        let state = stored.upgraded(current, &resource.ty, |version, state| {
            resource.item.upgrade(version, state)
        })?;
        let mut found = Diagnostics::new();
        let state = for_state(&resource.schema, state, "upgraded state", &mut found);
        Ok(upgrade_resource_state::Response {
            upgraded_state: Some(values::encode_object(
                Some(state),
                &resource.ty,
                "upgraded state",
            )?),
            diagnostics: diagnostics::to_proto(found),
        })
    }

    fn refused(self, diagnostics: Diagnostics) -> Self::Answer {
        upgrade_resource_state::Response {
            upgraded_state: None,
            diagnostics: diagnostics::to_proto(diagnostics),
        }
    }
}

impl<P: Provider> Call<P> for upgrade_resource_identity::Request {
    type Answer = upgrade_resource_identity::Response;
    const NAME: &'static str = "UpgradeResourceIdentity";

    fn subject(&self) -> &str {
        &self.type_name
    }

    async fn answer(self, server: Arc<Inner<P>>) -> Result<Self::Answer, Diagnostics> {
        let resource = server.resource(&self.type_name)?;
        let Some(identity) = server.identities.get(self.type_name.as_str()) else {
            let detail = format!("A {} has no identity.", self.type_name);
            return Err(refusal("identity", detail));
        };
        let stored = Stored {
            what: "identity",
            type_name: &self.type_name,
            version: self.version,
            raw: self.raw_identity.unwrap_or_default(),
        };
        let current = identity.schema().state_version();
        let upgraded = stored.upgraded(current, &identity.ty(), |version, stored| {
            resource.item.upgrade_identity(version, stored)
        })?;
        Ok(upgrade_resource_identity::Response {
            upgraded_identity: Some(wire::encode(upgraded, identity)?),
            diagnostics: Vec::new(),
        })
    }

    fn refused(self, diagnostics: Diagnostics) -> Self::Answer {
        upgrade_resource_identity::Response {
            upgraded_identity: None,
            diagnostics: diagnostics::to_proto(diagnostics),
        }
    }
}

/// What Terraform has stored.
struct Stored<'a> {
    what: &'static str,
    type_name: &'a str,
    version: i64,
    raw: RawState,
}

impl Stored<'_> {
    /// The object of the current version. `step` brings it from one version to the next.
    fn upgraded(
        &self,
        current: i64,
        ty: &Type,
        step: impl Fn(i64, Map<String, Json>) -> Result<Map<String, Json>, Diagnostics>,
    ) -> Result<Object, Diagnostics> {
        let Self {
            what,
            type_name,
            version,
            raw,
        } = self;
        if *version > current || *version < 0 {
            return Err(refusal(
                what,
                format!(
                    "The {what} of a {type_name} has version {version}, and this version of the \
                     provider knows versions 0 to {current}. Use the provider version that wrote \
                     it, or a later one."
                ),
            ));
        }
        if raw.json.is_empty() {
            return Err(refusal(
                what,
                format!("The {what} of a {type_name} was not written by Terraform 0.12 or later."),
            ));
        }
        let value = if *version == current {
            json::decode(&raw.json, ty)
        } else {
            let mut object = serde_json::from_slice(&raw.json).map_err(|error| {
                // The message of the parser may quote a value.
                let (line, column) = (error.line(), error.column());
                refusal(
                    what,
                    format!("The {what} is not a JSON object (line {line}, column {column})."),
                )
            })?;
            for version in *version..current {
                object = step(version, object)?;
            }
            json::decode_value(&Json::Object(object), ty)
        };
        match value.map_err(|error| values::unreadable(what, error))? {
            Value::Object(object) => Ok(object),
            _ => Err(refusal(
                what,
                format!("The {what} of a {type_name} is empty."),
            )),
        }
    }
}

fn refusal(what: &str, detail: String) -> Diagnostics {
    let summary = match what {
        "state" => "State cannot be upgraded",
        _ => "Identity cannot be upgraded",
    };
    Diagnostic::error(summary, detail).into()
}
