//! cfn-lint and checkov find nothing, and every exception is written down.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

use super::{directory, templates};

/// What checkov says of policies that give permissions. A boundary gives none, as `user-boundary.yaml` says at its resource.
const ABOUT_GIVING: [&str; 5] = [
    "CKV_AWS_107",
    "CKV_AWS_108",
    "CKV_AWS_109",
    "CKV_AWS_110",
    "CKV_AWS_111",
];

/// A Python tool with its lock file in `tests/tools`.
fn tool(lock: &str) -> Command {
    let requirements = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tools")
        .join(lock);
    Command::new(harness::python::environment(&requirements).unwrap())
}

fn cfn_lint(template: &Path) -> Output {
    // The command of the package holds the path at which it was installed; the module does not.
    let main =
        "import sys; from cfnlint.runner import main; sys.argv[0] = 'cfn-lint'; sys.exit(main())";
    tool("cfn-lint.txt")
        .args(["-c", main])
        .args(["--non-zero-exit-code", "informational"])
        .args(["--include-checks", "I", "--"])
        .arg(template)
        .output()
        .unwrap()
}

/// What checkov says about all templates in a directory.
fn checkov(directory: &Path) -> Value {
    let output = tool("checkov.txt")
        .args(["-m", "checkov.main", "--framework", "cloudformation"])
        .args(["--skip-download", "--output", "json", "--directory"])
        .arg(directory)
        .output()
        .unwrap();
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| {
        panic!("{error}: {}", String::from_utf8_lossy(&output.stderr));
    })
}

/// The ids of checks with a result.
fn ids(report: &Value, result: &str) -> Vec<String> {
    report["results"][result]
        .as_array()
        .unwrap()
        .iter()
        .map(|check| check["check_id"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn every_template_is_clean_under_cfn_lint() {
    for template in templates() {
        let output = cfn_lint(&template);
        assert!(
            output.status.success(),
            "{}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
    }
}

#[test]
fn cfn_lint_refuses_a_template_with_a_mistake() {
    let home = tempfile::tempdir().unwrap();
    let template = home.path().join("role.yaml");
    let text = std::fs::read_to_string(directory().join("member-role.yaml")).unwrap();
    std::fs::write(
        &template,
        text.replace("MaxSessionDuration: !Ref", "MaxSessionDuratoin: !Ref"),
    )
    .unwrap();
    let output = cfn_lint(&template);
    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stdout).contains("MaxSessionDuratoin"));
}

#[test]
fn every_template_is_clean_under_checkov_and_every_exception_has_its_reason() {
    let report = checkov(&directory());
    assert_eq!(ids(&report, "failed_checks"), Vec::<String>::new());
    assert_eq!(ids(&report, "parsing_errors"), Vec::<String>::new());
    assert!(
        ids(&report, "passed_checks").len() > 40,
        "{}",
        report["summary"]
    );

    let readme = std::fs::read_to_string(directory().join("README.md")).unwrap();
    let skipped = ids(&report, "skipped_checks");
    assert!(!skipped.is_empty());
    for check in report["results"]["skipped_checks"].as_array().unwrap() {
        let reason = check["check_result"]["suppress_comment"].as_str().unwrap();
        assert!(reason.len() > 20, "{check}");
        let id = check["check_id"].as_str().unwrap();
        let is_boundary = check["file_path"] == "/user-boundary.yaml";
        assert_eq!(is_boundary, ABOUT_GIVING.contains(&id), "{check}");
    }
    let documented: BTreeSet<String> = readme
        .split('`')
        .filter(|word| word.starts_with("CKV"))
        .map(str::to_owned)
        .collect();
    let skipped: BTreeSet<String> = skipped.into_iter().collect();
    assert_eq!(skipped, documented);
}

#[test]
fn checkov_refuses_a_template_with_a_mistake() {
    let home = tempfile::tempdir().unwrap();
    let text = std::fs::read_to_string(directory().join("hub.yaml")).unwrap();
    let broken = text
        .replace("BlockPublicAcls: true", "BlockPublicAcls: false")
        .replace("EnableKeyRotation: true", "EnableKeyRotation: false");
    assert_ne!(text, broken);
    std::fs::write(home.path().join("hub.yaml"), broken).unwrap();
    let failed = ids(&checkov(home.path()), "failed_checks");
    for check in ["CKV_AWS_7", "CKV_AWS_53"] {
        assert!(failed.contains(&check.to_owned()), "{failed:?}");
    }
}
