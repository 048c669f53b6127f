//! The reference below `docs/reference/jobs`, made from the tables of variables and from the types of answers.
//!
//! Part of the tests alone: a test compares the pages with those on disk, and writes them when it is told to.

mod provision;
mod reconcile;

use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;

use crossaccount_lambda::settings::reference::list;
use crossaccount_lambda::settings::table::{Subject, Variable};

use crate::config::all;

const NOTICE: &str = "<!-- Made by: UPDATE_DOCS=1 cargo test -p crossaccount-jobs the_reference. Do not edit. -->\n\n";

fn directory() -> PathBuf {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..");
    root.join("docs/reference/jobs")
}

/// The chapters about the environment of a function.
fn environment(own: &'static [Variable]) -> String {
    let mut text = "\n## Environment\n\nThe function reads its settings once, when it starts. When they are wrong, every event \
                    is answered with everything that is wrong, and nothing is done. A variable that is set to nothing counts \
                    as not set; one whose name begins with `CROSSACCOUNT_` and that is not listed here is an error, because a \
                    rule with a mistyped name would be off in silence.\n"
        .to_owned();
    let chapters = [
        (Subject::Work, "Whose users, and how many at once"),
        (Subject::Guardrails, "What may be asked for"),
        (Subject::Removals, "What happens when a row goes"),
        (Subject::Table, "The registry table"),
        (Subject::Sessions, "Sessions with member accounts"),
        (Subject::Audit, "Audit records and reports"),
        (Subject::Secrets, "Secrets"),
        (Subject::Log, "The log"),
    ];
    for (subject, title) in chapters {
        let variables = list(all(own), subject);
        if !variables.is_empty() {
            let _ = write!(text, "\n### {title}\n\n{variables}");
        }
    }
    text
}

#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "whoever runs the test says in the environment that it is to write"
)]
fn the_reference_is_the_one_of_the_tables() {
    let pages = [
        ("provision.md", provision::page()),
        ("reconcile.md", reconcile::page()),
    ];
    let pages = pages.map(|(name, text)| (directory().join(name), format!("{NOTICE}{text}")));
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::create_dir_all(directory()).unwrap();
        for (path, text) in &pages {
            fs::write(path, text).unwrap();
        }
    }
    for (path, text) in &pages {
        let found = fs::read_to_string(path).unwrap_or_default();
        assert!(
            found == *text,
            "{} differs from the tables. Run: UPDATE_DOCS=1 cargo test -p crossaccount-jobs the_reference",
            path.display()
        );
    }
    assert_eq!(fs::read_dir(directory()).unwrap().count(), pages.len());
}
