//! `DynamoDB` tables and their streams.

use anyhow::{Context, Result};
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType,
    StreamSpecification, StreamViewType, TimeToLiveSpecification,
};

use super::world::Account;

/// A table to be made. Its keys are texts, and its items expire by `ExpiresAt`.
#[derive(Debug, Clone)]
pub struct NewTable<'a> {
    /// Its name.
    pub name: &'a str,
    /// The attribute that is the hash key.
    pub key: &'a str,
    /// The attribute that is the range key, when it has one.
    pub range_key: Option<&'a str>,
    /// What its stream holds; without it there is no stream.
    pub stream: Option<StreamViewType>,
}

impl Account {
    /// A `DynamoDB` table whose items have one text as their key, and expire by `ExpiresAt`.
    ///
    /// # Errors
    /// When it exists.
    pub async fn create_table(&self, name: &str, key: &str) -> Result<()> {
        let table = NewTable {
            name,
            key,
            range_key: None,
            stream: None,
        };
        self.create_table_with(&table).await.map(drop)
    }

    /// A `DynamoDB` table made to measure; the ARN of its stream.
    ///
    /// # Errors
    /// When it exists.
    pub async fn create_table_with(&self, table: &NewTable<'_>) -> Result<Option<String>> {
        let name = table.name;
        let mut call = self
            .dynamodb()
            .create_table()
            .table_name(name)
            .billing_mode(BillingMode::PayPerRequest);
        let range = table.range_key.map(|key| (key, KeyType::Range));
        for (key, kind) in [(table.key, KeyType::Hash)].into_iter().chain(range) {
            let attribute = AttributeDefinition::builder()
                .attribute_name(key)
                .attribute_type(ScalarAttributeType::S);
            let element = KeySchemaElement::builder()
                .attribute_name(key)
                .key_type(kind);
            call = call
                .attribute_definitions(attribute.build()?)
                .key_schema(element.build()?);
        }
        if let Some(view) = &table.stream {
            let stream = StreamSpecification::builder()
                .stream_enabled(true)
                .stream_view_type(view.clone());
            call = call.stream_specification(stream.build()?);
        }
        let made = call
            .send()
            .await
            .with_context(|| format!("cannot create the table {name}"))?;
        let expiry = TimeToLiveSpecification::builder()
            .attribute_name("ExpiresAt")
            .enabled(true)
            .build()?;
        self.dynamodb()
            .update_time_to_live()
            .table_name(name)
            .time_to_live_specification(expiry)
            .send()
            .await
            .with_context(|| format!("cannot let items of {name} expire"))?;
        Ok(made.table_description.and_then(|it| it.latest_stream_arn))
    }

    /// The streams of `DynamoDB` with all rights, by hand.
    pub fn streams(&self) -> aws_sdk_dynamodbstreams::Client {
        aws_sdk_dynamodbstreams::Client::new(&self.by_hand_config())
    }
}
