//! The first and only line on standard output, by which the host learns how to connect.
//!
//! Field by field: version of the handshake, version of the protocol, network, address, kind of
//! rpc, our certificate. A seventh field about multiplexing is left out; hosts take that as "no".

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use rustls::pki_types::CertificateDer;

use super::listener::Address;

/// What Terraform and OpenTofu set `TF_PLUGIN_MAGIC_COOKIE` to. Not a secret: it tells a start by
/// a host from a start by hand.
pub(super) const MAGIC_COOKIE: &str =
    "d602bf8f470bc67ca7faa0386276bbdd4330efaf76d1a219cb4d6991ca9872b2";

/// The only major version of the provider protocol that we speak.
///
/// It is announced whatever the host offers: a host without it then tells its user which versions
/// it wanted and which it got, better than we could.
pub(super) const PROTOCOL_VERSION: u32 = 6;

const HANDSHAKE_VERSION: u32 = 1;

/// The handshake line with its line break. Without a certificate the connection is plaintext.
pub(super) fn line(address: &Address, certificate: Option<&CertificateDer<'_>>) -> String {
    let network = address.network();
    // Hosts decode strictly: the alphabet is the standard one and padding is an error.
    let certificate = certificate
        .map(|der| STANDARD_NO_PAD.encode(der))
        .unwrap_or_default();
    format!("{HANDSHAKE_VERSION}|{PROTOCOL_VERSION}|{network}|{address}|grpc|{certificate}\n")
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;
    use std::path::PathBuf;

    use super::*;

    #[test]
    fn the_line_names_socket_and_certificate() {
        let address = Address::Unix(PathBuf::from("/tmp/x/s"));
        let certificate = CertificateDer::from(vec![0xfb, 0xff, 0xfe, 0x01]);
        assert_eq!(
            line(&address, Some(&certificate)),
            "1|6|unix|/tmp/x/s|grpc|+//+AQ\n"
        );
    }

    #[test]
    fn the_line_of_a_plaintext_connection_has_an_empty_certificate() {
        let address = Address::Tcp(SocketAddr::from(([127, 0, 0, 1], 10_000)));
        assert_eq!(line(&address, None), "1|6|tcp|127.0.0.1:10000|grpc|\n");
    }
}
