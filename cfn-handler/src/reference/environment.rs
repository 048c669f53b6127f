//! The page about the environment of the function.

use std::fmt::Write as _;

use crossaccount_lambda::settings::reference::list;
use crossaccount_lambda::settings::table::Subject;

use crate::config::table::variables;

const BEGINNING: &str = "# The environment of the function

The function reads its settings from environment variables once, when it starts. When they are wrong, it says everything
that is wrong in its log and in the answer to every request, and does nothing else. A variable that is set to nothing
counts as not set. A variable whose name begins with `CROSSACCOUNT_` and that is not listed here is an error, because a rule
with a mistyped name would be off in silence.

None of them comes from a template, and none holds a secret but the external id, which is never shown.
";

const SUBJECTS: [(Subject, &str, &str); 6] = [
    (
        Subject::Guardrails,
        "What templates may ask for",
        "Whoever may create a stack with this resource chooses the account, the name and the policies of a user, and the \
         function has the rights to make it. These are its rules. A request that breaks one is refused before any call, with \
         a text that names the rule, the value and the variable.\n\nIn a pattern `*` stands for any characters and `?` for \
         one; case counts. In a pattern of ARNs `*` may also stand for the partition or the account as a whole. It stands for \
         every account, but not for `aws`, which owns the policies that AWS manages: name it where they are meant.",
    ),
    (Subject::Sessions, "Sessions with member accounts", ""),
    (Subject::Audit, "Audit records", ""),
    (Subject::Secrets, "Secrets", ""),
    (Subject::Table, "The ledger of requests", ""),
    (Subject::Log, "The log", ""),
];

/// The page.
pub(super) fn page() -> String {
    let mut page = BEGINNING.to_owned();
    for (subject, title, text) in SUBJECTS {
        let _ = write!(page, "\n## {title}\n\n");
        if !text.is_empty() {
            let _ = write!(page, "{text}\n\n");
        }
        page.push_str(&list(variables(), subject));
    }
    page
}
