//! An event source mapping of AWS Lambda for a stream of `DynamoDB`, as a function and its operators see it.
//!
//! [`EventSourceMapping`] reads the stream of a table, hands batches to a [`Function`](crate::lambda::Function), and does with
//! its answers what Lambda does: it goes on, delivers again, splits batches, and gives up.
//!
//! Nothing happens by itself: [`drain`](EventSourceMapping::drain) and [`step`](EventSourceMapping::step) deliver, without any
//! pause. What is left out: filters, the batching window, tumbling windows, more than one shard or batch at a time, the age of
//! records, and the limit of 6 MB for an event.

mod answer;
mod batch;
mod mapping;
mod record;
mod stream;

pub use answer::Verdict;
pub use mapping::{Delivery, EventSourceMapping, MappingOptions, StartingPosition};
