//! The Lambda function.

use std::collections::BTreeMap;
use std::env;
use std::process::ExitCode;
use std::sync::Arc;

use cfn_handler::protocol::delivery::Delivery;
use cfn_handler::runtime::{self, Unconfigured};
use cfn_handler::{config, start};
use crossaccount_core::ids::RunId;
use crossaccount_lambda::logging;
use crossaccount_lambda::process::{self, Stopped};

fn main() -> ExitCode {
    let environment = environment();
    logging::install(|name| environment.get(name).cloned());
    process::enter(serve(environment))
}

/// Serves with the settings of the environment. When they are wrong, stacks still get an answer.
async fn serve(environment: BTreeMap<String, String>) -> Result<(), Stopped> {
    if !environment.contains_key("AWS_LAMBDA_RUNTIME_API") {
        return Err(Stopped::Failed(
            "this program is an AWS Lambda function and cannot be started by hand".to_owned(),
        ));
    }
    let delivery = Delivery::new()
        .map_err(|error| Stopped::Failed(format!("answers cannot be sent: {error}")))?;
    let run_id = RunId::random();
    let handler = match config::read(&environment, run_id) {
        Ok(config) => start::handler(config, run_id)
            .await
            .map_err(|error| error.to_string()),
        Err(problems) => Err(problems.to_string()),
    };
    match handler {
        Ok(handler) => runtime::serve(Arc::new(handler), delivery).await,
        Err(message) => runtime::serve(Arc::new(Unconfigured::new(message)), delivery).await,
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the one place of the function that reads its environment"
)]
fn environment() -> BTreeMap<String, String> {
    let text = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
        Some((name.into_string().ok()?, value.into_string().ok()?))
    };
    env::vars_os().filter_map(text).collect()
}
