//! The report of a run: one object with a table for people and spreadsheets, and one with everything for programs.
//!
//! No report holds a secret: it names the parameters that do. Objects are created and never replaced.

use aws_sdk_s3::types::ServerSideEncryption;
use crossaccount_core::aws::classify;
use crossaccount_core::ids::RunId;
use crossaccount_core::secrets::KmsKeyId;
use jiff::Timestamp;
use serde::Serialize;

use crate::config::Reports;
use crate::rows::{Counts, Row};

/// The columns of the table, in their order: a promise to whoever reads it.
const COLUMNS: [&str; 8] = [
    "account_id",
    "user_name",
    "status",
    "user_arn",
    "password_parameter",
    "access_key_parameter",
    "access_key_id",
    "reason",
];

/// Where a report is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ReportKeys {
    /// The bucket.
    pub bucket: String,
    /// The key of the table.
    pub csv: String,
    /// The key of the object with everything.
    pub json: String,
}

/// What a report says.
#[derive(Debug, Clone, Copy, Serialize)]
pub(super) struct Report<'a> {
    pub(super) run_id: RunId,
    #[serde(serialize_with = "as_text")]
    pub(super) begun: Timestamp,
    #[serde(serialize_with = "as_text")]
    pub(super) ended: Timestamp,
    pub(super) dry_run: bool,
    pub(super) counts: &'a Counts,
    pub(super) rows: &'a [Row],
}

fn as_text<S: serde::Serializer>(at: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&format_args!("{at:.3}"))
}

/// Writes both objects of a report.
///
/// # Errors
/// What failed, with the answer of AWS: a sentence.
pub(super) async fn write(
    s3: &aws_sdk_s3::Client,
    place: &Reports,
    key: Option<&KmsKeyId>,
    report: Report<'_>,
) -> Result<ReportKeys, String> {
    let name = object_name(place, report.begun, report.run_id);
    let keys = ReportKeys {
        bucket: place.bucket.to_string(),
        csv: format!("{name}.csv"),
        json: format!("{name}.json"),
    };
    let table = table(report.rows).map_err(|error| error.to_string())?;
    let all = serde_json::to_vec(&report).map_err(|error| error.to_string())?;
    put(s3, place, key, &keys.csv, "text/csv; charset=utf-8", table).await?;
    put(s3, place, key, &keys.json, "application/json", all).await?;
    Ok(keys)
}

/// `PREFIX/dt=YYYY-MM-DD/TIME-RUN`, without its extension: sorted by time, and ready for partitions.
fn object_name(place: &Reports, begun: Timestamp, run_id: RunId) -> String {
    let day = begun.strftime("%Y-%m-%d");
    let time = begun.strftime("%Y%m%dT%H%M%SZ");
    let name = format!("dt={day}/{time}-{run_id}");
    match place.prefix.as_str() {
        "" => name,
        prefix => format!("{prefix}/{name}"),
    }
}

/// The rows as CSV (RFC 4180), one line each.
fn table(rows: &[Row]) -> Result<Vec<u8>, csv::Error> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(COLUMNS)?;
    for row in rows {
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        let reason = row.reason.as_ref().map(|reason| reason.message.clone());
        let cells = [
            row.account_id.clone(),
            row.user_name.clone(),
            row.status.as_str().to_owned(),
            text(&row.user_arn),
            text(&row.password_parameter),
            text(&row.access_key_parameter),
            text(&row.access_key_id),
            reason.unwrap_or_default(),
        ];
        writer.write_record(cells.map(|cell| harmless(&cell)))?;
    }
    writer
        .into_inner()
        .map_err(|error| error.into_error().into())
}

/// A cell that no spreadsheet takes for a formula: user names may begin with `=`, `+`, `-` or `@`. A quotation mark in
/// front makes it a text (OWASP, "CSV Injection"); the other object of the report has the name as it is.
fn harmless(cell: &str) -> String {
    if cell.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        return format!("'{cell}");
    }
    cell.to_owned()
}

async fn put(
    s3: &aws_sdk_s3::Client,
    place: &Reports,
    key: Option<&KmsKeyId>,
    name: &str,
    content_type: &str,
    body: Vec<u8>,
) -> Result<(), String> {
    let mut call = s3
        .put_object()
        .bucket(place.bucket.as_str())
        .key(name)
        .content_type(content_type)
        // The bucket of the audit records takes nothing that could overwrite (examples/cloudformation/hub.yaml).
        .if_none_match("*")
        .body(body.into());
    if let Some(key) = key {
        call = call
            .server_side_encryption(ServerSideEncryption::AwsKms)
            .ssekms_key_id(key.as_str());
    }
    let Err(error) = call.send().await else {
        return Ok(());
    };
    let error = classify(error, "s3:PutObject", None);
    // The names hold the id of the run: it is there because an earlier try of this call arrived.
    if error.aws_code() == Some("PreconditionFailed") {
        return Ok(());
    }
    Err(format!(
        "s3://{}/{name} could not be written: {error}",
        place.bucket
    ))
}

#[cfg(test)]
mod tests {
    use super::{harmless, object_name, table};
    use crate::config::Reports;
    use crate::rows::{Reason, ReasonKind, Row, RowStatus};

    fn place(prefix: &str) -> Reports {
        Reports {
            bucket: "reports".parse().unwrap(),
            prefix: prefix.parse().unwrap(),
        }
    }

    #[test]
    fn objects_are_sorted_by_day_and_time_below_the_prefix() {
        let begun = "2026-11-26T09:08:07.5Z".parse().unwrap();
        let run_id = uuid::Uuid::from_u128(1).into();
        let name = "dt=2026-11-26/20261126T090807Z-00000000-0000-0000-0000-000000000001";
        assert_eq!(object_name(&place(""), begun, run_id), name);
        assert_eq!(
            object_name(&place("a/b"), begun, run_id),
            format!("a/b/{name}")
        );
    }

    #[test]
    fn the_table_has_one_line_for_each_row_and_names_of_parameters_alone() {
        let mut row = Row::of("222222222222", "alice", RowStatus::Created);
        row.password_parameter =
            Some("/crossaccount/222222222222/alice/console-password".to_owned());
        let reason = Reason::new(ReasonKind::NotOurs, "it says \"no\", twice");
        let failed =
            Row::of("222222222222", "=cmd|' /C calc'!A0", RowStatus::Failed).because(reason);
        let text = String::from_utf8(table(&[row, failed]).unwrap()).unwrap();
        assert_eq!(
            text.lines().collect::<Vec<_>>(),
            [
                "account_id,user_name,status,user_arn,password_parameter,access_key_parameter,access_key_id,reason",
                "222222222222,alice,Created,,/crossaccount/222222222222/alice/console-password,,,",
                "222222222222,'=cmd|' /C calc'!A0,Failed,,,,,\"it says \"\"no\"\", twice\"",
            ]
        );
    }

    #[rstest::rstest]
    #[case("alice", "alice")]
    #[case("=1+1", "'=1+1")]
    #[case("+alice", "'+alice")]
    #[case("-alice", "'-alice")]
    #[case("@alice", "'@alice")]
    #[case("a=b", "a=b")]
    #[case("", "")]
    fn no_cell_is_a_formula(#[case] cell: &str, #[case] written: &str) {
        assert_eq!(harmless(cell), written);
    }
}
