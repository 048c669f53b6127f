//! The Terraform provider as a program. Everything it does is in the library beside it.

use std::process::ExitCode;

use provider::crossaccount::Crossaccount;
use provider::framework::Server;

fn main() -> ExitCode {
    provider::plugin::main(|| Server::new(Crossaccount))
}
