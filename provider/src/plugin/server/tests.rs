//! Connections in one process: independence of instances, of calls, and of failed handshakes.

use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};

use crossaccount_proto::plugin::Empty;
use crossaccount_proto::plugin::grpc_broker_client::GrpcBrokerClient;
use crossaccount_proto::plugin::grpc_controller_client::GrpcControllerClient;
use crossaccount_proto::plugin::grpc_stdio_client::GrpcStdioClient;
use crossaccount_proto::tfplugin6::provider_client::ProviderClient;
use crossaccount_proto::tfplugin6::{
    DynamicValue, call_function, get_provider_schema, read_resource, stop_provider,
};
use futures_util::FutureExt as _;
use futures_util::stream;
use tokio::net::UnixStream;
use tokio::sync::Semaphore;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Request, Response, Status};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;

use super::super::listener::Address;
use super::super::tls::Identity;
use super::*;
use crate::environment::Environment;

/// A provider whose calls show what the transport did with them.
struct Probe {
    instance: usize,
    /// Gets a permit for each call to `read_resource`, which then waits for one of `gate`.
    started: Arc<Semaphore>,
    gate: Arc<Semaphore>,
}

#[tonic::async_trait]
impl Provider for Probe {
    async fn stop_provider(
        &self,
        _request: Request<stop_provider::Request>,
    ) -> Result<Response<stop_provider::Response>, Status> {
        Ok(Response::new(stop_provider::Response {
            error: self.instance.to_string(),
        }))
    }

    async fn read_resource(
        &self,
        request: Request<read_resource::Request>,
    ) -> Result<Response<read_resource::Response>, Status> {
        self.started.add_permits(1);
        self.gate.acquire().await.unwrap().forget();
        let new_state = request.into_inner().current_state;
        Ok(Response::new(read_resource::Response {
            new_state,
            ..Default::default()
        }))
    }

    async fn call_function(
        &self,
        _request: Request<call_function::Request>,
    ) -> Result<Response<call_function::Response>, Status> {
        panic!("one call fails")
    }
}

struct Running {
    path: PathBuf,
    server_shutdown: CancellationToken,
    open: watch::Receiver<usize>,
    started: Arc<Semaphore>,
    gate: Arc<Semaphore>,
    accepting: tokio::task::JoinHandle<()>,
    _directory: tempfile::TempDir,
}

impl Running {
    async fn start(tls: Option<TlsAcceptor>) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let environment = Environment::from_lookup(|_| None, directory.path().to_path_buf());
        let listener = Listener::bind(&environment).await.unwrap();
        let Address::Unix(path) = listener.address().clone() else {
            panic!("not a socket")
        };

