//! The environment variable by which Terraform and OpenTofu find a provider that already runs.

use serde_json::json;

use super::SOURCE_ADDRESS;
use super::handshake::PROTOCOL_VERSION;
use super::listener::Address;

/// The registries whose short form of our address is `crossaccount/crossaccount`: Terraform's and
/// OpenTofu's. Each program looks for its own and does not mind the other.
const REGISTRIES: [&str; 2] = ["registry.terraform.io", "registry.opentofu.org"];

/// An assignment for a POSIX shell, with its line break.
pub(super) fn assignment(process_id: u32, address: &Address) -> String {
    let provider = json!({
        "Protocol": "grpc",
        "ProtocolVersion": PROTOCOL_VERSION,
        "Pid": process_id,
        // Tells the host that the process is not its own: it never ends it.
        "Test": true,
        "Addr": { "Network": address.network(), "String": address.to_string() },
    });
    let providers: serde_json::Map<_, _> = REGISTRIES
        .map(|registry| (format!("{registry}/{SOURCE_ADDRESS}"), provider.clone()))
        .into_iter()
        .collect();
    let json = serde_json::Value::Object(providers).to_string();
    format!("TF_REATTACH_PROVIDERS='{}'\n", json.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    #[test]
    fn the_assignment_names_process_socket_and_full_address() {
        let line = assignment(42, &Address::Unix(PathBuf::from("/tmp/x/s")));
        let json = line.strip_prefix("TF_REATTACH_PROVIDERS='").unwrap();
        let json: serde_json::Value =
            serde_json::from_str(json.strip_suffix("'\n").unwrap()).unwrap();
        let provider = json!({
            "Protocol": "grpc",
            "ProtocolVersion": 6,
            "Pid": 42,
            "Test": true,
            "Addr": { "Network": "unix", "String": "/tmp/x/s" },
        });
        assert_eq!(
            json,
            json!({
                "registry.terraform.io/crossaccount/crossaccount": provider,
                "registry.opentofu.org/crossaccount/crossaccount": provider,
            })
        );
    }

    #[test]
    fn a_quote_in_the_path_does_not_end_the_shell_word() {
        let line = assignment(1, &Address::Unix(PathBuf::from("/it's/s")));
        assert!(line.contains(r"/it'\''s/s"), "{line}");
    }
}
