//! Reads variables one by one, and collects everything that is wrong with them.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::ops::RangeInclusive;
use std::str::FromStr;

use super::table::{PREFIX, VARIABLES, Variable};
use super::{SettingsProblem, SettingsProblems};
use crate::nearest::nearest;

/// A reader of one environment. What is read comes back as an option: nothing means that a problem was noted, or that the
/// variable is optional and not set. [`Reader::end`] tells all problems at once.
#[derive(Debug)]
pub struct Reader<'a> {
    environment: &'a BTreeMap<String, String>,
    variables: Vec<&'static Variable>,
    problems: SettingsProblems,
}

impl<'a> Reader<'a> {
    /// A reader of the environment as a whole, so that a variable with a mistyped name is found: a rule that is set under a
    /// wrong name would be off in silence. `own` are the variables of the function beside those of all functions.
    pub fn new(environment: &'a BTreeMap<String, String>, own: &'static [Variable]) -> Self {
        let mut reader = Self {
            environment,
            variables: VARIABLES.iter().chain(own).collect(),
            problems: SettingsProblems::default(),
        };
        reader.unknown();
        reader
    }

    /// The value, if nothing is wrong.
    ///
    /// # Errors
    /// Everything that is wrong.
    pub fn end<T>(self, value: Option<T>) -> Result<T, SettingsProblems> {
        match value {
            Some(value) if self.problems.0.is_empty() => Ok(value),
            _ => Err(self.problems),
        }
    }

    /// How many problems there are so far.
    pub(super) fn count(&self) -> usize {
        self.problems.0.len()
    }

    fn variable(&self, name: &str) -> Option<&'static Variable> {
        let mut variables = self.variables.iter();
        variables.find(|variable| variable.name == name).copied()
    }

    /// Notes that something is wrong with a variable: a sentence without its point.
    pub fn problem(&mut self, name: &str, message: impl Display) {
        let example = self.variable(name).map_or("", |variable| variable.example);
        self.problems.0.push(SettingsProblem {
            variable: name.to_owned(),
            message: format!("{message}; an example is {example}"),
        });
    }

    /// Names of ours that nobody reads.
    fn unknown(&mut self) {
        for name in self.environment.keys() {
            if !name.starts_with(PREFIX) || self.variable(name).is_some() {
                continue;
            }
            let known = self.variables.iter().map(|variable| variable.name);
            // What they have in common makes all of them alike.
            let known = known.filter_map(|name| name.strip_prefix(PREFIX));
            let hint = match nearest(name.trim_start_matches(PREFIX), known) {
                Some(known) => format!("; {PREFIX}{known} may be meant"),
                None => String::new(),
            };
            self.problems.0.push(SettingsProblem {
                variable: name.clone(),
                message: format!("there is no such variable{hint}"),
            });
        }
    }

    /// What a variable is set to.
    pub fn set(&self, name: &str) -> Option<&'a str> {
        let text = self.environment.get(name)?.trim();
        (!text.is_empty()).then_some(text)
    }

    /// What counts: what the variable is set to, or else its default. Nothing for a required one is a problem.
    pub fn text(&mut self, name: &str) -> Option<&'a str> {
        let row = self.variable(name)?;
        let text = self.set(name).unwrap_or(row.default);
        if !text.is_empty() {
            return Some(text);
        }
        if row.required {
            self.problem(name, "it must be set");
        }
        None
    }

    /// Parses a part of what a variable is set to.
    pub fn parse_text<T>(&mut self, name: &str, text: &str) -> Option<T>
    where
        T: FromStr,
        T::Err: Display,
    {
        match text.parse() {
            Ok(value) => Some(value),
            Err(error) => {
                self.problem(name, error);
                None
            }
        }
    }

    /// Parses what counts.
    pub fn parse<T>(&mut self, name: &str) -> Option<T>
    where
        T: FromStr,
        T::Err: Display,
    {
        let text = self.text(name)?;
        self.parse_text(name, text)
    }

    /// The elements between commas.
    pub fn list<T>(&mut self, name: &str) -> Vec<T>
    where
        T: FromStr,
        T::Err: Display,
    {
        let Some(text) = self.text(name) else {
            return Vec::new();
        };
        let elements = text.split(',').map(str::trim);
        let elements: Vec<&str> = elements.filter(|element| !element.is_empty()).collect();
        if elements.is_empty() {
            self.problem(name, format!("{text:?} lists nothing"));
        }
        let elements = elements.into_iter();
        elements
            .filter_map(|element| self.parse_text(name, element))
            .collect()
    }

    /// `true` or `false`; what is neither is a problem.
    pub fn flag(&mut self, name: &str) -> bool {
        match self.text(name) {
            Some("true") => true,
            Some("false") | None => false,
            Some(other) => {
                self.problem(name, format!("{other:?} is neither true nor false"));
                false
            }
        }
    }

    /// A whole number in a range; what is none is a problem.
    pub fn number(&mut self, name: &str, range: RangeInclusive<u32>) -> u32 {
        let text = self.text(name).unwrap_or_default();
        match text.parse() {
            Ok(number) if range.contains(&number) => number,
            _ => {
                let (least, most) = (range.start(), range.end());
                let message = format!("{text:?} is no whole number from {least} to {most}");
                self.problem(name, message);
                *least
            }
        }
    }

    /// A name by the rule of `DynamoDB` (`CreateTable`), or an ARN would be a table elsewhere.
    pub fn table_name(&mut self, name: &str) -> Option<String> {
        let text = self.text(name)?;
        let allowed =
            |character: char| character.is_ascii_alphanumeric() || "_.-".contains(character);
        if (3..=255).contains(&text.len()) && text.chars().all(allowed) {
            return Some(text.to_owned());
        }
        let message = format!("{text:?} is no table name: 3 to 255 letters, digits and _.-");
        self.problem(name, message);
        None
    }
}
