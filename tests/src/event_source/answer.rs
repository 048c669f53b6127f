//! What Lambda reads in the outcome of an invocation.

use serde_json::Value;

use crate::lambda::Outcome;

/// What became of a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// All its records are done.
    Succeeded,
    /// The records before this sequence number are done; from there on they are delivered again.
    FailedFrom(String),
    /// None of its records is done.
    Failed,
}

/// Reads an outcome (Lambda developer guide, "Configuring partial batch response with DynamoDB"). Without
/// `ReportBatchItemFailures`, what a function returns means nothing. Pure.
pub(super) fn read(outcome: &Outcome, sequence_numbers: &[&str], reports: bool) -> Verdict {
    let answer = match outcome {
        Outcome::Returned(_) if !reports => return Verdict::Succeeded,
        Outcome::Returned(answer) => answer,
        Outcome::Failed(_) | Outcome::Exited { .. } | Outcome::TimedOut => return Verdict::Failed,
    };
    let failures = match answer {
        Value::Null => return Verdict::Succeeded,
        Value::Object(fields) => match fields.get("batchItemFailures") {
            None | Some(Value::Null) => return Verdict::Succeeded,
            Some(Value::Array(failures)) => failures,
            Some(_) => return Verdict::Failed,
        },
        _ => return Verdict::Failed,
    };
    let mut lowest = None;
    for failure in failures {
        let named = failure["itemIdentifier"].as_str();
        let Some(place) = sequence_numbers
            .iter()
            .position(|number| Some(*number) == named)
        else {
            // Empty, missing, or of another batch.
            return Verdict::Failed;
        };
        lowest = Some(lowest.map_or(place, |lowest: usize| lowest.min(place)));
    }
    match lowest.and_then(|place| sequence_numbers.get(place)) {
        None => Verdict::Succeeded,
        Some(number) => Verdict::FailedFrom((*number).to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{Verdict, read};
    use crate::lambda::Outcome;

    fn failed(numbers: &[&str]) -> Value {
        let failures: Vec<_> = numbers
            .iter()
            .map(|number| json!({"itemIdentifier": number}))
            .collect();
        json!({"batchItemFailures": failures})
    }

    #[rstest::rstest]
    #[case(Value::Null)]
    #[case(json!({}))]
    #[case(json!({"batchItemFailures": null}))]
    #[case(json!({"batchItemFailures": []}))]
    fn nothing_failed(#[case] answer: Value) {
        let outcome = Outcome::Returned(answer);
        assert_eq!(read(&outcome, &["9", "10"], true), Verdict::Succeeded);
    }

    #[rstest::rstest]
    #[case(failed(&[""]))]
    #[case(failed(&["7"]))]
    #[case(failed(&["10", "7"]))]
    #[case(json!({"batchItemFailures": [{"itemIdentifier": null}]}))]
    #[case(json!({"batchItemFailures": [{"sequenceNumber": "10"}]}))]
    #[case(json!({"batchItemFailures": "10"}))]
    #[case(json!("ok"))]
    fn an_answer_that_is_not_understood_is_a_failure_of_all(#[case] answer: Value) {
        let outcome = Outcome::Returned(answer);
        assert_eq!(read(&outcome, &["9", "10"], true), Verdict::Failed);
        assert_eq!(read(&outcome, &["9", "10"], false), Verdict::Succeeded);
    }

    #[test]
    fn the_lowest_number_counts_and_numbers_are_no_texts() {
        let outcome = Outcome::Returned(failed(&["10", "9"]));
        let verdict = Verdict::FailedFrom("9".to_owned());
        assert_eq!(read(&outcome, &["8", "9", "10"], true), verdict);
    }

    #[test]
    fn a_function_that_does_not_answer_failed_with_all() {
        for outcome in [
            Outcome::TimedOut,
            Outcome::Exited { code: Some(1) },
            Outcome::Failed(json!({})),
        ] {
            assert_eq!(read(&outcome, &["9"], false), Verdict::Failed);
        }
    }
}
