//! Terraform's plugin protocol 6 and the go-plugin services around it, as Rust types.
//!
//! Everything here is generated from the files in `proto/`. The crate holds no behaviour: how the
//! messages are encoded, served and interpreted is the business of the provider crate. Clients are
//! generated only with the feature `client`, because nothing but tests calls a provider.

#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        reason = "a failed test may panic"
    )
)]

/// The provider service and its messages, minor version 11.
#[allow(
    clippy::all,
    clippy::pedantic,
    clippy::allow_attributes_without_reason,
    missing_docs,
    unreachable_pub,
    unused_qualifications,
    rustdoc::all,
    reason = "generated code"
)]
pub mod tfplugin6 {
    tonic::include_proto!("tfplugin6");
}

/// The services by which a host built on go-plugin controls a plugin process.
#[allow(
    clippy::all,
    clippy::pedantic,
    clippy::allow_attributes_without_reason,
    missing_docs,
    unreachable_pub,
    unused_qualifications,
    rustdoc::all,
    reason = "generated code"
)]
pub mod plugin {
    tonic::include_proto!("plugin");
}

#[cfg(test)]
mod tests;
