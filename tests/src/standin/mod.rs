//! AWS on this machine: moto behind our own wrapper (`tests/standin/`), started and steered from
//! Rust.
//!
//! One process serves all tests of a test binary. Tests do not meet because each [`World`] has
//! accounts of its own.

mod control;
mod credentials;
pub(crate) mod install;
mod process;
mod tables;
mod world;

pub use control::{
    Call, Control, Credentials, Decision, Fault, FaultKind, FaultState, KMS_ALIAS, NewRole,
    Statement,
};
pub use credentials::{KmsKey, Login, Parameter, UserKey, UserSecrets};
pub use process::StandIn;
pub use tables::NewTable;
pub use world::{Account, World, WorldOptions};
