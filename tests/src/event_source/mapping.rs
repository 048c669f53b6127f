//! The mapping itself: where it is in the stream, what it delivered, and what it gave up.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use anyhow::{Result, bail};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::answer::{self, Verdict};
use super::batch::{Batch, Rest};
use super::stream::Stream;
use crate::lambda::{Function, Invocation};
use crate::standin::Account;

/// Where a mapping begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StartingPosition {
    /// With the oldest record.
    TrimHorizon,
    /// With the records that come after the mapping was made.
    Latest,
}

/// How a mapping is made.
#[derive(Debug, Clone)]
pub struct MappingOptions {
    /// `BatchSize`: how many records a batch has at most.
    pub batch_size: usize,
    /// `FunctionResponseTypes: [ReportBatchItemFailures]`.
    pub reports_item_failures: bool,
    /// `BisectBatchOnFunctionError`.
    pub bisects: bool,
    /// `MaximumRetryAttempts`; without it a batch is never given up.
    pub retries: Option<u32>,
    /// `StartingPosition`.
    pub starts_at: StartingPosition,
    /// More deliveries in one [`EventSourceMapping::drain`] are an error: the stream does not come to rest.
    pub most_deliveries: usize,
}

impl Default for MappingOptions {
    /// As the mapping of the registry is deployed.
    fn default() -> Self {
        Self {
            batch_size: 25,
            reports_item_failures: true,
            bisects: true,
            retries: Some(10),
            starts_at: StartingPosition::TrimHorizon,
            most_deliveries: 500,
        }
    }
}

/// One batch that was handed over, and what came of it.
#[derive(Debug, Clone)]
pub struct Delivery {
    /// The event: `{"Records": […]}`.
    pub event: Value,
    /// The numbers of its records, in order.
    pub sequence_numbers: Vec<String>,
    /// The run of the function.
    pub invocation: Invocation,
    /// What Lambda makes of it.
    pub verdict: Verdict,
}

/// A mapping from the stream of a table to a function.
#[derive(Debug)]
pub struct EventSourceMapping {
    function: Function,
    stream: Stream,
    options: MappingOptions,
    /// Held during a delivery: a shard has one at a time.
    position: tokio::sync::Mutex<Position>,
    deliveries: Mutex<Vec<Delivery>>,
    given_up: Mutex<Vec<Value>>,
}

