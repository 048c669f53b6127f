//! Opens sessions and keeps them.

use std::collections::HashMap;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError};

use aws_credential_types::provider::SharedCredentialsProvider;
use tokio::sync::Semaphore;

use super::clients::{Clients, Partitions};
use super::connection::{Base, ConfigParts, Connection, retry_partition};
use super::credentials::MemberRole;
use super::flights::Flights;
use super::hub::{HubIdentity, identify};
use super::member::{Access, Permits, Session};
use super::observe::{Counters, Observer, Statistics};
use super::pace::Pace;
use super::settings::{SessionPolicies, SessionSettings};
use crate::clock::Clock;
use crate::error::{Error, ErrorKind};
use crate::ids::{AccountId, RoleArn};

/// AWS gives an hour at most when the credentials of a role assume a role.
const LONGEST_CHAINED_SESSION: u32 = 3600;

/// An account, and the role to assume there when it is not the usual member role.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Target {
    /// The account.
    pub account_id: AccountId,
    /// The role to assume instead of the member role of the settings.
    pub role_arn: Option<RoleArn>,
}

impl From<AccountId> for Target {
    fn from(account_id: AccountId) -> Self {
        Self {
            account_id,
            role_arn: None,
        }
    }
}

type Key = (AccountId, Option<RoleArn>, Access);

/// All sessions of a process.
#[derive(Debug)]
pub struct Sessions {
    connection: Connection,
    policies: SessionPolicies,
    hub_parts: ConfigParts,
    sts: aws_sdk_sts::Client,
    s3: aws_sdk_s3::Client,
    counters: Counters,
    hub: Flights<(), Arc<HubIdentity>>,
    open: Flights<Key, Arc<Session>>,
    shared: Mutex<HashMap<AccountId, Shared>>,
}

/// What all sessions with one account share.
#[derive(Debug, Clone)]
struct Shared {
    permits: Permits,
    partitions: Partitions,
}

impl Sessions {
    /// Prepares everything without calling anybody.
    pub fn new(
        settings: SessionSettings,
        policies: SessionPolicies,
        base: Base,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let connection = Connection {
            settings: Arc::new(settings),
            http: base.http,
            clock,
        };
        // The hub credentials are fetched once for all clients that use them.
        let hub_parts = connection.config(base.credentials);
        let counters = Counters::default();
        let observer = Observer {
            counters: counters.clone(),
            account_id: None,
            access: Access::Write,
        };
        let endpoints = &connection.settings.endpoints;
        let partition = |service: &str| retry_partition(format!("crossaccount {service}"));
        let sts = hub_parts
            .sts(endpoints.sts.as_ref(), partition("sts"), observer.clone())
            .build();
        let s3 = hub_parts
            .s3(endpoints.s3.as_ref(), partition("s3"), observer)
            .force_path_style(endpoints.s3.is_some())
            .build();
        Self {
            sts: aws_sdk_sts::Client::from_conf(sts),
            s3: aws_sdk_s3::Client::from_conf(s3),
            connection,
            policies,
            hub_parts,
            counters,
            hub: Flights::new(),
            open: Flights::new(),
            shared: Mutex::new(HashMap::new()),
        }
    }

    /// The settings.
    pub fn settings(&self) -> &SessionSettings {
        &self.connection.settings
    }

    /// Who the hub credentials belong to: one `GetCallerIdentity` in the life of a process.
    ///
    /// Errors: [`ErrorKind::HubCredentials`] when they are missing, expired or refused, or when STS is
    /// not reached in the Region. A failure is not kept.
    pub async fn hub(&self) -> Result<Arc<HubIdentity>, Error> {
        let make = || {
            let sts = self.sts.clone();
            let settings = Arc::clone(&self.connection.settings);
            async move { identify(&sts, &settings).await.map(Arc::new) }
        };
        self.hub.get((), |_| true, make).await
    }

    /// The session with an account: opened once, also when many ask at the same moment.
    ///
    /// The account is checked against the allowed and forbidden ones before anything is called. The
    /// hub's own account uses the hub credentials unless the target names a role. A failure is shared
    /// by those who wait for it, and not kept.
    ///
    /// Errors: [`ErrorKind::Guardrail`], [`ErrorKind::InvalidInput`] (a role of another account or
    /// partition), [`ErrorKind::HubCredentials`], [`ErrorKind::AssumeRole`],
    /// [`ErrorKind::WrongAccount`].
    pub async fn open(&self, target: &Target, access: Access) -> Result<Arc<Session>, Error> {
        let account_id = &target.account_id;
        self.settings().accounts.check(account_id)?;
        if let Some(role_arn) = &target.role_arn
            && role_arn.account_id() != account_id
        {
            return Err(Error::new(
                ErrorKind::InvalidInput,
                format!("role {role_arn} belongs to another account"),
            )
            .in_account(account_id)
            .with_advice("Give the ARN of a role in the account itself."));
        }
        let hub = self.hub().await?;
        let role_arn = self.role_to_assume(target, &hub)?;
        let key = (account_id.clone(), role_arn.clone(), access);
        let usable = |session: &Arc<Session>| !session.is_refused();
        self.open
            .get(key, usable, || {
                self.start(account_id, role_arn, &hub, access)
            })
            .await
    }

