//! The Terraform examples are held to the checks that their own tools have. For CloudFormation see `templates`.

use std::path::{Path, PathBuf};
use std::process::Command;

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
