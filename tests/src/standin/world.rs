//! A hub account, member accounts with a member role, a KMS key in each, and an audit bucket: what a test needs before
//! it can begin. Every world has accounts of its own, so tests run side by side.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context, Result, anyhow};
use aws_config::BehaviorVersion;
use aws_sdk_iam::config::Region;
use aws_smithy_http_client::Builder as HttpClientBuilder;
use serde_json::{Value, json};

use super::control::{Control, Credentials, NewRole};
use super::process::StandIn;

const REGION: &str = "us-east-1";
/// Far away from 123456789012 and from the accounts that the documentation of AWS uses.
const FIRST_ACCOUNT: u64 = 700_000_000_000;

/// How to make a world. The defaults suit a test that is not about permissions.
#[derive(Debug, Clone)]
pub struct WorldOptions {
    /// Number of member accounts.
    pub members: usize,
    /// Name of the member role.
    pub role_name: String,
    /// Path of the member role.
    pub role_path: String,
    /// Trust policy of the member role; the default trusts the hub account with the external id.
    /// In all texts of this and of `permissions`, `{hub}`, `{member}`, `{external_id}` and
    /// `{organization}` stand for the ids of the new world.
    pub trust: Option<Value>,
    /// Inline policies of the member role by name; the default allows all of IAM, SSM and KMS.
    pub permissions: Option<BTreeMap<String, Value>>,
    /// Longest session of the member role, in seconds.
    pub max_session_duration: u32,
}

impl Default for WorldOptions {
    fn default() -> Self {
        Self {
            members: 1,
            role_name: "CrossAccountUserAdmin".to_owned(),
            role_path: "/".to_owned(),
            trust: None,
            permissions: None,
            max_session_duration: 3600,
        }
    }
}

/// One account, and the clients with which a test arranges or changes things by hand in it.
///
/// Calls by hand are not in the call log and no fault hits them.
#[derive(Debug, Clone)]
pub struct Account {
    id: String,
    endpoint: String,
    credentials: Credentials,
    by_hand: Credentials,
}

impl Account {
    /// The twelve digits.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// A key with all rights, whose calls are logged and hit by faults like those of the product.
    pub fn credentials(&self) -> &Credentials {
        &self.credentials
    }

    /// IAM with all rights, by hand.
    pub fn iam(&self) -> aws_sdk_iam::Client {
        aws_sdk_iam::Client::new(&self.config(&self.by_hand))
    }

    /// S3 with all rights, by hand.
    pub fn s3(&self) -> aws_sdk_s3::Client {
        s3_client(&self.config(&self.by_hand))
    }

    /// Parameter Store with all rights, by hand.
    pub fn ssm(&self) -> aws_sdk_ssm::Client {
        aws_sdk_ssm::Client::new(&self.config(&self.by_hand))
    }

    /// DynamoDB with all rights, by hand.
    pub fn dynamodb(&self) -> aws_sdk_dynamodb::Client {
        aws_sdk_dynamodb::Client::new(&self.config(&self.by_hand))
    }

    /// KMS with all rights, by hand.
    pub fn kms(&self) -> aws_sdk_kms::Client {
        aws_sdk_kms::Client::new(&self.config(&self.by_hand))
    }

    /// STS as the account's operator; logged.
    pub fn sts(&self) -> aws_sdk_sts::Client {
        aws_sdk_sts::Client::new(&self.config(&self.credentials))
    }

    /// IAM with the logged key, to see faults and the call log at work.
    pub fn logged_iam(&self) -> aws_sdk_iam::Client {
        aws_sdk_iam::Client::new(&self.config(&self.credentials))
    }

    pub(super) fn by_hand_config(&self) -> aws_config::SdkConfig {
        self.config(&self.by_hand)
    }

    /// The SDK configuration for any other client of this account; `key` may be of a user made by
    /// the test.
    pub fn config(&self, key: &Credentials) -> aws_config::SdkConfig {
        sdk_config(
            &self.endpoint,
            &key.access_key_id,
            &key.secret_access_key,
            None,
        )
    }

    /// The SDK configuration for temporary credentials.
    pub fn session_config(
        &self,
        session: &aws_sdk_sts::types::Credentials,
    ) -> aws_config::SdkConfig {
        sdk_config(
            &self.endpoint,
            session.access_key_id(),
            session.secret_access_key(),
            Some(session.session_token()),
        )
    }
}

