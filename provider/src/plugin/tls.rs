//! Mutual TLS with the host, where both sides know exactly one certificate of the other.
//!
//! The host hands over its certificate in the environment and gets ours in the handshake line.
//! There is no authority and no chain: a client is accepted if and only if it presents the very
//! certificate that we were given and proves that it holds its key. Hosts written in Go present a
//! self-signed authority certificate with a P-521 key; usual verification refuses an authority as
//! a client, and a crypto library without P-521 makes Go send no certificate at all. That is why
//! the verifier is our own and the library is aws-lc-rs.

use std::sync::Arc;

use anyhow::{Context as _, Result, bail};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use rcgen::{
    CertificateParams, DnType, ExtendedKeyUsagePurpose, KeyPair, KeyUsagePurpose, date_time_ymd,
};
use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{self, CryptoProvider, WebPkiSupportedAlgorithms};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer, UnixTime};
use rustls::server::NoServerSessionStorage;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, ServerConfig, SignatureScheme,
};

/// Hosts verify that our certificate is made for this name.
const SERVER_NAME: &str = "localhost";

/// Our side of the connection with one host.
pub(super) struct Identity {
    /// Goes into the handshake line.
    pub(super) certificate: CertificateDer<'static>,
    pub(super) config: Arc<ServerConfig>,
}

impl Identity {
    /// A fresh identity that speaks only with the holder of `client_certificate` (PEM).
    ///
    /// # Errors
    /// The PEM does not hold exactly one certificate. There is no fallback to plaintext.
    pub(super) fn for_client(client_certificate: &str) -> Result<Self> {
        let client = only_certificate(client_certificate)?;
        let (certificate, key) = fresh_certificate().context("failed to make a certificate")?;

        let provider = Arc::new(crypto::aws_lc_rs::default_provider());
        let verifier = PinnedClient::new(client, &provider);
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_client_cert_verifier(Arc::new(verifier))
            .with_single_cert(vec![certificate.clone()], key.into())?;
        // Newer hosts refuse a server that does not choose HTTP/2 by name.
        config.alpn_protocols = vec![b"h2".to_vec()];
        // There is one connection in the life of a process, so nothing to resume.
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.send_tls13_tickets = 0;
        Ok(Self {
            certificate,
            config: Arc::new(config),
        })
    }
}

fn only_certificate(pem: &str) -> Result<CertificateDer<'static>> {
    let certificates: Vec<_> = CertificateDer::pem_slice_iter(pem.as_bytes())
        .collect::<Result<_, _>>()
        .context("PLUGIN_CLIENT_CERT is not valid PEM")?;
    match <[_; 1]>::try_from(certificates) {
        Ok([certificate]) => Ok(certificate),
        Err(found) => bail!(
            "PLUGIN_CLIENT_CERT holds {} certificates instead of one",
            found.len()
        ),
    }
}

/// A self-signed certificate that lives as long as this process. Its key never leaves memory.
fn fresh_certificate() -> Result<(CertificateDer<'static>, PrivatePkcs8KeyDer<'static>)> {
    let key = KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256)?;
    let mut parameters = CertificateParams::new([SERVER_NAME.to_owned()])?;
    parameters
        .distinguished_name
        .push(DnType::CommonName, SERVER_NAME);
    parameters.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    parameters.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    // Whole years around now: clocks of host and plugin are the same, and the certificate means
    // nothing once the process is gone.
    #[expect(
        clippy::disallowed_methods,
        reason = "the host compares with the clock of the machine, so no other time would do"
    )]
    let now = Timestamp::now();
    let year = i32::from(now.to_zoned(TimeZone::UTC).year());
    parameters.not_before = date_time_ymd(year - 1, 1, 1);
    parameters.not_after = date_time_ymd(year + 2, 1, 1);
    let certificate = parameters.self_signed(&key)?;
    Ok((
        certificate.der().clone(),
        PrivatePkcs8KeyDer::from(key.serialize_der()),
    ))
}

/// Accepts one certificate, compared byte by byte, and nothing else.
#[derive(Debug)]
struct PinnedClient {
    certificate: CertificateDer<'static>,
    algorithms: WebPkiSupportedAlgorithms,
}

impl PinnedClient {
    fn new(certificate: CertificateDer<'static>, provider: &CryptoProvider) -> Self {
        Self {
            certificate,
            algorithms: provider.signature_verification_algorithms,
        }
    }
}

impl ClientCertVerifier for PinnedClient {
    fn client_auth_mandatory(&self) -> bool {
        true
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        // No hint: the client has one certificate to choose from.
        &[]
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _now: UnixTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        if *end_entity == self.certificate {
            Ok(ClientCertVerified::assertion())
        } else {
            Err(CertificateError::ApplicationVerificationFailure.into())
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        crypto::verify_tls12_signature(message, certificate, signature, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        crypto::verify_tls13_signature(message, certificate, signature, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

#[cfg(test)]
pub(super) mod tests;
