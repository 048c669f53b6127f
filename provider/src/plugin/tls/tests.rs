//! Who may connect and who may not, tried with real TLS over an in-memory connection.

use rcgen::{BasicConstraints, IsCa, SignatureAlgorithm};
use rustls::client::WebPkiServerVerifier;
use rustls::pki_types::ServerName;
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio_rustls::{TlsAcceptor, TlsConnector};

use super::*;

/// A certificate as hosts written in Go make it: self-signed, an authority, for both roles.
pub(in super::super) struct Host {
    pub(in super::super) certificate: rcgen::Certificate,
    key: KeyPair,
}

impl Host {
    fn new(algorithm: &'static SignatureAlgorithm) -> Self {
        let key = KeyPair::generate_for(algorithm).unwrap();
        let mut parameters = CertificateParams::new(["localhost".to_owned()]).unwrap();
        parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        parameters.key_usages = vec![
            KeyUsagePurpose::DigitalSignature,
            KeyUsagePurpose::KeyEncipherment,
            KeyUsagePurpose::KeyAgreement,
            KeyUsagePurpose::KeyCertSign,
        ];
        parameters.extended_key_usages = vec![
            ExtendedKeyUsagePurpose::ClientAuth,
            ExtendedKeyUsagePurpose::ServerAuth,
        ];
        let certificate = parameters.self_signed(&key).unwrap();
        Self { certificate, key }
    }

    pub(in super::super) fn go() -> Self {
        Self::new(&rcgen::PKCS_ECDSA_P521_SHA512)
    }
}

/// What the client of an attempt does.
struct Client<'a> {
    presents: Option<&'a Host>,
    trusts: CertificateDer<'static>,
    name: &'static str,
    alpn: Option<&'static [u8]>,
    version: &'static rustls::SupportedProtocolVersion,
}

impl<'a> Client<'a> {
    fn of(host: &'a Host, identity: &Identity) -> Self {
        Self {
            presents: Some(host),
            trusts: identity.certificate.clone(),
            name: "localhost",
            alpn: Some(b"h2"),
            version: &rustls::version::TLS13,
        }
    }

    fn config(&self) -> ClientConfig {
        let provider = Arc::new(crypto::aws_lc_rs::default_provider());
        let mut roots = RootCertStore::empty();
        roots.add(self.trusts.clone()).unwrap();
        let verifier =
            WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider))
                .build()
                .unwrap();
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_protocol_versions(&[self.version])
            .unwrap()
            .with_webpki_verifier(verifier);
        let mut config = match self.presents {
            // Set up by hand, because rustls refuses a certificate beside a key of another.
            Some(host) => {
                let key = PrivatePkcs8KeyDer::from(host.key.serialize_der());
                let key = provider.key_provider.load_private_key(key.into()).unwrap();
                let chain = vec![host.certificate.der().clone()];
                let presented = SingleCertAndKey::from(CertifiedKey::new(chain, key));
                builder.with_client_cert_resolver(Arc::new(presented))
            }
            None => builder.with_no_client_auth(),
        };
        config.alpn_protocols = self.alpn.map(<[u8]>::to_vec).into_iter().collect();
        config
    }
}

/// Connects and exchanges one byte, because with TLS 1.3 a client learns of a refusal only when it
/// reads. Returns the protocol that the server chose.
async fn attempt(identity: &Identity, client: Client<'_>) -> Result<Vec<u8>, String> {
    let (near, far) = tokio::io::duplex(64 * 1024);
    let acceptor = TlsAcceptor::from(Arc::clone(&identity.config));
    let server = tokio::spawn(async move {
        let mut stream = acceptor
            .accept(far)
            .await
            .map_err(|error| error.to_string())?;
        stream.write_all(b"x").await.unwrap();
        stream.flush().await.unwrap();
        // Wait for the client, whose last messages would otherwise meet a closed pipe.
        let _ = stream.read(&mut [0]).await;
        let (_, session) = stream.get_ref();
        assert_eq!(session.server_name(), Some("localhost"));
        assert!(session.peer_certificates().is_some());
        Ok::<_, String>(session.alpn_protocol().unwrap_or_default().to_vec())
    });
    let connector = TlsConnector::from(Arc::new(client.config()));
    let name = ServerName::try_from(client.name).unwrap();
    let seen_by_client = async move {
        let mut stream = connector.connect(name, near).await?;
        let byte = stream.read_u8().await?;
        assert_eq!(byte, b'x');
        stream.shutdown().await
    }
    .await;
    let seen_by_server = server.await.unwrap();
    match (seen_by_client, seen_by_server) {
        (Ok(()), Ok(protocol)) => Ok(protocol),
        (_, Err(error)) => Err(error),
        (Err(error), Ok(_)) => Err(format!("client: {error}")),
    }
}

