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

#[cfg(test)]
mod tests {
    use serde_json::value::RawValue;

    use super::of;
    use crate::function::Done;
    use crate::metrics::Metrics;
    use crate::rows::{Counts, Outcome, Reason, ReasonKind, Row, RowStatus};

    #[test]
    fn the_table_has_a_line_for_each_user_and_says_below_it_what_went_wrong() {
        let mut made = Row::of("222222222222", "alice", RowStatus::Created);
        made.password_parameter =
            Some("/crossaccount/222222222222/alice/console-password".to_owned());
        let mut shown = Row::of("222222222222", "bob", RowStatus::WouldUpdate);
        shown.steps.push("AddUserToGroup engineers".to_owned());
        let reason = Reason::new(ReasonKind::NotOurs, "it is somebody else's");
        let failed = Row::of("333333333333", "carol", RowStatus::Failed).because(reason);
        let done = Done {
            answer: RawValue::NULL.to_owned(),
            metrics: Metrics::of("provision", &Counts::default()),
            rows: vec![made, shown, failed],
            outcome: Outcome::PartlyFailed,
        };
        let text = of(&done);
        let line = |name: &str| text.lines().find(|line| line.contains(name)).unwrap();
        assert!(line("alice").contains("Created") && line("alice").contains("console-password"));
        assert!(line("carol").contains("Failed"));
        for below in [
            "222222222222/bob: would AddUserToGroup engineers",
            "333333333333/carol: it is somebody else's",
            "PartlyFailed.",
        ] {
            assert!(text.contains(below), "{text}");
        }
    }
}
