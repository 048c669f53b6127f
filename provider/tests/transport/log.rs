//! What a host reads from standard error.

use crossaccount_proto::plugin::Empty;
use crossaccount_proto::plugin::grpc_controller_client::GrpcControllerClient;
use serde_json::Value;

use crate::host::Plugin;

/// Lines on standard error of a whole life of the process.
async fn lines(variables: &[(&str, &str)]) -> Vec<String> {
    let mut plugin = Plugin::start(variables);
    let channel = plugin.connect().await;
    GrpcControllerClient::new(channel)
        .shutdown(Empty {})
        .await
        .unwrap();
    plugin.stderr().await.lines().map(str::to_owned).collect()
}

#[tokio::test]
async fn without_a_wish_for_a_log_it_is_silent() {
    assert_eq!(lines(&[]).await, Vec::<String>::new());
    assert_eq!(
        lines(&[("TF_LOG", "TRACE"), ("TF_LOG_PROVIDER", "OFF")]).await,
        Vec::<String>::new()
    );
}

#[tokio::test]
async fn every_line_is_json_with_the_keys_that_hosts_read() {
    let lines = lines(&[("TF_LOG", "TRACE")]).await;
    assert!(!lines.is_empty());
    for line in lines {
        let parsed: Value = serde_json::from_str(&line).unwrap();
        for key in ["@level", "@message", "@module", "@timestamp"] {
            assert!(parsed[key].is_string(), "{key} in {line}");
        }
        // 2026-01-01T00:00:00.000000Z
        let time = parsed["@timestamp"].as_str().unwrap();
        assert_eq!(time.len(), 27, "{line}");
        assert_eq!(&time[19..20], ".", "{line}");
        assert!(time.ends_with('Z'), "{line}");
    }
}

#[tokio::test]
async fn the_log_tells_start_and_end() {
    let text = lines(&[("TF_LOG_PROVIDER_CROSSACCOUNT", "info")])
        .await
        .concat();
    assert!(text.contains("the provider is ready"), "{text}");
    assert!(
        text.contains("the provider ends: the host is done"),
        "{text}"
    );
    assert!(!text.contains(r#""@level":"debug""#), "{text}");
}
