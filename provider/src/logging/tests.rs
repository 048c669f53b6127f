//! The form of log lines, and what may never be in them.

use std::sync::{Arc, Mutex};

use tracing::{debug, error, info, info_span, trace, warn};

use super::*;

/// Runs `work` with a log of the given level and returns its lines.
fn logged(level: LevelFilter, work: impl FnOnce()) -> Vec<String> {
    let bytes = Arc::new(Mutex::new(Vec::new()));
    let sink = Arc::clone(&bytes);
    let lines = PluginLog::new(
        || Timestamp::new(1_767_225_600, 1_234_000).unwrap(),
        move |line: &[u8]| sink.lock().unwrap().extend_from_slice(line),
    );
    let subscriber = tracing_subscriber::registry()
        .with(targets(level))
        .with(lines);
    tracing::subscriber::with_default(subscriber, work);
    let bytes = bytes.lock().unwrap().clone();
    String::from_utf8(bytes)
        .unwrap()
        .lines()
        .map(str::to_owned)
        .collect()
}

#[test]
fn a_line_is_what_terraform_reads_from_plugins() {
    let lines = logged(LevelFilter::TRACE, || {
        info!(target: "provider::plugin", account_id = "222222222222", attempt = 2, "hello");
    });
    assert_eq!(
        lines,
        [concat!(
            r#"{"@level":"info","@message":"hello","@module":"provider.plugin","#,
            r#""@timestamp":"2026-01-01T00:00:00.001234Z","account_id":"222222222222","attempt":2}"#
        )]
    );
}

#[test]
fn seconds_always_have_six_digits() {
    for (nanoseconds, text) in [
        (0, "2026-01-01T00:00:00.000000Z"),
        (1_000, "2026-01-01T00:00:00.000001Z"),
        (500_000_000, "2026-01-01T00:00:00.500000Z"),
        (999_999_999, "2026-01-01T00:00:00.999999Z"),
    ] {
        let now = Timestamp::new(1_767_225_600, nanoseconds).unwrap();
        let line = line(now, Level::INFO, "provider", Fields::default());
        let parsed: Value = serde_json::from_slice(&line).unwrap();
        assert_eq!(parsed["@timestamp"], text);
    }
}

