//! What is wrong with the properties of a request: everything at once.

use std::fmt;

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The property: `AccessKey.RotateAfterDays`, `Tags[2].Key`.
    pub path: String,
    /// What is wrong and what to write: a sentence without its point.
    pub message: String,
}

/// Everything that is wrong with the properties of a request, in the order of the reference.
///
/// The text never holds the value of a property that could be a secret.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Problems(Vec<Problem>);

impl Problems {
    /// Adds one.
    pub(super) fn add(&mut self, path: impl Into<String>, message: impl Into<String>) {
        self.0.push(Problem {
            path: path.into(),
            message: message.into(),
        });
    }

    /// Whether something is wrong with a property of an object.
    pub(super) fn any_below(&self, object: &str) -> bool {
        let below = |path: &str| path.strip_prefix(object)?.strip_prefix('.').map(|_| ());
        self.0.iter().any(|problem| below(&problem.path).is_some())
    }

    /// Whether nothing is wrong.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The problems one by one.
    pub fn iter(&self) -> impl Iterator<Item = &Problem> {
        self.0.iter()
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("The properties are not valid.")?;
        for Problem { path, message } in &self.0 {
            write!(formatter, " {path}: {message}.")?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}
