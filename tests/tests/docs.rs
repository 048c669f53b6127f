//! The documentation is held to the code: the reference is generated, promises name tests that exist,
//! links lead somewhere, and the commands of the README are commands.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use provider::crossaccount::Crossaccount;
use provider::framework::docs;
use regex::Regex;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .unwrap()
        .to_owned()
}

/// All files below a directory whose name has this extension, by their path from the root.
fn files(directory: &str, extension: &str) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut waiting = vec![root().join(directory)];
    while let Some(directory) = waiting.pop() {
        for entry in fs::read_dir(&directory).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if path.is_dir() && !name.starts_with('.') && name != "target" {
                waiting.push(path);
            } else if path.extension().is_some_and(|found| found == extension) {
                let short = path
                    .strip_prefix(root())
                    .unwrap()
                    .to_string_lossy()
                    .into_owned();
                found.insert(short, fs::read_to_string(&path).unwrap());
            }
        }
    }
    found
}

/// What is wrong with the reference on disk, compared with the schemas.
fn differences(wanted: &BTreeMap<String, String>, found: &BTreeMap<String, String>) -> Vec<String> {
    let paths: BTreeSet<&String> = wanted.keys().chain(found.keys()).collect();
    paths
        .into_iter()
        .filter_map(|path| match (wanted.get(path), found.get(path)) {
            (Some(wanted), Some(found)) if wanted == found => None,
            (Some(_), Some(_)) => Some(format!("docs/{path} differs from the schema")),
            (Some(_), None) => Some(format!("docs/{path} is missing")),
            _ => Some(format!(
                "docs/{path} describes nothing that the provider offers"
            )),
        })
        .collect()
}

/// The generated pages on disk, by their path below `docs/`.
fn reference() -> BTreeMap<String, String> {
    let generated =
        |path: &str| path == "index.md" || GENERATED.iter().any(|place| path.starts_with(place));
    files("docs", "md")
        .into_iter()
        .filter_map(|(path, text)| Some((path.strip_prefix("docs/")?.to_owned(), text)))
        .filter(|(path, _)| generated(path))
        .collect()
}

/// Where pages are generated. Everything else below `docs/` is written by hand.
const GENERATED: [&str; 6] = [
    "resources/",
    "data-sources/",
    "ephemeral-resources/",
    "list-resources/",
    "actions/",
    "functions/",
];

#[test]
fn the_reference_is_the_one_of_the_schemas() {
    let wanted = docs::pages(&Crossaccount);
    if std::env::var_os("UPDATE_DOCS").is_some() {
        for path in reference()
            .keys()
            .filter(|path| !wanted.contains_key(*path))
        {
            fs::remove_file(root().join("docs").join(path)).unwrap();
        }
        for (path, text) in &wanted {
            let file = root().join("docs").join(path);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, text).unwrap();
        }
    }
    let differences = differences(&wanted, &reference());
    assert!(
        differences.is_empty(),
        "{}\nRun: UPDATE_DOCS=1 cargo test -p crossaccount-tests the_reference",
        differences.join("\n")
    );
}

#[test]
fn no_line_of_the_reference_tells_a_default_twice() {
    for (path, text) in docs::pages(&Crossaccount) {
        for line in text.lines() {
            assert!(line.matches("Default:").count() < 2, "{path}: {line}");
        }
    }
}

#[test]
fn a_changed_a_missing_and_a_surplus_page_are_told_apart() {
    let pages = |pages: &[(&str, &str)]| {
        pages
            .iter()
            .map(|(path, text)| ((*path).to_owned(), (*text).to_owned()))
            .collect()
    };
    let wanted = pages(&[
        ("index.md", "a"),
        ("resources/user.md", "b"),
        ("functions/f.md", "c"),
    ]);
    let found = pages(&[
        ("index.md", "a"),
        ("resources/user.md", "old"),
        ("functions/g.md", "d"),
    ]);
    assert_eq!(
        differences(&wanted, &found),
        [
            "docs/functions/f.md is missing",
            "docs/functions/g.md describes nothing that the provider offers",
            "docs/resources/user.md differs from the schema",
        ]
    );
}

/// A test as documentation names it: the module that it is in, and its function.
type TestName = (String, String);