#[tokio::test]
async fn a_host_written_in_go_is_accepted() {
    let host = Host::go();
    let identity = Identity::for_client(&host.certificate.pem()).unwrap();
    let protocol = attempt(&identity, Client::of(&host, &identity))
        .await
        .unwrap();
    assert_eq!(protocol, b"h2");
}

#[tokio::test]
async fn the_older_tls_version_works_as_well() {
    let host = Host::go();
    let identity = Identity::for_client(&host.certificate.pem()).unwrap();
    let client = Client {
        version: &rustls::version::TLS12,
        ..Client::of(&host, &identity)
    };
    assert_eq!(attempt(&identity, client).await.unwrap(), b"h2");
}

#[tokio::test]
async fn a_client_without_the_certificate_is_refused() {
    let host = Host::go();
    let identity = Identity::for_client(&host.certificate.pem()).unwrap();
    for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
        let client = Client {
            presents: None,
            version,
            ..Client::of(&host, &identity)
        };
        let error = attempt(&identity, client).await.unwrap_err();
        assert!(error.contains("peer sent no certificates"), "{error}");
    }
}

#[tokio::test]
async fn a_client_with_another_certificate_is_refused() {
    let host = Host::go();
    let identity = Identity::for_client(&host.certificate.pem()).unwrap();
    for other in [Host::go(), Host::new(&rcgen::PKCS_ECDSA_P256_SHA256)] {
        let client = Client {
            presents: Some(&other),
            ..Client::of(&host, &identity)
        };
        let error = attempt(&identity, client).await.unwrap_err();
        assert!(error.contains("ApplicationVerificationFailure"), "{error}");
    }
}

#[tokio::test]
async fn a_client_with_the_certificate_but_without_its_key_is_refused() {
    let host = Host::go();
    let identity = Identity::for_client(&host.certificate.pem()).unwrap();
    let key = Host::go().key;
    let thief = Host {
        certificate: host.certificate,
        key,
    };
    for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
        let client = Client {
            version,
            ..Client::of(&thief, &identity)
        };
        let error = attempt(&identity, client).await.unwrap_err();
        assert!(error.contains("BadSignature"), "{error}");
    }
}

#[tokio::test]
async fn our_certificate_is_made_for_localhost_only() {
    let host = Host::go();
    let identity = Identity::for_client(&host.certificate.pem()).unwrap();
    let client = Client {
        name: "example.com",
        ..Client::of(&host, &identity)
    };
    assert!(attempt(&identity, client).await.is_err());
}

#[tokio::test]
async fn a_client_that_speaks_no_http2_is_refused() {
    let host = Host::go();
    let identity = Identity::for_client(&host.certificate.pem()).unwrap();
    let client = Client {
        alpn: Some(b"http/1.1"),
        ..Client::of(&host, &identity)
    };
    let error = attempt(&identity, client).await.unwrap_err();
    assert!(error.contains("any known protocol"), "{error}");
}

#[test]
fn each_process_has_a_certificate_of_its_own() {
    let pem = Host::go().certificate.pem();
    let first = Identity::for_client(&pem).unwrap();
    let second = Identity::for_client(&pem).unwrap();
    assert_ne!(first.certificate, second.certificate);
}

#[test]
fn anything_but_one_certificate_is_an_error_and_never_plaintext() {
    let pem = Host::go().certificate.pem();
    let key = Host::go().key.serialize_pem();
    for (text, error) in [
        ("", "0 certificates"),
        ("no pem", "0 certificates"),
        (key.as_str(), "0 certificates"),
        (&format!("{pem}{pem}"), "2 certificates"),
        (
            "-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n",
            "not valid PEM",
        ),
    ] {
        let found = Identity::for_client(text).err().unwrap().to_string();
        assert!(found.contains(error), "{found}");
        assert!(!found.contains("PRIVATE"), "{found}");
    }
}