        let started = Arc::new(Semaphore::new(0));
        let gate = Arc::new(Semaphore::new(0));
        let instances = AtomicUsize::new(0);
        let (probe_started, probe_gate) = (Arc::clone(&started), Arc::clone(&gate));
        let server = Server::new(
            move || Probe {
                instance: instances.fetch_add(1, Ordering::SeqCst),
                started: Arc::clone(&probe_started),
                gate: Arc::clone(&probe_gate),
            },
            tls,
        )
        .await;
        let server_shutdown = server.shutdown().clone();
        let open = server.open_connections();
        let accepting = tokio::spawn(async move { match server.accept(&listener).await {} });
        Self {
            path,
            server_shutdown,
            open,
            started,
            gate,
            accepting,
            _directory: directory,
        }
    }

    async fn connect(&self) -> Channel {
        let path = self.path.clone();
        Endpoint::from_static("http://localhost")
            .connect_with_connector(Connector(path))
            .await
            .unwrap()
    }

    async fn wait_for_open(&mut self, wanted: usize) {
        self.open.wait_for(|open| *open == wanted).await.unwrap();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// Connects to a Unix socket, whatever the address says.
#[derive(Clone)]
struct Connector(PathBuf);

impl tower_service::Service<tonic::transport::Uri> for Connector {
    type Response = TokioIo<UnixStream>;
    type Error = std::io::Error;
    type Future = futures_util::future::BoxFuture<'static, Result<Self::Response, Self::Error>>;

    fn poll_ready(
        &mut self,
        _context: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Result<(), Self::Error>> {
        std::task::Poll::Ready(Ok(()))
    }

    fn call(&mut self, _address: tonic::transport::Uri) -> Self::Future {
        let path = self.0.clone();
        async move { Ok(TokioIo::new(UnixStream::connect(path).await?)) }.boxed()
    }
}

async fn instance(client: &mut ProviderClient<Channel>) -> String {
    client
        .stop_provider(stop_provider::Request {})
        .await
        .unwrap()
        .into_inner()
        .error
}

#[tokio::test]
async fn each_connection_has_a_provider_of_its_own() {
    let mut running = Running::start(None).await;
    let mut first = ProviderClient::new(running.connect().await);
    let mut second = ProviderClient::new(running.connect().await);
    running.wait_for_open(2).await;

    let instances = [instance(&mut first).await, instance(&mut second).await];
    assert_ne!(instances[0], instances[1]);
    // The same connection keeps its provider.
    assert_eq!(instance(&mut first).await, instances[0]);
    drop(first);
    running.wait_for_open(1).await;
    assert_eq!(instance(&mut second).await, instances[1]);
}

#[tokio::test]
async fn calls_run_side_by_side_and_a_panic_ends_only_its_own() {
    let running = Running::start(None).await;
    let client = ProviderClient::new(running.connect().await);
    let mut waiting = Vec::new();
    for number in 0..3_u8 {
        let mut client = client.clone();
        waiting.push(tokio::spawn(async move {
            let state = DynamicValue {
                msgpack: vec![number],
                json: Vec::new(),
            };
            let request = read_resource::Request {
                current_state: Some(state),
                ..Default::default()
            };
            client
                .read_resource(request)
                .await
                .unwrap()
                .into_inner()
                .new_state
                .unwrap()
                .msgpack
        }));
    }
    running.started.acquire_many(3).await.unwrap().forget();
    let error = client
        .clone()
        .call_function(call_function::Request::default())
        .await
        .unwrap_err();
    assert_ne!(error.code(), Code::Unimplemented);

    running.gate.add_permits(3);
    for (number, call) in (0..).zip(waiting) {
        assert_eq!(call.await.unwrap(), [number]);
    }
}

#[tokio::test]
async fn a_call_that_the_provider_does_not_offer_is_unimplemented() {
    let running = Running::start(None).await;
    let mut client = ProviderClient::new(running.connect().await);
    let error = client
        .get_provider_schema(get_provider_schema::Request {})
        .await
        .unwrap_err();
    assert_eq!(error.code(), Code::Unimplemented);
}

#[tokio::test]
async fn messages_far_above_four_mebibytes_pass_in_both_directions() {
    const SIZE: usize = 24 * 1024 * 1024;
    let running = Running::start(None).await;
    let mut client = ProviderClient::new(running.connect().await)
        .max_decoding_message_size(MESSAGE_LIMIT)
        .max_encoding_message_size(MESSAGE_LIMIT);
    running.gate.add_permits(1);
    let state = DynamicValue {
        msgpack: vec![7; SIZE],
        json: Vec::new(),
    };
    let request = read_resource::Request {
        current_state: Some(state),
        ..Default::default()
    };
    let response = client.read_resource(request).await.unwrap().into_inner();
    assert_eq!(response.new_state.unwrap().msgpack.len(), SIZE);
}

#[tokio::test]
async fn health_of_the_plugin_is_serving() {
    let running = Running::start(None).await;
    let mut client = HealthClient::new(running.connect().await);
    let request = HealthCheckRequest {
        service: "plugin".to_owned(),
    };
    let response = client.check(request).await.unwrap().into_inner();
    assert_eq!(
        response.status,
        tonic_health::pb::health_check_response::ServingStatus::Serving as i32
    );

    let request = HealthCheckRequest {
        service: "other".to_owned(),
    };
    assert_eq!(
        client.check(request).await.unwrap_err().code(),
        Code::NotFound
    );
}

#[tokio::test]
async fn stdio_and_broker_stay_open_and_silent() {
    let running = Running::start(None).await;
    let channel = running.connect().await;
    let mut stdio = GrpcStdioClient::new(channel.clone())
        .stream_stdio(())
        .await
        .unwrap();
    let mut broker = GrpcBrokerClient::new(channel.clone())
        .start_stream(stream::pending())
        .await
        .unwrap();
    // A later call on the same connection is answered, while both streams have said nothing.
    instance(&mut ProviderClient::new(channel)).await;
    assert!(stdio.get_mut().message().now_or_never().is_none());
    assert!(broker.get_mut().message().now_or_never().is_none());
}

#[tokio::test]
async fn shutdown_is_answered_and_reported() {
    let running = Running::start(None).await;
    let mut client = GrpcControllerClient::new(running.connect().await);
    assert!(!running.server_shutdown.is_cancelled());
    client.shutdown(Empty {}).await.unwrap();
    assert!(running.server_shutdown.is_cancelled());
}

#[tokio::test]
async fn neither_a_failed_nor_a_stuck_tls_handshake_stops_the_next_connection() {
    use tokio::io::AsyncWriteExt as _;

    let host = super::super::tls::tests::Host::go();
    let identity = Identity::for_client(&host.certificate.pem()).unwrap();
    let mut running = Running::start(Some(TlsAcceptor::from(identity.config.clone()))).await;

    // One client never says anything, others say what is no TLS.
    let _stuck = UnixStream::connect(&running.path).await.unwrap();
    for _ in 0..3 {
        let mut broken = UnixStream::connect(&running.path).await.unwrap();
        broken.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
    }
    let stream = UnixStream::connect(&running.path).await.unwrap();
    let connected = super::super::tls::tests::connect(&host, &identity, stream).await;
    running.wait_for_open(1).await;
    drop(connected);
    running.wait_for_open(0).await;
}