/// The tests of the workspace. A test may be named by any module that it is in.
fn tests() -> BTreeSet<TestName> {
    let test = Regex::new(
        r"(?s)#\[(?:tokio::test|test|rstest::rstest|rstest)\b.*?\n[ \t]*(?:pub )?(?:async )?fn (\w+)",
    )
    .unwrap();
    let mut found = BTreeSet::new();
    for crate_directory in [
        "core",
        "proto",
        "lambda",
        "cfn-handler",
        "jobs",
        "provider",
        "tests",
    ] {
        for (path, text) in files(crate_directory, "rs") {
            let path = path.trim_end_matches(".rs").replace('-', "_");
            for name in test.captures_iter(&text) {
                let modules = path
                    .split('/')
                    .filter(|step| !["src", "mod", "main"].contains(step));
                found.extend(modules.map(|module| (module.to_owned(), name[1].to_owned())));
            }
        }
    }
    found
}

/// The tests that a text names: `module::name_of_the_test` between back quotes.
fn named_tests(text: &str) -> BTreeSet<TestName> {
    let name = Regex::new(r"`([a-z0-9_]+)::([a-z0-9_]+)`").unwrap();
    name.captures_iter(text)
        .map(|name| (name[1].to_owned(), name[2].to_owned()))
        .collect()
}

#[test]
fn every_test_that_the_promises_name_exists() {
    let semantics = fs::read_to_string(root().join("docs/SEMANTICS.md")).unwrap();
    let named = named_tests(&semantics);
    assert!(named.len() > 50, "only {} tests are named", named.len());
    let existing = tests();
    let missing: Vec<String> = named
        .difference(&existing)
        .map(|(module, name)| format!("{module}::{name}"))
        .collect();
    assert!(
        missing.is_empty(),
        "docs/SEMANTICS.md names tests that do not exist: {missing:#?}"
    );
}

#[test]
fn every_promise_names_a_test() {
    let semantics = fs::read_to_string(root().join("docs/SEMANTICS.md")).unwrap();
    let (promises, limits) = semantics.split_once("\n## Known limits").unwrap();
    let silent: Vec<&str> = promises
        .split("\n## ")
        .skip(1)
        .filter(|section| named_tests(section).is_empty())
        .filter_map(|section| section.lines().next())
        .collect();
    assert!(silent.is_empty(), "sections without a test: {silent:?}");
    assert!(
        limits.contains("\n- "),
        "no limit is known, which cannot be true"
    );
}

#[test]
fn only_what_is_run_as_a_test_counts_as_one() {
    let existing = tests();
    let here = |name: &str| existing.contains(&("docs".to_owned(), name.to_owned()));
    assert!(here("only_what_is_run_as_a_test_counts_as_one"));
    assert!(!here("named_tests"));
    assert!(!existing.contains(&(
        "removal".to_owned(),
        "only_what_is_run_as_a_test_counts_as_one".to_owned()
    )));
}

/// Markdown outside of fenced blocks.
fn prose(text: &str) -> String {
    text.split("```").step_by(2).collect()
}

/// The anchor that GitHub gives a heading.
fn anchor(heading: &str) -> String {
    let kept = heading
        .chars()
        .filter(|c| c.is_alphanumeric() || " -_".contains(*c));
    kept.collect::<String>()
        .trim()
        .to_lowercase()
        .replace(' ', "-")
}

/// Links to files of this repository, and to headings in them, that lead nowhere.
fn dead_links(file: &str, text: &str) -> Vec<String> {
    let link = Regex::new(r"\]\(([^)\s]+)\)").unwrap();
    let directory = root().join(file).parent().unwrap().to_owned();
    let prose = prose(text);
    link.captures_iter(&prose)
        .map(|found| found[1].to_owned())
        .filter(|target| !target.contains("://") && !target.starts_with("mailto:"))
        .filter(|target| {
            let (path, heading) = target.split_once('#').unwrap_or((target.as_str(), ""));
            let linked = if path.is_empty() {
                root().join(file)
            } else {
                directory.join(path)
            };
            if heading.is_empty() {
                return !linked.exists();
            }
            let headings = fs::read_to_string(linked).unwrap_or_default();
            !headings
                .lines()
                .filter(|line| line.starts_with('#'))
                .any(|line| anchor(line.trim_start_matches('#')) == heading)
        })
        .map(|target| format!("{file}: {target}"))
        .collect()
}

