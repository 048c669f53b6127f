//! Accepts connections and serves each of them with a provider of its own.
//!
//! A provider belongs to one connection, because configuration does: a host that attached to us
//! opens several connections and configures each one differently. What a call does, and when the
//! process ends, is decided elsewhere.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use crossaccount_proto::plugin::grpc_broker_server::GrpcBrokerServer;
use crossaccount_proto::plugin::grpc_controller_server::GrpcControllerServer;
use crossaccount_proto::plugin::grpc_stdio_server::GrpcStdioServer;
use crossaccount_proto::tfplugin6::provider_server::{Provider, ProviderServer};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tonic::service::Routes;
use tonic_health::ServingStatus;
use tonic_health::pb::health_server::HealthServer;
use tonic_health::server::{HealthReporter, HealthService};
use tracing::{debug, warn};

use super::lifetime::Connections;
use super::listener::{Connection, Listener, Stream};
use super::services::{Controller, SilentBroker, SilentStdio};

/// Hosts send and take messages up to this size; a large state is one message.
const MESSAGE_LIMIT: usize = 256 * 1024 * 1024;
/// A host finishes its TLS handshake at once; whoever does not is not a host.
const TLS_HANDSHAKE_LIMIT: Duration = Duration::from_secs(10);
/// How long to rest after a failed accept. Out of file descriptors, it would fail again at once.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// More calls at a time than any `-parallelism` that a host is run with.
const CONCURRENT_CALLS: u32 = 4096;
/// The name under which hosts ask for our health.
const HEALTH_SERVICE: &str = "plugin";

/// Serves the connections of one process.
pub(super) struct Server<F> {
    provider: F,
    tls: Option<TlsAcceptor>,
    health: HealthServer<HealthService>,
    shutdown: CancellationToken,
    connections: watch::Sender<Connections>,
    tasks: TaskTracker,
}

impl<F, S> Server<F>
where
    F: Fn() -> S + Send + Sync + 'static,
    S: Provider,
{
    /// `provider` is called once per connection. Without `tls` connections are plaintext.
    pub(super) async fn new(provider: F, tls: Option<TlsAcceptor>) -> Arc<Self> {
        let reporter = HealthReporter::new();
        reporter
            .set_service_status(HEALTH_SERVICE, ServingStatus::Serving)
            .await;
        Arc::new(Self {
            provider,
            tls,
            health: HealthServer::new(HealthService::from_health_reporter(reporter)),
            shutdown: CancellationToken::new(),
            connections: watch::Sender::new(Connections::default()),
            tasks: TaskTracker::new(),
        })
    }

    /// Cancelled when a host asked this process to end.
    pub(super) fn shutdown(&self) -> &CancellationToken {
        &self.shutdown
    }

    /// The connections that have passed TLS.
    pub(super) fn connections(&self) -> watch::Receiver<Connections> {
        self.connections.subscribe()
    }

    /// Ready when no connection is open any more. None may be accepted after this call.
    pub(super) async fn closed(&self) {
        self.tasks.close();
        self.tasks.wait().await;
    }

    /// Accepts connections for ever. No failure of one connection reaches another.
    pub(super) async fn accept(self: Arc<Self>, listener: &Listener) -> Infallible {
        loop {
            match listener.accept().await {
                Ok(stream) => {
                    let server = Arc::clone(&self);
                    self.tasks.spawn(async move {
                        if let Err(error) = server.serve(stream).await {
                            warn!("connection refused: {error:#}");
                        }
                    });
                }
                Err(error) => {
                    warn!("failed to accept a connection: {error}");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }

    /// Serves one connection. Fails only if it never became one.
    async fn serve(&self, stream: Stream) -> Result<()> {
        let stream: Box<dyn Connection> = match &self.tls {
            None => stream,
            Some(tls) => {
                let handshake = tokio::time::timeout(TLS_HANDSHAKE_LIMIT, tls.accept(stream));
                let stream = handshake
                    .await
                    .context("no TLS handshake within the time limit")?;
                Box::new(stream.context("TLS handshake failed")?)
            }
        };
        self.serve_calls(stream).await;
        Ok(())
    }

    /// Serves calls until the connection ends. Each call runs in a task of its own, so that a
    /// panic of one leaves the others alone.
    async fn serve_calls(&self, stream: Box<dyn Connection>) {
        let _open = Open::new(&self.connections);
        debug!("connection accepted");
        let mut http = auto::Builder::new(TokioExecutor::new()).http2_only();
        http.http2()
            .timer(TokioTimer::new())
            .max_concurrent_streams(CONCURRENT_CALLS);
        let service = TowerToHyperService::new(self.routes());
        match http.serve_connection(TokioIo::new(stream), service).await {
            Ok(()) => debug!("connection closed"),
            // Hosts end a connection by closing its socket, which is an error in HTTP/2's eyes.
            Err(error) => debug!("connection cut: {error}"),
        }
    }

    fn routes(&self) -> Routes {
        let provider = ProviderServer::new((self.provider)())
            .max_decoding_message_size(MESSAGE_LIMIT)
            .max_encoding_message_size(MESSAGE_LIMIT);
        Routes::new(provider)
            .add_service(GrpcControllerServer::new(Controller {
                shutdown: self.shutdown.clone(),
            }))
            .add_service(GrpcStdioServer::new(SilentStdio))
            .add_service(GrpcBrokerServer::new(SilentBroker))
            .add_service(self.health.clone())
            .prepare()
    }
}

/// Counts a connection for as long as it lives.
struct Open<'a>(&'a watch::Sender<Connections>);

impl<'a> Open<'a> {
    fn new(connections: &'a watch::Sender<Connections>) -> Self {
        connections.send_modify(Connections::begin);
        Self(connections)
    }
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        self.0.send_modify(Connections::end);
    }
}
