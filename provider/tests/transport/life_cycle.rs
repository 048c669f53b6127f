//! From the handshake to the end of the process.

use std::os::unix::fs::PermissionsExt as _;
use std::time::Instant;

use crossaccount_proto::plugin::Empty;
use crossaccount_proto::plugin::grpc_controller_client::GrpcControllerClient;
use crossaccount_proto::plugin::grpc_stdio_client::GrpcStdioClient;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::process::Command;

use crate::host::{HOST_PATIENCE, PROGRAM, Plugin, assert_alive, assert_handshake};

#[tokio::test]
async fn the_handshake_is_the_only_line_and_its_socket_is_private() {
    let mut plugin = Plugin::start(&[]);
    let handshake = plugin.handshake().await;
    let path = assert_handshake(&handshake);
    assert_eq!(handshake[5], "", "no certificate was asked for");
    let directory = path.parent().unwrap().metadata().unwrap();
    assert_eq!(directory.permissions().mode() & 0o777, 0o700);

    plugin.signal(Signal::SIGTERM);
    assert_eq!(plugin.rest_of_stdout().await, "");
}

#[tokio::test]
async fn a_host_without_our_protocol_gets_our_version_to_report() {
    let mut plugin = Plugin::start(&[("PLUGIN_PROTOCOL_VERSIONS", "5")]);
    assert_handshake(&plugin.handshake().await);
}

#[tokio::test]
async fn shutdown_is_answered_and_ends_the_process_with_calls_in_flight() {
    let mut plugin = Plugin::start(&[]);
    let channel = plugin.connect().await;
    // Hosts keep such a stream open all the time.
    let stream = GrpcStdioClient::new(channel.clone())
        .stream_stdio(())
        .await
        .unwrap();

    let asked = Instant::now();
    GrpcControllerClient::new(channel.clone())
        .shutdown(Empty {})
        .await
        .unwrap();
    let status = plugin.exit().await;
    assert!(asked.elapsed() < HOST_PATIENCE / 2, "{:?}", asked.elapsed());
    assert_eq!(status.code(), Some(0));
    assert_eq!(plugin.leftovers(), 0);
    drop(stream);
}

#[tokio::test]
async fn an_interrupt_does_not_end_it() {
    let mut plugin = Plugin::start(&[]);
    let channel = plugin.connect().await;
    for _ in 0..3 {
        plugin.signal(Signal::SIGINT);
        assert_alive(&channel).await;
    }
    GrpcControllerClient::new(channel)
        .shutdown(Empty {})
        .await
        .unwrap();
    assert_eq!(plugin.exit().await.code(), Some(0));
}

#[tokio::test]
async fn other_signals_end_it_without_leaving_its_socket() {
    for signal in [Signal::SIGTERM, Signal::SIGHUP] {
        let mut plugin = Plugin::start(&[]);
        let channel = plugin.connect().await;
        assert_alive(&channel).await;
        plugin.signal(signal);
        assert_eq!(plugin.exit().await.code(), Some(0), "{signal}");
        assert_eq!(plugin.leftovers(), 0, "{signal}");
    }
}

#[tokio::test]
async fn it_ends_when_its_only_connection_is_closed() {
    let mut plugin = Plugin::start(&[]);
    let channel = plugin.connect().await;
    assert_alive(&channel).await;
    drop(channel);
    assert_eq!(plugin.exit().await.code(), Some(0));
    assert_eq!(plugin.leftovers(), 0);
}

#[tokio::test]
async fn it_ends_when_the_process_that_started_it_is_killed() {
    // The shell is the host. It never connects, so nothing but its death tells the program.
    let mut command = Command::new("/bin/sh");
    command.args(["-c", "\"$0\" & wait", PROGRAM]);
    let mut plugin = Plugin::spawn(
        command,
        &[
            ("TF_PLUGIN_MAGIC_COOKIE", crate::host::COOKIE),
            ("PLUGIN_PROTOCOL_VERSIONS", "6"),
            ("PATH", "/usr/bin:/bin"),
        ],
    );
    assert_handshake(&plugin.handshake().await);
    assert_eq!(plugin.leftovers(), 1);

    let shell = i32::try_from(plugin.child.id().unwrap()).unwrap();
    kill(Pid::from_raw(shell), Signal::SIGKILL).unwrap();
    // The program holds the other end of this pipe until it ends.
    assert_eq!(plugin.rest_of_stdout().await, "");
    assert_eq!(plugin.leftovers(), 0);
}
