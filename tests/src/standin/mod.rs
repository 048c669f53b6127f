//! AWS on this machine: moto behind our own wrapper (`tests/standin/`), started and steered from
//! Rust.
//!
//! One process serves all tests of a test binary. Tests do not meet because each [`World`] has
//! accounts of its own.

mod control;
pub(crate) mod install;
mod process;
mod world;

pub use control::{
    Call, Control, Credentials, Decision, Fault, FaultKind, FaultState, NewRole, Statement,
};
pub use process::StandIn;
pub use world::{Account, World, WorldOptions};
