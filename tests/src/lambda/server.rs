//! A small HTTP/1.1 server on loopback, for interfaces that a test plays.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use anyhow::{Context, Result, anyhow};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::task::{JoinHandle, JoinSet};

/// What a handler answers. `None` closes the connection without an answer.
pub(crate) type Reaction = Option<Response<Full<Bytes>>>;

/// A server that ends, with all its connections, when it is dropped.
#[derive(Debug)]
pub(crate) struct Server {
    address: SocketAddr,
    task: JoinHandle<()>,
}

impl Server {
    /// Serves on a free port. Each request is handed over with its whole body; one whose body does not arrive is not.
    ///
    /// # Errors
    /// When no port can be had.
    pub(crate) async fn start<H, F>(handler: H) -> Result<Self>
    where
        H: Fn(Request<Bytes>) -> F + Send + Sync + 'static,
        F: Future<Output = Reaction> + Send + 'static,
    {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .await
            .context("cannot listen on loopback")?;
        let address = listener.local_addr().context("a listener has no address")?;
        let task = tokio::spawn(accept(listener, Arc::new(handler)));
        Ok(Self { address, task })
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn accept<H, F>(listener: TcpListener, handler: Arc<H>)
where
    H: Fn(Request<Bytes>) -> F + Send + Sync + 'static,
    F: Future<Output = Reaction> + Send + 'static,
{
    let mut connections = JoinSet::new();
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            continue;
        };
        // Without this, each answer could wait for the acknowledgement of the one before.
        let _ = stream.set_nodelay(true);
        let handler = Arc::clone(&handler);
        connections.spawn(async move {
            let service = service_fn(|request| react(&*handler, request));
            // An error is a client that went away, or a connection that was to be closed.
            let _ = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
    }
}

async fn react<H, F>(
    handler: &H,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, anyhow::Error>
where
    H: Fn(Request<Bytes>) -> F,
    F: Future<Output = Reaction>,
{
    let (head, body) = request.into_parts();
    let body = body.collect().await?.to_bytes();
    handler(Request::from_parts(head, body))
        .await
        .ok_or_else(|| anyhow!("closed on purpose"))
}

/// An answer with a body of text.
pub(crate) fn answer(status: StatusCode, body: impl Into<Bytes>) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body.into()));
    *response.status_mut() = status;
    response
}
