//! The typed client of the stand-in's control interface.
//!
//! One short HTTP request per command over a plain TCP connection: the peer is our own process on
//! loopback, so nothing of a general HTTP client is needed.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// The KMS key that every new account has in us-east-1.
pub const KMS_ALIAS: &str = "alias/crossaccount";

/// Sends commands to one stand-in. Cheap to clone.
#[derive(Debug, Clone, Copy)]
pub struct Control {
    address: SocketAddr,
}

/// A long-term key. The secret is one of the stand-in, worth nothing elsewhere.
#[derive(Debug, Clone, Deserialize)]
pub struct Credentials {
    /// `AKIA...`
    pub access_key_id: String,
    /// Its secret.
    pub secret_access_key: String,
}

/// The two keys of a new account, both with all rights in it.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct AccountKeys {
    pub(super) credentials: Credentials,
    pub(super) by_hand: Credentials,
}

/// What a fault does to a call that it hits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FaultKind {
    /// The call takes this much longer.
    Latency(Duration),
    /// Refused with the throttling error of the service.
    Throttle,
    /// Refused with this HTTP status, error code and message.
    HttpError {
        /// HTTP status.
        status: u16,
        /// AWS error code.
        code: String,
    },
    /// The connection closes and nothing was done.
    DropBeforeCommit,
    /// The call is done, then the connection closes without an answer.
    DropAfterCommit,
    /// A call that names an existing user, parameter or KMS key is told that there is none, `DescribeParameters` finds
    /// nothing, and `GetCallerIdentity` does not know the key that signed. Whether the caller is told that or is denied is
    /// decided without the path, the tags and the boundary of the user. `CreateUser` and `PutParameter` are spared.
    NotVisible,
    /// `ListAccessKeys` of a user who has keys answers without the newest one, `GetAccountAuthorizationDetails` of an
    /// account that has users without the newest one; other calls are spared.
    NewestNotListed,
    /// The call waits before anything is done, until it is released.
    HoldBeforeCommit,
    /// The call is done and its answer waits until it is released.
    HoldAfterCommit,
}

/// A fault to be added: by default the next call of the action, in any account.
#[derive(Debug, Clone)]
pub struct Fault {
    kind: FaultKind,
    action: String,
    account_id: Option<String>,
    contains: Option<String>,
    first: u32,
    count: Option<u32>,
}

impl Fault {
    /// A fault for an action such as `iam:CreateUser`, `iam:*` or `*`.
    pub fn new(kind: FaultKind, action: &str) -> Self {
        Self {
            kind,
            action: action.to_owned(),
            account_id: None,
            contains: None,
            first: 1,
            count: Some(1),
        }
    }

    /// Only calls about this account; for `AssumeRole` the account of the role.
    #[must_use]
    pub fn in_account(mut self, account_id: &str) -> Self {
        self.account_id = Some(account_id.to_owned());
        self
    }

    /// Only calls whose parameters contain this text, for example a user name.
    #[must_use]
    pub fn with_parameter(mut self, text: &str) -> Self {
        self.contains = Some(text.to_owned());
        self
    }

    /// Starts with the nth matching call, counted from 1.
    #[must_use]
    pub fn from_call(mut self, number: u32) -> Self {
        self.first = number;
        self
    }

    /// Hits this many calls in a row.
    #[must_use]
    pub fn times(mut self, count: u32) -> Self {
        self.count = Some(count);
        self
    }

    /// Hits every matching call until it is cleared.
    #[must_use]
    pub fn always(mut self) -> Self {
        self.count = None;
        self
    }

