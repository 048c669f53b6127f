//! The reference below `docs/reference/cloudformation`, made from the tables of properties and variables.
//!
//! Part of the tests alone: a test compares the pages with those on disk, and writes them when it is told to.

mod custom_resource;
mod environment;
mod examples;

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

const NOTICE: &str = "<!-- Made by: UPDATE_DOCS=1 cargo test -p crossaccount-cfn-handler the_reference. Do not edit. -->\n\n";

fn directory() -> PathBuf {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..");
    root.join("docs/reference/cloudformation")
}

/// The pages by their names.
fn pages() -> BTreeMap<String, String> {
    let pages = [
        ("custom-resource.md", custom_resource::page()),
        ("environment.md", environment::page()),
    ];
    pages
        .into_iter()
        .map(|(name, text)| (name.to_owned(), format!("{NOTICE}{text}")))
        .collect()
}

/// The pages on disk.
fn found() -> BTreeMap<String, String> {
    let Ok(entries) = fs::read_dir(directory()) else {
        return BTreeMap::new();
    };
    entries
        .map(|entry| {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            (name, fs::read_to_string(path).unwrap())
        })
        .collect()
}

#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "whoever runs the test says in the environment that it is to write"
)]
fn the_reference_is_the_one_of_the_tables() {
    let wanted = pages();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::create_dir_all(directory()).unwrap();
        for name in found().keys().filter(|name| !wanted.contains_key(*name)) {
            fs::remove_file(directory().join(name)).unwrap();
        }
        for (name, text) in &wanted {
            fs::write(directory().join(name), text).unwrap();
        }
    }
    let found = found();
    let differing: Vec<&String> = wanted
        .keys()
        .chain(found.keys())
        .filter(|name| wanted.get(*name) != found.get(*name))
        .collect();
    assert!(
        differing.is_empty(),
        "docs/reference/cloudformation: {differing:?} differ from the tables. Run: UPDATE_DOCS=1 cargo test -p \
         crossaccount-cfn-handler the_reference"
    );
}
