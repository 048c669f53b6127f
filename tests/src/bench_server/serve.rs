//! Connections: HTTP/1.1 with keep-alive, one task each. Reads a request, waits as long as the network
//! to AWS and back would take, lets the right service answer, and writes the log.

use std::convert::Infallible;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::header::AUTHORIZATION;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

use super::log::Call;
use super::state::{Caller, State};
use super::wire::{Form, Outcome, Refusal, Service, query_answer};
use super::{iam, json, s3, sts};

/// What connections share.
#[derive(Debug)]
pub(super) struct Shared {
    state: Mutex<State>,
    calls: Mutex<Vec<Call>>,
    start: Instant,
    /// In milliseconds.
    pub(super) latency: AtomicU64,
}

impl Shared {
    pub(super) fn new(state: State, latency: AtomicU64) -> Self {
        Self {
            state: Mutex::new(state),
            calls: Mutex::default(),
            start: Instant::now(),
            latency,
        }
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    pub(super) fn take_calls(&self) -> Vec<Call> {
        std::mem::take(&mut *lock(&self.calls))
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Every change of the guarded values is complete in itself, so they are valid after a panic too.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Serves connections for ever.
pub(super) async fn accept(listener: std::net::TcpListener, shared: Arc<Shared>) {
    // Only fails outside a runtime.
    let Ok(listener) = TcpListener::from_std(listener) else {
        return;
    };
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            continue;
        };
        // Waiting to fill packets would add to the latency that was asked for.
        let _ = stream.set_nodelay(true);
        let shared = Arc::clone(&shared);
        tokio::spawn(async move {
            let service = service_fn(|request| handle(&shared, request));
            // A client that goes away ends its connection, and nothing else.
            let _ = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
    }
}

async fn handle(
    shared: &Shared,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let (head, body) = request.into_parts();
    let body = match body.collect().await {
        Ok(body) => body.to_bytes(),
        // The client is gone and reads no answer.
        Err(_) => Bytes::new(),
    };
    let begin = shared.start.elapsed();
    let latency = Duration::from_millis(shared.latency.load(Ordering::Relaxed));
    if !latency.is_zero() {
        tokio::time::sleep(latency).await;
    }
    let authorization = head
        .headers
        .get(AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let (key, service) = credential(authorization);
    shared.state().note_use(key, service);
    let (response, mut call) = match service {
        "s3" => s3::answer(&mut shared.state(), key, &head, &body),
        "ssm" | "kms" | "dynamodb" => {
            let target = head.headers.get("x-amz-target");
            let target = target.and_then(|target| target.to_str().ok());
            json::answer(&mut shared.state(), key, target.unwrap_or_default(), &body)
        }
        "sts" => query(&mut shared.state(), Service::Sts, key, &body),
        _ => query(&mut shared.state(), Service::Iam, key, &body),
    };
    call.begin = begin;
    call.end = shared.start.elapsed();
    call.status = response.status().as_u16();
    lock(&shared.calls).push(call);
    Ok(response)
}

/// Access key and service from `... Credential=KEY/DATE/REGION/SERVICE/aws4_request, ...`.
fn credential(authorization: &str) -> (&str, &str) {
    let scope = authorization
        .split_once("Credential=")
        .map_or("", |(_, rest)| rest)
        .split(',')
        .next()
        .unwrap_or_default();
    let mut parts = scope.split('/');
    (
        parts.next().unwrap_or_default(),
        parts.nth(2).unwrap_or_default(),
    )
}

fn query(
    state: &mut State,
    service: Service,
    key: &str,
    body: &[u8],
) -> (Response<Full<Bytes>>, Call) {
    let form = Form::parse(body);
    let operation = form.text("Action");
    let prefix = match service {
        Service::Iam => "iam",
        Service::Sts => "sts",
    };
    let mut call = new_call(format!("{prefix}:{operation}"));
    let outcome: Outcome = match state.caller(key).cloned() {
        None => Err(unknown_key()),
        Some(caller) => {
            caller.clone_into_call(&mut call);
            match service {
                Service::Iam => {
                    form.text("UserName").clone_into(&mut call.user_name);
                    let key_id = form.text("AccessKeyId");
                    let account = state.account(&caller.account_id);
                    if !key_id.is_empty()
                        && let Some((name, _)) = account.owner(key_id)
                    {
                        name.clone_into(&mut call.user_name);
                    }
                    iam::answer(state, &caller, operation, &form)
                }
                Service::Sts => sts::answer(state, &caller, operation, &form, &mut call),
            }
        }
    };
    if let Err(refusal) = &outcome {
        call.error_code = Some(refusal.code.to_owned());
    }
    (query_answer(service, operation, &outcome), call)
}

impl Caller {
    pub(super) fn clone_into_call(&self, call: &mut Call) {
        self.account_id.clone_into(&mut call.account_id);
        self.user_name.clone_into(&mut call.user_name);
        self.session_name.clone_into(&mut call.session_name);
    }
}

/// A call whose times and status are filled in when it ends.
pub(super) fn new_call(action: String) -> Call {
    Call {
        action,
        account_id: String::new(),
        session_name: String::new(),
        user_name: String::new(),
        begin: Duration::ZERO,
        end: Duration::ZERO,
        status: 0,
        error_code: None,
    }
}

pub(super) fn unknown_key() -> Refusal {
    Refusal::new(
        403,
        "InvalidClientTokenId",
        "The security token included in the request is invalid.",
    )
}

/// The refusal of what this server does not know; the benchmark fails on it.
pub(super) fn unknown_operation(operation: &str) -> Refusal {
    Refusal::new(
        400,
        "InvalidAction",
        format!("the benchmark server does not answer {operation}"),
    )
}

#[cfg(test)]
mod tests {
    use super::credential;

    #[test]
    fn the_signature_tells_key_and_service() {
        let header = "AWS4-HMAC-SHA256 Credential=AKIA1/20260102/us-east-1/iam/aws4_request, \
                      SignedHeaders=host, Signature=00";
        assert_eq!(credential(header), ("AKIA1", "iam"));
        assert_eq!(credential(""), ("", ""));
    }
}
