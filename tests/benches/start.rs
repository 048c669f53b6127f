//! How long the provider takes from its start to the answered schema, as Terraform starts it: handshake environment,
//! Unix socket, mutual TLS, `GetProviderSchema`.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use crossaccount_proto::tfplugin6::get_provider_schema;
use crossaccount_proto::tfplugin6::provider_client::ProviderClient;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use hyper_util::rt::TokioIo;
use prost::Message as _;
use rcgen::{BasicConstraints, CertificateParams, IsCa, KeyPair};
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::net::UnixStream;
use tokio::process::Command;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tonic::transport::{Endpoint, Uri};

/// What Terraform sets to tell a plugin that it is started by a host. No secret.
const COOKIE: &str = "d602bf8f470bc67ca7faa0386276bbdd4330efaf76d1a219cb4d6991ca9872b2";
const PATIENCE: Duration = Duration::from_secs(30);

/// Times of one start, counted from before the process was made.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Start {
    /// The handshake line was read.
    pub(crate) handshake: Duration,
    /// The schema was received and decoded.
    pub(crate) schema: Duration,
    /// Size of the encoded schema.
    pub(crate) schema_bytes: usize,
}

/// Starts the provider so many times, one after the other, after one that does not count: it only
/// brings the file into memory.
pub(crate) fn measure(binary: &Path, times: usize) -> Result<Vec<Start>> {
    let host = Host::new()?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot make a runtime")?;
    runtime.block_on(async {
        let mut starts = Vec::with_capacity(times);
        for number in 0..=times {
            let start = tokio::time::timeout(PATIENCE, host.start(binary))
                .await
                .context("the provider does not answer")??;
            if number > 0 {
                starts.push(start);
            }
        }
        Ok(starts)
    })
}

/// A host's identity, of the kind that hosts written in Go use.
struct Host {
    certificate: rcgen::Certificate,
    key: KeyPair,
}

impl Host {
    fn new() -> Result<Self> {
        let key = KeyPair::generate_for(&rcgen::PKCS_ECDSA_P521_SHA512)?;
        let mut parameters = CertificateParams::new(["localhost".to_owned()])?;
        parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let certificate = parameters.self_signed(&key)?;
        Ok(Self { certificate, key })
    }

    async fn start(&self, binary: &Path) -> Result<Start> {
        let temporary = tempfile::tempdir().context("cannot make a directory")?;
        let begin = Instant::now();
        let mut child = Command::new(binary)
            .env_clear()
            .env("TMPDIR", temporary.path())
            .env("TF_PLUGIN_MAGIC_COOKIE", COOKIE)
            .env("PLUGIN_PROTOCOL_VERSIONS", "6,5")
            .env("PLUGIN_MIN_PORT", "10000")
            .env("PLUGIN_MAX_PORT", "25000")
            .env("PLUGIN_CLIENT_CERT", self.certificate.pem())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("cannot start {}", binary.display()))?;
        let stdout = child.stdout.take().context("the provider has no output")?;
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line).await?;
        let handshake = begin.elapsed();

        let fields: Vec<&str> = line.trim().split('|').collect();
        let [_, "6", "unix", socket, "grpc", certificate] = fields[..] else {
            bail!("the provider said {line:?} instead of a handshake");
        };
        let connector = Connector {
            socket: PathBuf::from(socket),
            tls: TlsConnector::from(Arc::new(self.tls(certificate)?)),
        };
        let channel = Endpoint::from_static("http://localhost")
            .connect_with_connector(connector)
            .await
            .context("cannot connect to the provider")?;
        let schema = ProviderClient::new(channel)
            .max_decoding_message_size(usize::MAX)
            .get_provider_schema(get_provider_schema::Request::default())
            .await
            .context("the provider gave no schema")?
            .into_inner();
        let answered = begin.elapsed();
        if !schema
            .resource_schemas
            .contains_key("crossaccount_iam_user")
        {
            bail!("the schema does not have crossaccount_iam_user");
        }
        child.kill().await.context("cannot end the provider")?;
        Ok(Start {
            handshake,
            schema: answered,
            schema_bytes: schema.encoded_len(),
        })
    }

    /// Accepts the certificate of the handshake and nothing else, and presents our own.
    fn tls(&self, server: &str) -> Result<ClientConfig> {
        let mut roots = RootCertStore::empty();
        let server = STANDARD_NO_PAD
            .decode(server)
            .context("the certificate is not base64")?;
        roots.add(CertificateDer::from(server))?;
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_client_auth_cert(
                vec![self.certificate.der().clone()],
                PrivatePkcs8KeyDer::from(self.key.serialize_der()).into(),
            )?;
        config.alpn_protocols = vec![b"h2".to_vec()];
        Ok(config)
    }
}

/// Connects to the socket and makes the TLS handshake.
#[derive(Clone)]
struct Connector {
    socket: PathBuf,
    tls: TlsConnector,
}

impl tower_service::Service<Uri> for Connector {
    type Response = TokioIo<TlsStream<UnixStream>>;
    type Error = std::io::Error;
    type Future = BoxFuture<'static, Result<Self::Response, Self::Error>>;

    fn poll_ready(&mut self, _context: &mut TaskContext<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _address: Uri) -> Self::Future {
        let Self { socket, tls } = self.clone();
        async move {
            let stream = UnixStream::connect(socket).await?;
            let name = ServerName::try_from("localhost").map_err(std::io::Error::other)?;
            Ok(TokioIo::new(tls.connect(name, stream).await?))
        }
        .boxed()
    }
}
