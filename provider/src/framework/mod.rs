//! The generic provider: what a resource, a data source, an ephemeral resource, a list, an action, a
//! function and a provider must say about themselves, and the server that answers Terraform for them.
//!
//! A resource never sees protobuf, msgpack or schema versions: it gets objects that conform to
//! its schema and gives such objects back. Kinds that this provider does not offer (state stores,
//! generated configuration) have no code here; their rpcs answer "unimplemented" by the generated
//! default.

pub mod action;
pub mod check;
pub mod context;
pub mod data_source;
pub mod docs;
pub mod ephemeral;
pub mod function;
mod identity;
pub mod list;
mod plan;
pub mod provider;
mod registry;
pub mod resource;
mod rpc;
mod server;
mod wire;

pub use action::{Action, ActionPlanRequest, InvokeRequest, Progress};
pub use context::{Capabilities, Configured, DeferReason, Private};
pub use data_source::{DataSource, ReadDataRequest};
pub use docs::Documentation;
pub use ephemeral::{CloseRequest, EphemeralResource, OpenRequest, Opened, RenewRequest, Renewed};
pub use function::{Function, FunctionError, Parameter, Signature};
pub use list::{Found, ListRequest, ListResource, Listed};
pub use provider::{ConfigureRequest, Provider};
pub use resource::{
    CreateRequest, DeleteRequest, IdentityImportRequest, ImportRequest, Imported, MoveSource,
    Moved, Outcome, Plan, PlanAction, PlanRequest, ReadRequest, Resource, UpdateRequest,
    ValidateRequest,
};
pub use server::Server;

#[cfg(test)]
mod tests;