/// An S3 client that names buckets in the path, as an endpoint without a domain needs it.
pub(crate) fn s3_client(config: &aws_config::SdkConfig) -> aws_sdk_s3::Client {
    let config = aws_sdk_s3::config::Builder::from(config)
        .force_path_style(true)
        .build();
    aws_sdk_s3::Client::from_conf(config)
}

fn sdk_config(
    endpoint: &str,
    access_key_id: &str,
    secret: &str,
    token: Option<&str>,
) -> aws_config::SdkConfig {
    let credentials = aws_credential_types::Credentials::new(
        access_key_id,
        secret,
        token.map(str::to_owned),
        None,
        "stand-in",
    );
    aws_config::SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(REGION))
        .endpoint_url(endpoint)
        .credentials_provider(
            aws_credential_types::provider::SharedCredentialsProvider::new(credentials),
        )
        // Plain HTTP: loading trusted certificates for each client would cost most of a test.
        .http_client(HttpClientBuilder::new().build_http())
        // A test wants to see what one call does.
        .retry_config(aws_config::retry::RetryConfig::disabled())
        // On a busy machine the stand-in may be slow to accept a connection.
        .timeout_config(
            aws_config::timeout::TimeoutConfig::builder()
                .connect_timeout(std::time::Duration::from_mins(1))
                .build(),
        )
        .sleep_impl(aws_smithy_async::rt::sleep::SharedAsyncSleep::new(
            aws_smithy_async::rt::sleep::TokioSleep::new(),
        ))
        .time_source(aws_smithy_async::time::SystemTimeSource::new())
        .build()
}

/// A hub account and its member accounts, each with the KMS key [`KMS_ALIAS`](super::KMS_ALIAS).
#[derive(Debug)]
pub struct World {
    endpoint: String,
    control: Control,
    hub: Account,
    members: Vec<Account>,
    audit_bucket: String,
    external_id: String,
    organization_id: String,
    role_name: String,
    role_path: String,
}

impl World {
    /// A world with the shared stand-in and the default member role.
    ///
    /// # Errors
    /// When the stand-in cannot be started or refuses something.
    pub async fn new(members: usize) -> Result<Self> {
        Self::with(WorldOptions {
            members,
            ..WorldOptions::default()
        })
        .await
    }

    /// A world made to measure, with the shared stand-in.
    ///
    /// # Errors
    /// As [`World::new`].
    pub async fn with(options: WorldOptions) -> Result<Self> {
        Self::inside(StandIn::shared()?, options).await
    }

    /// A world inside a stand-in that the caller keeps alive.
    ///
    /// # Errors
    /// As [`World::new`].
    pub async fn inside(stand_in: &StandIn, options: WorldOptions) -> Result<Self> {
        let control = stand_in.control();
        let organization_id = format!("o-{}", identifier());
        let external_id = format!("external-{}", identifier());
        let hub = new_account(stand_in, &organization_id).await?;
        let mut members = Vec::with_capacity(options.members);
        for _ in 0..options.members {
            members.push(new_account(stand_in, &organization_id).await?);
        }
        let audit_bucket = format!("audit-{}", hub.id);
        hub.s3()
            .create_bucket()
            .bucket(&audit_bucket)
            .send()
            .await
            .context("cannot create the audit bucket")?;
        let world = Self {
            endpoint: stand_in.endpoint(),
            control,
            hub,
            members,
            audit_bucket,
            external_id,
            organization_id,
            role_name: options.role_name,
            role_path: options.role_path,
        };
        let trust = options
            .trust
            .unwrap_or_else(|| world.trust_with_external_id());
        let permissions = options.permissions.unwrap_or_else(all_of_iam);
        for member in &world.members {
            let trust = world.fill_in(&trust, member);
            let permissions = permissions
                .iter()
                .map(|(name, document)| (name.clone(), world.fill_in(document, member)))
                .collect();
            world
                .control
                .create_role(&NewRole {
                    account_id: &member.id,
                    name: &world.role_name,
                    path: &world.role_path,
                    trust: &trust,
                    permissions: &permissions,
                    permissions_boundary: None,
                    max_session_duration: options.max_session_duration,
                })
                .await
                .with_context(|| format!("cannot create the member role in {}", member.id))?;
        }
        Ok(world)
    }

    /// Replaces the placeholders of [`WorldOptions::trust`] in every text of a document.
    fn fill_in(&self, document: &Value, member: &Account) -> Value {
        match document {
            Value::String(text) => Value::String(
                text.replace("{hub}", &self.hub.id)
                    .replace("{member}", &member.id)
                    .replace("{external_id}", &self.external_id)
                    .replace("{organization}", &self.organization_id),
            ),
            Value::Array(items) => items
                .iter()
                .map(|item| self.fill_in(item, member))
                .collect(),
            Value::Object(entries) => entries
                .iter()
                .map(|(key, value)| (key.clone(), self.fill_in(value, member)))
                .collect(),
            other => other.clone(),
        }
    }

