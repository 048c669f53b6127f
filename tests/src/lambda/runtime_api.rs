//! The Lambda Runtime API (`2018-06-01`) of one execution environment.

use std::sync::Arc;

use anyhow::Result;
use bytes::Bytes;
use http_body_util::Full;
use hyper::{Method, Request, Response, StatusCode};
use serde_json::Value;
use tokio::sync::{Mutex, mpsc};

use super::server::{Reaction, Server, answer};

const PREFIX: &str = "/2018-06-01/runtime/";

/// How an invocation ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The handler returned this.
    Returned(Value),
    /// The handler failed: what it told the Runtime API.
    Failed(Value),
    /// The process ended on its own or was killed, before it had answered.
    Exited {
        /// Its exit code; none after a signal.
        code: Option<i32>,
    },
    /// The process was killed because its time was up.
    TimedOut,
}

impl Outcome {
    /// Whether Lambda takes the event as handled.
    pub fn is_success(&self) -> bool {
        matches!(self, Self::Returned(_))
    }
}

/// An invocation, on its way to the process.
#[derive(Debug)]
pub(super) struct Event {
    pub(super) request_id: String,
    /// Milliseconds since 1970.
    pub(super) deadline: u64,
    pub(super) function_arn: String,
    pub(super) body: Bytes,
}

/// What the process told the Runtime API.
#[derive(Debug)]
pub(super) enum Report {
    /// It waits for the next event.
    Ready,
    /// It answered the invocation of this request id.
    Answered(String, Outcome),
    /// It cannot begin.
    InitError(Value),
}

/// One Runtime API: hands out events and takes answers, for one process.
#[derive(Debug)]
pub(super) struct RuntimeApi {
    server: Server,
    events: mpsc::UnboundedSender<Event>,
    reports: mpsc::UnboundedReceiver<Report>,
}

#[derive(Debug)]
struct Shared {
    events: Mutex<mpsc::UnboundedReceiver<Event>>,
    reports: mpsc::UnboundedSender<Report>,
}

impl RuntimeApi {
    pub(super) async fn start() -> Result<Self> {
        let (events, from_events) = mpsc::unbounded_channel();
        let (to_reports, reports) = mpsc::unbounded_channel();
        let shared = Arc::new(Shared {
            events: Mutex::new(from_events),
            reports: to_reports,
        });
        let handler = move |request| {
            let shared = Arc::clone(&shared);
            async move { shared.react(request).await }
        };
        Ok(Self {
            server: Server::start(handler).await?,
            events,
            reports,
        })
    }

    /// The value of `AWS_LAMBDA_RUNTIME_API`.
    pub(super) fn address(&self) -> String {
        self.server.address().to_string()
    }

    /// Hands an event to the process, which gets it when it asks.
    pub(super) fn send(&self, event: Event) {
        // The receiver lives as long as the server.
        let _ = self.events.send(event);
    }

    /// The next thing that the process says.
    pub(super) async fn report(&mut self) -> Report {
        match self.reports.recv().await {
            Some(report) => report,
            // Never: the server holds the sender.
            None => std::future::pending().await,
        }
    }
}

impl Shared {
    async fn react(&self, request: Request<Bytes>) -> Reaction {
        let path = request.uri().path().strip_prefix(PREFIX)?;
        let told = || serde_json::from_slice(request.body()).unwrap_or(Value::Null);
        let parts: Vec<_> = path.split('/').collect();
        let report = match (request.method(), &parts[..]) {
            (&Method::GET, ["invocation", "next"]) => {
                let _ = self.reports.send(Report::Ready);
                let event = self.events.lock().await.recv().await?;
                return Some(next(event));
            }
            (&Method::POST, ["invocation", id, "response"]) => {
                Report::Answered((*id).to_owned(), Outcome::Returned(told()))
            }
            (&Method::POST, ["invocation", id, "error"]) => {
                Report::Answered((*id).to_owned(), Outcome::Failed(told()))
            }
            (&Method::POST, ["init", "error"]) => Report::InitError(told()),
            _ => return Some(answer(StatusCode::NOT_FOUND, "")),
        };
        let _ = self.reports.send(report);
        Some(answer(StatusCode::ACCEPTED, r#"{"status":"OK"}"#))
    }
}

fn next(event: Event) -> Response<Full<Bytes>> {
    let headers = [
        ("Content-Type", "application/json".to_owned()),
        ("Lambda-Runtime-Aws-Request-Id", event.request_id),
        ("Lambda-Runtime-Deadline-Ms", event.deadline.to_string()),
        ("Lambda-Runtime-Invoked-Function-Arn", event.function_arn),
        (
            "Lambda-Runtime-Trace-Id",
            "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Parent=9a9197af755a6419;Sampled=0".to_owned(),
        ),
    ];
    let mut response = answer(StatusCode::OK, event.body);
    for (name, value) in headers {
        if let Ok(value) = value.parse() {
            response.headers_mut().insert(name, value);
        }
    }
    response
}
