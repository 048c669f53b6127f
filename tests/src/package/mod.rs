//! Builds the archives that AWS Lambda takes, and hands out the very binary that is in them.
//!
//! `cargo package-lambdas` and the tests go the same way: [`build`] makes the binary with cargo-lambda and zig, from
//! locked Python packages; [`archive`] packs it so that the same sources give the same bytes on every machine.
//! Nothing is downloaded but those packages, once. A Rust target that is not installed is named, never installed.

pub mod archive;
mod build;

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use anyhow::{Context as _, Result, bail};
use serde_json::json;

pub use build::Architecture;

use crate::cargo;

/// The binary and the Cargo package of the function.
pub const FUNCTION: &str = "crossaccount-cfn-handler";

/// One archive, ready for Lambda.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Package {
    /// What it runs on.
    pub architecture: Architecture,
    /// The archive.
    pub archive: PathBuf,
    /// The SHA-256 of the archive, in hexadecimal digits.
    pub sha256: String,
    /// The size of the archive.
    pub bytes: u64,
    /// The size of the binary in it.
    pub unpacked_bytes: u64,
}

/// The directory of the archives: `lambda` in the target directory of the running build.
pub fn directory() -> PathBuf {
    cargo::target_directory().join("lambda")
}

/// Builds the function for one architecture and packs it. What is up to date is not made again.
///
/// # Errors
/// When the Rust target is not installed, or something does not build; the message holds the compiler's output or
/// says what to install.
pub fn package(architecture: Architecture) -> Result<Package> {
    let directory = directory();
    let _turn = turn(&directory)?;
    make(architecture, &directory)
}

/// Makes all archives and their `manifest.json`: `x86_64` always, `arm64` where its Rust target is installed.
/// Otherwise the second value says how to add it, and an old archive of it is removed.
///
/// # Errors
/// As [`package`].
pub fn package_all() -> Result<(Vec<Package>, Option<String>)> {
    let directory = directory();
    let _turn = turn(&directory)?;
    let mut packages = vec![make(Architecture::X86_64, &directory)?];
    let mut advice = None;
    if Architecture::Arm64.is_installed()? {
        packages.push(make(Architecture::Arm64, &directory)?);
    } else {
        advice = Some(Architecture::Arm64.how_to_add());
        let stale = archive_path(&directory, Architecture::Arm64);
        if stale.exists() {
            fs::remove_file(&stale)
                .with_context(|| format!("cannot remove the old {}", stale.display()))?;
        }
    }
    let manifest = directory.join("manifest.json");
    replace(&manifest, manifest_text(&packages)?.as_bytes())?;
    Ok((packages, advice))
}

/// The packaged binary for this machine: built if needed, then taken out of the archive itself, so that a test runs
/// what users deploy. Made once per process; several processes take turns. The path stays valid while other
/// processes package a newer one.
///
/// # Errors
/// As [`package`].
pub fn handler() -> Result<PathBuf> {
    static UNPACKED: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    UNPACKED
        .get_or_init(|| unpacked().map_err(|error| format!("{error:#}")))
        .clone()
        .map_err(anyhow::Error::msg)
}

fn unpacked() -> Result<PathBuf> {
    let directory = directory();
    let _turn = turn(&directory)?;
    let package = make(Architecture::of_this_machine()?, &directory)?;
    // Named by its content: a newer binary never takes the place of one that runs.
    let home = directory.join("unpacked").join(&package.sha256);
    let binary = home.join(archive::BOOTSTRAP);
    if !binary.is_file() {
        let packed = fs::read(&package.archive)
            .with_context(|| format!("cannot read {}", package.archive.display()))?;
        fs::create_dir_all(&home).with_context(|| format!("cannot create {}", home.display()))?;
        replace(&binary, &archive::unpack(&packed)?)?;
        make_executable(&binary)?;
    }
    Ok(binary)
}

fn make(architecture: Architecture, directory: &Path) -> Result<Package> {
    let binary = build::build(architecture, directory)?;
    let content = fs::read(&binary).with_context(|| format!("cannot read {}", binary.display()))?;
    let packed = archive::pack(&content)?;
    let path = archive_path(directory, architecture);
    replace(&path, &packed)?;
    Ok(Package {
        architecture,
        archive: path,
        sha256: archive::sha256(&packed),
        bytes: u64::try_from(packed.len())?,
        unpacked_bytes: u64::try_from(content.len())?,
    })
}

fn archive_path(directory: &Path, architecture: Architecture) -> PathBuf {
    directory.join(format!("{FUNCTION}-{}.zip", architecture.name()))
}

/// What a deployment pipeline needs to know, without a time or a path in it.
fn manifest_text(packages: &[Package]) -> Result<String> {
    let mut listed = Vec::new();
    for package in packages {
        let Some(file) = package.archive.file_name().and_then(|name| name.to_str()) else {
            bail!("{} is not the name of a file", package.archive.display());
        };
        listed.push(json!({
            "architecture": package.architecture.name(),
            "file": file,
            "sha256": package.sha256,
            "bytes": package.bytes,
            "unpacked_bytes": package.unpacked_bytes,
        }));
    }
    let manifest = json!({
        "function": FUNCTION,
        "version": env!("CARGO_PKG_VERSION"),
        "runtime": "provided.al2023",
        "packages": listed,
    });
    Ok(format!("{}\n", serde_json::to_string_pretty(&manifest)?))
}

/// Waits until no other process packages; the turn ends when the file is closed.
fn turn(directory: &Path) -> Result<File> {
    fs::create_dir_all(directory)
        .with_context(|| format!("cannot create {}", directory.display()))?;
    let path = directory.join("package.lock");
    let file = File::create(&path).with_context(|| format!("cannot create {}", path.display()))?;
    file.lock()
        .with_context(|| format!("cannot lock {}", path.display()))?;
    Ok(file)
}

/// Puts a file in place at once and whole: a reader sees the old one or the new one.
fn replace(path: &Path, content: &[u8]) -> Result<()> {
    let partial = path.with_extension(format!("partial-{}", std::process::id()));
    fs::write(&partial, content).with_context(|| format!("cannot write {}", partial.display()))?;
    fs::rename(&partial, path).with_context(|| format!("cannot write {}", path.display()))
}

#[cfg(unix)]
fn make_executable(path: &Path) -> Result<()> {
    use std::os::unix::fs::PermissionsExt as _;

    fs::set_permissions(path, fs::Permissions::from_mode(0o755))
        .with_context(|| format!("cannot make {} executable", path.display()))
}

#[cfg(not(unix))]
fn make_executable(_path: &Path) -> Result<()> {
    bail!("the function runs on Linux only")
}

#[cfg(test)]
mod tests {
    use super::{Architecture, Package, manifest_text};

    #[test]
    fn the_manifest_names_files_and_digests_and_no_directory() {
        let text = manifest_text(&[Package {
            architecture: Architecture::X86_64,
            archive: "/somewhere/on/this/machine/crossaccount-cfn-handler-x86_64.zip".into(),
            sha256: "ab".repeat(32),
            bytes: 2,
            unpacked_bytes: 3,
        }])
        .unwrap();
        assert!(!text.contains("somewhere"), "{text}");
        let manifest: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(
            manifest["packages"][0],
            serde_json::json!({
                "architecture": "x86_64",
                "file": "crossaccount-cfn-handler-x86_64.zip",
                "sha256": "ab".repeat(32),
                "bytes": 2,
                "unpacked_bytes": 3,
            })
        );
    }
}
