//! Reading the one shard of a stream.

use anyhow::{Context, Result, ensure};
use aws_sdk_dynamodbstreams::types::ShardIteratorType;

use super::mapping::StartingPosition;
use super::record::{StreamRecord, translate};
use crate::standin::Account;

/// The stream of a table.
#[derive(Debug)]
pub(super) struct Stream {
    client: aws_sdk_dynamodbstreams::Client,
    pub(super) arn: String,
    pub(super) shard_id: String,
}

impl Stream {
    /// Finds the stream of a table.
    ///
    /// # Errors
    /// When the table has none.
    pub(super) async fn of(account: &Account, table: &str) -> Result<Self> {
        let described = account.dynamodb().describe_table().table_name(table);
        let described = described.send().await?.table;
        let arn = described
            .and_then(|table| table.latest_stream_arn)
            .with_context(|| format!("the table {table} has no stream"))?;
        let client = account.streams();
        let stream = client.describe_stream().stream_arn(&arn).send().await?;
        let stream = stream.stream_description.context("no description")?;
        let [shard] = stream.shards() else {
            anyhow::bail!("the stream has {} shards", stream.shards().len());
        };
        let shard_id = shard.shard_id().context("a shard without an id")?;
        Ok(Self {
            shard_id: shard_id.to_owned(),
            client,
            arn,
        })
    }

    /// An iterator at a position.
    pub(super) async fn iterator(&self, position: StartingPosition) -> Result<String> {
        let kind = match position {
            StartingPosition::TrimHorizon => ShardIteratorType::TrimHorizon,
            StartingPosition::Latest => ShardIteratorType::Latest,
        };
        let call = self.client.get_shard_iterator();
        let call = call.stream_arn(&self.arn).shard_id(&self.shard_id);
        let iterator = call.shard_iterator_type(kind).send().await?.shard_iterator;
        iterator.context("an answer without an iterator")
    }

    /// The next records, at most so many, and the iterator behind them.
    pub(super) async fn read(
        &self,
        iterator: &str,
        limit: usize,
    ) -> Result<(Vec<StreamRecord>, String)> {
        let limit = i32::try_from(limit.clamp(1, 1000))?;
        let call = self.client.get_records().shard_iterator(iterator);
        let page = call.limit(limit).send().await?;
        let records: Result<Vec<_>> = page
            .records()
            .iter()
            .map(|record| translate(record, &self.arn))
            .collect();
        let next = page.next_shard_iterator.context("the shard has ended")?;
        Ok((records?, next))
    }

    /// The records between two numbers, both included.
    ///
    /// # Errors
    /// When there is none.
    pub(super) async fn between(&self, from: &str, to: &str) -> Result<Vec<StreamRecord>> {
        let (from, to) = (number(from)?, number(to)?);
        let mut iterator = self.iterator(StartingPosition::TrimHorizon).await?;
        let mut found = Vec::new();
        loop {
            let (records, next) = self.read(&iterator, 1000).await?;
            if records.is_empty() {
                break;
            }
            for record in records {
                if (from..=to).contains(&number(&record.sequence_number)?) {
                    found.push(record);
                }
            }
            iterator = next;
        }
        ensure!(!found.is_empty(), "no record is between {from} and {to}");
        Ok(found)
    }
}

fn number(text: &str) -> Result<u128> {
    let number = text.parse();
    number.with_context(|| format!("{text} is no sequence number"))
}