    fn as_json(&self) -> Value {
        let mut fault = json!({
            "action": self.action,
            "account_id": self.account_id,
            "contains": self.contains,
            "first": self.first,
            "count": self.count,
        });
        let (kind, details) = match &self.kind {
            FaultKind::Latency(time) => ("latency", json!({"latency_ms": time.as_millis()})),
            FaultKind::Throttle => ("throttle", json!({})),
            FaultKind::HttpError { status, code } => {
                ("http_error", json!({"status": status, "code": code}))
            }
            FaultKind::DropBeforeCommit => ("drop_before_commit", json!({})),
            FaultKind::DropAfterCommit => ("drop_after_commit", json!({})),
            FaultKind::NotVisible => ("not_visible", json!({})),
            FaultKind::NewestNotListed => ("newest_not_listed", json!({})),
            FaultKind::HoldBeforeCommit => ("hold_before_commit", json!({})),
            FaultKind::HoldAfterCommit => ("hold_after_commit", json!({})),
        };
        if let (Some(fault), Value::Object(details)) = (fault.as_object_mut(), details) {
            fault.insert("kind".to_owned(), json!(kind));
            fault.extend(details);
        }
        fault
    }
}

/// How far a fault has come.
#[derive(Debug, Clone, Deserialize)]
pub struct FaultState {
    /// Its id, for the other commands.
    pub id: String,
    /// Calls that matched.
    pub seen: u32,
    /// Calls that it hit.
    pub hits: u32,
    /// Calls that are held at this moment.
    pub waiting: u32,
}

/// One call in the log.
#[derive(Debug, Clone, Deserialize)]
pub struct Call {
    /// Order in which calls were finished, over all accounts.
    pub number: u64,
    /// When it began, RFC 3339.
    pub time: String,
    /// The account that it is about; for `AssumeRole` the account of the role.
    pub account_id: String,
    /// The account of the caller.
    pub caller_account_id: String,
    /// For example `iam:CreateUser`.
    pub action: String,
    /// Who called.
    pub principal_arn: String,
    /// The session name, empty for a user.
    pub session_name: String,
    /// The key that signed.
    pub access_key_id: String,
    /// The resources that it was authorised on.
    pub resources: Vec<String>,
    /// Its parameters; secrets are blanked out.
    pub parameters: Value,
    /// Whether every decision allowed it.
    pub allowed: bool,
    /// What was decided, and which statements were used.
    pub decisions: Vec<Decision>,
    /// HTTP status; 0 when the connection was dropped before anything was done.
    pub status: u16,
    /// The AWS error code.
    pub error_code: Option<String>,
    /// The request id of the answer.
    pub request_id: String,
    /// The fault that hit it.
    pub fault: Option<String>,
    /// Its kind.
    pub fault_kind: Option<String>,
    /// Whether the call took effect, whatever the client saw.
    pub committed: bool,
}

/// One authorization decision.
#[derive(Debug, Clone, Deserialize)]
pub struct Decision {
    /// The IAM action, which can differ from the call's.
    pub action: String,
    /// The resource.
    pub resource: String,
    /// The outcome.
    pub allowed: bool,
    /// Why.
    pub reason: String,
    /// The statements that allowed or denied it.
    pub statements: Vec<Statement>,
}

/// A policy statement that was used in a decision.
#[derive(Debug, Clone, Deserialize, Serialize, PartialEq, Eq, PartialOrd, Ord)]
pub struct Statement {
    /// The policy: an ARN, `<entity ARN> inline <name>`, `<role ARN> trust policy` or `session policy`.
    pub policy: String,
    /// The statement's id, empty without one.
    pub sid: String,
    /// Its position in the document, from 0.
    pub index: u32,
    /// The action pattern that matched.
    pub action: String,
    /// The resource pattern that matched; none in a trust policy.
    pub resource: Option<String>,
}

/// What the canary account holds.
#[derive(Debug, Clone, Deserialize)]
struct Canary {
    empty: bool,
    found: Vec<String>,
}

#[derive(Deserialize)]
struct Calls {
    calls: Vec<Call>,
}

#[derive(Deserialize)]
struct CreatedRole {
    arn: String,
}

