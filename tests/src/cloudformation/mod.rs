//! CloudFormation on this machine: templates as it reads them, and what a custom resource sees of it.
//!
//! - [`member_role`] resolves the template of the member role.
//! - [`Stack`] sends the requests of creations, updates, roll-backs and deletions to a [`Function`](crate::lambda::Function).
//! - [`ResponseEndpoint`] takes the answers, holds them to every rule, and loses or refuses them on demand.
//! - [`Scene`] is the function and the accounts that it changes, ready for a test.

mod answer;
mod endpoint;
mod operations;
mod request;
mod scene;
mod signal;
mod stack;
mod status;
mod template;

pub use answer::Answer;
pub use endpoint::{Put, Reception, ResponseEndpoint};
pub use request::{RequestKind, Sent, as_strings};
pub use scene::{STRANGER, Scene, SceneOptions};
pub use signal::Signal;
pub use stack::{Orphan, Replaced, Sibling, Stack, StackEvent, StackOptions, StackTemplate};
pub use status::{ResourceStatus, Status};
pub use template::{MemberRole, member_role};
