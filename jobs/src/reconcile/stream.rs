//! A batch of the stream: rows that changed, each looked at as it is now.
//!
//! Lambda delivers everything from the lowest number on again that is reported as a failure. So only what may pass by
//! itself is reported. What is wrong with a row stands in the row: it would fail every time, and must not keep the rows
//! behind it waiting.

use std::collections::BTreeMap;

use crossaccount_core::Error;
use crossaccount_core::ids::{AccountId, RoleArn, UserName};
use crossaccount_core::session::Target;
use crossaccount_lambda::runtime;
use futures_util::stream::{self, StreamExt as _};
use indicatif::ProgressBar;
use serde_json::{Value, json};

use super::Work;
use super::event::StreamRecord;
use super::removal::{Extra, Sought};
use super::row::tell;
use crate::function::Done;
use crate::metrics::Metrics;
use crate::registry::RowKey;
use crate::rows::{Counts, Outcome, Reason, ReasonKind, Row, RowStatus};
use crate::tend::Mode;

/// Everything that a batch says about one row: it is looked at once.
struct Changed {
    /// The number of its first record.
    first: String,
    /// Its last record.
    last: StreamRecord,
    /// The account and role that images name, for a row that is gone.
    account_id: Option<String>,
    role_arn: Option<String>,
}

/// What a look at a row has led to.
enum Looked {
    /// The change was ours, and there is nothing to do.
    Settled,
    /// It was tended.
    Tended(Row),
    /// It is gone, and so is its user, or the user is not ours.
    Gone(Row),
    /// It is gone, and its user has to go.
    Extra(Box<Extra>),
}

impl Work<'_> {
    /// Follows a batch. The answer names the records that are to be delivered again.
    pub(super) async fn follow(
        &self,
        records: Vec<StreamRecord>,
        progress: &ProgressBar,
    ) -> Result<Done, String> {
        let changed = by_row(records);
        progress.set_length(changed.len() as u64);
        let looked = stream::iter(changed).map(|(key, changed)| async move {
            let looked = self.look_at(&key, &changed).await;
            progress.inc(1);
            (changed.first, looked)
        });
        let looked: Vec<(String, Looked)> =
            looked.buffered(self.run.accounts_at_once).collect().await;
        let mut ended: Vec<(String, Row)> = Vec::new();
        let (mut numbers, mut extras) = (Vec::new(), Vec::new());
        for (first, looked) in looked {
            match looked {
                Looked::Settled => {}
                Looked::Tended(row) | Looked::Gone(row) => ended.push((first, row)),
                Looked::Extra(extra) => {
                    numbers.push(first);
                    extras.push(*extra);
                }
            }
        }
        let removed = self.remove_all(extras, Mode::Apply).await;
        ended.extend(numbers.into_iter().zip(removed));
        self.answer_batch(ended)
    }

    fn answer_batch(&self, ended: Vec<(String, Row)>) -> Result<Done, String> {
        let mut counts = Counts::default();
        let (mut again, mut refused) = (Vec::new(), 0);
        for (first, row) in &ended {
            tell(row);
            counts.add(row.status);
            let passing = row.reason.as_ref().is_some_and(Reason::is_passing);
            if row.status == RowStatus::Postponed || row.status == RowStatus::Failed && passing {
                again.push(json!({"itemIdentifier": first}));
            }
            let kind = row.reason.as_ref().map(|reason| reason.kind);
            refused += u64::from(kind == Some(ReasonKind::RemovalsRefused));
        }
        let outcome = if ended.is_empty() {
            Outcome::Succeeded
        } else {
            counts.outcome()
        };
        let answer = runtime::answer(&json!({"batchItemFailures": again}));
        Ok(Done {
            answer: answer.map_err(|failure| failure.message)?,
            metrics: Metrics::of("reconcile", &counts)
                .with("ScheduledRuns", 0)
                .with("AccountsFailed", 0)
                .with("RemovalsRefused", refused)
                .with("AwsCalls", self.run.aws_calls()),
            rows: ended.into_iter().map(|(_, row)| row).collect(),
            outcome,
        })
    }

    async fn look_at(&self, key: &RowKey, changed: &Changed) -> Looked {
        // The image is as old as the record, but a row that it settles was settled by us.
        let new = changed.last.new.as_ref();
        if new.is_some_and(crate::registry::RegistryRow::is_settled) {
            return Looked::Settled;
        }
        let failed = |error: &Error| {
            let account_id = changed.account_id.clone().unwrap_or_default();
            let row = Row::of(account_id, key.user_name.as_str(), RowStatus::Failed);
            Looked::Tended(row.because(error.into()))
        };
        let row = match self.registry.row(key).await {
            Ok(row) => row,
            Err(error) => return failed(&error),
        };
        let Some(row) = row else {
            return match self.target_of(key, changed) {
                None => Looked::Settled,
                Some((target, name)) => match self.seek(target, &name).await {
                    Ok(Sought::Extra(extra)) => Looked::Extra(extra),
                    Ok(Sought::Nothing(row)) => Looked::Gone(*row),
                    Err(error) => failed(&error),
                },
            };
        };
        if row.is_settled() {
            return Looked::Settled;
        }
        let became = match self.wanted_by(&row) {
            Ok(wanted) => self.look_and_tend(&wanted).await,
            Err(unfit) => *unfit,
        };
        // What may pass is delivered again. Its reason is not written: each is another one, with another request id, and
        // every change of a row is another record in the stream.
        if !became.reason.as_ref().is_some_and(Reason::is_passing) {
            self.write_back(&row, &became).await;
        }
        Looked::Tended(became)
    }

    /// Where the user of a row is that is gone. `None`: it names no user, so there is none.
    fn target_of(&self, key: &RowKey, changed: &Changed) -> Option<(Target, UserName)> {
        let default = self.default_account.map(AccountId::as_str);
        let account_id: AccountId = changed.account_id.as_deref().or(default)?.parse().ok()?;
        let role_arn: Option<RoleArn> = changed.role_arn.as_ref().and_then(|arn| arn.parse().ok());
        let target = Target {
            account_id,
            role_arn,
        };
        // A row that asked for a role that it may not have made nobody there.
        self.run.guardrails.check_target(&target).ok()?;
        Some((target, key.user_name.parse().ok()?))
    }
}

