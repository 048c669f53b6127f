//! The encrypted connection between a host and the program.

use std::path::PathBuf;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use futures_util::FutureExt as _;
use hyper_util::rt::TokioIo;
use rcgen::{BasicConstraints, CertificateParams, IsCa, KeyPair};
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::net::UnixStream;
use tokio_rustls::TlsConnector;
use tonic::transport::{Channel, Endpoint};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;

use crate::host::{Connector, Plugin, assert_alive, assert_handshake, connect, within_patience};

/// A certificate with its key, of the kind that hosts written in Go use.
fn host() -> (rcgen::Certificate, KeyPair) {
    let key = KeyPair::generate_for(&rcgen::PKCS_ECDSA_P521_SHA512).unwrap();
    let mut parameters = CertificateParams::new(["localhost".to_owned()]).unwrap();
    parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    (parameters.self_signed(&key).unwrap(), key)
}

fn client(server: &str, presents: Option<&(rcgen::Certificate, KeyPair)>) -> ClientConfig {
    let der = STANDARD_NO_PAD
        .decode(server)
        .expect("standard alphabet, no padding");
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from(der)).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots);
    let mut config = match presents {
        Some((certificate, key)) => builder
            .with_client_auth_cert(
                vec![certificate.der().clone()],
                PrivatePkcs8KeyDer::from(key.serialize_der()).into(),
            )
            .unwrap(),
        None => builder.with_no_client_auth(),
    };
    config.alpn_protocols = vec![b"h2".to_vec()];
    config
}

fn tls_channel(path: PathBuf, config: ClientConfig) -> Channel {
    let tls = TlsConnector::from(Arc::new(config));
    let connector = Connector(move || {
        let (path, tls) = (path.clone(), tls.clone());
        async move {
            let stream = UnixStream::connect(path).await?;
            let name = ServerName::try_from("localhost").unwrap();
            Ok(TokioIo::new(tls.connect(name, stream).await?))
        }
        .boxed()
    });
    Endpoint::from_static("http://localhost").connect_with_connector_lazy(connector)
}

async fn is_refused(channel: Channel) -> bool {
    let request = HealthCheckRequest {
        service: "plugin".to_owned(),
    };
    within_patience(HealthClient::new(channel).check(request))
        .await
        .is_err()
}

#[tokio::test]
async fn only_the_host_that_started_it_can_connect() {
    let owner = host();
    let mut plugin = Plugin::start(&[("PLUGIN_CLIENT_CERT", &owner.0.pem())]);
    let handshake = plugin.handshake().await;
    let path = assert_handshake(&handshake);
    let server = &handshake[5];

    let stranger = host();
    assert!(is_refused(tls_channel(path.clone(), client(server, None))).await);
    assert!(is_refused(tls_channel(path.clone(), client(server, Some(&stranger)))).await);
    assert!(
        is_refused(connect(&path).await).await,
        "plaintext was served"
    );
    // None of these refusals stops the host itself.
    assert_alive(&tls_channel(path, client(server, Some(&owner)))).await;
}

#[tokio::test]
async fn a_certificate_that_cannot_be_read_is_no_reason_for_plaintext() {
    let mut plugin = Plugin::start(&[("PLUGIN_CLIENT_CERT", "rubbish")]);
    assert_eq!(plugin.rest_of_stdout().await, "");
    let stderr = plugin.stderr().await;
    assert!(stderr.contains("PLUGIN_CLIENT_CERT"), "{stderr}");
    assert_eq!(plugin.exit().await.code(), Some(1));
}
