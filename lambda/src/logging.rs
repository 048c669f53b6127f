//! The log: one JSON object per line on stdout, which Lambda keeps.
//!
//! Keys at the top are those by which Lambda and people search: `timestamp`, `level`, `message`, and the fields of the
//! event. `spans` says what the line is about: `spans[0]` has Lambda's request id, `spans[1]` the stack, the logical id
//! and CloudFormation's request id.
//!
//! Crates that are not ours get no say below `WARN`: the Lambda runtime prints whole events there, which hold the URL of
//! the answer, and HTTP code prints headers and bodies. What a panic says is never printed, only where it happened.

use std::io;
use std::panic::{self, PanicHookInfo};
use std::str::FromStr as _;

use tracing::error;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::{Layer as _, Registry, fmt};

use crate::settings::table::LOG;

/// Our own crates, by the first part of their module paths.
const OWN_TARGETS: [&str; 7] = [
    "cfn_handler",
    "crossaccount_cfn_handler",
    "crossaccount_core",
    "crossaccount_lambda",
    "jobs",
    "provision",
    "reconcile",
];

/// Sends events of this process to stdout from now on, and panics without their texts. A second call changes nothing
/// about the events.
///
/// `variable` looks up an environment variable.
pub fn install(variable: impl Fn(&str) -> Option<String>) {
    install_with(level(variable, LevelFilter::INFO), io::stdout);
}

/// As [`install`], on stderr, and with warnings alone unless a variable says more: for a program that somebody runs in a
/// shell, whose stdout is its result.
pub fn install_in_a_shell(variable: impl Fn(&str) -> Option<String>) {
    install_with(level(variable, LevelFilter::WARN), io::stderr);
}

fn install_with(level: LevelFilter, writer: impl for<'a> MakeWriter<'a> + Send + Sync + 'static) {
    // Fails only if a subscriber exists already, which then goes on as it is.
    let _ = tracing::subscriber::set_global_default(subscriber(level, writer));
    panic::set_hook(Box::new(log_panic));
}

/// How much is logged: `CROSSACCOUNT_LOG`, else `AWS_LAMBDA_LOG_LEVEL`, which Lambda sets from the function's logging
/// configuration, else `otherwise`. A word that means nothing counts as not set.
fn level(variable: impl Fn(&str) -> Option<String>, otherwise: LevelFilter) -> LevelFilter {
    [LOG, "AWS_LAMBDA_LOG_LEVEL"]
        .into_iter()
        .filter_map(variable)
        .find_map(|word| match word.trim() {
            // Lambda's word for the most severe level.
            word if word.eq_ignore_ascii_case("fatal") => Some(LevelFilter::ERROR),
            word => LevelFilter::from_str(word)
                .ok()
                .filter(|_| !word.is_empty()),
        })
        .unwrap_or(otherwise)
}

fn subscriber(
    level: LevelFilter,
    writer: impl for<'a> MakeWriter<'a> + Send + Sync + 'static,
) -> impl tracing::Subscriber + Send + Sync {
    let targets = Targets::new()
        .with_default(level.min(LevelFilter::WARN))
        .with_targets(OWN_TARGETS.map(|target| (target, level)));
    let lines = fmt::layer()
        .json()
        .flatten_event(true)
        .with_current_span(false)
        .with_span_list(true)
        .with_writer(writer);
    Registry::default().with(lines.with_filter(targets))
}

/// The place of a panic. Its text may quote a secret.
fn log_panic(panic: &PanicHookInfo<'_>) {
    let place = panic
        .location()
        .map(ToString::to_string)
        .unwrap_or_default();
    error!(place, "internal error: a panic, whose text is not shown");
}

#[cfg(test)]
mod tests {
    use std::io::{self, Write};
    use std::panic::{self, PanicHookInfo};
    use std::sync::{Arc, Mutex};
    use std::thread;

    use serde_json::{Value, json};
    use tracing::level_filters::LevelFilter;
    use tracing::{debug, error, error_span, info, trace, warn};
    use tracing_subscriber::fmt::MakeWriter;

    use super::{level, log_panic, subscriber};

    #[derive(Debug, Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl MakeWriter<'_> for Lines {
        type Writer = Self;