#[derive(Debug)]
struct Position {
    iterator: String,
    /// Batches that were read and are not done.
    open: VecDeque<Batch>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl EventSourceMapping {
    /// Maps the stream of a table in an account to a function.
    ///
    /// # Errors
    /// When the table has no stream.
    pub async fn new(
        function: &Function,
        account: &Account,
        table: &str,
        options: MappingOptions,
    ) -> Result<Self> {
        let stream = Stream::of(account, table).await?;
        let iterator = stream.iterator(options.starts_at).await?;
        Ok(Self {
            function: function.clone(),
            stream,
            options,
            position: tokio::sync::Mutex::new(Position {
                iterator,
                open: VecDeque::new(),
            }),
            deliveries: Mutex::default(),
            given_up: Mutex::default(),
        })
    }

    /// Delivers until nothing is left in the stream, of what the function itself writes too. Returns how many deliveries
    /// there were.
    ///
    /// # Errors
    /// When the function cannot be started, or the stream does not come to rest.
    pub async fn drain(&self) -> Result<usize> {
        for count in 0..=self.options.most_deliveries {
            if self.step().await?.is_none() {
                return Ok(count);
            }
        }
        bail!(
            "the stream did not come to rest within {} deliveries",
            self.options.most_deliveries
        )
    }

    /// Makes one delivery; `None` when nothing is left.
    ///
    /// # Errors
    /// When the function cannot be started.
    pub async fn step(&self) -> Result<Option<Delivery>> {
        let mut position = self.position.lock().await;
        if position.open.is_empty() {
            let size = self.options.batch_size;
            let (records, next) = self.stream.read(&position.iterator, size).await?;
            position.iterator = next;
            if records.is_empty() {
                return Ok(None);
            }
            position.open.push_back(Batch::new(records));
        }
        self.deliver_first(&mut position.open).await
    }

    /// Delivers the records between two sequence numbers again, both included, as Lambda may at any time; with all that
    /// follows when they fail. The place in the stream stays as it is.
    ///
    /// # Errors
    /// When there are no such records, or as for [`EventSourceMapping::drain`].
    pub async fn redeliver(&self, from: &str, to: &str) -> Result<()> {
        let records = self.stream.between(from, to).await?;
        // Nothing else of this shard is under way.
        let _position = self.position.lock().await;
        let batches = records.chunks(self.options.batch_size.max(1));
        let mut open = batches.map(|batch| Batch::new(batch.to_vec())).collect();
        for _ in 0..=self.options.most_deliveries {
            if self.deliver_first(&mut open).await?.is_none() {
                return Ok(());
            }
        }
        bail!("the records are not done after many deliveries")
    }

    async fn deliver_first(&self, open: &mut VecDeque<Batch>) -> Result<Option<Delivery>> {
        // It stays open when it cannot be delivered.
        let Some(batch) = open.front().cloned() else {
            return Ok(None);
        };
        let records: Vec<_> = batch.records.iter().map(|it| it.event.clone()).collect();
        let event = json!({"Records": records});
        let invocation = self.function.invoke(&event).await?;
        let numbers = batch.sequence_numbers();
        let reports = self.options.reports_item_failures;
        let verdict = answer::read(&invocation.outcome, &numbers, reports);
        let delivery = Delivery {
            event,
            sequence_numbers: numbers.into_iter().map(str::to_owned).collect(),
            invocation,
            verdict,
        };
        open.pop_front();
        match batch.after(
            &delivery.verdict,
            self.options.bisects,
            self.options.retries,
        ) {
            Rest::Again(batches) => {
                for batch in batches.into_iter().rev() {
                    open.push_front(batch);
                }
            }
            Rest::GivenUp(batch) => lock(&self.given_up).push(self.message(&batch, &delivery)?),
        }
        lock(&self.deliveries).push(delivery.clone());
        Ok(Some(delivery))
    }

    /// The message that the on-failure destination gets: about records, and without them.
    fn message(&self, batch: &Batch, last: &Delivery) -> Result<Value> {
        let (Some(first), Some(end)) = (batch.records.first(), batch.records.last()) else {
            bail!("a batch without records");
        };
        let arrival = |seconds| Timestamp::from_second(seconds).map(|time| time.to_string());
        let mut response = json!({"statusCode": 200, "executedVersion": "$LATEST"});
        if !last.invocation.outcome.is_success() {
            response["functionError"] = json!("Unhandled");
        }
        Ok(json!({
            "requestContext": {
                "requestId": last.invocation.request_id,
                "functionArn": self.function.arn(),
                "condition": "RetryAttemptsExhausted",
                "approximateInvokeCount": batch.deliveries,
            },
            "responseContext": response,
            "version": "1.0",
            "timestamp": Timestamp::now().to_string(),
            "DDBStreamBatchInfo": {
                "shardId": self.stream.shard_id,
                "startSequenceNumber": first.sequence_number,
                "endSequenceNumber": end.sequence_number,
                "approximateArrivalOfFirstRecord": arrival(first.created)?,
                "approximateArrivalOfLastRecord": arrival(end.created)?,
                "batchSize": batch.records.len(),
                "streamArn": self.stream.arn,
            },
        }))
    }

    /// All deliveries so far, in order.
    pub fn deliveries(&self) -> Vec<Delivery> {
        lock(&self.deliveries).clone()
    }

    /// What the on-failure destination got, in order.
    pub fn given_up(&self) -> Vec<Value> {
        lock(&self.given_up).clone()
    }
}
