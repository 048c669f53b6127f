//! Between the framework and the protocol's messages. Only this folder and `rpc` know protobuf.

pub(super) mod diagnostics;
pub(super) mod functions;
pub(super) mod identity;
pub(super) mod schema;
pub(super) mod values;