/// The records of a batch by row, in the order in which rows first appear. Bookkeeping of the function, and what is no row,
/// is left out.
fn by_row(records: Vec<StreamRecord>) -> Vec<(RowKey, Changed)> {
    let mut rows: Vec<(RowKey, Changed)> = Vec::new();
    let mut places: BTreeMap<RowKey, usize> = BTreeMap::new();
    for record in records {
        let Some(key) = record.key.clone() else {
            let sequence_number = &record.sequence_number;
            tracing::error!(
                event = "unreadable_record",
                sequence_number,
                "a record of the stream has the key of no registry: nothing can be done about it"
            );
            continue;
        };
        if key.is_bookkeeping() {
            continue;
        }
        let images = || record.new.iter().chain(&record.old);
        let account_id = images()
            .find_map(|row| row.account_id.clone())
            .or_else(|| key.account_id.clone());
        let role_arn = images().find_map(|row| {
            let arn = row.properties.get("RoleArn").and_then(Value::as_str)?;
            Some(arn.replace("${AccountId}", account_id.as_deref().unwrap_or_default()))
        });
        if let Some(place) = places.get(&key) {
            let changed = &mut rows[*place].1;
            changed.account_id = account_id.or(changed.account_id.take());
            changed.role_arn = role_arn.or(changed.role_arn.take());
            changed.last = record;
            continue;
        }
        places.insert(key.clone(), rows.len());
        let first = record.sequence_number.clone();
        let changed = Changed {
            first,
            last: record,
            account_id,
            role_arn,
        };
        rows.push((key, changed));
    }
    rows
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::by_row;
    use crate::reconcile::event::{Asked, read};

    fn record(number: u32, name: &str, images: &Value) -> Value {
        let mut change = json!({
            "SequenceNumber": number.to_string(),
            "Keys": {"UserName": {"S": name}, "AccountId": {"S": "222222222222"}},
        });
        for (name, image) in images.as_object().unwrap() {
            change[name] = image.clone();
        }
        json!({"eventSource": "aws:dynamodb", "dynamodb": change})
    }

    #[test]
    fn a_row_that_changed_often_is_looked_at_once_and_reported_by_its_first_record() {
        let role =
            json!({"OldImage": {"RoleArn": {"S": "arn:aws:iam::${AccountId}:role/ops/Admin"}}});
        let event = json!({"Records": [
            record(1, "alice", &json!({})),
            record(2, "bob", &json!({})),
            record(3, "lease#222222222222#alice", &json!({})),
            record(4, "alice", &role),
        ]});
        let Ok(Asked::Stream(records)) = read(&event.to_string()) else {
            panic!("it is a batch");
        };
        let rows = by_row(records);
        let seen: Vec<_> = rows
            .iter()
            .map(|(key, changed)| {
                let last = changed.last.sequence_number.as_str();
                (key.user_name.as_str(), changed.first.as_str(), last)
            })
            .collect();
        assert_eq!(seen, [("alice", "1", "4"), ("bob", "2", "2")]);
        assert_eq!(rows[0].1.account_id.as_deref(), Some("222222222222"));
        assert_eq!(
            rows[0].1.role_arn.as_deref(),
            Some("arn:aws:iam::222222222222:role/ops/Admin")
        );
    }
}
