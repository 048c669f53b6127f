//! What was called and when, and what follows from that.

use std::collections::BTreeMap;
use std::time::Duration;

/// One call that was answered.
#[derive(Debug, Clone)]
pub struct Call {
    /// For example `iam:CreateUser`.
    pub action: String,
    /// The account that it is about; for `AssumeRole` the account of the role, for a secret and an audit record that of
    /// the user.
    pub account_id: String,
    /// The session that made it, and for `AssumeRole` the session that it opens. A process of the provider has
    /// a session name of its own, so this tells processes apart. Empty for the hub's own calls.
    pub session_name: String,
    /// The user that it is about: the one that is named, whose key, secret or audit record it is, or whose key signed.
    /// Empty when it is about none.
    pub user_name: String,
    /// When the request was complete, counted from the start of the server.
    pub begin: Duration,
    /// When the answer was handed over.
    pub end: Duration,
    /// HTTP status.
    pub status: u16,
    /// The AWS error code.
    pub error_code: Option<String>,
}

/// How many calls there were of each action.
pub fn by_action(calls: &[Call]) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for call in calls {
        *counts.entry(call.action.clone()).or_default() += 1;
    }
    counts
}

/// The number of round trips that calls took: the longest chain in which each began after the one
/// before had ended.
pub fn round_trips<'a>(calls: impl IntoIterator<Item = &'a Call>) -> usize {
    let mut spans: Vec<_> = calls
        .into_iter()
        .map(|call| (call.end, call.begin))
        .collect();
    spans.sort_unstable();
    let mut chain = 0;
    let mut last_end = None;
    for (end, begin) in spans {
        if last_end.is_none_or(|last| begin >= last) {
            chain += 1;
            last_end = Some(end);
        }
    }
    chain
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Call, by_action, round_trips};

    fn call(action: &str, begin: u64, end: u64) -> Call {
        Call {
            action: action.to_owned(),
            account_id: String::new(),
            session_name: String::new(),
            user_name: String::new(),
            begin: Duration::from_millis(begin),
            end: Duration::from_millis(end),
            status: 200,
            error_code: None,
        }
    }

    #[test]
    fn calls_that_overlap_are_one_round_trip() {
        let calls = [call("a", 0, 40), call("b", 1, 41), call("c", 39, 80)];
        assert_eq!(round_trips(&calls), 1);
    }

    #[test]
    fn a_call_that_waits_for_another_is_one_more_round_trip() {
        let calls = [call("c", 42, 82), call("a", 0, 40), call("b", 1, 41)];
        assert_eq!(round_trips(&calls), 2);
        assert_eq!(round_trips(&calls[..0]), 0);
    }

    #[test]
    fn a_long_call_hides_no_chain_beside_it() {
        let calls = [call("long", 0, 120), call("a", 0, 40), call("b", 40, 80)];
        assert_eq!(round_trips(&calls), 2);
    }

    #[test]
    fn calls_are_counted_by_action() {
        let calls = [call("a", 0, 1), call("b", 0, 1), call("a", 0, 1)];
        assert_eq!(
            by_action(&calls).into_iter().collect::<Vec<_>>(),
            [("a".to_owned(), 2), ("b".to_owned(), 1)]
        );
    }
}
