//! Accounts, the two functions with everything that they need, and what must hold after every scenario.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use aws_sdk_dynamodb::types::StreamViewType;
use serde_json::{Value, json};

use super::deployed::{TABLE, function};
use super::rows;
use crate::accounts::{STRANGER, calls, forget_calls, objects, prepare, shows_none, stranger};
use crate::lambda::{Function, Invocation, Outcome};
use crate::standin::{Account, Call, NewTable, UserSecrets, World, WorldOptions};

/// What identifies a row of the registry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TableKey {
    /// The name, as in the system that the registry replaces; all users are in the first member account.
    UserName,
    /// The name and the account.
    UserNameAndAccountId,
}

/// How a scene is made.
#[derive(Debug, Clone)]
pub struct SceneOptions {
    /// The accounts.
    pub world: WorldOptions,
    /// What identifies a row.
    pub key: TableKey,
    /// What the stream shows of a row that changed.
    pub view: StreamViewType,
    /// How long an invocation may take.
    pub timeout: Duration,
    /// Variables of both functions, in the place of those that they have otherwise; `None` takes one away.
    pub variables: BTreeMap<String, Option<String>>,
}

impl Default for SceneOptions {
    fn default() -> Self {
        Self {
            world: WorldOptions::default(),
            key: TableKey::UserNameAndAccountId,
            view: StreamViewType::NewAndOldImages,
            timeout: Duration::from_mins(2),
            variables: BTreeMap::new(),
        }
    }
}

impl SceneOptions {
    /// Sets a variable, without its prefix, of both functions where they know it.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        let value = Some(value.to_owned());
        self.variables.insert(format!("CROSSACCOUNT_{name}"), value);
        self
    }

    /// Makes so many member accounts.
    #[must_use]
    pub fn members(mut self, members: usize) -> Self {
        self.world.members = members;
        self
    }
}

/// A hub account with the registry and both functions; member accounts with the member role, a boundary, two groups and a
/// stranger.
#[derive(Debug)]
pub struct Scene {
    /// The accounts.
    pub world: World,
    /// The function `provision`.
    pub provision: Function,
    /// The function `reconcile`.
    pub reconcile: Function,
    key: TableKey,
    strangers: BTreeMap<String, String>,
    secrets: Mutex<BTreeSet<String>>,
    answers: Mutex<Vec<String>>,
}

impl Scene {
    /// A scene with so many member accounts.
    ///
    /// # Errors
    /// When the stand-in or a binary cannot be had.
    pub async fn new(members: usize) -> Result<Self> {
        Self::with(SceneOptions::default().members(members)).await
    }

    /// A scene made to measure.
    ///
    /// # Errors
    /// As [`Scene::new`].
    pub async fn with(options: SceneOptions) -> Result<Self> {
        let world = World::with(options.world.clone()).await?;
        let table = NewTable {
            name: TABLE,
            key: "UserName",
            range_key: (options.key == TableKey::UserNameAndAccountId).then_some("AccountId"),
            stream: Some(options.view.clone()),
        };
        world.hub().create_table_with(&table).await?;
        let mut strangers = BTreeMap::new();
        for member in world.members() {
            prepare(member).await?;
            strangers.insert(member.id().to_owned(), stranger(&world, member).await?);
        }
        let mut secrets = BTreeSet::from([world.external_id().to_owned()]);
        let provision = function(&world, "provision", &options, &mut secrets).await?;
        let reconcile = function(&world, "reconcile", &options, &mut secrets).await?;
        let scene = Self {
            provision,
            reconcile,
            key: options.key,
            world,
            strangers,
            secrets: Mutex::new(secrets),
            answers: Mutex::default(),
        };
        scene.forget_calls().await?;
        Ok(scene)
    }