    /// A trust policy for the hub account that asks for this world's external id.
    pub fn trust_with_external_id(&self) -> Value {
        let hub = json!({"AWS": format!("arn:aws:iam::{}:root", self.hub.id)});
        json!({
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Principal": hub,
                    "Action": "sts:AssumeRole",
                    "Condition": {"StringEquals": {"sts:ExternalId": self.external_id}},
                },
                // The external id is part of AssumeRole alone; without that, these permit nothing.
                {
                    "Effect": "Allow",
                    "Principal": hub,
                    "Action": ["sts:TagSession", "sts:SetSourceIdentity"],
                },
            ],
        })
    }

    /// The account that we start from.
    pub fn hub(&self) -> &Account {
        &self.hub
    }

    /// The accounts that are changed.
    pub fn members(&self) -> &[Account] {
        &self.members
    }

    /// Any account of this world by its id.
    ///
    /// # Errors
    /// When the account is not of this world.
    pub fn account(&self, id: &str) -> Result<&Account> {
        std::iter::once(&self.hub)
            .chain(&self.members)
            .find(|account| account.id == id)
            .ok_or_else(|| anyhow!("account {id} is not of this world"))
    }

    /// IAM with all rights in an account of this world, by hand.
    ///
    /// # Errors
    /// When the account is not of this world.
    pub fn iam(&self, account_id: &str) -> Result<aws_sdk_iam::Client> {
        Ok(self.account(account_id)?.iam())
    }

    /// S3 with all rights in the hub account, by hand.
    pub fn s3(&self) -> aws_sdk_s3::Client {
        self.hub.s3()
    }

    /// Faults, arrangements and the log of calls.
    pub fn control(&self) -> &Control {
        &self.control
    }

    /// The URL of every AWS service.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// The bucket for audit records, in the hub account.
    pub fn audit_bucket(&self) -> &str {
        &self.audit_bucket
    }

    /// What the trust policy of the member roles asks for.
    pub fn external_id(&self) -> &str {
        &self.external_id
    }

    /// The organisation of all accounts of this world.
    pub fn organization_id(&self) -> &str {
        &self.organization_id
    }

    /// The name of the member role, without its path.
    pub fn role_name(&self) -> &str {
        &self.role_name
    }

    /// The ARN of the member role in an account.
    pub fn role_arn(&self, account_id: &str) -> String {
        format!(
            "arn:aws:iam::{account_id}:role{}{}",
            self.role_path, self.role_name
        )
    }

    /// Environment variables with which the SDK, the provider and Terraform reach this world as the
    /// hub, and nothing of the machine's own AWS configuration.
    pub fn env(&self) -> Vec<(String, String)> {
        let key = self.hub.credentials();
        let nowhere = if cfg!(windows) { "NUL" } else { "/dev/null" };
        [
            ("AWS_ENDPOINT_URL", self.endpoint.as_str()),
            ("AWS_ACCESS_KEY_ID", &key.access_key_id),
            ("AWS_SECRET_ACCESS_KEY", &key.secret_access_key),
            ("AWS_REGION", REGION),
            ("AWS_EC2_METADATA_DISABLED", "true"),
            ("AWS_CONFIG_FILE", nowhere),
            ("AWS_SHARED_CREDENTIALS_FILE", nowhere),
        ]
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
    }
}

async fn new_account(stand_in: &StandIn, organization_id: &str) -> Result<Account> {
    static CREATED: AtomicU64 = AtomicU64::new(1);
    let id = (FIRST_ACCOUNT + CREATED.fetch_add(1, Ordering::Relaxed)).to_string();
    let keys = stand_in
        .control()
        .create_account(&id, Some(organization_id))
        .await
        .with_context(|| format!("cannot create account {id}"))?;
    Ok(Account {
        id,
        endpoint: stand_in.endpoint(),
        credentials: keys.credentials,
        by_hand: keys.by_hand,
    })
}

fn identifier() -> String {
    uuid::Uuid::new_v4()
        .simple()
        .to_string()
        .chars()
        .take(12)
        .collect()
}

fn all_of_iam() -> BTreeMap<String, Value> {
    let document = json!({
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": ["iam:*", "ssm:*", "kms:*"], "Resource": "*"}],
    });
    BTreeMap::from([("everything".to_owned(), document)])
}
