//! The `timeouts` attribute that resources share: `timeouts = { create = "30s", delete = "5m" }`.

use std::time::Duration;

use super::{Attribute, ModelError, validators};
use crate::value::{Object, Path, Value};

/// The name of the attribute.
const NAME: &str = "timeouts";

/// The longest time that can be asked for.
const LONGEST: Duration = Duration::from_hours(7 * 24);

/// An operation that can have a time limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimedOperation {
    /// Creation.
    Create,
    /// Refresh.
    Read,
    /// Change in place.
    Update,
    /// Deletion.
    Delete,
}

impl TimedOperation {
    fn name(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Read => "read",
            Self::Update => "update",
            Self::Delete => "delete",
        }
    }
}

/// The attribute for a resource, with the default of each operation (shown in the documentation).
pub fn attribute(operations: &[(TimedOperation, Duration)]) -> Attribute {
    let attributes = operations.iter().map(|(operation, default)| {
        let name = operation.name();
        Attribute::string(name)
            .optional()
            .validate(validators::string(|text| parse(text).map(|_| ())))
            .describe(format!(
                "Time limit of `{name}`, such as `30s`, `5m` or `1h30m`. Default: `{}`.",
                format(*default)
            ))
    });
    Attribute::single_nested(NAME, attributes)
        .optional()
        .describe("Time limits of operations. Work that is under way stops between two AWS calls.")
}

/// The time limit of an operation in the `timeouts` attribute of a plan or state, else the default.
pub fn read(
    object: &Object,
    operation: TimedOperation,
    default: Duration,
) -> Result<Duration, ModelError> {
    let path = Path::attribute(NAME).with_attribute(operation.name());
    match object.get(NAME) {
        Value::Object(timeouts) => match timeouts.get(operation.name()) {
            Value::String(text) => {
                parse(text).map_err(|problem| ModelError::Mismatch(path, problem))
            }
            _ => Ok(default),
        },
        _ => Ok(default),
    }
}

/// Reads a duration: numbers with units `h`, `m`, `s` or `ms`, largest first or in any order.
pub fn parse(text: &str) -> Result<Duration, String> {
    const EXPECTED: &str = "must be a duration such as \"30s\", \"5m\" or \"1h30m\"";
    let mut rest = text;
    let mut total = Duration::ZERO;
    if rest.is_empty() {
        return Err(EXPECTED.to_owned());
    }
    while !rest.is_empty() {
        let digits = rest
            .find(|character: char| !character.is_ascii_digit())
            .unwrap_or(rest.len());
        let (number, after) = rest.split_at(digits);
        let number: u64 = number.parse().map_err(|_| EXPECTED.to_owned())?;
        let letters = after
            .find(|letter: char| letter.is_ascii_digit())
            .unwrap_or(after.len());
        let (unit, after) = after.split_at(letters);
        let milliseconds = match unit {
            "h" => 3_600_000,
            "m" => 60_000,
            "s" => 1000,
            "ms" => 1,
            _ => return Err(EXPECTED.to_owned()),
        };
        let part = Duration::from_millis(number.saturating_mul(milliseconds));
        total = total.saturating_add(part);
        rest = after;
    }
    if total.is_zero() {
        Err("must be longer than zero".to_owned())
    } else if total > LONGEST {
        Err("must not be longer than 7 days (168h)".to_owned())
    } else {
        Ok(total)
    }
}

/// The shortest text that [`parse`] reads as the duration, down to milliseconds.
fn format(duration: Duration) -> String {
    let milliseconds = duration.as_millis();
    let parts = [
        (milliseconds / 3_600_000, "h"),
        (milliseconds / 60_000 % 60, "m"),
        (milliseconds / 1000 % 60, "s"),
        (milliseconds % 1000, "ms"),
    ];
    let mut text = String::new();
    for (number, unit) in parts.iter().filter(|(number, _)| *number > 0) {
        text.push_str(&number.to_string());
        text.push_str(unit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_and_written_in_the_same_form() {
        for (text, seconds) in [("30s", 30), ("5m", 300), ("1h30m", 5400), ("2h", 7200)] {
            let duration = Duration::from_secs(seconds);
            assert_eq!(parse(text), Ok(duration));
            assert_eq!(format(duration), text);
        }
        assert_eq!(parse("1500ms"), Ok(Duration::from_millis(1500)));
        assert_eq!(format(Duration::from_millis(1500)), "1s500ms");
    }

    #[test]
    fn what_is_no_duration_is_refused_with_an_example() {
        for text in [
            "",
            "5",
            "m",
            "5 m",
            "-5m",
            "5d",
            "1.5h",
            "5m ",
            "99999999999999999999s",
        ] {
            let problem = parse(text).unwrap_err();
            assert!(problem.contains("\"30s\""), "{text:?}: {problem}");
        }
        assert_eq!(parse("0s"), Err("must be longer than zero".to_owned()));
        assert_eq!(
            parse("18446744073709551615h"),
            Err("must not be longer than 7 days (168h)".to_owned())
        );
    }

    #[test]
    fn an_operation_without_a_time_limit_has_its_default() {
        let default = Duration::from_secs(7);
        let object = Object::new().with(NAME, Object::new().with("create", "1m"));
        let minute = Duration::from_mins(1);
        assert_eq!(read(&object, TimedOperation::Create, default), Ok(minute));
        assert_eq!(read(&object, TimedOperation::Delete, default), Ok(default));
        assert_eq!(
            read(&Object::new(), TimedOperation::Create, default),
            Ok(default)
        );
    }

    #[test]
    fn a_bad_time_limit_is_an_error_on_its_attribute() {
        let schema = super::super::Schema::new([attribute(&[(
            TimedOperation::Create,
            Duration::from_mins(1),
        )])]);
        let object = Object::new().with(NAME, Object::new().with("create", "soon"));
        let diagnostics = schema.validate(&object);
        let places: Vec<_> = diagnostics.iter().map(|d| d.attribute.clone()).collect();
        assert_eq!(
            places,
            [Some(Path::attribute(NAME).with_attribute("create"))]
        );
    }
}
