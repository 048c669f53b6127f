//! The log: one JSON object per line on stderr, in the form that Terraform reads from plugins.
//!
//! Terraform takes `@level`, `@message` and `@timestamp` as strings (anything else under these
//! keys makes it crash) and wants exactly six digits of a second. Lines of more than 64 KiB are
//! torn apart, so they are never written. This module decides nothing about what is logged where,
//! except one thing: crates that are not ours get no say below `WARN`, because HTTP and signing
//! code prints headers and bodies there, and those hold credentials.

use std::error::Error;
use std::fmt;
use std::io::{self, Write as _};

use jiff::Timestamp;
use serde_json::{Map, Value};
use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};
use tracing_subscriber::registry::{LookupSpan, Scope};

/// Our own crates, by the first part of their module paths.
const OWN_TARGETS: [&str; 3] = [
    "provider",
    "crossaccount_core",
    "terraform_provider_crossaccount",
];

/// Longest message and longest field value in bytes; the rest is cut.
const MESSAGE_LIMIT: usize = 8 * 1024;
const VALUE_LIMIT: usize = 4 * 1024;
/// Longest line in bytes, below the 64 KiB that Terraform reads at once.
const LINE_LIMIT: usize = 60 * 1024;

/// Sends events of this process to stderr from now on.
///
/// With `OFF` nothing is installed. A second call changes nothing.
#[expect(
    clippy::disallowed_methods,
    reason = "a log line carries the time of the machine; no decision depends on it"
)]
pub fn install(level: LevelFilter) {
    if level == LevelFilter::OFF {
        return;
    }
    let lines = PluginLog::new(Timestamp::now, |line: &[u8]| {
        // Nobody is left to be told when stderr is gone.
        let _ = io::stderr().lock().write_all(line);
    });
    let subscriber = tracing_subscriber::registry()
        .with(targets(level))
        .with(lines);
    // Fails only if a subscriber exists already, which then goes on as it is.
    let _ = tracing::subscriber::set_global_default(subscriber);
}

/// Our crates at the chosen level; all others never more than `WARN`.
fn targets(level: LevelFilter) -> Targets {
    Targets::new()
        .with_default(level.min(LevelFilter::WARN))
        .with_targets(OWN_TARGETS.map(|target| (target, level)))
}

/// Writes each event, with the fields of the spans around it, as one line.
struct PluginLog<W> {
    now: fn() -> Timestamp,
    write: W,
}

impl<W: Fn(&[u8])> PluginLog<W> {
    fn new(now: fn() -> Timestamp, write: W) -> Self {
        Self { now, write }
    }
}

impl<S, W> Layer<S> for PluginLog<W>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    W: Fn(&[u8]) + 'static,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        if let Some(span) = context.span(id) {
            let mut fields = Fields::default();
            attributes.record(&mut fields);
            span.extensions_mut().insert(fields);
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        if let Some(span) = context.span(id)
            && let Some(fields) = span.extensions_mut().get_mut::<Fields>()
        {
            values.record(fields);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut fields = Fields::default();
        for span in context
            .event_scope(event)
            .into_iter()
            .flat_map(Scope::from_root)
        {
            if let Some(outer) = span.extensions().get::<Fields>() {
                fields.values.extend(outer.values.clone());
            }
        }
        event.record(&mut fields);
        let metadata = event.metadata();
        (self.write)(&line(
            (self.now)(),
            *metadata.level(),
            metadata.target(),
            fields,
        ));
    }
}

/// Fields of one event or span.
#[derive(Default)]
struct Fields {
    message: String,
    values: Map<String, Value>,
}

impl Fields {
    fn set(&mut self, field: &Field, value: impl Into<Value>) {
        // Keys with an at sign belong to Terraform.
        let key = field.name().trim_start_matches('@');
        self.values.insert(key.to_owned(), value.into());
    }

    fn set_text(&mut self, field: &Field, text: &str) {
        if field.name() == "message" {
            self.message = cut(text, MESSAGE_LIMIT);
        } else {
            self.set(field, cut(text, VALUE_LIMIT));
        }
    }
}

impl Visit for Fields {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.set_text(field, value);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.set_text(field, &format!("{value:?}"));
    }

    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        let mut text = value.to_string();
        let mut source = value.source();
        while let Some(cause) = source {
            text.push_str(": ");
            text.push_str(&cause.to_string());
            source = cause.source();
        }
        self.set_text(field, &text);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.set(field, value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.set(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.set(field, value);
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        if value.is_finite() {
            self.set(field, value);
        } else {
            self.set(field, value.to_string());
        }
    }
}

fn line(now: Timestamp, level: Level, target: &str, fields: Fields) -> Vec<u8> {
    let head = [
        ("@level", level.as_str().to_ascii_lowercase()),
        ("@message", fields.message),
        ("@module", target.replace("::", ".")),
        (
            "@timestamp",
            now.strftime("%Y-%m-%dT%H:%M:%S%.6fZ").to_string(),
        ),
    ]
    .map(|(key, text)| (key.to_owned(), Value::String(text)));

    let mut values = fields.values;
    values.extend(head.clone());
    let mut line = Value::Object(values).to_string();
    if line.len() > LINE_LIMIT {
        let mut values = Map::from_iter(head);
        values.insert(
            "fields".to_owned(),
            Value::from("left out, the line was too long"),
        );
        line = Value::Object(values).to_string();
    }
    line.push('\n');
    line.into_bytes()
}

fn cut(text: &str, limit: usize) -> String {
    if text.len() <= limit {
        return text.to_owned();
    }
    let end = text.floor_char_boundary(limit);
    let (kept, rest) = text.split_at(end);
    format!("{kept}... ({} bytes left out)", rest.len())
}

#[cfg(test)]
mod tests;
