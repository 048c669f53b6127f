//! CloudFormation on this machine: templates as it reads them, and what a custom resource sees of it.
//!
//! - [`template`] resolves a template as it is deployed, [`member_role`] that of the member role into its parts.
//! - [`Stack`] sends the requests of creations, updates, roll-backs and deletions to a [`Function`](crate::lambda::Function).
//! - [`ResponseEndpoint`] takes the answers, holds them to every rule, and loses or refuses them on demand.
//! - [`Scene`] is the function and the accounts that it changes, ready for a test.

mod answer;
mod endpoint;
mod member_role;
mod operations;
mod request;
mod scene;
mod signal;
mod stack;
mod status;
mod template;

pub use answer::Answer;
pub use endpoint::{Put, Reception, ResponseEndpoint};
pub use member_role::world_with_member_role;
pub use request::{RequestKind, Sent, as_strings};
pub use scene::{STRANGER, Scene, SceneOptions};
pub use signal::Signal;
pub use stack::{Orphan, Replaced, Sibling, Stack, StackEvent, StackOptions, StackTemplate};
pub use status::{ResourceStatus, Status};
pub use template::{MemberRole, Template, member_role, template, unresolved};