#[test]
fn values_keep_their_kind_and_never_take_terraforms_keys() {
    let cause = io::Error::other("no route");
    let table: [(&str, Vec<String>); 7] = [
        (
            r#""size":12"#,
            logged(LevelFilter::TRACE, || info!(size = 12_u64, "")),
        ),
        (
            r#""delta":-3"#,
            logged(LevelFilter::TRACE, || info!(delta = -3, "")),
        ),
        (
            r#""ratio":0.5"#,
            logged(LevelFilter::TRACE, || info!(ratio = 0.5, "")),
        ),
        (
            r#""ratio":"NaN""#,
            logged(LevelFilter::TRACE, || info!(ratio = f64::NAN, "")),
        ),
        (
            r#""found":true"#,
            logged(LevelFilter::TRACE, || info!(found = true, "")),
        ),
        (
            r#""error":"no route""#,
            logged(LevelFilter::TRACE, || {
                info!(error = &cause as &(dyn Error + 'static), "");
            }),
        ),
        (
            r#""level":7"#,
            logged(LevelFilter::TRACE, || info!("@level" = 7, "")),
        ),
    ];
    for (expected, lines) in table {
        assert!(lines[0].contains(expected), "{expected} in {lines:?}");
        let parsed: Map<String, Value> = serde_json::from_str(&lines[0]).unwrap();
        for key in ["@level", "@message", "@module", "@timestamp"] {
            assert!(parsed[key].is_string(), "{key} in {lines:?}");
        }
    }
}

#[test]
fn text_with_quotes_and_line_breaks_stays_on_one_line() {
    let lines = logged(LevelFilter::TRACE, || info!("a \"quoted\"\nsecond line"));
    assert_eq!(lines.len(), 1);
    let parsed: Value = serde_json::from_str(&lines[0]).unwrap();
    assert_eq!(parsed["@message"], "a \"quoted\"\nsecond line");
}

#[test]
fn fields_of_the_surrounding_spans_are_in_the_line() {
    let lines = logged(LevelFilter::INFO, || {
        let request = info_span!(
            "request",
            tf_rpc = "ReadResource",
            tf_req_id = "1",
            late = ""
        );
        let _entered = request.enter();
        request.record("late", "now known");
        info_span!("inner", tf_req_id = "2").in_scope(|| info!("hello"));
    });
    let parsed: Value = serde_json::from_str(&lines[0]).unwrap();
    assert_eq!(parsed["tf_rpc"], "ReadResource");
    assert_eq!(parsed["tf_req_id"], "2");
    assert_eq!(parsed["late"], "now known");
}

#[test]
fn each_level_shows_itself_and_what_is_worse() {
    let all = ["error", "warn", "info", "debug", "trace"];
    let levels = [
        (LevelFilter::OFF, 0),
        (LevelFilter::ERROR, 1),
        (LevelFilter::WARN, 2),
        (LevelFilter::INFO, 3),
        (LevelFilter::DEBUG, 4),
        (LevelFilter::TRACE, 5),
    ];
    for (level, count) in levels {
        let lines = logged(level, || {
            error!("");
            warn!("");
            info!("");
            debug!("");
            trace!("");
        });
        let found: Vec<String> = lines
            .iter()
            .map(|line| serde_json::from_str::<Value>(line).unwrap()["@level"].clone())
            .map(|level| level.as_str().unwrap().to_owned())
            .collect();
        assert_eq!(found, all[..count], "{level}");
    }
}

#[test]
fn libraries_cannot_log_secrets_even_at_the_highest_level() {
    let lines = logged(LevelFilter::TRACE, || {
        macro_rules! leak {
            ($($target:literal),*) => {$(
                trace!(target: $target, body = "SECRET", "SECRET");
                debug!(target: $target, body = "SECRET", "SECRET");
                info!(target: $target, body = "SECRET", "SECRET");
            )*};
        }
        leak!(
            "aws_config::profile",
            "aws_credential_types::cache",
            "aws_runtime::auth",
            "aws_sdk_sts::operation",
            "aws_sigv4::http_request",
            "aws_smithy_http_client::client",
            "aws_smithy_runtime::client::http",
            "h2::codec",
            "hyper::proto",
            "hyper_util::client",
            "rustls::client",
            "tonic::transport",
            "a_crate_of_tomorrow"
        );
        let span = info_span!(target: "aws_smithy_runtime::client", "invoke", token = "SECRET");
        span.in_scope(|| info!("ours"));
        warn!(target: "aws_config::profile", "profile not found");
    });
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert!(!lines.concat().contains("SECRET"), "{lines:?}");
    assert!(lines[1].contains("profile not found"));
}

#[test]
fn a_lower_level_counts_for_libraries_too() {
    let lines = logged(
        LevelFilter::ERROR,
        || warn!(target: "aws_config", "profile not found"),
    );
    assert_eq!(lines, Vec::<String>::new());
}

#[test]
fn lines_stay_below_what_terraform_reads_at_once() {
    let long = "\u{1}".repeat(100_000);
    let lines = logged(LevelFilter::TRACE, || {
        info!(a = long, b = long, c = long, "{long}");
        info!(value = "é".repeat(4_000), "short");
    });
    assert_eq!(lines.len(), 2);
    for line in &lines {
        assert!(line.len() < 64 * 1024, "{}", line.len());
        serde_json::from_str::<Value>(line).unwrap();
    }
    assert!(lines[0].contains("left out, the line was too long"));
    assert!(lines[1].contains("é... (3904 bytes left out)"));
}
