//! The variables that this function adds to those of all functions: [`crossaccount_lambda::settings::table`].

use crossaccount_lambda::settings::table::{
    self, ALLOW_FORCE_DESTROY, OPTIONAL, REQUIRED, Subject, Variable,
};

/// See [`OWN`].
pub const ALLOWED_STACK_ACCOUNT_IDS: &str = "CROSSACCOUNT_ALLOWED_STACK_ACCOUNT_IDS";
/// See [`OWN`].
pub const LEDGER_TABLE: &str = "CROSSACCOUNT_LEDGER_TABLE";
/// See [`OWN`].
pub const LEASE_SECONDS: &str = "CROSSACCOUNT_LEASE_SECONDS";
/// See [`OWN`].
pub const PATIENCE_SECONDS: &str = "CROSSACCOUNT_PATIENCE_SECONDS";

/// The variables that this function alone reads.
pub static OWN: &[Variable] = &[
    Variable {
        name: ALLOWED_STACK_ACCOUNT_IDS,
        meaning: "The accounts whose stacks may use the function, between commas. When it is not set: the hub account alone.",
        example: "111111111111",
        ..OPTIONAL
    },
    Variable {
        name: ALLOW_FORCE_DESTROY,
        default: "false",
        meaning: "Whether `ForceDestroy` may be `true`: `true` or `false`.",
        example: "true",
        ..OPTIONAL
    },
    Variable {
        name: LEDGER_TABLE,
        meaning: "DynamoDB table, in the hub account, that remembers requests, so that none is carried out twice or in the \
                  wrong order.",
        example: "crossaccount-ledger",
        subject: Subject::Table,
        ..REQUIRED
    },
    Variable {
        name: LEASE_SECONDS,
        default: "20",
        meaning: "Seconds after which a request of a resource that has gone silent gives way to the next one: 1 to 900.",
        example: "30",
        subject: Subject::Table,
        ..OPTIONAL
    },
    Variable {
        name: PATIENCE_SECONDS,
        default: "20",
        meaning: "Seconds for which a Delete looks for a user that a Create without an end may have made within the last two \
                  minutes, because IAM may not show it yet: 0 to 120.",
        example: "30",
        subject: Subject::Table,
        ..OPTIONAL
    },
];

/// All variables that the function reads.
pub fn variables() -> impl Iterator<Item = &'static Variable> {
    table::VARIABLES.iter().chain(OWN)
}
