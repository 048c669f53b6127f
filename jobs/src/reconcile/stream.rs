//! A batch of the stream: rows that changed, each looked at as it is now.
//!
//! Lambda delivers everything from the lowest number on again that is reported as a failure. So only what may pass by
//! itself is reported. What is wrong with a row stands in the row: it would fail every time, and must not keep the rows
//! behind it waiting.

use std::collections::{BTreeMap, BTreeSet};

use crossaccount_core::ids::UserName;
use crossaccount_core::session::Target;
use crossaccount_lambda::runtime;
use futures_util::stream::{self, StreamExt as _};
use indicatif::ProgressBar;
use serde_json::json;

use super::Work;
use super::event::StreamRecord;
use super::removal::{Extra, Sought};
use super::row::tell;
use crate::function::Done;
use crate::metrics::Metrics;
use crate::registry::{RegistryRow, RowKey};
use crate::rows::{Counts, Outcome, Reason, ReasonKind, Row, RowStatus};
use crate::tend::Mode;

/// Everything that a batch says about one row: it is looked at once.
struct Changed {
    /// The number of its first record.
    first: String,
    /// Its last record.
    last: StreamRecord,
    /// The row as it stood before and after each change, where the stream has it: its user may be in any of these places.
    images: Vec<RegistryRow>,
}

/// What a look at a row, and at a place of its user, has led to.
enum Looked {
    /// The user is tended, or gone, or not ours.
    Ended(Box<Row>),
    /// The user has to go.
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
        let looked: Vec<(String, Vec<Looked>)> =
            looked.buffered(self.run.accounts_at_once).collect().await;
        let mut ended: Vec<(String, Row)> = Vec::new();
        let (mut numbers, mut extras) = (Vec::new(), Vec::new());
        for (first, looked) in looked {
            for one in looked {
                match one {
                    Looked::Ended(row) => ended.push((first.clone(), *row)),
                    Looked::Extra(extra) => {
                        numbers.push(first.clone());
                        extras.push(*extra);
                    }
                }
            }
        }
        let removed = self.remove_all(extras, Mode::Apply).await;
        ended.extend(numbers.into_iter().zip(removed));
        self.answer_batch(ended)
    }

    fn answer_batch(&self, ended: Vec<(String, Row)>) -> Result<Done, String> {
        let mut counts = Counts::default();
        let (mut again, mut refused) = (BTreeSet::new(), 0);
        for (first, row) in &ended {
            tell(row);
            counts.add(row.status);
            let passing = row.reason.as_ref().is_some_and(Reason::is_passing);
            if row.status == RowStatus::Postponed || row.status == RowStatus::Failed && passing {
                again.insert(first);
            }
            let kind = row.reason.as_ref().map(|reason| reason.kind);
            refused += u64::from(kind == Some(ReasonKind::RemovalsRefused));
        }
        let outcome = if ended.is_empty() {
            Outcome::Succeeded
        } else {
            counts.outcome()
        };
        let again = again.into_iter();
        let again: Vec<_> = again
            .map(|first| json!({"itemIdentifier": first}))
            .collect();
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

    /// The user of a row that changed, and the users that the row left in other accounts. Nothing when the change was ours.
    async fn look_at(&self, key: &RowKey, changed: &Changed) -> Vec<Looked> {
        // The image is as old as the record, but a row that it settles was settled by us.
        let new = changed.last.new.as_ref();
        if new.is_some_and(RegistryRow::is_settled) && changed.images.len() <= ONE_CHANGE {
            return Vec::new();
        }
        let row = match self.registry.row(key).await {
            Ok(row) => row,
            Err(error) => {
                let images = changed.images.iter();
                let account_id = images.rev().find_map(|row| self.account_of(row));
                let row = Row::of(
                    account_id.unwrap_or_default(),
                    key.user_name.as_str(),
                    RowStatus::Failed,
                );
                let row = row.because(Reason::of_registry(&error));
                return vec![Looked::Ended(Box::new(row))];
            }
        };
        let mut looked = Vec::new();
        for (target, name) in self.left_places(key, changed, row.as_ref()) {
            let account_id = target.account_id.clone();
            looked.push(match self.seek(target, &name).await {
                Ok(Sought::Extra(extra)) => Looked::Extra(extra),
                Ok(Sought::Nothing(row)) => Looked::Ended(row),
                Err(error) => {
                    let row = Row::of(account_id.as_str(), name.as_str(), RowStatus::Failed);
                    Looked::Ended(Box::new(row.because((&error).into())))
                }
            });
        }
        if let Some(row) = row.filter(|row| !row.is_settled()) {
            looked.push(Looked::Ended(Box::new(self.look_at_row(&row).await)));
        }
        looked
    }

    async fn look_at_row(&self, row: &RegistryRow) -> Row {
        let became = match self.wanted_by(row) {
            Ok(wanted) => self.look_and_tend(row, &wanted).await,
            Err(unfit) => *unfit,
        };
        // What may pass is delivered again. Its reason is not written: each is another one, with another request id, and
        // every change of a row is another record in the stream.
        if !became.reason.as_ref().is_some_and(Reason::is_passing) {
            self.write_back(row, &became).await;
        }
        became
    }

    /// Where the row had its user, and does not want it any more: each account once.
    fn left_places(
        &self,
        key: &RowKey,
        changed: &Changed,
        row: Option<&RegistryRow>,
    ) -> Vec<(Target, UserName)> {
        // A stream of keys shows no image: then the key tells, or the account of rows that name none.
        let bare = RegistryRow::bare(key.clone());
        let images = changed.images.iter().rev();
        let bare = changed.images.is_empty().then_some(&bare);
        let mut places: Vec<(Target, UserName)> = Vec::new();
        for (target, name) in images.chain(bare).filter_map(|image| self.place_of(image)) {
            let is_kept = row.is_some_and(|row| self.keeps_in(row, &target.account_id));
            let is_known = |known: &(Target, _)| known.0.account_id == target.account_id;
            if !is_kept && !places.iter().any(is_known) {
                places.push((target, name));
            }
        }
        places
    }
}

/// One change shows the row before and after it.
const ONE_CHANGE: usize = 2;

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
        let images = record.old.iter().chain(&record.new).cloned();
        if let Some(place) = places.get(&key) {
            let changed = &mut rows[*place].1;
            changed.images.extend(images);
            changed.last = record;
            continue;
        }
        places.insert(key.clone(), rows.len());
        let changed = Changed {
            first: record.sequence_number.clone(),
            images: images.collect(),
            last: record,
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
        let images: Vec<_> = rows[0].1.images.iter().map(|row| &row.properties).collect();
        let role = &json!("arn:aws:iam::${AccountId}:role/ops/Admin");
        assert_eq!(images.len(), 1);
        assert_eq!(images[0].get("RoleArn"), Some(role));
    }
}
