//! The providers of [`harness::stub_providers`]: which one it is follows from the name of the file.

use std::process::ExitCode;

fn main() -> ExitCode {
    harness::stub_providers::main()
}