    /// A session with the hub account itself, for what is kept there: the hub credentials, whatever
    /// accounts are allowed to be managed.
    ///
    /// Errors: [`ErrorKind::HubCredentials`].
    pub(crate) async fn open_hub(&self, access: Access) -> Result<Arc<Session>, Error> {
        let hub = self.hub().await?;
        let key = (hub.account_id.clone(), None, access);
        let usable = |session: &Arc<Session>| !session.is_refused();
        let make = || self.start(&hub.account_id, None, &hub, access);
        self.open.get(key, usable, make).await
    }

    /// The settings of clients that use other credentials than those of the hub.
    pub(super) fn parts(&self, credentials: SharedCredentialsProvider) -> ConfigParts {
        self.connection.config(credentials)
    }

    /// Counts and logs calls that read in an account.
    pub(super) fn reading_observer(&self, account_id: &AccountId) -> Observer {
        Observer {
            counters: self.counters.clone(),
            account_id: Some(account_id.clone()),
            access: Access::Read,
        }
    }

    /// The role to assume; `None` means the hub credentials themselves.
    fn role_to_assume(&self, target: &Target, hub: &HubIdentity) -> Result<Option<RoleArn>, Error> {
        match &target.role_arn {
            Some(role_arn) if role_arn.partition() != hub.partition => Err(Error::new(
                ErrorKind::InvalidInput,
                format!(
                    "role {role_arn} is in another partition than the hub account ({})",
                    hub.partition
                ),
            )
            .in_account(&target.account_id)
            .with_advice(
                "Use hub credentials of the same partition: AWS assumes no role across partitions.",
            )),
            Some(role_arn) => Ok(Some(role_arn.clone())),
            None if target.account_id == hub.account_id => Ok(None),
            None => Ok(Some(RoleArn::new(
                hub.partition,
                target.account_id.clone(),
                self.settings().role.clone(),
            ))),
        }
    }

    /// The work of opening one session, independent of who asked.
    fn start(
        &self,
        account_id: &AccountId,
        role_arn: Option<RoleArn>,
        hub: &HubIdentity,
        access: Access,
    ) -> impl Future<Output = Result<Arc<Session>, Error>> + Send + 'static {
        let connection = self.connection.clone();
        let observer = Observer {
            counters: self.counters.clone(),
            account_id: Some(account_id.clone()),
            access,
        };
        let shared = self.shared_by(account_id);
        let account_id = account_id.clone();
        let hub_parts = self.hub_parts.clone();
        let member_role = role_arn.map(|role_arn| self.member_role(role_arn, hub, access));
        async move {
            let is_hub = member_role.is_none();
            let parts = match member_role {
                None => hub_parts,
                Some(member_role) => {
                    member_role.open().await?;
                    connection.config(SharedCredentialsProvider::new(member_role))
                }
            };
            Ok(Arc::new(Session {
                account_id,
                access,
                is_hub,
                clients: Clients::new(parts, shared.partitions, observer, &shared.permits.store),
                permits: shared.permits,
                refused: AtomicBool::new(false),
            }))
        }
    }

    fn member_role(&self, role_arn: RoleArn, hub: &HubIdentity, access: Access) -> MemberRole {
        let settings = Arc::clone(&self.connection.settings);
        let duration = settings.duration.get();
        MemberRole {
            sts: self.sts.clone(),
            clock: Arc::clone(&self.connection.clock),
            role_arn,
            caller_arn: hub.caller_arn.clone(),
            policy: match access {
                Access::Read => self.policies.read.clone(),
                Access::Write => self.policies.write.clone(),
                Access::ReadSecrets => self.policies.read_secrets.clone(),
            },
            duration: if hub.is_assumed_role() {
                duration.min(LONGEST_CHAINED_SESSION)
            } else {
                duration
            },
            settings,
            first: Mutex::new(None),
        }
    }

    fn shared_by(&self, account_id: &AccountId) -> Shared {
        let places = self.settings().max_concurrency.get();
        let mut shared = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
        let shared = shared.entry(account_id.clone()).or_insert_with(|| Shared {
            permits: Permits {
                iam: Arc::new(Semaphore::new(usize::try_from(places).unwrap_or(1))),
                store: Arc::new(Pace::new()),
            },
            partitions: Partitions {
                iam: retry_partition(format!("crossaccount {account_id}")),
                store: retry_partition(format!("crossaccount {account_id} store")),
            },
        });
        shared.clone()
    }

    /// The S3 client of the hub, for the audit bucket.
    pub(crate) fn s3(&self) -> &aws_sdk_s3::Client {
        &self.s3
    }

    /// How many requests were sent so far.
    pub fn statistics(&self) -> Statistics {
        self.counters.snapshot()
    }
}