/// A role to be created.
#[derive(Debug, Clone, Serialize)]
pub struct NewRole<'a> {
    /// Where.
    pub account_id: &'a str,
    /// Its name, without the path.
    pub name: &'a str,
    /// `/` or `/some/path/`.
    pub path: &'a str,
    /// The trust policy document.
    pub trust: &'a Value,
    /// Inline policies by name.
    pub permissions: &'a BTreeMap<String, Value>,
    /// ARN of the permissions boundary.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub permissions_boundary: Option<&'a str>,
    /// Seconds.
    pub max_session_duration: u32,
}

impl Control {
    pub(super) fn new(address: SocketAddr) -> Self {
        Self { address }
    }

    pub(super) async fn create_account(
        &self,
        account_id: &str,
        organization_id: Option<&str>,
    ) -> Result<AccountKeys> {
        let mut request = json!({"account_id": account_id, "kms_alias": KMS_ALIAS});
        if let (Some(id), Some(request)) = (organization_id, request.as_object_mut()) {
            request.insert("organization_id".to_owned(), json!(id));
        }
        self.command("accounts/create", &request).await
    }

    /// Creates a role as the owner of the account would, and returns its ARN.
    pub async fn create_role(&self, role: &NewRole<'_>) -> Result<String> {
        let created: CreatedRole = self.command("roles/create", role).await?;
        Ok(created.arn)
    }

    /// Puts an account into an organisation.
    pub async fn set_organization(&self, account_id: &str, organization_id: &str) -> Result<()> {
        let request = json!({"account_id": account_id, "organization_id": organization_id});
        self.order("accounts/organization", &request).await
    }

    /// Changes a quota, named as in `GetAccountSummary`.
    pub async fn set_quota(&self, account_id: &str, name: &str, value: u32) -> Result<()> {
        let request = json!({"account_id": account_id, "name": name, "value": value});
        self.order("accounts/quota", &request).await
    }

    /// Limits the pages of IAM's lists to so many items, whatever `MaxItems` says: IAM "might return fewer than the
    /// `MaxItems` number of results, even when there are more results available".
    pub async fn set_page_size(&self, account_id: &str, items: u32) -> Result<()> {
        let request = json!({"account_id": account_id, "items": items});
        self.order("accounts/page-size", &request).await
    }

    /// Forgets everything in one account but its operator keys.
    pub async fn reset_account(&self, account_id: &str) -> Result<()> {
        self.order("accounts/reset", &json!({"account_id": account_id}))
            .await
    }

    /// Changes when an access key was created (RFC 3339).
    pub async fn set_key_create_date(
        &self,
        account_id: &str,
        access_key_id: &str,
        date: &str,
    ) -> Result<()> {
        let request =
            json!({"account_id": account_id, "access_key_id": access_key_id, "create_date": date});
        self.order("keys/set", &request).await
    }

    /// Changes when an access key was last used (RFC 3339); `None` is never.
    pub async fn set_key_last_used(
        &self,
        account_id: &str,
        access_key_id: &str,
        date: Option<&str>,
    ) -> Result<()> {
        let used = date.map(|date| json!({"date": date}));
        let request =
            json!({"account_id": account_id, "access_key_id": access_key_id, "last_used": used});
        self.order("keys/set", &request).await
    }

    /// Changes facts about a user that AWS would not let anybody change: `create_date`,
    /// `password_last_used`, `unique_id`.
    pub async fn set_user(&self, account_id: &str, name: &str, changes: &Value) -> Result<()> {
        let mut request = json!({"account_id": account_id, "user_name": name});
        if let (Some(request), Some(changes)) = (request.as_object_mut(), changes.as_object()) {
            request.extend(changes.clone());
        }
        self.order("users/set", &request).await
    }

    /// Deletes the items of a table of us-east-1 that have expired, as DynamoDB does some day; how many there were.
    ///
    /// # Errors
    /// When there is no such table, or its items do not expire.
    pub async fn expire_items(&self, account_id: &str, table: &str) -> Result<u64> {
        let body = json!({"account_id": account_id, "table": table});
        let answer: Value = self.command("tables/expire", &body).await?;
        Ok(answer["expired"].as_u64().unwrap_or_default())
    }

