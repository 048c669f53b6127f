//! Errors of the core, in the words of a template: [`crossaccount_lambda::spelling`] with what only stacks say.

use crossaccount_core::Error;
use crossaccount_lambda::spelling::{Word, in_words};

/// What the core says, and what whoever reads the events of a stack can do about it.
const WORDS: &[Word] = &[
    (
        "force_destroy = true and apply before the user is destroyed",
        "ForceDestroy: true and update the stack before the user is deleted",
    ),
    (
        "Plan again: the user will be created anew.",
        "Update the stack again: the user will be created anew.",
    ),
    (
        "This was not in the plan and is left to the next one",
        "It is left to the next update",
    ),
    (", then apply again", ", then update the stack again"),
    ("this deployment", "this resource"),
];

/// The whole text of an error: what failed, where, the answer of AWS, and what to do now.
pub(super) fn in_template_words(error: &Error) -> String {
    in_words(error, WORDS)
}

#[cfg(test)]
mod tests {
    use crossaccount_core::{Error, ErrorKind};

    use super::in_template_words;

    #[rstest::rstest]
    #[case(
        "The user was not made by this deployment. Import it (id 222222222222/alice), or set adoption_policy = \"adopt\" to take it over.",
        "The user was not made by this resource. Set AdoptionPolicy: adopt to take it over."
    )]
    #[case(
        "Nothing was changed. Remove them, or set force_destroy = true and apply before the user is destroyed.",
        "Nothing was changed. Remove them, or set ForceDestroy: true and update the stack before the user is deleted."
    )]
    #[case(
        "Run it again: it goes on where it stopped. `timeouts` gives it more time.",
        "Run it again: it goes on where it stopped. A longer timeout of the function gives it more time."
    )]
    fn advice_names_what_stands_in_a_template(#[case] core: &str, #[case] template: &str) {
        let error = Error::new(ErrorKind::AlreadyExists, "create user alice").with_advice(core);
        let text = in_template_words(&error);
        assert!(text.ends_with(template), "{text}");
    }
}