#[test]
fn every_link_leads_to_a_file_and_a_heading() {
    let mut pages = files("docs", "md");
    pages.extend(files("examples", "md"));
    for file in [
        "README.md",
        "CONTRIBUTING.md",
        "CHANGELOG.md",
        "proto/README.md",
    ] {
        pages.insert(
            file.to_owned(),
            fs::read_to_string(root().join(file)).unwrap(),
        );
    }
    let dead: Vec<String> = pages
        .iter()
        .flat_map(|(file, text)| dead_links(file, text))
        .collect();
    assert!(dead.is_empty(), "{dead:#?}");
}

#[test]
fn a_link_that_leads_nowhere_is_found() {
    let text = "[a](LICENSE) [b](nowhere.md) [c](README.md#no-such-heading) [d](https://example.com)\n\
                ```\n[e](in-code.md)\n```\n";
    assert_eq!(
        dead_links("README.md", text),
        [
            "README.md: nowhere.md",
            "README.md: README.md#no-such-heading"
        ]
    );
}

#[test]
fn paths_in_the_texts_exist() {
    let path = Regex::new(
        r"`((?:core|proto|lambda|cfn-handler|jobs|provider|tests|examples|docs)/[\w./-]+)`",
    )
    .unwrap();
    let mut missing = Vec::new();
    for file in [
        "README.md",
        "CONTRIBUTING.md",
        "docs/ARCHITECTURE.md",
        "docs/SEMANTICS.md",
    ] {
        let text = fs::read_to_string(root().join(file)).unwrap();
        for found in path.captures_iter(&text) {
            let is_pattern = found[1].contains("NNNN");
            if !is_pattern && !root().join(&found[1]).exists() {
                missing.push(format!("{file}: {}", &found[1]));
            }
        }
    }
    assert!(missing.is_empty(), "{missing:#?}");
}

#[test]
fn the_commands_of_the_readme_are_commands() {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let cargo = Regex::new(r"(?m)^cargo (.+?)(?:\s+#.*)?$").unwrap();
    let commands: BTreeSet<String> = cargo
        .captures_iter(&readme)
        .map(|found| found[1].to_owned())
        .collect();
    assert!(commands.contains("demo"), "{commands:?}");
    assert!(commands.contains("test --workspace"), "{commands:?}");

    let aliases = fs::read_to_string(root().join(".cargo/config.toml")).unwrap();
    let manifests = files(".", "toml");
    let known = |kind: &str, name: &str| {
        let wanted = format!("[{kind}]\nname = \"{name}\"\n");
        let wanted_list = format!("[[{kind}]]\nname = \"{name}\"\n");
        manifests
            .values()
            .any(|text| text.contains(&wanted) || text.contains(&wanted_list))
    };
    for command in &commands {
        let words: Vec<&str> = command.split_whitespace().collect();
        match words[0] {
            "test" | "build" | "bench" => {}
            alias => {
                let line = aliases
                    .lines()
                    .find_map(|line| line.strip_prefix(&format!("{alias} = \"")))
                    .unwrap_or_else(|| panic!("cargo {alias} is neither a command nor an alias"));
                assert!(line.contains("--package crossaccount-tests"), "{line}");
                let mut words = line.split_whitespace();
                let program = words
                    .find(|word| *word == "--bin")
                    .and_then(|_| words.next());
                let program = program.unwrap_or_else(|| panic!("cargo {alias} starts no program"));
                assert!(known("bin", program), "no program is named {program}");
            }
        }
        for package in words
            .windows(2)
            .filter(|pair| pair[0] == "-p")
            .map(|pair| pair[1])
        {
            assert!(known("package", package), "no package is named {package}");
        }
    }
}

/// The crates of this workspace that a manifest depends on outside of its tests.
fn own_dependencies(manifest: &str) -> BTreeSet<String> {
    let own = [
        "crossaccount-cfn-handler",
        "crossaccount-core",
        "crossaccount-jobs",
        "crossaccount-lambda",
        "crossaccount-proto",
        "crossaccount-tests",
        "terraform-provider-crossaccount",
    ];
    let mut section = "";
    let mut found = BTreeSet::new();
    for line in manifest.lines() {
        if line.starts_with('[') {
            section = line;
        } else if section == "[dependencies]" || section == "[build-dependencies]" {
            let name: String = line
                .chars()
                .take_while(|c| c.is_alphanumeric() || "-_".contains(*c))
                .collect();
            if own.contains(&name.as_str()) {
                found.insert(name);
            }
        }
    }
    found
}

