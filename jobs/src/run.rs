//! One invocation: a run id, sessions and audit of its own, and the time that it has.
//!
//! Nothing that was read is kept from one invocation to the next: a warm process would decide on what was true an hour
//! ago. Connections are kept.

use std::sync::Arc;

use crossaccount_core::Error;
use crossaccount_core::audit::{Audit, Face, RunContext};
use crossaccount_core::clock::Clock;
use crossaccount_core::ids::RunId;
use crossaccount_core::secrets::SecretStore;
use crossaccount_core::session::{SessionName, Sessions};
use crossaccount_core::user::{Limits, Owner, Users, UsersSettings};
use crossaccount_lambda::guardrails::Guardrails;
use crossaccount_lambda::hub::{Hub, Reads};
use serde_json::{Map, Value};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::config::Common;

/// What all invocations of a process share.
#[derive(Debug)]
pub struct Base {
    hub: Hub,
    common: Common,
    owner: Owner,
    clock: Arc<dyn Clock>,
}

impl Base {
    /// What a function of this name needs. Calls nobody.
    ///
    /// # Errors
    /// When there are no credentials, or an endpoint of the environment is none.
    pub async fn new(function: &str, common: Common, clock: Arc<dyn Clock>) -> Result<Self, Error> {
        let owner = format!("{function}/{}", common.deployment_id);
        let owner = owner
            .parse()
            .map_err(|error: crossaccount_core::ids::InvalidId| {
                Error::new(
                    crossaccount_core::ErrorKind::InvalidInput,
                    error.to_string(),
                )
            })?;
        Ok(Self {
            hub: Hub::find().await?,
            common,
            owner,
            clock,
        })
    }

    /// The hub.
    pub fn hub(&self) -> &Hub {
        &self.hub
    }

    /// What both jobs are told.
    pub fn common(&self) -> &Common {
        &self.common
    }

    /// The clock.
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.clock
    }

    /// Begins an invocation that may work until `until`, or until it is cancelled. Calls nobody.
    ///
    /// # Errors
    /// When a session policy is longer than STS allows.
    pub fn begin(
        &self,
        reads: Reads,
        until: Instant,
        cancelled: CancellationToken,
    ) -> Result<Run, Error> {
        let run_id = RunId::random();
        let mut shared = self.common.shared.clone();
        shared.sessions.session_name = SessionName::for_run(run_id);
        let sessions = self.hub.sessions(&shared, reads, Arc::clone(&self.clock))?;
        let context = RunContext {
            run_id,
            face: Face::Job,
        };
        let audit = Audit::new(
            Some(shared.audit),
            Arc::clone(&sessions),
            context,
            Arc::clone(&self.clock),
        );
        let store = shared.secrets.map(|secrets| {
            let sessions = Arc::clone(&sessions);
            Arc::new(SecretStore::new(sessions, secrets, self.owner.clone()))
        });
        let settings = UsersSettings {
            owner: self.owner.clone(),
            // The registry has limits of its own, over all its processes.
            max_user_deletions: None,
        };
        let users = Users::new(
            Arc::clone(&sessions),
            Arc::new(audit),
            Arc::clone(&self.clock),
            settings,
            store,
        );
        Ok(Run {
            run_id,
            users: Arc::new(users),
            sessions,
            guardrails: shared.guardrails,
            defaults: self.common.defaults.clone(),
            accounts_at_once: self.common.accounts_at_once,
            users_at_once: self.common.users_at_once,
            clock: Arc::clone(&self.clock),
            until,
            cancelled,
        })
    }
}

/// One invocation.
#[derive(Debug)]
pub struct Run {
    /// Its id: in audit records, session names, log lines and reports.
    pub run_id: RunId,
    /// The operations on users.
    pub users: Arc<Users>,
    /// The sessions.
    pub sessions: Arc<Sessions>,
    /// What may be asked for.
    pub guardrails: Guardrails,
    /// The default properties.
    pub defaults: Map<String, Value>,
    /// In how many accounts work goes on at the same time.
    pub accounts_at_once: usize,
    /// On how many users of an account.
    pub users_at_once: usize,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// When no further user is begun.
    pub until: Instant,
    /// Cancelled when somebody asks to stop.
    pub cancelled: CancellationToken,
}

impl Run {
    /// Whether another user can be begun.
    pub fn goes_on(&self) -> bool {
        !self.cancelled.is_cancelled() && Instant::now() < self.until
    }

    /// The limits of one operation.
    pub fn limits(&self) -> Limits {
        let time = self.until.saturating_duration_since(Instant::now());
        Limits::within(time, self.cancelled.clone())
    }

    /// How many requests to AWS were sent through sessions so far: those to DynamoDB and of reports are not in it.
    pub fn aws_calls(&self) -> u64 {
        self.sessions.statistics().by_action.values().sum()
    }
}
