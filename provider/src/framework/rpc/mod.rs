//! The calls of the protocol, one file for each group. A file reads the request, asks the plan
//! rules or the resource, and writes the answer; the wrapper around all calls is in `server`.

mod action;
mod apply;
mod configure;
mod data_source;
mod ephemeral;
mod function;
mod identity;
mod import;
mod list;
mod move_state;
mod plan;
mod read;
mod schema;
mod stop;
mod upgrade;
mod validate;

use crossaccount_proto::tfplugin6::{ClientCapabilities, Deferred, deferred::Reason};

use super::{Capabilities, DeferReason};
use crate::schema::{Diagnostic, Diagnostics, Schema};
use crate::value::{Object, Path};

/// Absent capabilities are those of an old client: none.
fn capabilities(message: Option<ClientCapabilities>) -> Capabilities {
    let message = message.unwrap_or_default();
    Capabilities {
        deferral_allowed: message.deferral_allowed,
        write_only_attributes_allowed: message.write_only_attributes_allowed,
    }
}

fn deferred(reason: DeferReason) -> Deferred {
    let reason = match reason {
        DeferReason::ResourceConfigUnknown => Reason::ResourceConfigUnknown,
        DeferReason::ProviderConfigUnknown => Reason::ProviderConfigUnknown,
        DeferReason::AbsentPrerequisite => Reason::AbsentPrereq,
    };
    Deferred {
        reason: reason.into(),
    }
}

/// Makes an object fit for the state: write-only values are removed, and unknown values, which only
/// a fault can leave there, become null and are reported.
fn for_state(schema: &Schema, object: Object, what: &str, diagnostics: &mut Diagnostics) -> Object {
    let object = super::plan::without_write_only(schema.attributes(), object);
    if object.is_wholly_known() {
        return object;
    }
    let names: Vec<&str> = object
        .iter()
        .filter(|(_, value)| !value.is_wholly_known())
        .map(|(name, _)| name)
        .collect();
    let detail = format!("The {what} holds unknown values in: {}.", names.join(", "));
    let place = names
        .first()
        .map_or_else(Path::root, |name| Path::attribute(*name));
    diagnostics.push(Diagnostic::bug(detail).at(place));
    object.with_unknown_as_null()
}
