//! What becomes of a batch after a delivery.

use super::answer::Verdict;
use super::record::StreamRecord;

/// Records that are delivered together.
#[derive(Debug, Clone)]
pub(super) struct Batch {
    pub(super) records: Vec<StreamRecord>,
    /// How often it was delivered again.
    pub(super) retries: u32,
    /// How often its records were delivered.
    pub(super) deliveries: u32,
}

/// What is still to be done about a batch.
#[derive(Debug)]
pub(super) enum Rest {
    /// These batches, in this order; none when all is done.
    Again(Vec<Batch>),
    /// Nothing: it is given up.
    GivenUp(Batch),
}

impl Batch {
    pub(super) fn new(records: Vec<StreamRecord>) -> Self {
        Self {
            records,
            retries: 0,
            deliveries: 0,
        }
    }

    pub(super) fn sequence_numbers(&self) -> Vec<&str> {
        let numbers = self.records.iter();
        numbers
            .map(|record| record.sequence_number.as_str())
            .collect()
    }

    /// Decides after a delivery. Pure.
    ///
    /// - What is done before the checkpoint does not come again. With bisecting, that is a split at the checkpoint.
    /// - With bisecting, a batch of which nothing was done and no checkpoint was given is split into halves.
    /// - A split is no retry (Lambda developer guide, "Creating a stream and a mapping").
    /// - A batch whose checkpoint is its first record is delivered again as it is, which is a retry.
    pub(super) fn after(mut self, verdict: &Verdict, bisect: bool, retries: Option<u32>) -> Rest {
        self.deliveries += 1;
        let mut split = false;
        match verdict {
            Verdict::Succeeded => return Rest::Again(Vec::new()),
            Verdict::Failed if bisect && self.records.len() > 1 => {
                let mut second = self.clone();
                second.records = self.records.split_off(self.records.len() / 2);
                return Rest::Again(vec![self, second]);
            }
            Verdict::Failed => {}
            Verdict::FailedFrom(number) => {
                let numbers = self.sequence_numbers();
                let place = numbers.iter().position(|one| one == number).unwrap_or(0);
                self.records.drain(..place);
                split = bisect && place > 0;
            }
        }
        if split {
            return Rest::Again(vec![self]);
        }
        if retries.is_some_and(|most| self.retries >= most) {
            return Rest::GivenUp(self);
        }
        self.retries += 1;
        Rest::Again(vec![self])
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::super::answer::Verdict;
    use super::super::record::StreamRecord;
    use super::{Batch, Rest};

    fn batch(numbers: std::ops::Range<u32>) -> Batch {
        let record = |number: u32| StreamRecord {
            sequence_number: number.to_string(),
            created: 0,
            event: Value::Null,
        };
        Batch::new(numbers.map(record).collect())
    }

    /// The batches that come again, each with its retries.
    fn told(rest: &Rest) -> Vec<(String, u32)> {
        let Rest::Again(batches) = rest else {
            return vec![("given up".to_owned(), 0)];
        };
        let told = batches
            .iter()
            .map(|batch| (batch.sequence_numbers().join(" "), batch.retries));
        told.collect()
    }

    #[test]
    fn what_failed_as_a_whole_is_halved_or_comes_again() {
        let halves = batch(8..11).after(&Verdict::Failed, true, Some(1));
        assert_eq!(told(&halves), [("8".to_owned(), 0), ("9 10".to_owned(), 0)]);
        let again = batch(8..11).after(&Verdict::Failed, false, Some(1));
        assert_eq!(told(&again), [("8 9 10".to_owned(), 1)]);
        let one = batch(8..9).after(&Verdict::Failed, true, Some(0));
        assert!(matches!(one, Rest::GivenUp(_)));
        let one = batch(8..9).after(&Verdict::Failed, true, None);
        assert_eq!(told(&one), [("8".to_owned(), 1)]);
    }

    #[test]
    fn what_is_before_the_checkpoint_is_done() {
        let from = |number: &str| Verdict::FailedFrom(number.to_owned());
        let rest = batch(8..11).after(&from("9"), true, Some(1));
        assert_eq!(told(&rest), [("9 10".to_owned(), 0)]);
        let rest = batch(8..11).after(&from("9"), false, Some(1));
        assert_eq!(told(&rest), [("9 10".to_owned(), 1)]);
        let rest = batch(8..11).after(&from("8"), true, Some(1));
        assert_eq!(told(&rest), [("8 9 10".to_owned(), 1)]);
        let rest = batch(8..11).after(&from("8"), true, Some(0));
        assert!(matches!(rest, Rest::GivenUp(batch) if batch.records.len() == 3));
        let rest = batch(8..11).after(&Verdict::Succeeded, true, Some(0));
        assert_eq!(told(&rest), []);
    }
}
