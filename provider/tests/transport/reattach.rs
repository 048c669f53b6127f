//! The program that was started by a person, for hosts that attach to it.

use std::path::{Path, PathBuf};

use crossaccount_proto::plugin::Empty;
use crossaccount_proto::plugin::grpc_controller_client::GrpcControllerClient;
use nix::sys::signal::Signal;
use serde_json::Value;

use crate::host::{Plugin, assert_alive, connect};

/// Starts the program and returns it with the path of its socket.
async fn start(option: &str, variables: &[(&str, &str)]) -> (Plugin, PathBuf) {
    let mut plugin = Plugin::start_with(&[option], variables);
    let line = plugin.line().await;
    let json = line
        .strip_prefix("TF_REATTACH_PROVIDERS='")
        .unwrap()
        .strip_suffix('\'')
        .unwrap();
    let json: Value = serde_json::from_str(json).unwrap();
    let provider = &json["registry.terraform.io/crossaccount/crossaccount"];
    assert_eq!(provider["Protocol"], "grpc");
    assert_eq!(provider["ProtocolVersion"], 6);
    assert_eq!(provider["Pid"], plugin.child.id().unwrap());
    assert_eq!(provider["Test"], true);
    assert_eq!(provider["Addr"]["Network"], "unix");
    let path = PathBuf::from(provider["Addr"]["String"].as_str().unwrap());
    (plugin, path)
}

#[tokio::test]
async fn it_serves_several_hosts_at_once_and_outlives_them() {
    for option in ["-debug", "--debug"] {
        let (mut plugin, path) = start(option, &[]).await;
        let first = connect(&path).await;
        let second = connect(&path).await;
        assert_alive(&first).await;
        assert_alive(&second).await;
        drop((first, second));

        let third = connect(&path).await;
        GrpcControllerClient::new(third.clone())
            .shutdown(Empty {})
            .await
            .unwrap();
        assert_alive(&third).await;

        plugin.signal(Signal::SIGINT);
        assert_eq!(plugin.exit().await.code(), Some(0));
        assert_eq!(plugin.leftovers(), 0);
    }
}

#[tokio::test]
async fn it_is_plaintext_even_with_the_variables_of_a_host() {
    let variables = [
        ("PLUGIN_CLIENT_CERT", "rubbish"),
        ("TF_PLUGIN_MAGIC_COOKIE", "wrong"),
    ];
    let (mut plugin, path) = start("-debug", &variables).await;
    assert_alive(&connect(Path::new(&path)).await).await;
    plugin.signal(Signal::SIGTERM);
    assert_eq!(plugin.exit().await.code(), Some(0));
}
