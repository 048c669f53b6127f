//! Checks of configured values.
//!
//! A check never sees null or unknown: null means "not configured", which the schema decides, and
//! an unknown value may turn out to be valid.

use std::fmt::Display;
use std::ops::RangeInclusive;
use std::str::FromStr;

use super::Diagnostics;
use crate::value::{Path, Value};

/// The summary of every diagnostic about a value that a validator refuses.
pub(crate) const SUMMARY: &str = "Invalid value";

/// Checks one known value. Closures over (path, value, diagnostics) are validators.
pub trait Validator: Send + Sync {
    /// Adds what is wrong with the value. The value is known and not null; values inside it may
    /// be unknown.
    fn validate(&self, path: &Path, value: &Value, diagnostics: &mut Diagnostics);
}

impl<F: Fn(&Path, &Value, &mut Diagnostics) + Send + Sync> Validator for F {
    fn validate(&self, path: &Path, value: &Value, diagnostics: &mut Diagnostics) {
        self(path, value, diagnostics);
    }
}

/// Runs a validator unless the value is null or unknown.
pub(crate) fn run(
    validator: &dyn Validator,
    path: &Path,
    value: &Value,
    diagnostics: &mut Diagnostics,
) {
    if !value.is_null() && !value.is_unknown() {
        validator.validate(path, value, diagnostics);
    }
}

fn report(result: Result<(), String>, path: &Path, diagnostics: &mut Diagnostics) {
    if let Err(problem) = result {
        diagnostics.error_at(path.clone(), SUMMARY, format!("{path}: {problem}"));
    }
}

/// Checks text. The problem must not repeat a secret.
pub fn string(
    check: impl Fn(&str) -> Result<(), String> + Send + Sync + 'static,
) -> impl Validator {
    move |path: &Path, value: &Value, diagnostics: &mut Diagnostics| {
        if let Some(text) = value.as_str() {
            report(check(text), path, diagnostics);
        }
    }
}

/// Checks that text can be read as a `T`, with the error of its parser as the problem.
pub fn parses<T>() -> impl Validator
where
    T: FromStr + 'static,
    T::Err: Display,
{
    string(|text| {
        text.parse::<T>()
            .map(|_| ())
            .map_err(|error| error.to_string())
    })
}

/// Checks a whole number; a fraction, or a number beyond `i64`, is refused before.
pub fn integer(
    check: impl Fn(i64) -> Result<(), String> + Send + Sync + 'static,
) -> impl Validator {
    move |path: &Path, value: &Value, diagnostics: &mut Diagnostics| {
        let result = match value {
            Value::Number(_) => value
                .as_i64()
                .ok_or_else(|| "must be a whole number".to_owned())
                .and_then(&check),
            _ => Ok(()),
        };
        report(result, path, diagnostics);
    }
}

/// A whole number within a range.
pub fn integer_between(range: RangeInclusive<i64>) -> impl Validator {
    integer(move |number| {
        if range.contains(&number) {
            Ok(())
        } else {
            Err(format!(
                "must be between {} and {}",
                range.start(),
                range.end()
            ))
        }
    })
}

/// Text with a number of characters within a range.
pub fn length_between(shortest: usize, longest: usize) -> impl Validator {
    string(move |text| {
        let length = text.chars().count();
        if (shortest..=longest).contains(&length) {
            Ok(())
        } else if shortest == longest {
            Err(format!("must have {shortest} characters, has {length}"))
        } else {
            Err(format!(
                "must have {shortest} to {longest} characters, has {length}"
            ))
        }
    })
}

/// One of the given texts.
pub fn one_of(choices: &'static [&'static str]) -> impl Validator {
    string(move |text| {
        if choices.contains(&text) {
            Ok(())
        } else {
            Err(format!("must be one of {}", choices.join(", ")))
        }
    })
}

/// A list, set or map with a number of elements within a range.
pub fn size_between(range: RangeInclusive<usize>) -> impl Validator {
    move |path: &Path, value: &Value, diagnostics: &mut Diagnostics| {
        let (size, exact) = match value {
            Value::Map(entries) => (entries.len(), true),
            Value::List(elements) => (elements.len(), true),
            // Elements with unknown values may turn out to be equal: the set may become smaller.
            Value::Set(elements) => (elements.len(), value.is_wholly_known()),
            _ => return,
        };
        let certain = if exact {
            !range.contains(&size)
        } else {
            size < *range.start()
        };
        if certain {
            let problem = format!(
                "must have {} to {} elements, has {size}",
                range.start(),
                range.end()
            );
            report(Err(problem), path, diagnostics);
        }
    }
}

/// Runs a validator on each element of a list, set or map. The path of an element of a set is the
/// path of the set.
pub fn each(validator: impl Validator + 'static) -> impl Validator {
    move |path: &Path, value: &Value, diagnostics: &mut Diagnostics| match value {
        Value::List(elements) => {
            for (index, element) in elements.iter().enumerate() {
                run(&validator, &path.with_index(index), element, diagnostics);
            }
        }
        Value::Set(elements) => {
            for element in elements.iter() {
                run(&validator, path, element, diagnostics);
            }
        }
        Value::Map(entries) => {
            for (key, element) in entries {
                run(&validator, &path.with_key(key), element, diagnostics);
            }
        }
        _ => {}
    }
}

/// Runs a validator on each key of a map, on the path of the entry.
pub fn keys(validator: impl Validator + 'static) -> impl Validator {
    move |path: &Path, value: &Value, diagnostics: &mut Diagnostics| {
        for key in value.as_map().into_iter().flatten().map(|(key, _)| key) {
            let text = Value::String(key.clone());
            validator.validate(&path.with_key(key), &text, diagnostics);
        }
    }
}
