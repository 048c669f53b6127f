//! The registry: the `DynamoDB` table whose rows are the wanted users.
//!
//! The key is `UserName`, or `UserName` and `AccountId`; every other attribute but [`RESULT`] is a property of the user,
//! with the names of `Custom::CrossAccountIamUser`. Items whose `UserName` holds `#`, which no IAM name does, are
//! bookkeeping: leases, the removal budget, and the accounts that have users.

mod budget;
mod item;
mod lease;
mod places;
mod result;
mod row;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::types::{AttributeValue, KeyType, TableDescription};
use crossaccount_core::aws::classify;
use crossaccount_core::clock::Clock;
use crossaccount_core::session::Target;
use crossaccount_core::{Error, ErrorKind};
use tokio::sync::OnceCell;

pub use item::{StreamImage, stream_image};
pub use lease::Lease;
pub use result::{RowResult, next_result};
pub use row::{RegistryRow, RowKey};

/// The attribute with the name of the user, and the hash key of the table.
pub const USER_NAME: &str = "UserName";
/// The attribute with the account of the user, and the range key of the table when it has one.
pub const ACCOUNT_ID: &str = "AccountId";
/// The attribute that the function writes.
pub const RESULT: &str = "Result";
/// The attribute by which bookkeeping expires.
const EXPIRES_AT: &str = "ExpiresAt";
/// What no IAM name holds, and every name of a bookkeeping item does.
const BOOKKEEPING: char = '#';

type Item = HashMap<String, AttributeValue>;

/// What identifies a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeySchema {
    /// The name alone.
    UserName,
    /// The name and the account.
    UserNameAndAccountId,
}

/// What stands in the table.
#[derive(Debug, Clone, Default)]
pub struct Contents {
    /// Who is wanted.
    pub rows: Vec<RegistryRow>,
    /// Where the registry remembers to have users ([`Registry::remember_place`]).
    pub places: Vec<Target>,
}

/// The registry table.
#[derive(Debug, Clone)]
pub struct Registry {
    dynamodb: aws_sdk_dynamodb::Client,
    table: String,
    lease: Duration,
    clock: Arc<dyn Clock>,
    /// A table never changes its key.
    schema: Arc<OnceCell<KeySchema>>,
}

impl Registry {
    /// The registry in this table. Calls nobody.
    pub fn new(
        dynamodb: aws_sdk_dynamodb::Client,
        table: String,
        lease: Duration,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            dynamodb,
            table,
            lease,
            clock,
            schema: Arc::default(),
        }
    }

    /// What identifies a row: asked once in the life of a process.
    ///
    /// # Errors
    /// Those of the table, and [`ErrorKind::Rejected`] when its key is another one.
    pub async fn schema(&self) -> Result<KeySchema, Error> {
        self.schema
            .get_or_try_init(|| self.describe())
            .await
            .copied()
    }

    async fn describe(&self) -> Result<KeySchema, Error> {
        let answer = self
            .dynamodb
            .describe_table()
            .table_name(&self.table)
            .send()
            .await
            .map_err(|error| self.explain(classify(error, "dynamodb:DescribeTable", None)))?;
        let elements = answer
            .table()
            .map(TableDescription::key_schema)
            .unwrap_or_default();
        let keys: Vec<(&str, &KeyType)> = elements
            .iter()
            .map(|element| (element.attribute_name(), element.key_type()))
            .collect();
        match keys.as_slice() {
            [(USER_NAME, KeyType::Hash)] => Ok(KeySchema::UserName),
            [(USER_NAME, KeyType::Hash), (ACCOUNT_ID, KeyType::Range)] => {
                Ok(KeySchema::UserNameAndAccountId)
            }
            _ => Err(Error::new(
                ErrorKind::Rejected,
                format!("table {} has another key than a registry", self.table),
            )
            .with_advice(
                "The key of a registry is UserName, or UserName and AccountId, both texts: make a new table.",
            )),
        }
    }

    /// The whole table, as it is now.
    ///
    /// # Errors
    /// Those of the table. There is no partial answer: whoever removes what is in no row must have seen them all.
    pub async fn read(&self) -> Result<Contents, Error> {
        let schema = self.schema().await?;
        let mut pages = self
            .dynamodb
            .scan()
            .table_name(&self.table)
            .consistent_read(true)
            .into_paginator()
            .items()
            .send();
        let mut contents = Contents::default();
        while let Some(item) = pages.next().await {
            let item =
                item.map_err(|error| self.explain(classify(error, "dynamodb:Scan", None)))?;
            contents.rows.extend(RegistryRow::of_item(&item, schema));
            let name = item.get(USER_NAME).and_then(|name| name.as_s().ok());
            contents
                .places
                .extend(name.and_then(|name| places::read(name)));
        }
        Ok(contents)
    }

    /// The row of this key as it is now.
    ///
    /// # Errors
    /// Those of the table.
    pub async fn row(&self, key: &RowKey) -> Result<Option<RegistryRow>, Error> {
        let schema = self.schema().await?;
        let answer = self
            .dynamodb
            .get_item()
            .table_name(&self.table)
            .set_key(Some(key.to_item()))
            .consistent_read(true)
            .send()
            .await
            .map_err(|error| self.explain(classify(error, "dynamodb:GetItem", None)))?;
        Ok(answer
            .item()
            .and_then(|item| RegistryRow::of_item(item, schema)))
    }

    /// Writes what became of a user into its row. A row that is gone is not made again.
    ///
    /// # Errors
    /// Those of the table.
    pub async fn write_result(&self, key: &RowKey, result: &RowResult) -> Result<(), Error> {
        let sent = self
            .update(key.to_item())
            .update_expression("SET #result = :result")
            .condition_expression("attribute_exists(#name)")
            .expression_attribute_names("#result", RESULT)
            .expression_attribute_names("#name", USER_NAME)
            .expression_attribute_values(":result", result.to_attribute())
            .send()
            .await;
        match sent {
            Ok(_) => Ok(()),
            Err(error) if item::refused(error.as_service_error()) => Ok(()),
            Err(error) => Err(self.explain(classify(error, "dynamodb:UpdateItem", None))),
        }
    }

    fn update(&self, key: Item) -> UpdateItemFluentBuilder {
        self.dynamodb
            .update_item()
            .table_name(&self.table)
            .set_key(Some(key))
    }

    /// The key of a bookkeeping item.
    fn bookkeeping_key(schema: KeySchema, name: &str, account_id: &str) -> Item {
        let mut key = Item::from([(USER_NAME.to_owned(), item::text(name))]);
        if schema == KeySchema::UserNameAndAccountId {
            key.insert(ACCOUNT_ID.to_owned(), item::text(account_id));
        }
        key
    }

    fn explain(&self, error: Error) -> Error {
        let table = &self.table;
        let error = error.while_doing(format_args!("use the registry table {table}"));
        match error.kind() {
            ErrorKind::NotFound => error.with_advice(
                "There is no such table in the hub account and Region: check CROSSACCOUNT_REGISTRY_TABLE.",
            ),
            ErrorKind::AccessDenied => error.with_advice(
                "The role of the function needs dynamodb:DescribeTable, Scan, GetItem, UpdateItem and DeleteItem on the table.",
            ),
            _ => error,
        }
    }
}
