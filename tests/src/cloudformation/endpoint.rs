//! Where answers go: presigned URLs of S3, each for one PUT of one request.
//!
//! Every rule that an answer breaks is written down, and [`ResponseEndpoint::check`] fails with all of them.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Result, ensure};
use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{CONTENT_LENGTH, CONTENT_TYPE, HOST, TRANSFER_ENCODING};
use hyper::{Method, Request, Response, StatusCode};
use tokio::sync::Notify;

use super::answer::{self, Answer, Ids};
use super::signal::Signal;
use crate::lambda::server::{Reaction, Server, answer as http_answer};

/// What becomes of a PUT.
#[derive(Debug, Clone)]
pub enum Reception {
    /// It is stored, and confirmed with 200.
    Accept,
    /// 403, as for an expired or changed URL. Nothing is stored.
    Refuse,
    /// 500. Nothing is stored.
    ServerError,
    /// The connection closes; nothing is stored.
    LoseRequest,
    /// It is stored, and the connection closes without an answer.
    LoseReply,
    /// Stored and confirmed, after so long.
    Slow(Duration),
    /// The first signal is given when it has come; it is stored and confirmed after the second one.
    Held {
        /// Given by the endpoint.
        reached: Signal,
        /// Given by the test.
        release: Signal,
    },
    /// The first signal is given when it has come and is stored; it is confirmed after the second one.
    StoredAndHeld {
        /// Given by the endpoint.
        reached: Signal,
        /// Given by the test.
        release: Signal,
    },
}

/// One PUT.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Put {
    /// Its body.
    pub body: Bytes,
    /// Whether CloudFormation has it.
    pub stored: bool,
    /// Whether the sender was told so.
    pub confirmed: bool,
}

/// The server behind all response URLs of a test.
#[derive(Debug)]
pub struct ResponseEndpoint {
    server: Server,
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct State {
    /// By request id.
    requests: BTreeMap<String, Expected>,
    violations: Vec<String>,
}

#[derive(Debug)]
struct Expected {
    ids: Ids,
    /// Path and query, as they are in the URL.
    target: String,
    signature: String,
    receptions: VecDeque<Reception>,
    puts: Vec<Put>,
    answer: Option<Answer>,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        // Every change of the guarded values is complete in itself, so they are valid after a panic too.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ResponseEndpoint {
    /// A new endpoint on a free port.
    ///
    /// # Errors
    /// When no port can be had.
    pub async fn start() -> Result<Self> {
        let shared = Arc::<Shared>::default();
        let state = Arc::clone(&shared);
        let server = Server::start(move |request| {
            let state = Arc::clone(&state);
            async move { state.receive(request).await }
        })
        .await?;
        Ok(Self { server, shared })
    }

    /// The URL for the answer to a new request. `issued_at` is `20261121T080000Z`.
    pub(super) fn expect(
        &self,
        ids: Ids,
        issued_at: &str,
        receptions: VecDeque<Reception>,
    ) -> String {
        // Colons and bars are escaped and slashes are not, as in the URLs that CloudFormation makes.
        let key = format!(
            "{}%7C{}%7C{}",
            ids.stack_id.replace(':', "%3A"),
            ids.logical_resource_id,
            ids.request_id
        );
        let random = || uuid::Uuid::new_v4().simple().to_string();
        let signature = format!("{}{}", random(), random());
        let day = issued_at.split('T').next().unwrap_or_default();
        let target = format!(
            "/{key}?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Date={issued_at}&X-Amz-SignedHeaders=host\
             &X-Amz-Expires=7200&X-Amz-Credential=AKIAEXAMPLERESPONSES%2F{day}%2Fus-east-1%2Fs3%2Faws4_request\
             &X-Amz-Signature={signature}"
        );
        let url = format!("http://{}{target}", self.server.address());
        let request_id = ids.request_id.clone();
        let expected = Expected {
            ids,
            target,
            signature,
            receptions,
            puts: Vec::new(),
            answer: None,
        };
        self.shared.state().requests.insert(request_id, expected);
        url
    }

    /// The answer to a request: the first body that was stored.
    pub fn answer(&self, request_id: &str) -> Option<Answer> {
        self.shared.state().requests.get(request_id)?.answer.clone()
    }

    /// Waits for the answer to a request.
    pub async fn wait(&self, request_id: &str) -> Answer {
        loop {
            let changed = self.shared.changed.notified();
            tokio::pin!(changed);
            // Before we look, so that nothing that happens in between is missed.
            changed.as_mut().enable();
            if let Some(answer) = self.answer(request_id) {
                return answer;
            }
            changed.await;
        }
    }

    /// All that was sent for a request.
    pub fn puts(&self, request_id: &str) -> Vec<Put> {
        let state = self.shared.state();
        let request = state.requests.get(request_id);
        request
            .map(|request| request.puts.clone())
            .unwrap_or_default()
    }

    /// The bodies of all PUTs.
    pub fn bodies(&self) -> Vec<Bytes> {
        let state = self.shared.state();
        let puts = state.requests.values().flat_map(|request| &request.puts);
        puts.map(|put| put.body.clone()).collect()
    }

    /// The signatures of all URLs: whoever has one can forge an answer, so nothing may show them.
    pub fn signatures(&self) -> Vec<String> {
        let state = self.shared.state();
        state
            .requests
            .values()
            .map(|request| request.signature.clone())
            .collect()
    }

    /// Writes down that a rule was broken, for rules that only a stack can check.
    pub(super) fn complain(&self, violation: String) {
        self.shared.state().violations.push(violation);
    }

    /// Every rule that was broken so far.
    pub fn violations(&self) -> Vec<String> {
        self.shared.state().violations.clone()
    }