    /// Ends every session in an account now.
    pub async fn expire_sessions(&self, account_id: &str) -> Result<()> {
        self.order("sessions/expire", &json!({"account_id": account_id}))
            .await
    }

    /// Adds a fault and returns its id with the other facts.
    pub async fn add_fault(&self, fault: &Fault) -> Result<FaultState> {
        self.command("faults/add", &fault.as_json()).await
    }

    /// Removes the faults of an account and releases what they hold.
    pub async fn clear_faults(&self, account_id: &str) -> Result<()> {
        self.order("faults/clear", &json!({"account_id": account_id}))
            .await
    }

    /// Waits until a fault has hit this many calls; for a hold, until so many are held.
    ///
    /// # Errors
    /// When it takes longer than `limit`.
    pub async fn wait_for_fault(&self, id: &str, hits: u32, limit: Duration) -> Result<FaultState> {
        let request = json!({"id": id, "hits": hits, "timeout_ms": limit.as_millis()});
        let state: FaultState = self.command("faults/wait", &request).await?;
        if state.hits < hits {
            bail!(
                "fault {id} hit {} of {hits} calls within {limit:?}",
                state.hits
            );
        }
        Ok(state)
    }

    /// Lets held calls go, and those that come later too.
    pub async fn release(&self, id: &str) -> Result<()> {
        self.order("faults/release", &json!({"id": id})).await
    }

    /// All calls about an account, in the order in which they were finished.
    pub async fn calls(&self, account_id: &str) -> Result<Vec<Call>> {
        let request = json!({"account_id": account_id});
        let calls: Calls = self.command("calls/list", &request).await?;
        Ok(calls.calls)
    }

    /// Empties the log of one account.
    pub async fn clear_calls(&self, account_id: &str) -> Result<()> {
        self.order("calls/clear", &json!({"account_id": account_id}))
            .await
    }

    /// Fails when something has been created in 123456789012, the account that stray calls reach.
    pub async fn check_canary(&self) -> Result<()> {
        let canary: Canary = self.command("canary", &json!({})).await?;
        if !canary.empty {
            bail!(
                "account 123456789012 is not empty: {}",
                canary.found.join(", ")
            );
        }
        Ok(())
    }

    pub(super) async fn order(&self, name: &str, request: &impl Serialize) -> Result<()> {
        self.command::<Value>(name, request).await.map(drop)
    }

    pub(super) async fn command<T: DeserializeOwned>(
        &self,
        name: &str,
        request: &impl Serialize,
    ) -> Result<T> {
        let body = serde_json::to_vec(request).context("cannot encode a command")?;
        let answer = self
            .exchange(name, &body)
            .await
            .with_context(|| format!("the AWS stand-in did not answer to {name}"))?;
        serde_json::from_slice(&answer).with_context(|| {
            format!(
                "unexpected answer to {name}: {}",
                String::from_utf8_lossy(&answer)
            )
        })
    }

    async fn exchange(&self, name: &str, body: &[u8]) -> Result<Vec<u8>> {
        let mut stream = TcpStream::connect(self.address).await?;
        let head = format!(
            "POST /_standin/{name} HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\nConnection: close\r\n\r\n",
            self.address,
            body.len()
        );
        stream.write_all(head.as_bytes()).await?;
        stream.write_all(body).await?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await?;
        let end = answer
            .windows(4)
            .position(|window| window == b"\r\n\r\n")
            .ok_or_else(|| anyhow!("the answer has no headers"))?;
        let content = answer.split_off(end + 4);
        if !answer.starts_with(b"HTTP/1.1 200") {
            bail!("refused: {}", String::from_utf8_lossy(&content));
        }
        Ok(content)
    }
}
