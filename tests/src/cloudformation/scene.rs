//! Accounts, the real function with everything that it needs, and what must hold after every scenario.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use aws_sdk_dynamodb::types::AttributeValue;
use aws_sdk_iam::types::User;
use serde_json::{Value, json};

use super::endpoint::ResponseEndpoint;
use super::stack::{Stack, StackOptions};
use super::template::template;
pub use crate::accounts::STRANGER;
use crate::accounts::{
    boundary, calls, forget_calls, objects, prepare, role_credentials, shows_none, stranger,
};
use crate::cargo;
use crate::lambda::{DeadlineHeader, Function, FunctionOptions, handler_binary};
use crate::standin::{Account, Call, KMS_ALIAS, UserSecrets, World, WorldOptions};

const REGION: &str = "us-east-1";
const TABLE: &str = "crossaccount-ledger";
const ROLE: &str = "crossaccount-cfn-handler";

/// How a scene is made.
#[derive(Debug, Clone)]
pub struct SceneOptions {
    /// The accounts.
    pub world: WorldOptions,
    /// How long an invocation may take.
    pub timeout: Duration,
    /// What the function is told about that.
    pub deadline: DeadlineHeader,
    /// Variables of the function's environment, in the place of those that it has otherwise; `None` takes one away.
    pub variables: BTreeMap<String, Option<String>>,
    /// What runs in the place of the handler of this workspace.
    pub binary: Option<PathBuf>,
}

impl Default for SceneOptions {
    fn default() -> Self {
        Self {
            world: WorldOptions::default(),
            timeout: Duration::from_mins(1),
            deadline: DeadlineHeader::True,
            variables: BTreeMap::new(),
            binary: None,
        }
    }
}

impl SceneOptions {
    /// Sets a variable of the function's environment.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        let value = Some(value.to_owned());
        self.variables.insert(name.to_owned(), value);
        self
    }

    /// Takes a variable of the function's environment away.
    #[must_use]
    pub fn without(mut self, name: &str) -> Self {
        self.variables.insert(name.to_owned(), None);
        self
    }
}

/// A hub account with the function and its ledger, audit bucket and key; member accounts with the member role, a
/// boundary, two groups and a stranger.
#[derive(Debug)]
pub struct Scene {
    /// The accounts.
    pub world: World,
    /// The function, which is in the hub account.
    pub function: Function,
    /// Where all its answers go.
    pub endpoint: Arc<ResponseEndpoint>,
    strangers: BTreeMap<String, String>,
    secrets: Mutex<BTreeSet<String>>,
}

impl Scene {
    /// A scene with so many member accounts.
    ///
    /// # Errors
    /// When the stand-in or the handler cannot be had.
    pub async fn new(members: usize) -> Result<Self> {
        let mut options = SceneOptions::default();
        options.world.members = members;
        Self::with(options).await
    }

    /// A scene made to measure.
    ///
    /// # Errors
    /// As [`Scene::new`].
    pub async fn with(options: SceneOptions) -> Result<Self> {
        let world = World::with(options.world).await?;
        world.hub().create_table(TABLE, "Key").await?;
        let mut strangers = BTreeMap::new();
        for member in world.members() {
            prepare(member).await?;
            strangers.insert(member.id().to_owned(), stranger(&world, member).await?);
        }
        let mut environment = variables(&world);
        environment.extend(role_credentials(&world, ROLE, role_permissions(&world).await?).await?);
        for (name, value) in options.variables {
            match value {
                Some(value) => environment.insert(name, value),
                None => environment.remove(&name),
            };
        }
        let binary = match options.binary {
            Some(binary) => binary,
            // Cargo may have to build it.
            None => tokio::task::spawn_blocking(handler_binary).await??,
        };
        let mut secrets = BTreeSet::new();
        for name in ["AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"] {
            secrets.extend(environment.get(name).cloned());
        }
        let mut function = FunctionOptions::new(binary);
        function.account_id = world.hub().id().to_owned();
        REGION.clone_into(&mut function.region);
        function.environment = environment;
        function.timeout = options.timeout;
        function.deadline = options.deadline;
        let control = world.control();
        control.clear_calls(world.hub().id()).await?;
        Ok(Self {
            function: Function::new(function)?,
            endpoint: Arc::new(ResponseEndpoint::start().await?),
            world,
            strangers,
            secrets: Mutex::new(secrets),
        })
    }

    /// A stack in the hub account that does not exist yet.
    pub fn stack(&self) -> Stack {
        self.stack_with(StackOptions::new(self.world.hub().id()))
    }

    /// A stack made to measure.
    pub fn stack_with(&self, options: StackOptions) -> Stack {
        Stack::new(options, self.function.clone(), Arc::clone(&self.endpoint))
    }

    /// The first member account.
    ///
    /// # Panics
    /// When the scene has no member account.
    pub fn member(&self) -> &Account {
        &self.world.members()[0]
    }

