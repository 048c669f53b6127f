//! The function `provision`.

use std::process::ExitCode;

fn main() -> ExitCode {
    jobs::function::main::<jobs::provision::Provision>()
}
