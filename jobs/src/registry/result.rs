//! What the function writes into a row: the attribute `Result`. Its names are a promise to whoever reads the table.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use jiff::Timestamp;
use serde_json::Value;

use super::item::text;
use crate::rows::{Row, RowStatus};

/// What became of the user of a row. It holds names of parameters, never what is in them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RowResult {
    /// The last thing that was done (`Created`, `Updated`, `Rotated`, `Exists`), or `Failed`.
    pub status: String,
    /// The ARN of the user.
    pub user_arn: Option<String>,
    /// The current access key.
    pub access_key_id: Option<String>,
    /// The parameter that holds it.
    pub access_key_parameter: Option<String>,
    /// The parameter that holds the console password.
    pub password_parameter: Option<String>,
    /// When the current access key was made.
    pub last_rotation: Option<String>,
    /// Why the user is not as wanted, and what to do.
    pub last_error: Option<String>,
    /// When this result last changed.
    pub changed_at: Option<String>,
    /// Which row it is about: [`super::RegistryRow::fingerprint`].
    pub row_sha256: Option<String>,
}

/// The names in the attribute, beside what they stand for.
type Field = (
    &'static str,
    fn(&RowResult) -> Option<&String>,
    fn(&mut RowResult, String),
);

const STATUS: &str = "Status";
const FIELDS: [Field; 8] = [
    (
        "UserArn",
        |it| it.user_arn.as_ref(),
        |it, text| it.user_arn = Some(text),
    ),
    (
        "AccessKeyId",
        |it| it.access_key_id.as_ref(),
        |it, text| it.access_key_id = Some(text),
    ),
    (
        "AccessKeyParameter",
        |it| it.access_key_parameter.as_ref(),
        |it, text| it.access_key_parameter = Some(text),
    ),
    (
        "PasswordParameter",
        |it| it.password_parameter.as_ref(),
        |it, text| it.password_parameter = Some(text),
    ),
    (
        "LastRotation",
        |it| it.last_rotation.as_ref(),
        |it, text| it.last_rotation = Some(text),
    ),
    (
        "LastError",
        |it| it.last_error.as_ref(),
        |it, text| it.last_error = Some(text),
    ),
    (
        "ChangedAt",
        |it| it.changed_at.as_ref(),
        |it, text| it.changed_at = Some(text),
    ),
    (
        "RowSha256",
        |it| it.row_sha256.as_ref(),
        |it, text| it.row_sha256 = Some(text),
    ),
];

impl RowResult {
    /// Reads the attribute; `None` when it is something else.
    pub(super) fn read(value: &Value) -> Option<Self> {
        let fields = value.as_object()?;
        let mut result = Self {
            status: fields.get(STATUS)?.as_str()?.to_owned(),
            ..Self::default()
        };
        for (name, _, set) in FIELDS {
            if let Some(text) = fields.get(name).and_then(Value::as_str) {
                set(&mut result, text.to_owned());
            }
        }
        Some(result)
    }

    /// The attribute as JSON, for the reference.
    #[cfg(test)]
    pub(crate) fn to_json(&self) -> Value {
        super::item::to_json(&self.to_attribute())
    }

    pub(super) fn to_attribute(&self) -> AttributeValue {
        let mut fields = HashMap::from([(STATUS.to_owned(), text(&self.status))]);
        for (name, get, _) in FIELDS {
            if let Some(value) = get(self) {
                fields.insert(name.to_owned(), text(value));
            }
        }
        AttributeValue::M(fields)
    }
}

