//! The function `reconcile`: accounts are kept as the registry says.
//!
//! It is asked in two ways, and does the same both times: a stream record says that a row changed, and the schedule that an
//! hour has passed. Neither carries what to do: the row is read again, as it is now, and the user is brought to it. So a
//! record that comes twice, late or in the wrong order does no harm, and what the stream has lost the schedule finds.

mod event;
mod extras;
mod removal;
mod row;
mod schedule;
mod stream;

use std::collections::BTreeMap;
use std::sync::Arc;

use crossaccount_core::clock::SystemClock;
use crossaccount_core::ids::{AccountId, RunId};
use crossaccount_lambda::hub::Reads;
use crossaccount_lambda::settings::table::Variable;
use indicatif::ProgressBar;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::config::{self, RemovalRules, table};
use crate::function::{Done, Job};
use crate::registry::Registry;
use crate::run::{Base, Run};

pub use event::{Asked, StreamRecord};

/// The function.
#[derive(Debug)]
pub struct Reconcile {
    base: Base,
    registry: Registry,
    default_account: Option<AccountId>,
    removal: RemovalRules,
}

/// One invocation, and what it works on.
struct Work<'a> {
    run: Run,
    registry: &'a Registry,
    default_account: Option<&'a AccountId>,
    removal: RemovalRules,
}

impl Job for Reconcile {
    const NAME: &'static str = "reconcile";

    fn variables() -> &'static [Variable] {
        table::RECONCILE
    }

    async fn start(environment: &BTreeMap<String, String>) -> Result<Self, String> {
        let config = config::reconcile(environment, RunId::random())
            .map_err(|problems| problems.to_string())?;
        // Not `reconcile/…`: what is owned belongs to the registry, whoever works for it.
        let base = Base::new("registry", config.common, Arc::new(SystemClock))
            .await
            .map_err(|error| error.to_string())?;
        let registry = Registry::new(
            base.hub().dynamodb(),
            config.table,
            config.lease,
            Arc::clone(base.clock()),
        );
        Ok(Self {
            base,
            registry,
            default_account: config.default_account,
            removal: config.removal,
        })
    }

    fn deployment_id(&self) -> &str {
        &self.base.common().deployment_id
    }

    /// # Errors
    /// When the event is not known, or the table cannot be read. What fails for one user stands in the answer, and in
    /// its row.
    async fn run(
        &self,
        event: &str,
        until: Instant,
        cancelled: CancellationToken,
        progress: &ProgressBar,
    ) -> Result<Done, String> {
        let asked = event::read(event)?;
        let run = self
            .base
            .begin(Reads::Accounts, until, cancelled)
            .map_err(|error| error.to_string())?;
        let work = Work {
            run,
            registry: &self.registry,
            default_account: self.default_account.as_ref(),
            removal: self.removal,
        };
        match asked {
            Asked::Stream(records) => work.follow(records, progress).await,
            Asked::Schedule(mode) => work.reconcile(mode, progress).await,
        }
    }
}
