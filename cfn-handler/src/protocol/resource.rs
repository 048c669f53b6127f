//! What a kind of custom resource has to be able to do.

use std::future::Future;

use tokio::time::Instant;

use super::answer::Reply;
use super::request::Request;

/// What became of a request that was delivered before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Earlier {
    /// It is new, or its first delivery came to no end.
    Nothing,
    /// It was carried out; these bytes are its answer, and CloudFormation may not have got them.
    Answered(String),
    /// CloudFormation has its answer.
    Delivered,
}

/// What a resource made of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Handled {
    /// This is its reply.
    Reply(Reply),
    /// Its answer is remembered already: by this delivery, or by another one of the same request that was at work when this
    /// one arrived.
    Remembered(Earlier),
}

impl From<Reply> for Handled {
    fn from(reply: Reply) -> Self {
        Self::Reply(reply)
    }
}

/// A kind of custom resource.
///
/// Every method may be called more than once for the same request.
pub trait Resource: Send + Sync + 'static {
    /// What became of an earlier delivery of the same request.
    fn earlier(&self, request: &Request) -> impl Future<Output = Earlier> + Send;

    /// Carries out a request. Comes back before `until`, or is given up and its process ended.
    fn handle(&self, request: Request, until: Instant) -> impl Future<Output = Handled> + Send;

    /// Remembers the answer (the bytes to be sent) before it is sent. A failure is logged and changes nothing.
    fn answering(&self, request: &Request, body: &str) -> impl Future<Output = ()> + Send;

    /// Remembers that CloudFormation has the answer. A failure is logged and changes nothing.
    fn delivered(&self, request: &Request) -> impl Future<Output = ()> + Send;

    /// The reply when `handle` panicked or was given up: `reason` says which. No I/O.
    fn broken(&self, request: &Request, reason: String) -> Reply;
}
