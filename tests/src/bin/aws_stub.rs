//! The provider `hashicorp/aws` as far as planning goes: see [`harness::aws_stub`].

use std::process::ExitCode;

fn main() -> ExitCode {
    harness::aws_stub::main()
}
