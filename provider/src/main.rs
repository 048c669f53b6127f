//! The Terraform provider as a program. Everything it does is in the library beside it.

use std::process::ExitCode;

use crossaccount_proto::tfplugin6::provider_server::Provider;

/// Answers every call with `UNIMPLEMENTED`.
struct NothingOffered;

impl Provider for NothingOffered {}

fn main() -> ExitCode {
    provider::plugin::main(|| NothingOffered)
}
