//! The text of a refusal: every broken rule with the value, what is allowed, and the variable that says so.

use std::fmt::{self, Display};

/// How many allowed values a refusal lists.
const MOST_LISTED: usize = 8;

/// Why a request is refused: every rule that it breaks, one sentence each.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Refusal(Vec<String>);

impl Refusal {
    /// Adds a sentence.
    pub fn add(&mut self, sentence: impl Into<String>) {
        self.0.push(sentence.into());
    }

    /// A value that is not among those that a variable lists.
    pub fn not_among<T: Display>(
        &mut self,
        place: &str,
        value: impl Display,
        allowed: impl IntoIterator<Item = T>,
        variable: &str,
    ) {
        let allowed = listed(allowed);
        self.add(format!(
            "{place} \"{value}\" is not allowed; {variable} allows {allowed}."
        ));
    }

    /// A value that is not there, although one of those that a variable lists must be.
    pub fn missing<T: Display>(
        &mut self,
        place: &str,
        allowed: impl IntoIterator<Item = T>,
        variable: &str,
    ) {
        let allowed = listed(allowed);
        self.add(format!(
            "{place} must be there; {variable} allows {allowed}."
        ));
    }

    /// Something that is only allowed when a variable says so.
    pub fn switched_off(&mut self, what: &str, variable: &str) {
        self.add(format!("{what} is not allowed; {variable} is not true."));
    }

    /// Success when no rule is broken.
    ///
    /// # Errors
    /// The refusal itself.
    pub fn into_result(self) -> Result<(), Self> {
        if self.0.is_empty() { Ok(()) } else { Err(self) }
    }

    /// The sentences one by one.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }
}

fn listed<T: Display>(values: impl IntoIterator<Item = T>) -> String {
    let values: Vec<String> = values.into_iter().map(|value| value.to_string()).collect();
    if values.is_empty() {
        return "none".to_owned();
    }
    let shown = values
        .iter()
        .take(MOST_LISTED)
        .cloned()
        .collect::<Vec<_>>()
        .join(", ");
    match values.len().saturating_sub(MOST_LISTED) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

impl Display for Refusal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("The rules of this function refuse the request.")?;
        for sentence in &self.0 {
            write!(formatter, " {sentence}")?;
        }
        formatter.write_str(" Whoever runs the function sets its rules.")
    }
}

impl std::error::Error for Refusal {}
