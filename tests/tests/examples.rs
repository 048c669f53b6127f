//! The examples are held to the checks that their own tools have.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn examples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples")
}

/// All files below a directory with one of the extensions, in a fixed order.
fn files(directory: &Path, extensions: &[&str]) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let hidden = path.file_name().unwrap().to_string_lossy().starts_with('.');
        if path.is_dir() && !hidden {
            found.extend(files(&path, extensions));
        } else if path
            .extension()
            .is_some_and(|extension| extensions.iter().any(|wanted| extension == *wanted))
        {
            found.push(path);
        }
    }
    found.sort();
    found
}

fn cfn_lint(template: &Path) -> Output {
    let requirements = Path::new(env!("CARGO_MANIFEST_DIR")).join("tools/requirements.txt");
    let python = harness::python::environment(&requirements).unwrap();
    // The command of the package holds the path at which it was installed; the module does not.
    let main =
        "import sys; from cfnlint.runner import main; sys.argv[0] = 'cfn-lint'; sys.exit(main())";
    Command::new(python)
        .args(["-c", main])
        .args([
            "--non-zero-exit-code",
            "informational",
            "--include-checks",
            "I",
            "--",
        ])
        .arg(template)
        .output()
        .unwrap()
}

#[test]
fn every_template_is_clean_under_cfn_lint() {
    let templates = files(&examples().join("cloudformation"), &["yaml"]);
    assert!(!templates.is_empty());
    for template in templates {
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
    let directory = tempfile::tempdir().unwrap();
    let template = directory.path().join("role.yaml");
    let text = std::fs::read_to_string(examples().join("cloudformation/member-role.yaml")).unwrap();
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
fn every_configuration_has_the_format_of_terraform() {
    let directory = tempfile::tempdir().unwrap();
    let empty = directory.path().join("terraform.rc");
    std::fs::write(&empty, "").unwrap();
    let mut arguments: Vec<PathBuf> = ["fmt", "-check", "-diff"].map(PathBuf::from).to_vec();
    arguments.extend(files(&examples(), &["tf"]));
    let output = Command::new(harness::terraform::find_cli().unwrap())
        .args(arguments)
        .env("TF_CLI_CONFIG_FILE", &empty)
        .current_dir(directory.path())
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}

#[test]
fn every_configuration_says_at_its_top_what_it_is_for() {
    let configurations: Vec<_> = files(&examples(), &["tf", "hcl"])
        .into_iter()
        .filter(|path| !path.ends_with("variables.tf") && !path.ends_with("outputs.tf"))
        .collect();
    assert!(configurations.len() >= 9, "{configurations:?}");
    for path in configurations {
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.starts_with("# "), "{}", path.display());
    }
}
