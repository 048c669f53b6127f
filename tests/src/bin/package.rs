//! `cargo package-lambdas`: the archives that AWS Lambda takes, and their digests.

use std::fmt::Write as _;
use std::io::Write as _;
use std::process::ExitCode;

use anyhow::{Result, ensure};
use harness::package;

fn main() -> ExitCode {
    match run() {
        Ok(text) => {
            // Nobody is left to be told when standard output is closed.
            let _ = std::io::stdout().write_all(text.as_bytes());
            ExitCode::SUCCESS
        }
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Makes everything and returns what to print: lines as `sha256sum` writes and checks them, then advice.
fn run() -> Result<String> {
    ensure!(
        std::env::args().len() == 1,
        "`cargo package-lambdas` takes no arguments: it makes the archives for all installed Rust targets"
    );
    let (packages, advice) = package::package_all()?;
    let mut text = String::new();
    for package in packages {
        writeln!(text, "{}  {}", package.sha256, package.archive.display())?;
    }
    if let Some(advice) = advice {
        writeln!(text, "note: {advice}")?;
    }
    Ok(text)
}
