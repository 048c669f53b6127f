//! What is wrong with the environment of a function: everything at once.

use std::fmt;

/// Everything that is wrong with the environment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SettingsProblems(pub(super) Vec<SettingsProblem>);

/// One thing that is wrong with the environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettingsProblem {
    /// The variable.
    pub variable: String,
    /// What is wrong, and an example: a sentence without its point.
    pub message: String,
}

impl SettingsProblems {
    /// The problems one by one.
    pub fn iter(&self) -> impl Iterator<Item = &SettingsProblem> {
        self.0.iter()
    }
}

impl fmt::Display for SettingsProblems {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("The environment of the function is not valid.")?;
        for SettingsProblem { variable, message } in &self.0 {
            write!(formatter, " {variable}: {message}.")?;
        }
        Ok(())
    }
}

impl std::error::Error for SettingsProblems {}
