//! An S3 on loopback that does as it is told, for tests.

use std::convert::Infallible;
use std::future::pending;
use std::sync::{Arc, Mutex};

use http_body_util::{BodyExt as _, Collected, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{HeaderMap, Method, Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::response_url::ResponseUrl;

/// What happens to one request.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Does {
    /// Answers with this status and body.
    Answers(u16, &'static str),
    /// Sends the client elsewhere, with this status.
    Redirects(u16),
    /// Never answers.
    Hangs,
}

/// A request as it came in.
#[derive(Debug, Clone)]
pub(crate) struct Received {
    pub(crate) method: Method,
    /// The path with its query, as it stood on the request line.
    pub(crate) target: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

/// Listens until it is dropped.
pub(crate) struct Bucket {
    address: std::net::SocketAddr,
    received: Arc<Mutex<Vec<Received>>>,
    _tasks: JoinSet<()>,
}

impl Bucket {
    /// A server whose n-th request meets the n-th of these, and the later ones the last.
    pub(crate) async fn that(does: &[Does]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let received = Arc::new(Mutex::new(Vec::new()));
        let does: Arc<[Does]> = does.into();
        let mut tasks = JoinSet::new();
        let kept = Arc::clone(&received);
        tasks.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let (received, does) = (Arc::clone(&kept), Arc::clone(&does));
                let service = service_fn(move |request| {
                    answer(request, Arc::clone(&received), Arc::clone(&does))
                });
                connections.spawn(async move {
                    let builder = Builder::new(TokioExecutor::new());
                    let _ = builder
                        .serve_connection(TokioIo::new(stream), service)
                        .await;
                });
            }
        });
        Self {
            address,
            received,
            _tasks: tasks,
        }
    }

    pub(crate) fn url(&self) -> ResponseUrl {
        ResponseUrl::read(&self.url_text()).unwrap()
    }

    /// A presigned URL of this server.
    pub(crate) fn url_text(&self) -> String {
        format!("http://{}{TARGET}", self.address)
    }

    pub(crate) fn received(&self) -> Vec<Received> {
        self.received.lock().unwrap().clone()
    }

    pub(crate) fn bodies(&self) -> Vec<String> {
        self.received().into_iter().map(|one| one.body).collect()
    }
}

/// As CloudFormation escapes it.
pub(crate) const TARGET: &str = "/arn%3Aaws%3Acloudformation%3Aeu-central-1%3A111111111111%3Astack/people/7d6c2c90\
    %7CAlice%7C0b1c2d3e?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Date=20261121T080000Z\
    &X-Amz-Credential=AKIAEXAMPLE%2F20261121%2Feu-central-1%2Fs3%2Faws4_request&X-Amz-Signature=SIGNATURE";

async fn answer(
    request: Request<Incoming>,
    received: Arc<Mutex<Vec<Received>>>,
    does: Arc<[Does]>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let (head, body) = request.into_parts();
    let body = body
        .collect()
        .await
        .map(Collected::to_bytes)
        .unwrap_or_default();
    let does = {
        let mut received = received.lock().unwrap();
        received.push(Received {
            method: head.method,
            target: head.uri.to_string(),
            headers: head.headers,
            body: String::from_utf8_lossy(&body).into_owned(),
        });
        does[(received.len() - 1).min(does.len() - 1)]
    };
    let response = match does {
        Does::Answers(status, body) => Response::builder().status(status).body(body.into()),
        Does::Redirects(status) => Response::builder()
            .status(status)
            .header("location", TARGET)
            .body(Full::default()),
        Does::Hangs => pending().await,
    };
    Ok(response.unwrap())
}
