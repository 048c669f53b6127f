//! The Lambda function of the CloudFormation face: how long a cold one takes to its first answer, and its memory.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use harness::cloudformation::{Scene, SceneOptions, StackTemplate, Status};
use harness::lambda::{Function, FunctionOptions};
use serde_json::json;
use tokio::time::Instant;

/// What was measured of the function.
#[derive(Debug)]
pub(crate) struct Measured {
    /// From the start of the process to its first answer to Lambda, for each start.
    pub(crate) starts: Vec<Duration>,
    /// The most memory of any process in the life of a user with credentials.
    pub(crate) peak_memory: u64,
    /// The size of the unpacked binary.
    pub(crate) bytes: u64,
}

/// Starts the packaged function so many times, after one that does not count, and takes one user through its life.
pub(crate) fn measure(binary: &Path, times: usize) -> Result<Measured> {
    let bytes = binary.metadata().context("the function has no size")?.len();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("cannot make a runtime")?;
    runtime.block_on(async {
        let mut starts = Vec::with_capacity(times);
        for number in 0..=times {
            let function = Function::new(FunctionOptions::new(binary.to_owned()))?;
            // Refused without a call: the time is that of the process and of Lambda's interface.
            let event = json!({"Job": "NoSuchJob"});
            let begun = Instant::now();
            function.invoke(&event).await?;
            if number > 0 {
                starts.push(begun.elapsed());
            }
        }
        Ok(Measured {
            starts,
            peak_memory: life(binary).await?,
            bytes,
        })
    })
}

/// A user with credentials: created, changed and deleted by one process.
async fn life(binary: &Path) -> Result<u64> {
    let mut options = SceneOptions {
        binary: Some(binary.to_owned()),
        ..SceneOptions::default()
    };
    options.world.members = 1;
    let scene = Scene::with(options).await?;
    let mut stack = scene.stack();
    let mut user = scene.full_user("alice");
    let status = stack
        .create(&StackTemplate::new().with("Alice", &user)?)
        .await?;
    ensure!(status == Status::CreateComplete, "{:#?}", stack.events());
    user["Tags"] = json!([]);
    let status = stack
        .update(&StackTemplate::new().with("Alice", &user)?)
        .await?;
    ensure!(status == Status::UpdateComplete, "{:#?}", stack.events());
    let status = stack.delete().await?;
    ensure!(status == Status::DeleteComplete, "{:#?}", stack.events());
    Ok(scene.function.peak_memory())
}
