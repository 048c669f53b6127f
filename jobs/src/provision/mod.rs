//! The function `provision`: users in many accounts on a call.
//!
//! A call is complete in itself: who, where and what stand in the event. A repeated call does only what is missing: it
//! completes users that an earlier run left half made, and leaves alone what is as wanted. One account that cannot be
//! reached fails its rows and no others.

mod event;
mod report;
mod work;

use std::collections::BTreeMap;
use std::sync::Arc;

use crossaccount_core::clock::SystemClock;
use crossaccount_core::ids::RunId;
use crossaccount_lambda::hub::Reads;
use crossaccount_lambda::runtime;
use crossaccount_lambda::settings::table::Variable;
use indicatif::ProgressBar;
use serde::Serialize;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

pub use event::{Call, read};
pub use report::ReportKeys;

use crate::config::{self, Reports, table};
use crate::function::{Done, Job};
use crate::metrics::Metrics;
use crate::rows::{self, Counts, Outcome, Row, RowStatus};
use crate::run::Base;

/// The function.
#[derive(Debug)]
pub struct Provision {
    base: Base,
    reports: Reports,
    s3: aws_sdk_s3::Client,
}

/// What the function answers.
#[derive(Debug, Serialize)]
struct Answer<'a> {
    run_id: RunId,
    outcome: Outcome,
    dry_run: bool,
    counts: Counts,
    /// Those that did not go well first.
    rows: Vec<&'a Row>,
    /// How many rows are in the report alone.
    rows_omitted: usize,
    /// Where the report of the run is.
    report: Option<ReportKeys>,
    /// Why there is no report.
    report_error: Option<String>,
}

impl Job for Provision {
    const NAME: &'static str = "provision";

    fn variables() -> &'static [Variable] {
        table::PROVISION
    }

    async fn start(environment: &BTreeMap<String, String>) -> Result<Self, String> {
        let config = config::provision(environment, RunId::random())
            .map_err(|problems| problems.to_string())?;
        let base = Base::new(Self::NAME, config.common, Arc::new(SystemClock))
            .await
            .map_err(|error| error.to_string())?;
        Ok(Self {
            s3: base.hub().s3(),
            base,
            reports: config.reports,
        })
    }

    fn deployment_id(&self) -> &str {
        &self.base.common().deployment_id
    }

    /// # Errors
    /// When the event is not valid. What fails for an account or a user stands in the answer.
    async fn run(
        &self,
        event: &str,
        until: Instant,
        cancelled: CancellationToken,
        progress: &ProgressBar,
    ) -> Result<Done, String> {
        let begun = self.base.clock().now();
        let call = read(event, &self.base.common().shared.guardrails.accounts)?;
        let run = self
            .base
            .begin(Reads::Users, until, cancelled)
            .map_err(|error| error.to_string())?;
        let rows = run.provision(&call, progress).await;
        let mut counts = Counts::default();
        for row in &rows {
            counts.add(row.status);
        }
        let written = report::write(
            &self.s3,
            &self.reports,
            self.base.common().shared.audit.kms_key_id.as_ref(),
            report::Report {
                run_id: run.run_id,
                begun,
                ended: self.base.clock().now(),
                dry_run: call.dry_run,
                counts: &counts,
                rows: &rows,
            },
        )
        .await;
        let (report, report_error) = match written {
            Ok(keys) => (Some(keys), None),
            Err(error) => {
                tracing::error!(run_id = %run.run_id, "the report of the run could not be written: {error}");
                (None, Some(error))
            }
        };
        let outcome = match counts.outcome() {
            Outcome::Succeeded if report.is_none() => Outcome::PartlyFailed,
            outcome => outcome,
        };
        let metrics = Metrics::of(Self::NAME, &counts)
            .with("ReportsFailed", u64::from(report.is_none()))
            .with("AwsCalls", run.aws_calls());
        let mut shown: Vec<&Row> = rows.iter().collect();
        shown.sort_by_key(|row| row.status.is_good());
        let (shown, rows_omitted) = rows::with_room(shown);
        let answer = Answer {
            run_id: run.run_id,
            outcome,
            dry_run: call.dry_run,
            counts,
            rows: shown,
            rows_omitted,
            report,
            report_error,
        };
        let failed = answer.counts.of(RowStatus::Failed) + answer.counts.of(RowStatus::Postponed);
        tracing::info!(
            event = "provisioned",
            run_id = %run.run_id,
            dry_run = call.dry_run,
            rows = rows.len(),
            failed,
            "users were provisioned"
        );
        Ok(Done {
            answer: runtime::answer(&answer).map_err(|failure| failure.message)?,
            metrics,
            rows,
            outcome,
        })
    }
}