    /// Every request has one answer, by the rules: whatever was sent again was the same answer.
    ///
    /// # Errors
    /// With every rule that was broken, and every request without an answer or with two different ones.
    pub fn check(&self) -> Result<()> {
        let state = self.shared.state();
        let mut wrong = state.violations.clone();
        for (id, request) in &state.requests {
            let logical = &request.ids.logical_resource_id;
            let mut stored = request.puts.iter().filter(|put| put.stored);
            match stored.next() {
                None => wrong.push(format!("request {id} about {logical} was never answered")),
                Some(first) if stored.any(|put| put.body != first.body) => wrong.push(format!(
                    "request {id} about {logical} has different answers: {:?}",
                    request.puts
                )),
                Some(_) => {}
            }
        }
        ensure!(wrong.is_empty(), "{}", wrong.join("\n"));
        Ok(())
    }

    /// As [`ResponseEndpoint::check`], and nothing was sent again after it was confirmed. A process that dies between
    /// the confirmation and its own note of it cannot keep this one.
    ///
    /// # Errors
    /// As [`ResponseEndpoint::check`].
    pub fn check_confirmed_once(&self) -> Result<()> {
        self.check()?;
        for (id, request) in &self.shared.state().requests {
            let confirmed = request.puts.iter().filter(|put| put.confirmed).count();
            ensure!(
                confirmed == 1,
                "the answer to request {id} about {} was confirmed {confirmed} times",
                request.ids.logical_resource_id
            );
        }
        Ok(())
    }
}

impl Shared {
    async fn receive(&self, request: Request<Bytes>) -> Reaction {
        let (ids, reception) = match self.examine(&request) {
            Ok(found) => found,
            Err(violation) => {
                self.state().violations.push(violation);
                return Some(forbidden("SignatureDoesNotMatch"));
            }
        };
        let body = request.into_body();
        match reception {
            Reception::Refuse => {
                self.note(&ids, body, false, false);
                return Some(forbidden("AccessDenied"));
            }
            Reception::ServerError => {
                self.note(&ids, body, false, false);
                let text = "<Error><Code>InternalError</Code></Error>";
                return Some(http_answer(StatusCode::INTERNAL_SERVER_ERROR, text));
            }
            Reception::LoseRequest => {
                self.note(&ids, body, false, false);
                return None;
            }
            Reception::LoseReply => {
                self.note(&ids, body, true, false);
                return None;
            }
            Reception::StoredAndHeld { reached, release } => {
                self.note(&ids, body.clone(), true, false);
                reached.give();
                release.wait().await;
                self.confirm(&ids, &body);
                return Some(http_answer(StatusCode::OK, ""));
            }
            Reception::Slow(time) => tokio::time::sleep(time).await,
            Reception::Held { reached, release } => {
                reached.give();
                release.wait().await;
            }
            Reception::Accept => {}
        }
        self.note(&ids, body, true, true);
        Some(http_answer(StatusCode::OK, ""))
    }

    /// Which request a PUT answers, and what is to become of it. An error is what S3 would refuse.
    fn examine(&self, request: &Request<Bytes>) -> Result<(Ids, Reception), String> {
        let target = request.uri().path_and_query();
        let target = target.map_or("", |target| target.as_str());
        let mut state = self.state();
        let found = state
            .requests
            .values_mut()
            .find(|expected| expected.target == target);
        let Some(expected) = found else {
            return Err(format!(
                "a request for {target:?}, which is no response URL as it was given"
            ));
        };
        let about = &expected.ids.logical_resource_id;
        if request.method() != Method::PUT {
            return Err(format!("{about} was answered with {}", request.method()));
        }
        let headers = request.headers();
        let header = |name| {
            let value = headers.get(name);
            value.map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
        };
        if let Some(kind) = header(CONTENT_TYPE)
            && !kind.is_empty()
        {
            return Err(format!("{about} was answered with Content-Type {kind:?}"));
        }
        if header(CONTENT_LENGTH) != Some(request.body().len().to_string())
            || headers.contains_key(TRANSFER_ENCODING)
        {
            return Err(format!(
                "{about} was answered without a Content-Length: {headers:?}"
            ));
        }
        // The only header that is signed.
        if !header(HOST).is_some_and(|host| host.starts_with("127.0.0.1:")) {
            return Err(format!("{about} was answered with Host {:?}", header(HOST)));
        }
        let reception = expected.receptions.pop_front();
        Ok((expected.ids.clone(), reception.unwrap_or(Reception::Accept)))
    }

    /// Writes down a PUT. The first stored one is the answer; CloudFormation ignores those that come after it.
    fn note(&self, ids: &Ids, body: Bytes, stored: bool, confirmed: bool) {
        let (answer, broken) = answer::read(&body, ids);
        let mut state = self.state();
        let about = &ids.logical_resource_id;
        let broken = broken.into_iter().map(|rule| format!("{about}: {rule}"));
        state.violations.extend(broken);
        if let Some(request) = state.requests.get_mut(&ids.request_id) {
            request.puts.push(Put {
                body,
                stored,
                confirmed,
            });
            if stored && request.answer.is_none() {
                request.answer = Some(answer);
            }
        }
        drop(state);
        self.changed.notify_waiters();
    }

    fn confirm(&self, ids: &Ids, body: &Bytes) {
        let mut state = self.state();
        let request = state.requests.get_mut(&ids.request_id);
        let puts = request.into_iter().flat_map(|request| &mut request.puts);
        if let Some(put) = puts
            .into_iter()
            .find(|put| put.body == *body && !put.confirmed)
        {
            put.confirmed = true;
        }
    }
}

fn forbidden(code: &str) -> Response<Full<Bytes>> {
    let text = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{code}</Code><Message>Request has expired</Message></Error>"
    );
    http_answer(StatusCode::FORBIDDEN, text)
}
