//! The table at the end of a run.

use std::fmt::Write as _;

use comfy_table::presets::UTF8_FULL_CONDENSED;
use comfy_table::{ContentArrangement, Table};

use crate::function::Done;

/// The rows, and below them why some did not go well.
pub(super) fn of(done: &Done) -> String {
    let mut table = Table::new();
    table
        .load_style(UTF8_FULL_CONDENSED)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_header(["Account", "User", "Status", "Secrets"]);
    for row in &done.rows {
        let secrets = [&row.password_parameter, &row.access_key_parameter];
        let secrets: Vec<&str> = secrets.into_iter().flatten().map(String::as_str).collect();
        table.add_row([
            row.account_id.as_str(),
            row.user_name.as_str(),
            row.status.as_str(),
            &secrets.join("\n"),
        ]);
    }
    let mut text = if done.rows.is_empty() {
        String::new()
    } else {
        table.to_string()
    };
    for row in &done.rows {
        let who = format!("{}/{}", row.account_id, row.user_name);
        for step in &row.steps {
            let _ = write!(text, "\n{who}: would {step}");
        }
        for warning in &row.warnings {
            let _ = write!(text, "\n{who}: note: {warning}");
        }
        if let Some(reason) = &row.reason {
            let _ = write!(text, "\n{who}: {}", reason.message);
        }
    }
    let _ = write!(text, "\n{:?}.", done.outcome);
    text
}
