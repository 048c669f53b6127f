//! The packaged functions: the binaries that users deploy.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::Command;

use harness::package::{self, Architecture, Function, archive};
use regex::bytes::Regex;

/// The archives for this machine.
fn packaged() -> Vec<package::Package> {
    package::package(Architecture::of_this_machine().unwrap()).unwrap()
}

fn binary(function: Function) -> Vec<u8> {
    std::fs::read(package::binary(function).unwrap()).unwrap()
}

/// The versions of glibc whose symbols a binary asks the dynamic linker for.
fn glibc_versions(binary: &[u8]) -> BTreeSet<(u32, u32)> {
    let names = Regex::new(r"GLIBC_([0-9]+)\.([0-9]+)").unwrap();
    names
        .captures_iter(binary)
        .map(|found| {
            let number = |place: usize| {
                let digits = std::str::from_utf8(&found[place]).unwrap();
                digits.parse::<u32>().unwrap()
            };
            (number(1), number(2))
        })
        .collect()
}

/// The size of a section of a 64-bit little-endian ELF file; 0 when it has none of this name.
fn section_size(binary: &[u8], name: &str) -> usize {
    let number = |place: usize, bytes: usize| {
        let bytes = binary[place..place + bytes].iter().rev();
        bytes.fold(0, |number, byte| (number << 8) | usize::from(*byte))
    };
    let (table, entry) = (number(0x28, 8), number(0x3A, 2));
    let header = |index: usize| table + index * entry;
    let names = number(header(number(0x3E, 2)) + 0x18, 8);
    let found = (0..number(0x3C, 2)).map(header).find(|header| {
        let section = &binary[names + number(*header, 4)..];
        section.starts_with(format!("{name}\0").as_bytes())
    });
    found.map_or(0, |header| number(header + 0x20, 8))
}

#[test]
fn every_function_has_an_archive_of_its_own_name() {
    let architecture = Architecture::of_this_machine().unwrap().name();
    let files: Vec<String> = packaged()
        .iter()
        .map(|package| {
            let name = package.archive.file_name().unwrap();
            name.to_str().unwrap().to_owned()
        })
        .collect();
    let expected = ["cfn-handler", "provision", "reconcile"];
    assert_eq!(
        files,
        expected.map(|name| format!("crossaccount-{name}-{architecture}.zip"))
    );
}

#[test]
fn the_tests_run_the_binary_that_is_in_the_archive() {
    for package in packaged() {
        let packed = std::fs::read(&package.archive).unwrap();
        assert_eq!(archive::sha256(&packed), package.sha256);
        assert!(archive::unpack(&packed).unwrap() == binary(package.function));
        assert_eq!(package.bytes, u64::try_from(packed.len()).unwrap());
    }
}

#[test]
fn packaging_again_changes_no_byte() {
    let first = packaged();
    assert_eq!(packaged(), first);
    assert_eq!(
        package::handler().unwrap(),
        package::binary(Function::CfnHandler).unwrap()
    );
}

#[test]
fn the_binaries_run_where_lambda_runs_them() {
    for function in Function::ALL {
        let binary = binary(function);
        assert!(binary.starts_with(b"\x7fELF"));
        let versions = glibc_versions(&binary);
        // Amazon Linux 2023, on which provided.al2023 is built, has glibc 2.34.
        assert!(!versions.is_empty());
        assert!(
            versions.iter().all(|version| *version <= (2, 34)),
            "{function:?}: {versions:?}"
        );
    }
    assert_eq!(
        glibc_versions(b"\0GLIBC_2.2.5\0GLIBC_2.34\0"),
        BTreeSet::from([(2, 2), (2, 34)])
    );
}

#[test]
fn a_job_without_its_environment_says_what_is_missing() {
    let directory = tempfile::tempdir().unwrap();
    let event = directory.path().join("event.json");
    std::fs::write(&event, "{}").unwrap();
    for (function, name) in [
        (Function::Provision, "CROSSACCOUNT_DEPLOYMENT_ID"),
        (Function::Reconcile, "CROSSACCOUNT_REGISTRY_TABLE"),
    ] {
        let job = function.name().strip_prefix("crossaccount-").unwrap();
        for binary in [
            package::binary(function).unwrap(),
            harness::lambda::job_binary(job).unwrap(),
        ] {
            let output = Command::new(binary)
                .env_clear()
                .arg("--event")
                .arg(&event)
                .output()
                .unwrap();
            assert!(!output.status.success());
            let said = format!(
                "{}{}",
                String::from_utf8_lossy(&output.stdout),
                String::from_utf8_lossy(&output.stderr)
            );
            assert!(said.contains(name), "{said}");
        }
    }
    assert!(harness::lambda::job_binary("absent").is_err());
}

#[test]
fn the_binaries_tell_nothing_about_the_machine_that_built_them() {
    let workspace = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let mut places = vec![
        workspace.parent().unwrap().to_owned(),
        harness::target_directory(),
        PathBuf::from(std::env::var_os("CARGO_HOME").unwrap_or_default()),
        std::env::home_dir().unwrap().join(".cargo"),
        std::env::home_dir().unwrap().join(".rustup"),
    ];
    places.retain(|place| place.as_os_str().len() > 1);
    assert!(places.len() >= 4, "{places:?}");
    let own_files = Regex::new("/cargo/registry/src/").unwrap();
    for function in Function::ALL {
        let binary = binary(function);
        for place in &places {
            let place = place.to_str().unwrap();
            let found = Regex::new(&format!("{}[ -~]{{0,100}}", regex::escape(place)))
                .unwrap()
                .find(&binary)
                .map(|found| String::from_utf8_lossy(found.as_bytes()).into_owned());
            assert_eq!(found, None, "{function:?}");
        }
        // The search sees paths: the names of our own files are in the binary, for the places of panics.
        assert!(own_files.is_match(&binary), "{function:?}");
    }
}

#[test]
fn the_profile_of_the_archive_unwinds_after_a_panic() {
    let manifest =
        std::fs::read_to_string(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../Cargo.toml"))
            .unwrap();
    let (_, profile) = manifest
        .split_once("\n[profile.lambda-function]\n")
        .unwrap();
    let profile = profile.split("\n[").next().unwrap();
    assert!(profile.contains("panic = \"unwind\""), "{profile}");
    // And so it was built. The standard library alone brings tables for unwinding too, but few.
    for function in Function::ALL {
        let tables = section_size(&binary(function), ".gcc_except_table");
        assert!(tables > 300_000, "{function:?}: {tables} bytes");
    }
}

#[test]
fn the_command_prints_digests_that_sha256sum_checks() {
    let output = Command::new(env!("CARGO_BIN_EXE_package"))
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(
        output.status.success(),
        "{text}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let digests: String = text
        .lines()
        .filter(|line| !line.starts_with("note: "))
        .map(|line| format!("{line}\n"))
        .collect();
    let arm64 = Architecture::Arm64.is_installed().unwrap();
    assert_eq!(digests.lines().count(), if arm64 { 6 } else { 3 });
    assert_eq!(
        text.contains("rustup target add aarch64-unknown-linux-gnu"),
        !arm64,
        "{text}"
    );
    let directory = tempfile::tempdir().unwrap();
    let list = directory.path().join("digests");
    std::fs::write(&list, digests).unwrap();
    let checked = Command::new("sha256sum")
        .arg("--check")
        .arg(&list)
        .output()
        .unwrap();
    assert!(checked.status.success(), "{checked:?}");

    let refused = Command::new(env!("CARGO_BIN_EXE_package"))
        .arg("--arm64")
        .output()
        .unwrap();
    assert!(!refused.status.success());
}
