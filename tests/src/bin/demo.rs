//! `cargo demo`: the main job from beginning to end, with real Terraform against the AWS stand-in.

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    harness::demo::main(&arguments).await
}