    /// The least that a user of the first member account can be declared with.
    pub fn user(&self, name: &str) -> Value {
        let account_id = self.member().id();
        json!({
            "AccountId": account_id,
            "UserName": name,
            "Path": "/people/",
            "PermissionsBoundary": boundary(account_id),
        })
    }

    /// A user with everything that can be declared, credentials too.
    pub fn full_user(&self, name: &str) -> Value {
        let mut user = self.user(name);
        let statement = json!({"Effect": "Allow", "Action": "sqs:*", "Resource": "*"});
        let document = json!({"Version": "2012-10-17", "Statement": [statement]});
        let everything = json!({
            "ManagedPolicyArns": ["arn:aws:iam::aws:policy/ReadOnlyAccess"],
            "Policies": [{"PolicyName": "queues", "PolicyDocument": document}],
            "Groups": ["engineers"],
            "Tags": [{"Key": "Team", "Value": "core"}],
            "ConsoleAccess": {"PasswordLength": 24},
            "AccessKey": {"RotateAfterDays": 15, "DeleteAfterDays": 30},
        });
        if let (Some(user), Value::Object(everything)) = (user.as_object_mut(), everything) {
            user.extend(everything);
        }
        user
    }

    /// The names of the users of an account, but for the stranger, sorted.
    ///
    /// # Errors
    /// When IAM does not answer.
    pub async fn users(&self, account: &Account) -> Result<Vec<String>> {
        let listed = account.iam().list_users().send().await?;
        let names = listed.users().iter().map(User::user_name);
        let mut names: Vec<_> = names
            .filter(|name| *name != STRANGER)
            .map(str::to_owned)
            .collect();
        names.sort();
        Ok(names)
    }

    /// Keys, password and tags of a user of the first member account.
    ///
    /// # Errors
    /// When the user does not exist.
    pub async fn credentials(&self, name: &str) -> Result<UserSecrets> {
        let control = self.world.control();
        control.user_secrets(self.member().id(), name).await
    }

    /// All calls about all accounts since the log was cleared, in order.
    ///
    /// # Errors
    /// When the stand-in does not answer.
    pub async fn calls(&self) -> Result<Vec<Call>> {
        calls(&self.world).await
    }

    /// Empties the log of calls.
    ///
    /// # Errors
    /// When the stand-in does not answer.
    pub async fn forget_calls(&self) -> Result<()> {
        forget_calls(&self.world).await
    }

    /// Learns the secrets that exist now, so that [`Scene::check`] searches for them.
    ///
    /// # Errors
    /// When the stand-in does not answer.
    pub async fn note_secrets(&self) -> Result<()> {
        let mut found = Vec::new();
        for member in self.world.members() {
            for name in self.users(member).await? {
                let control = self.world.control();
                let user = control.user_secrets(member.id(), &name).await?;
                found.extend(user.keys.into_iter().map(|key| key.secret_access_key));
                found.extend(user.login.map(|login| login.password));
            }
        }
        self.secrets
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .extend(found);
        Ok(())
    }

    /// The secrets that were noted so far, and the credentials of the function.
    pub fn noted_secrets(&self) -> BTreeSet<String> {
        let secrets = self.secrets.lock().unwrap_or_else(PoisonError::into_inner);
        secrets.clone()
    }

    /// What holds after every scenario, whatever was done: every request has one answer by the rules, the strangers are
    /// as they were and nobody tried to change them, and no secret was shown.
    ///
    /// # Errors
    /// With what does not hold.
    pub async fn check(&self) -> Result<()> {
        self.endpoint.check()?;
        for member in self.world.members() {
            let now = stranger(&self.world, member).await?;
            let before = self.strangers.get(member.id());
            ensure!(
                before == Some(&now),
                "the stranger changed from {before:?} to {now}"
            );
        }
        for call in self.calls().await? {
            let read = call.action.starts_with("iam:Get") || call.action.starts_with("iam:List");
            ensure!(
                read || call.parameters["UserName"] != STRANGER,
                "{} tried to change the stranger",
                call.action
            );
        }
        self.world.control().check_canary().await?;
        self.note_secrets().await?;
        self.check_for_leaks().await
    }

    /// As [`Scene::check`], and nothing is left: no user, and no secret in the store.
    ///
    /// # Errors
    /// With what does not hold.
    pub async fn check_empty(&self) -> Result<()> {
        self.check().await?;
        for member in self.world.members() {
            let users = self.users(member).await?;
            ensure!(users.is_empty(), "users are left: {users:?}");
        }
        let hub = self.world.hub().id();
        let parameters = self.world.control().parameters(hub).await?;
        let names: Vec<_> = parameters.iter().map(|it| &it.name).collect();
        ensure!(names.is_empty(), "secrets are left: {names:?}");
        Ok(())
    }

