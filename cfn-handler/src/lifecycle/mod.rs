//! Create, Update and Delete, on top of the core.
//!
//! Every request goes the same way: refuse what can be refused without a call, enter the ledger, look, and let the core
//! do what every face lets it do. What differs from Terraform is that there is no state: the physical id tells which user
//! is meant, and the ownership tag on the user tells whether it is ours.

mod begun;
mod create;
mod delete;
mod reply;
mod schedule;
mod spelling;
mod update;

use std::sync::Arc;
use std::time::Duration;

use crossaccount_core::audit::Audit;
use crossaccount_core::clock::Clock;
use crossaccount_core::secrets::{SecretStore, SecretsSettings};
use crossaccount_core::session::Sessions;
use crossaccount_core::user::{Owner, Users, UsersSettings};
use crossaccount_lambda::guardrails::Guardrails;
use crossaccount_lambda::properties::{self, UserProperties};
use tokio::time::Instant;

use crate::ledger::Ledger;
use crate::physical_id::PhysicalId;
use crate::protocol::answer::Reply;
use crate::protocol::request::{Request, RequestType};
use crate::protocol::resource::{Earlier, Handled, Resource};
use crate::stack_accounts::StackAccounts;

pub use reply::ATTRIBUTES;
use reply::{failed, identity_of};
pub use schedule::{FailedRotation, Rotations};
use spelling::in_template_words;

/// `Custom::CrossAccountIamUser`.
#[derive(Debug)]
pub struct Handler {
    /// What whoever writes a template may ask for.
    pub guardrails: Guardrails,
    /// The accounts whose stacks may use the function.
    pub stack_accounts: StackAccounts,
    /// The order of requests.
    pub ledger: Ledger,
    /// Sessions with the accounts, shared by all requests of this process.
    pub sessions: Arc<Sessions>,
    /// The audit bucket; the records of this process form one chain.
    pub audit: Arc<Audit>,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// Where secrets are kept; without it nobody gets a credential.
    pub secrets: Option<SecretsSettings>,
    /// How long a Delete looks for a user that a Create may have made a moment ago, and that IAM does not show yet.
    pub patience: Duration,
}

impl Resource for Handler {
    async fn earlier(&self, request: &Request) -> Earlier {
        self.ledger.earlier(request).await.unwrap_or_else(|error| {
            // The request itself goes through the ledger too, and fails there if it has to.
            tracing::warn!(%error, "the ledger does not tell whether this request was answered before");
            Earlier::Nothing
        })
    }

    async fn handle(&self, request: Request, until: Instant) -> Handled {
        match &request.request_type {
            RequestType::Create => self.create(&request, until).await,
            RequestType::Update => self.update(&request, until).await,
            RequestType::Delete => self.delete(&request, until).await,
            RequestType::Unknown(name) => {
                let reason = format!(
                    "the request type {name:?} is not known to this version of crossaccount: update the function"
                );
                failed(&request, &incoming_or_nothing(&request), reason).into()
            }
        }
    }

    async fn answering(&self, request: &Request, body: &str) {
        if let Err(error) = self.ledger.answering(request, body).await {
            tracing::warn!(%error, "the answer could not be remembered; it is sent all the same");
        }
    }

    async fn delivered(&self, request: &Request) {
        if let Err(error) = self.ledger.delivered(request).await {
            tracing::warn!(%error, "it could not be remembered that the answer was delivered");
        }
    }

    fn broken(&self, request: &Request, reason: String) -> Reply {
        let id = match &request.physical_resource_id {
            Some(id) => id.clone(),
            // Something may have been made: the Delete that follows has to find it.
            None => identity_of(&request.properties)
                .unwrap_or(PhysicalId::Nothing)
                .to_string(),
        };
        failed(request, &id, reason)
    }
}

impl Handler {
    /// The operations of the core, in the name of one owner.
    fn users(&self, owner: Owner) -> Arc<Users> {
        let store = self.secrets.clone().map(|settings| {
            let sessions = Arc::clone(&self.sessions);
            Arc::new(SecretStore::new(sessions, settings, owner.clone()))
        });
        let settings = UsersSettings {
            owner,
            max_user_deletions: None,
        };
        let sessions = Arc::clone(&self.sessions);
        let audit = Arc::clone(&self.audit);
        Arc::new(Users::new(
            sessions,
            audit,
            Arc::clone(&self.clock),
            settings,
            store,
        ))
    }

    /// Reads the properties and asks the rules about the stack, not yet those about the user.
    async fn wanted(&self, request: &Request) -> Result<UserProperties, String> {
        let hub = self
            .sessions
            .hub()
            .await
            .map_err(|error| in_template_words(&error))?;
        self.stack_accounts
            .check(&request.stack_id, &hub.account_id)
            .map_err(|refusal| refusal.to_string())?;
        properties::read(&request.properties).map_err(|problems| problems.to_string())
    }
}

/// The id to echo, or the one that says that nothing was made.
fn incoming_or_nothing(request: &Request) -> String {
    let incoming = request.physical_resource_id.clone();
    incoming.unwrap_or_else(|| PhysicalId::Nothing.to_string())
}

const OVERTAKEN: &str = "a newer request about this resource was seen, so this one changed nothing";
