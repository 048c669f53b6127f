//! The small services that hosts built on go-plugin expect beside the provider itself.

use crossaccount_proto::plugin::grpc_broker_server::GrpcBroker;
use crossaccount_proto::plugin::grpc_controller_server::GrpcController;
use crossaccount_proto::plugin::grpc_stdio_server::GrpcStdio;
use crossaccount_proto::plugin::{ConnInfo, Empty, StdioData};
use futures_util::stream::pending;
use tokio_util::sync::CancellationToken;
use tonic::codegen::BoxStream;
use tonic::{Request, Response, Status, Streaming};

/// Lets the host end this process.
pub(super) struct Controller {
    /// Cancelled when the host asks.
    pub(super) shutdown: CancellationToken,
}

#[tonic::async_trait]
impl GrpcController for Controller {
    async fn shutdown(&self, _request: Request<Empty>) -> Result<Response<Empty>, Status> {
        self.shutdown.cancel();
        Ok(Response::new(Empty {}))
    }
}

/// Forwards no output: ours goes to the real stderr, where the host reads it with its level.
pub(super) struct SilentStdio;

#[tonic::async_trait]
impl GrpcStdio for SilentStdio {
    async fn stream_stdio(
        &self,
        _request: Request<()>,
    ) -> Result<Response<BoxStream<StdioData>>, Status> {
        Ok(Response::new(Box::pin(pending())))
    }
}

/// Offers no further connections. Hosts open the stream and never send anything.
pub(super) struct SilentBroker;

#[tonic::async_trait]
impl GrpcBroker for SilentBroker {
    async fn start_stream(
        &self,
        _request: Request<Streaming<ConnInfo>>,
    ) -> Result<Response<BoxStream<ConnInfo>>, Status> {
        Ok(Response::new(Box::pin(pending())))
    }
}