    /// Searches everything that the function wrote for secrets, and its output for signatures of response URLs.
    async fn check_for_leaks(&self) -> Result<()> {
        let output = self.function.output()?;
        for signature in self.endpoint.signatures() {
            ensure!(
                !output.contains(&signature),
                "the output shows a response URL"
            );
        }
        let mut texts = vec![("the output".to_owned(), output)];
        for body in self.endpoint.bodies() {
            let text = String::from_utf8_lossy(&body).into_owned();
            texts.push(("an answer".to_owned(), text));
        }
        texts.push((
            "the ledger".to_owned(),
            format!("{:?}", self.ledger().await?),
        ));
        for (key, text) in self.audit_objects().await? {
            texts.push((format!("the audit record {key}"), text));
        }
        let secrets = self.secrets.lock().unwrap_or_else(PoisonError::into_inner);
        shows_none(&secrets, &texts)
    }

    /// The items of the ledger.
    ///
    /// # Errors
    /// When the table does not answer.
    pub async fn ledger(&self) -> Result<Vec<HashMap<String, AttributeValue>>> {
        let dynamodb = self.world.hub().dynamodb();
        let scanned = dynamodb.scan().table_name(TABLE).send().await?;
        Ok(scanned.items.unwrap_or_default())
    }

    /// The audit records with their keys, in the order of the keys.
    ///
    /// # Errors
    /// When the bucket does not answer.
    pub async fn audit_objects(&self) -> Result<Vec<(String, String)>> {
        objects(&self.world).await
    }
}

/// The configuration of the function.
fn variables(world: &World) -> BTreeMap<String, String> {
    let members: Vec<_> = world.members().iter().map(Account::id).collect();
    let role = world.role_arn("0");
    let role = role.split_once(":role/").map_or("", |(_, name)| name);
    let ours = [
        ("LEDGER_TABLE", TABLE),
        ("LEASE_SECONDS", "2"),
        ("PATIENCE_SECONDS", "1"),
        ("AUDIT_BUCKET", world.audit_bucket()),
        ("SECRETS_KMS_KEY_ID", KMS_ALIAS),
        ("ROLE_NAME", role),
        ("EXTERNAL_ID", world.external_id()),
        ("ALLOWED_ACCOUNT_IDS", &members.join(",")),
        ("USER_PATH_PREFIX", "/people/"),
        ("PERMISSIONS_BOUNDARIES", "arn:aws:iam::*:policy/Boundary"),
        ("ALLOWED_POLICY_ARNS", "arn:aws:iam::aws:policy/*"),
        ("ALLOWED_GROUPS", "engineers,readers"),
        ("ALLOW_INLINE_POLICIES", "true"),
        ("ALLOW_ADOPTION", "true"),
        ("ALLOW_FORCE_DESTROY", "true"),
    ];
    let ours = ours.map(|(name, value)| (format!("CROSSACCOUNT_{name}"), value.to_owned()));
    let mut variables: BTreeMap<_, _> = world.env().into_iter().collect();
    variables.extend(ours);
    variables
}

/// The policies of the function's role, exactly as `examples/cloudformation/hub.yaml` deploys them.
async fn role_permissions(world: &World) -> Result<BTreeMap<String, Value>> {
    let hub = world.hub().id();
    let kms = world.hub().kms();
    let key = kms.describe_key().key_id(KMS_ALIAS).send().await?;
    let key = key.key_metadata.and_then(|key| key.arn);
    let key = key.context("the key of the hub has no ARN")?;
    let member_role = world.role_arn("0");
    let (path, name) = member_role
        .split_once(":role")
        .and_then(|(_, role)| role.rsplit_once('/'))
        .context("the member role has no name")?;
    let table = format!("arn:aws:dynamodb:{REGION}:{hub}:table/{TABLE}");
    let bucket = format!("arn:aws:s3:::{}", world.audit_bucket());
    let queue = format!("arn:aws:sqs:{REGION}:{hub}:failures");
    let deployed = template(
        &cargo::workspace().join("examples/cloudformation/hub.yaml"),
        &[
            ("AWS::AccountId", hub),
            ("AWS::Region", REGION),
            ("AWS::StackName", "crossaccount"),
            ("CodeBucket", "packages"),
            ("CodeKey", "function.zip"),
            ("AllowedAccountIds", "*"),
            ("UserPathPrefix", "/"),
            ("PermissionsBoundaries", "none"),
            ("ExternalId", world.external_id()),
            ("MemberRoleName", name),
            ("MemberRolePath", &format!("{path}/")),
            ("SecretsKeyArn", &key),
        ],
        &[
            ("LedgerTable.Arn", &table),
            ("AuditBucket.Arn", &bucket),
            ("Key.Arn", &key),
            ("FailureQueue.Arn", &queue),
        ],
    )?;
    let role = &deployed.resources["FunctionRole"]["Properties"]["Policies"];
    let mut policies = BTreeMap::new();
    let secrets = &deployed.resources["SecretStorePolicy"]["Properties"];
    for policy in role.as_array().into_iter().flatten().chain([secrets]) {
        let name = policy["PolicyName"].as_str().context("a nameless policy")?;
        policies.insert(name.to_owned(), policy["PolicyDocument"].clone());
    }
    Ok(policies)
}
