//! How the reference writes about variables.

use std::fmt::Write as _;

use super::table::{Subject, Variable};

/// The list of the variables about a subject, in Markdown; empty when there is none.
pub fn list(variables: impl Iterator<Item = &'static Variable>, subject: Subject) -> String {
    let mut list = String::new();
    for variable in variables.filter(|variable| variable.subject == subject) {
        let Variable {
            name,
            required,
            default,
            meaning,
            example,
            subject: _,
        } = variable;
        let _ = write!(list, "- `{name}`: {meaning}");
        if *required {
            list.push_str(" Required.");
        }
        if !default.is_empty() {
            let _ = write!(list, " Default: `{default}`.");
        }
        let _ = writeln!(list, " Example: `{example}`.");
    }
    list
}