/// The result after a look at a user; `None` when it says what it said before, so that nothing is written. Pure.
///
/// `fingerprint` is that of the row that was looked at.
pub fn next_result(
    before: Option<&RowResult>,
    row: &Row,
    fingerprint: &str,
    now: Timestamp,
) -> Option<RowResult> {
    if row.status == RowStatus::Postponed {
        return None;
    }
    let nothing = RowResult::default();
    let old = before.unwrap_or(&nothing);
    let failed = row.status == RowStatus::Failed;
    let was_good = before.is_some_and(|before| before.status != RowStatus::Failed.as_str());
    // What exists is told also when something failed; what is not known any more stays as it was.
    let keep = |new: &Option<String>, old: &Option<String>| match new {
        None if failed => old.clone(),
        new => new.clone(),
    };
    let same_key = row.access_key_id.is_some() && row.access_key_id == old.access_key_id;
    let last_rotation = match &row.access_key_date {
        None if failed || same_key => old.last_rotation.clone(),
        date => date.clone(),
    };
    let mut result = RowResult {
        status: match row.status {
            RowStatus::Exists if was_good => old.status.clone(),
            status => status.as_str().to_owned(),
        },
        user_arn: keep(&row.user_arn, &old.user_arn),
        access_key_id: keep(&row.access_key_id, &old.access_key_id),
        access_key_parameter: keep(&row.access_key_parameter, &old.access_key_parameter),
        password_parameter: keep(&row.password_parameter, &old.password_parameter),
        last_rotation,
        last_error: row.reason.as_ref().map(|reason| reason.message.clone()),
        changed_at: old.changed_at.clone(),
        row_sha256: Some(fingerprint.to_owned()),
    };
    if before == Some(&result) {
        return None;
    }
    result.changed_at = Some(format!("{now:.0}"));
    Some(result)
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::{RowResult, next_result};
    use crate::registry::item::to_json;
    use crate::rows::{Reason, ReasonKind, Row, RowStatus};

    fn now() -> Timestamp {
        "2026-11-26T10:00:00Z".parse().unwrap()
    }

    fn created() -> Row {
        let mut row = Row::of("222222222222", "alice", RowStatus::Created);
        row.user_arn = Some("arn:aws:iam::222222222222:user/alice".to_owned());
        row.access_key_id = Some("AKIA1".to_owned());
        row.access_key_parameter = Some("/crossaccount/222222222222/alice/access-key".to_owned());
        row.access_key_date = Some("2026-11-26T09:59:59Z".to_owned());
        row
    }

    fn failed() -> Row {
        let reason = Reason::new(ReasonKind::NotAllowed, "no");
        Row::of("222222222222", "alice", RowStatus::Failed).because(reason)
    }

    fn first() -> RowResult {
        next_result(None, &created(), "f1", now()).unwrap()
    }

    #[test]
    fn a_result_reads_back_as_it_was_written() {
        let mut result = first();
        result.last_error = Some("no".to_owned());
        result.password_parameter = Some("/p".to_owned());
        let value = to_json(&result.to_attribute());
        assert_eq!(RowResult::read(&value), Some(result));
    }

    #[test]
    fn a_result_that_would_say_the_same_is_not_written() {
        let first = first();
        let again = Row {
            status: RowStatus::Exists,
            ..created()
        };
        let later = "2026-11-27T10:00:00Z".parse().unwrap();
        assert_eq!(next_result(Some(&first), &again, "f1", later), None);
        let postponed = Row::of("222222222222", "alice", RowStatus::Postponed);
        assert_eq!(next_result(Some(&first), &postponed, "f1", later), None);
    }

    #[test]
    fn a_failure_keeps_what_is_known_of_the_user_and_a_success_takes_it_away() {
        let first = first();
        let broken = next_result(Some(&first), &failed(), "f2", now()).unwrap();
        assert_eq!(broken.status, "Failed");
        assert_eq!(broken.last_error.as_deref(), Some("no"));
        assert_eq!(broken.access_key_id, first.access_key_id);
        assert_eq!(broken.last_rotation, first.last_rotation);
        assert_eq!(broken.row_sha256.as_deref(), Some("f2"));
        let exists = Row {
            status: RowStatus::Exists,
            ..created()
        };
        let mended = next_result(Some(&broken), &exists, "f2", now()).unwrap();
        assert_eq!(mended.status, "Exists");
        assert_eq!(mended.last_error, None);
    }

    #[test]
    fn a_new_key_is_a_new_rotation_and_no_key_is_none() {
        let first = first();
        let mut rotated = Row {
            status: RowStatus::Rotated,
            access_key_id: Some("AKIA2".to_owned()),
            access_key_date: Some("2026-12-11T10:00:00Z".to_owned()),
            ..created()
        };
        let second = next_result(Some(&first), &rotated, "f1", now()).unwrap();
        assert_eq!(second.status, "Rotated");
        assert_eq!(
            second.last_rotation.as_deref(),
            Some("2026-12-11T10:00:00Z")
        );
        rotated.access_key_id = None;
        rotated.access_key_parameter = None;
        rotated.access_key_date = None;
        let third = next_result(Some(&second), &rotated, "f1", now()).unwrap();
        assert_eq!((third.access_key_id, third.last_rotation), (None, None));
    }
}
