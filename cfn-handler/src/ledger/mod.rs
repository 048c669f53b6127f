//! The order of requests, kept in a DynamoDB table.
//!
//! CloudFormation delivers a request at least once, sends a Delete while a Create still runs, and a rollback while the
//! update still runs. Lambda may run them at the same moment in different processes. Two kinds of items bring order:
//!
//! - one for each request: its answer, and whether CloudFormation got it ([`Ledger::earlier`]);
//! - one for each stack and logical id: the newest request, who works right now, and the users that there may be
//!   ([`Ledger::enter`]).
//!
//! A request that was issued before the newest one is *overtaken* and does nothing: that is how a Create that arrives
//! after its Delete is stopped. A lease, renewed while its holder lives, lets one request of a resource work at a time.
//!
//! Items hold names, ids and answers, never a secret.

mod order;
mod records;
mod schedule;
mod turn;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::AttributeValue;
use crossaccount_core::clock::Clock;

pub use schedule::Scheduled;
pub use turn::{Left, Made, Turn};

use crate::protocol::request::Request;

/// How long items are kept after they are of no more use: longer than Lambda keeps an event for delivery (6 hours).
const KEPT: Duration = Duration::from_hours(7 * 24);

mod attribute {
    pub(super) const KEY: &str = "Key";
    pub(super) const ANSWER: &str = "Answer";
    pub(super) const DELIVERED: &str = "Delivered";
    pub(super) const EXPIRES_AT: &str = "ExpiresAt";
    pub(super) const ORDER: &str = "Order";
    pub(super) const REQUEST: &str = "Request";
    pub(super) const HOLDER: &str = "Holder";
    pub(super) const HELD_UNTIL: &str = "HeldUntil";
    // What the ledger knows of a user: each name goes on with its physical id, because a resource that is being replaced
    // has two users.
    pub(super) const MAKING_SINCE: &str = "MakingSince ";
    pub(super) const ADOPTED: &str = "Adopted ";
    pub(super) const ROTATES: &str = "Rotates ";
}

/// What the key of a resource begins with. A stack id holds no `#`, and neither does a logical id.
const RESOURCE: &str = "resource#";

type Item = HashMap<String, AttributeValue>;

/// The table.
#[derive(Debug, Clone)]
pub struct Ledger {
    dynamodb: Client,
    table: String,
    lease: Duration,
    clock: Arc<dyn Clock>,
}

impl Ledger {
    /// A ledger in this table, whose leases last so long without being renewed. Calls nobody.
    pub fn new(dynamodb: Client, table: String, lease: Duration, clock: Arc<dyn Clock>) -> Self {
        Self {
            dynamodb,
            table,
            lease,
            clock,
        }
    }

    fn now_ms(&self) -> i64 {
        self.clock.now().as_millisecond()
    }

    /// The value of the attribute by which DynamoDB removes an item.
    fn expiry(&self) -> AttributeValue {
        let kept = i64::try_from(KEPT.as_secs()).unwrap_or(i64::MAX);
        number(self.clock.now().as_second().saturating_add(kept))
    }
}

fn request_key(request: &Request) -> AttributeValue {
    text(format!(
        "request#{}#{}",
        request.stack_id, request.request_id
    ))
}

fn resource_key(request: &Request) -> AttributeValue {
    text(format!(
        "{RESOURCE}{}#{}",
        request.stack_id, request.logical_resource_id
    ))
}

fn text(text: impl Into<String>) -> AttributeValue {
    AttributeValue::S(text.into())
}

fn number(number: i64) -> AttributeValue {
    AttributeValue::N(number.to_string())
}

fn text_in<'a>(item: &'a Item, name: &str) -> Option<&'a str> {
    item.get(name)?.as_s().ok().map(String::as_str)
}

fn number_in(item: &Item, name: &str) -> Option<i64> {
    item.get(name)?.as_n().ok()?.parse().ok()
}

fn flag_in(item: &Item, name: &str) -> Option<bool> {
    item.get(name)?.as_bool().ok().copied()
}
