//! How this program lives as a plugin of Terraform or OpenTofu: start, handshake, connection, end.
//!
//! The host starts the program, reads one line from its standard output, connects, calls the
//! provider service and asks the program to end. This module knows nothing about resources: it is
//! given a function that makes a provider service, and calls it once per connection.

mod arguments;
mod handshake;
mod lifetime;
mod listener;
mod process;
mod reattach;
mod server;
mod services;
mod tls;

pub use process::main;

/// The source address under which registries know this provider.
const SOURCE_ADDRESS: &str = "crossaccount/crossaccount";