#[test]
fn dependencies_point_one_way() {
    let of = |crate_directory: &str| {
        let manifest = root().join(crate_directory).join("Cargo.toml");
        own_dependencies(&fs::read_to_string(manifest).unwrap())
    };
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    assert_eq!(of("core"), names(&[]));
    assert_eq!(of("proto"), names(&[]));
    assert_eq!(of("lambda"), names(&["crossaccount-core"]));
    for function in ["cfn-handler", "jobs"] {
        assert_eq!(
            of(function),
            names(&["crossaccount-core", "crossaccount-lambda"]),
            "{function}"
        );
    }
    assert_eq!(
        of("provider"),
        names(&["crossaccount-core", "crossaccount-proto"])
    );
    assert_eq!(
        of("tests"),
        names(&[
            "crossaccount-cfn-handler",
            "crossaccount-core",
            "crossaccount-jobs",
            "crossaccount-lambda",
            "crossaccount-proto",
            "terraform-provider-crossaccount"
        ])
    );
    let workspace = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    assert!(
        workspace.contains(
            "members = [\"core\", \"proto\", \"provider\", \"lambda\", \"cfn-handler\", \"jobs\", \"tests\"]\n"
        )
    );
}

/// Files below a directory whose code holds a word that it must not hold.
fn strange_words(directory: &str, forbidden: &[&str]) -> Vec<String> {
    let sources = files(directory, "rs");
    assert!(!sources.is_empty(), "{directory}");
    let mut broken = Vec::new();
    for (path, text) in sources {
        let code: String = text
            .lines()
            .filter(|line| !line.trim_start().starts_with("//"))
            .collect();
        let known = forbidden.iter().filter(|word| code.contains(**word));
        broken.extend(known.map(|word| format!("{path} knows {word}")));
    }
    broken
}

#[test]
fn each_layer_of_the_handler_keeps_to_its_own_words() {
    let rules: [(&str, &[&str]); 3] = [
        (
            "protocol",
            &[
                "aws_sdk",
                "crossaccount_core",
                "lambda_runtime",
                "crate::ledger",
                "crate::lifecycle",
                "crossaccount_lambda::properties",
            ],
        ),
        (
            "ledger",
            &[
                "aws_sdk_iam",
                "crossaccount_core::user",
                "crate::lifecycle",
                "crossaccount_lambda::properties",
                "crossaccount_lambda::guardrails",
            ],
        ),
        ("lifecycle", &["aws_sdk", "lambda_runtime"]),
    ];
    let broken: Vec<String> = rules
        .into_iter()
        .flat_map(|(layer, words)| strange_words(&format!("cfn-handler/src/{layer}"), words))
        .collect();
    assert!(broken.is_empty(), "{broken:#?}");
    let found = strange_words("cfn-handler/src/ledger", &["aws_sdk_dynamodb"]);
    assert!(!found.is_empty(), "the search finds nothing");
}

#[test]
fn each_layer_of_what_functions_share_keeps_to_its_own_words() {
    let rules: [(&str, &[&str]); 3] = [
        (
            "properties",
            &["aws_sdk", "crate::guardrails", "crate::hub"],
        ),
        ("guardrails", &["aws_sdk", "crate::hub"]),
        ("settings", &["aws_sdk", "crate::hub", "std::env"]),
    ];
    let broken: Vec<String> = rules
        .into_iter()
        .flat_map(|(layer, words)| strange_words(&format!("lambda/src/{layer}"), words))
        .collect();
    assert!(broken.is_empty(), "{broken:#?}");
}

#[test]
fn each_layer_of_the_provider_keeps_to_its_own_words() {
    let aws_and_core = ["aws_sdk", "aws_config", "crossaccount_core"];
    let rules: [(&str, &[&str]); 5] = [
        ("framework", &["crate::crossaccount"]),
        ("plugin", &["crate::framework", "crate::crossaccount"]),
        (
            "schema",
            &[
                "crossaccount_proto",
                "crate::framework",
                "crate::crossaccount",
            ],
        ),
        (
            "value",
            &["crossaccount_proto", "crate::schema", "crate::framework"],
        ),
        (
            "crossaccount",
            &["crossaccount_proto", "tonic::Request", "rmp::"],
        ),
    ];
    let mut broken = Vec::new();
    for (layer, forbidden) in rules {
        let mut forbidden = forbidden.to_vec();
        if layer != "crossaccount" {
            forbidden.extend(aws_and_core);
        }
        broken.extend(strange_words(&format!("provider/src/{layer}"), &forbidden));
    }
    assert!(broken.is_empty(), "{broken:#?}");
}