        fn make_writer(&self) -> Self {
            self.clone()
        }
    }

    /// What is written while `work` runs, without the times.
    fn logged(level: LevelFilter, work: impl FnOnce()) -> Vec<Value> {
        let lines = Lines::default();
        tracing::subscriber::with_default(subscriber(level, lines.clone()), work);
        let bytes = lines.0.lock().unwrap().clone();
        String::from_utf8(bytes)
            .unwrap()
            .lines()
            .map(|line| {
                let mut line: Value = serde_json::from_str(line).unwrap();
                let time = line.as_object_mut().unwrap().remove("timestamp").unwrap();
                assert!(time.as_str().unwrap().ends_with('Z'), "{time}");
                line
            })
            .collect()
    }

    #[test]
    fn every_line_is_an_object_that_says_what_it_is_about() {
        let lines = logged(LevelFilter::ERROR, || {
            let _lambda = error_span!("invocation", lambda_request_id = "8f").entered();
            let _request = error_span!(
                "request",
                stack_id = "arn:stack",
                logical_resource_id = "Alice"
            )
            .entered();
            error!(account_id = "222222222222", "two\nlines");
        });
        assert_eq!(
            lines,
            [json!({
                "level": "ERROR",
                "message": "two\nlines",
                "account_id": "222222222222",
                "target": "crossaccount_lambda::logging::tests",
                "spans": [
                    {"name": "invocation", "lambda_request_id": "8f"},
                    {"name": "request", "stack_id": "arn:stack", "logical_resource_id": "Alice"},
                ],
            })]
        );
    }

    /// The Lambda runtime prints the event, with the URL of its answer, at `TRACE`.
    #[test]
    fn libraries_are_not_heard_below_warn_however_much_we_say() {
        let lines = logged(LevelFilter::TRACE, || {
            trace!(target: "lambda_runtime::layers::api_response", "raw JSON event");
            debug!(target: "hyper_util::client", "headers");
            info!(target: "aws_config", "profile");
            warn!(target: "aws_config", "heard");
            trace!(target: "cfn_handler::protocol", "heard");
            debug!(target: "crossaccount_core::user", "heard");
            info!(target: "crossaccount_cfn_handler", "heard");
        });
        assert_eq!(lines.len(), 4, "{lines:?}");
        assert!(
            lines.iter().all(|line| line["message"] == "heard"),
            "{lines:?}"
        );
    }

    #[test]
    fn of_libraries_no_more_is_heard_than_of_us() {
        assert!(
            logged(
                LevelFilter::ERROR,
                || warn!(target: "aws_config", "profile")
            )
            .is_empty()
        );
        assert!(logged(LevelFilter::OFF, || error!("nothing")).is_empty());
    }

    #[test]
    fn of_a_panic_the_place_is_logged_and_not_the_text() {
        // The hook belongs to the whole process: panics of other tests go where they went before.
        let (ours, others) = (thread::current().id(), panic::take_hook());
        panic::set_hook(Box::new(move |panic: &PanicHookInfo<'_>| {
            if thread::current().id() == ours {
                log_panic(panic);
            } else {
                others(panic);
            }
        }));
        let lines = logged(LevelFilter::INFO, || {
            let _request = error_span!("request", request_id = "0b1c2d3e").entered();
            panic::catch_unwind(|| panic!("hunter2")).unwrap_err();
        });
        assert_eq!(lines.len(), 1, "{lines:?}");
        assert_eq!(
            lines[0]["message"],
            "internal error: a panic, whose text is not shown"
        );
        assert_eq!(lines[0]["spans"][0]["request_id"], "0b1c2d3e");
        let place = lines[0]["place"].as_str().unwrap();
        assert!(place.starts_with("lambda/src/logging.rs:"), "{place}");
        assert!(!lines[0].to_string().contains("hunter2"), "{lines:?}");
    }

    #[rstest::rstest]
    #[case(None, None, LevelFilter::INFO)]
    #[case(None, Some("DEBUG"), LevelFilter::DEBUG)]
    #[case(None, Some("FATAL"), LevelFilter::ERROR)]
    #[case(Some("trace"), Some("ERROR"), LevelFilter::TRACE)]
    #[case(Some("warn "), None, LevelFilter::WARN)]
    #[case(Some("off"), Some("INFO"), LevelFilter::OFF)]
    #[case(Some(""), Some("WARN"), LevelFilter::WARN)]
    #[case(Some("loud"), Some("WARN"), LevelFilter::WARN)]
    #[case(Some("loud"), Some("louder"), LevelFilter::INFO)]
    fn our_variable_comes_before_lambdas(
        #[case] ours: Option<&str>,
        #[case] lambdas: Option<&str>,
        #[case] expected: LevelFilter,
    ) {
        let variable = |name: &str| match name {
            "CROSSACCOUNT_LOG" => ours.map(str::to_owned),
            "AWS_LAMBDA_LOG_LEVEL" => lambdas.map(str::to_owned),
            _ => None,
        };
        assert_eq!(level(variable, LevelFilter::INFO), expected);
    }
}
