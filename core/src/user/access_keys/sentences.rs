//! Words for times, as the sentences of a decision use them.

use jiff::Timestamp;

/// The day of a time, in UTC.
pub(super) fn date(time: Timestamp) -> String {
    time.strftime("%Y-%m-%d").to_string()
}

/// `1 day`, `16 days`: how many whole days lie between two times.
pub(super) fn days_between(from: Timestamp, to: Timestamp) -> String {
    count(to.duration_since(from).as_hours().max(0) / 24, "day")
}

/// `16 days` for a number of the policy.
pub(super) fn days(number: u32) -> String {
    count(i64::from(number), "day")
}

/// How long ago something was.
pub(super) fn ago(now: Timestamp, time: Timestamp) -> String {
    match now.duration_since(time).as_hours() {
        ..=0 => "less than an hour ago".to_owned(),
        hours @ 1..48 => format!("{} ago", count(hours, "hour")),
        hours => format!("{} ago", count(hours / 24, "day")),
    }
}

fn count(number: i64, unit: &str) -> String {
    if number == 1 {
        format!("1 {unit}")
    } else {
        format!("{number} {unit}s")
    }
}
