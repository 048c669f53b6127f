//! Metrics in the embedded metric format: one line of JSON in the log, from which `CloudWatch` makes metrics.
//!
//! The format is that of "Specification: Embedded metric format" in the Amazon `CloudWatch` user guide. A line of it must
//! stand in the log as it is, so it does not go through `tracing`.

use std::collections::BTreeMap;
use std::io::{self, Write as _};

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::rows::{Counts, RowStatus};

/// The namespace of all metrics.
pub const NAMESPACE: &str = "CrossAccount";
/// Their two dimensions: the name of the job, and the deployment id, so that two registries of a Region have alarms of their
/// own.
pub const DIMENSIONS: [&str; 2] = ["Function", "DeploymentId"];

/// What one run measured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Metrics {
    function: &'static str,
    values: BTreeMap<&'static str, u64>,
}

impl Metrics {
    /// How many users there were of each kind. Every name is always there, so that an alarm has something to see.
    pub fn of(function: &'static str, counts: &Counts) -> Self {
        let values = [
            ("UsersCreated", RowStatus::Created),
            ("UsersUpdated", RowStatus::Updated),
            ("UsersRotated", RowStatus::Rotated),
            ("UsersDeleted", RowStatus::Deleted),
            ("UsersUnchanged", RowStatus::Exists),
            ("UsersFailed", RowStatus::Failed),
            ("Postponed", RowStatus::Postponed),
        ];
        Self {
            function,
            values: values
                .into_iter()
                .map(|(name, status)| (name, u64::try_from(counts.of(status)).unwrap_or(u64::MAX)))
                .collect(),
        }
    }

    /// One more metric.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: u64) -> Self {
        self.values.insert(name, value);
        self
    }

    fn line(&self, deployment_id: &str, at: Timestamp) -> Value {
        let metrics: Vec<Value> = self
            .values
            .keys()
            .map(|name| match *name {
                "Duration" => json!({"Name": name, "Unit": "Milliseconds"}),
                _ => json!({"Name": name, "Unit": "Count"}),
            })
            .collect();
        let mut line = Map::new();
        line.insert(
            "_aws".to_owned(),
            json!({
                "Timestamp": at.as_millisecond(),
                "CloudWatchMetrics": [{
                    "Namespace": NAMESPACE,
                    "Dimensions": [DIMENSIONS],
                    "Metrics": metrics,
                }],
            }),
        );
        for (dimension, value) in DIMENSIONS.into_iter().zip([self.function, deployment_id]) {
            line.insert(dimension.to_owned(), value.into());
        }
        for (name, value) in &self.values {
            line.insert((*name).to_owned(), (*value).into());
        }
        Value::Object(line)
    }

    /// Writes the metrics of this deployment to standard output, which Lambda keeps as the log.
    pub fn emit(&self, deployment_id: &str, at: Timestamp) {
        let line = format!("{}\n", self.line(deployment_id, at));
        // In one piece, so that no line of the log gets into it. A log that is full or closed is no failure of the run.
        let _ = io::stdout().lock().write_all(line.as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::Metrics;
    use crate::rows::{Counts, RowStatus};

    #[test]
    fn every_metric_is_declared_and_has_its_value_at_the_top() {
        let mut counts = Counts::default();
        counts.add(RowStatus::Created);
        counts.add(RowStatus::Created);
        counts.add(RowStatus::Failed);
        let metrics = Metrics::of("provision", &counts).with("Duration", 1500);
        let at = "2026-11-26T00:00:00.123Z".parse().unwrap();
        let line = metrics.line("platform", at);
        assert_eq!(line["Function"], "provision");
        assert_eq!(line["DeploymentId"], "platform");
        assert_eq!(line["UsersCreated"], 2);
        assert_eq!(line["UsersFailed"], 1);
        assert_eq!(line["UsersDeleted"], 0);
        assert_eq!(line["_aws"]["Timestamp"], 1_795_651_200_123_i64);
        let declared = &line["_aws"]["CloudWatchMetrics"][0];
        assert_eq!(declared["Namespace"], "CrossAccount");
        assert_eq!(
            declared["Dimensions"],
            json!([["Function", "DeploymentId"]])
        );
        let names = declared["Metrics"].as_array().unwrap();
        assert_eq!(names.len(), 8);
        for metric in names {
            assert!(line[metric["Name"].as_str().unwrap()].is_u64(), "{metric}");
        }
        assert!(names.contains(&json!({"Name": "Duration", "Unit": "Milliseconds"})));
    }
}