    /// The name of the registry table.
    pub fn table(&self) -> &'static str {
        TABLE
    }

    /// The first member account.
    ///
    /// # Panics
    /// When the scene has no member account.
    pub fn member(&self) -> &Account {
        &self.world.members()[0]
    }

    /// The key of a row about a user in an account.
    fn row_key(&self, name: &str, account_id: &str) -> Value {
        match self.key {
            TableKey::UserName => json!({"UserName": name}),
            TableKey::UserNameAndAccountId => json!({"UserName": name, "AccountId": account_id}),
        }
    }

    /// Puts a row about a user of an account, with these properties, in the place of what is there.
    ///
    /// # Errors
    /// When the table does not take it.
    pub async fn put_row(&self, name: &str, account_id: &str, properties: Value) -> Result<()> {
        let mut row = self.row_key(name, account_id);
        if let (Some(row), Value::Object(properties)) = (row.as_object_mut(), properties) {
            row.extend(properties);
        }
        let dynamodb = self.world.hub().dynamodb();
        dynamodb
            .put_item()
            .table_name(TABLE)
            .set_item(Some(rows::item(&row)))
            .send()
            .await?;
        Ok(())
    }

    /// Sets one attribute of a row and leaves the others.
    ///
    /// # Errors
    /// When the table does not take it.
    pub async fn set(
        &self,
        name: &str,
        account_id: &str,
        attribute: &str,
        value: &Value,
    ) -> Result<()> {
        let dynamodb = self.world.hub().dynamodb();
        let mut value = rows::item(&json!({"value": value}));
        dynamodb
            .update_item()
            .table_name(TABLE)
            .set_key(Some(rows::item(&self.row_key(name, account_id))))
            .update_expression("SET #name = :value")
            .expression_attribute_names("#name", attribute)
            .expression_attribute_values(":value", value.remove("value").context("no value")?)
            .send()
            .await?;
        Ok(())
    }

    /// Deletes a row.
    ///
    /// # Errors
    /// When the table does not answer.
    pub async fn delete_row(&self, name: &str, account_id: &str) -> Result<()> {
        let dynamodb = self.world.hub().dynamodb();
        dynamodb
            .delete_item()
            .table_name(TABLE)
            .set_key(Some(rows::item(&self.row_key(name, account_id))))
            .send()
            .await?;
        Ok(())
    }

    /// A row as it is, or null.
    ///
    /// # Errors
    /// When the table does not answer.
    pub async fn row(&self, name: &str, account_id: &str) -> Result<Value> {
        let dynamodb = self.world.hub().dynamodb();
        let found = dynamodb
            .get_item()
            .table_name(TABLE)
            .set_key(Some(rows::item(&self.row_key(name, account_id))))
            .consistent_read(true)
            .send()
            .await?;
        Ok(found.item.as_ref().map_or(Value::Null, rows::json))
    }

    /// What the function wrote into a row.
    ///
    /// # Errors
    /// When the table does not answer.
    pub async fn result(&self, name: &str, account_id: &str) -> Result<Value> {
        Ok(self.row(name, account_id).await?["Result"].clone())
    }

    /// Everything in the table, bookkeeping too.
    ///
    /// # Errors
    /// When the table does not answer.
    pub async fn items(&self) -> Result<Vec<Value>> {
        let dynamodb = self.world.hub().dynamodb();
        let mut pages = dynamodb
            .scan()
            .table_name(TABLE)
            .into_paginator()
            .items()
            .send();
        let mut items = Vec::new();
        while let Some(item) = pages.next().await {
            items.push(rows::json(&item?));
        }
        Ok(items)
    }

    /// Calls `provision` and waits for its answer.
    ///
    /// # Errors
    /// When the function fails; the message is its own.
    pub async fn provision(&self, event: &Value) -> Result<Value> {
        let invocation = self.provision.invoke(event).await?;
        self.answer(&invocation)
    }

    /// Lets an hour pass: the schedule fires.
    ///
    /// # Errors
    /// When the function fails; the message is its own.
    pub async fn fire_schedule(&self) -> Result<Value> {
        let invocation = self.reconcile.invoke(&json!({"Job": "Reconcile"})).await?;
        self.answer(&invocation)
    }

    /// The answer of an invocation, which is searched for secrets by [`Scene::check`].
    ///
    /// # Errors
    /// When the function failed.
    pub fn answer(&self, invocation: &Invocation) -> Result<Value> {
        let answers = || self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        answers().push(format!("{:?}", invocation.outcome));
        match &invocation.outcome {
            Outcome::Returned(answer) => Ok(answer.clone()),
            other => anyhow::bail!("the function failed: {other:?}"),
        }
    }

    /// The names of the users of an account, but for the stranger, sorted.
    ///
    /// # Errors
    /// When IAM does not answer.
    pub async fn users(&self, account: &Account) -> Result<Vec<String>> {
        let iam = account.iam();
        let mut pages = iam.list_users().into_paginator().items().send();
        let mut names = Vec::new();
        while let Some(user) = pages.next().await {
            let name = user?.user_name;
            if name != STRANGER {
                names.push(name);
            }
        }
        names.sort();
        Ok(names)
    }

    /// Keys, password and tags of a user.
    ///
    /// # Errors
    /// When the user does not exist.
    pub async fn secrets_of(&self, account_id: &str, name: &str) -> Result<UserSecrets> {
        self.world.control().user_secrets(account_id, name).await
    }

    /// What the secret store holds at a place, as JSON; null when nothing.
    ///
    /// # Errors
    /// When the stand-in does not answer.
    pub async fn stored(&self, parameter: &str) -> Result<Value> {
        let hub = self.world.hub().id();
        let found = self.world.control().parameter(hub, parameter).await?;
        found.map_or(Ok(Value::Null), |found| {
            serde_json::from_str(&found.value).context("a parameter holds no JSON")
        })
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

    /// Every object of the audit bucket, reports too, with its key.
    ///
    /// # Errors
    /// When the bucket does not answer.
    pub async fn objects(&self) -> Result<Vec<(String, String)>> {
        objects(&self.world).await
    }

    /// What holds after every scenario, whatever was done: the strangers are as they were and nobody tried to change them,
    /// nothing touched the account that is nobody's, and no secret is shown anywhere but in the secret store.
    ///
    /// # Errors
    /// With what does not hold.
    pub async fn check(&self) -> Result<()> {
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

    /// Searches everything that the functions wrote for the secrets that exist now or existed at an earlier check.
    async fn check_for_leaks(&self) -> Result<()> {
        let mut found = BTreeSet::new();
        for member in self.world.members() {
            for name in self.users(member).await? {
                let user = self.secrets_of(member.id(), &name).await?;
                found.extend(user.keys.into_iter().map(|key| key.secret_access_key));
                found.extend(user.login.map(|login| login.password));
            }
        }
        let secrets = {
            let mut secrets = self.secrets.lock().unwrap_or_else(PoisonError::into_inner);
            secrets.extend(found);
            secrets.clone()
        };
        let mut texts = vec![
            (
                "the output of provision".to_owned(),
                self.provision.output()?,
            ),
            (
                "the output of reconcile".to_owned(),
                self.reconcile.output()?,
            ),
            ("the table".to_owned(), format!("{:?}", self.items().await?)),
        ];
        for answer in self
            .answers
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .iter()
        {
            texts.push(("an answer".to_owned(), answer.clone()));
        }
        for (key, text) in self.objects().await? {
            texts.push((format!("the object {key}"), text));
        }
        shows_none(&secrets, &texts)
    }
}
