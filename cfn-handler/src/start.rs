//! From settings to a handler.

use std::sync::Arc;

use crossaccount_core::Error;
use crossaccount_core::audit::{Audit, Face, RunContext};
use crossaccount_core::clock::{Clock, SystemClock};
use crossaccount_core::ids::RunId;
use crossaccount_lambda::hub::{Hub, Reads};

use crate::config::Config;
use crate::ledger::Ledger;
use crate::lifecycle::Handler;

/// Makes the handler. Calls nobody; credentials and Region are those that Lambda gives to the function.
///
/// # Errors
/// When an endpoint of the environment is none, or there are no credentials.
pub async fn handler(config: Config, run_id: RunId) -> Result<Handler, Error> {
    let hub = Hub::find().await?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let sessions = hub.sessions(&config.shared, Reads::Users, Arc::clone(&clock))?;
    let run = RunContext {
        run_id,
        face: Face::Cloudformation,
    };
    let audit = Audit::new(
        Some(config.shared.audit),
        Arc::clone(&sessions),
        run,
        Arc::clone(&clock),
    );
    let ledger = Ledger::new(
        hub.dynamodb(),
        config.ledger_table,
        config.lease,
        Arc::clone(&clock),
    );
    Ok(Handler {
        guardrails: config.shared.guardrails,
        stack_accounts: config.stack_accounts,
        ledger,
        sessions,
        audit: Arc::new(audit),
        clock,
        secrets: config.shared.secrets,
        patience: config.patience,
    })
}
