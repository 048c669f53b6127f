//! The function `reconcile`.

use std::process::ExitCode;

fn main() -> ExitCode {
    jobs::function::main::<jobs::reconcile::Reconcile>()
}
