//! Builds the archives that AWS Lambda takes, and hands out the very binaries that are in them.
//!
//! `cargo package-lambdas` and the tests go the same way: [`build`] makes the binaries with cargo-lambda and zig, from
//! locked Python packages; [`archive`] packs each so that the same sources give the same bytes on every machine.
//! Nothing is downloaded but those packages, once. A Rust target that is not installed is named, never installed.

pub mod archive;
mod build;

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use anyhow::{Context as _, Result, bail};
use serde_json::json;

pub use build::Architecture;

use crate::cargo;

/// A function that is packaged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Function {
    /// Behind `Custom::CrossAccountIamUser`.
    CfnHandler,
    /// Makes users in many accounts on a call.
    Provision,
    /// Holds accounts to the registry.
    Reconcile,
}

impl Function {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::CfnHandler, Self::Provision, Self::Reconcile];

    /// What the names of its archives begin with.
    pub fn name(self) -> &'static str {
        match self {
            Self::CfnHandler => "crossaccount-cfn-handler",
            Self::Provision => "crossaccount-provision",
            Self::Reconcile => "crossaccount-reconcile",
        }
    }

    /// The name of its archive.
    pub fn file(self, architecture: Architecture) -> String {
        format!("{}-{}.zip", self.name(), architecture.name())
    }

    /// The Cargo package.
    fn package(self) -> &'static str {
        match self {
            Self::CfnHandler => "crossaccount-cfn-handler",
            Self::Provision | Self::Reconcile => "crossaccount-jobs",
        }
    }

    /// The binary of that package.
    fn binary(self) -> &'static str {
        match self {
            Self::CfnHandler => "crossaccount-cfn-handler",
            Self::Provision => "provision",
            Self::Reconcile => "reconcile",
        }
    }
}

/// One archive, ready for Lambda.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Package {
    /// What is in it.
    pub function: Function,
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

/// Builds the functions for one architecture and packs each. What is up to date is not made again.
///
/// # Errors
/// When the Rust target is not installed, or something does not build; the message holds the compiler's output or
/// says what to install.
pub fn package(architecture: Architecture) -> Result<Vec<Package>> {
    let directory = directory();
    let _turn = turn(&directory)?;
    make(architecture, &directory)
}

/// Makes all archives and their `manifest.json`: `x86_64` always, `arm64` where its Rust target is installed.
/// Otherwise the second value says how to add it, and old archives of it are removed.
///
/// # Errors
/// As [`package`].
pub fn package_all() -> Result<(Vec<Package>, Option<String>)> {
    let directory = directory();
    let _turn = turn(&directory)?;
    let mut packages = make(Architecture::X86_64, &directory)?;
    let mut advice = None;
    if Architecture::Arm64.is_installed()? {
        packages.extend(make(Architecture::Arm64, &directory)?);
    } else {
        advice = Some(Architecture::Arm64.how_to_add());
        for function in Function::ALL {
            let stale = directory.join(function.file(Architecture::Arm64));
            if stale.exists() {
                fs::remove_file(&stale)
                    .with_context(|| format!("cannot remove the old {}", stale.display()))?;
            }
        }
    }
    let manifest = directory.join("manifest.json");
    replace(&manifest, manifest_text(&packages)?.as_bytes())?;
    Ok((packages, advice))
}

/// The packaged binary of the CloudFormation handler for this machine: see [`binary`].
///
/// # Errors
/// As [`package`].
pub fn handler() -> Result<PathBuf> {
    binary(Function::CfnHandler)
}

/// The packaged binary of a function for this machine: built if needed, then taken out of the archive itself, so that a test
/// runs what users deploy. Made once per process; several processes take turns. The path stays valid while other
/// processes package a newer one.
///
/// # Errors
/// As [`package`].
pub fn binary(function: Function) -> Result<PathBuf> {
    static UNPACKED: OnceLock<Result<BTreeMap<Function, PathBuf>, String>> = OnceLock::new();
    let unpacked = UNPACKED
        .get_or_init(|| unpacked().map_err(|error| format!("{error:#}")))
        .as_ref()
        .map_err(anyhow::Error::msg)?;
    let found = unpacked.get(&function);
    found.cloned().context("this function is not packaged")
}

fn unpacked() -> Result<BTreeMap<Function, PathBuf>> {
    let directory = directory();
    let _turn = turn(&directory)?;
    let mut binaries = BTreeMap::new();
    for package in make(Architecture::of_this_machine()?, &directory)? {
        // Named by its content: a newer binary never takes the place of one that runs.
        let home = directory.join("unpacked").join(&package.sha256);
        let binary = home.join(archive::BOOTSTRAP);
        if !binary.is_file() {
            let packed = fs::read(&package.archive)
                .with_context(|| format!("cannot read {}", package.archive.display()))?;
            fs::create_dir_all(&home)
                .with_context(|| format!("cannot create {}", home.display()))?;
            replace(&binary, &archive::unpack(&packed)?)?;
            make_executable(&binary)?;
        }
        binaries.insert(package.function, binary);
    }
    Ok(binaries)
}

fn make(architecture: Architecture, directory: &Path) -> Result<Vec<Package>> {
    let binaries = build::build(architecture, directory)?;
    binaries
        .into_iter()
        .map(|(function, binary)| pack(function, architecture, &binary, directory))
        .collect()
}

fn pack(
    function: Function,
    architecture: Architecture,
    binary: &Path,
    directory: &Path,
) -> Result<Package> {
    let content = fs::read(binary).with_context(|| format!("cannot read {}", binary.display()))?;
    let packed = archive::pack(&content)?;
    let path = directory.join(function.file(architecture));
    replace(&path, &packed)?;
    Ok(Package {
        function,
        architecture,
        archive: path,
        sha256: archive::sha256(&packed),
        bytes: u64::try_from(packed.len())?,
        unpacked_bytes: u64::try_from(content.len())?,
    })
}

/// What a deployment pipeline needs to know, without a time or a path in it.
fn manifest_text(packages: &[Package]) -> Result<String> {
    let mut listed = Vec::new();
    for package in packages {
        let Some(file) = package.archive.file_name().and_then(|name| name.to_str()) else {
            bail!("{} is not the name of a file", package.archive.display());
        };
        listed.push(json!({
            "function": package.function.name(),
            "architecture": package.architecture.name(),
            "file": file,
            "sha256": package.sha256,
            "bytes": package.bytes,
            "unpacked_bytes": package.unpacked_bytes,
        }));
    }
    let manifest = json!({
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
    use super::{Architecture, Function, Package, manifest_text};

    #[test]
    fn the_manifest_names_files_and_digests_and_no_directory() {
        let text = manifest_text(&[Package {
            function: Function::Reconcile,
            architecture: Architecture::X86_64,
            archive: "/somewhere/on/this/machine/crossaccount-reconcile-x86_64.zip".into(),
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
                "function": "crossaccount-reconcile",
                "architecture": "x86_64",
                "file": "crossaccount-reconcile-x86_64.zip",
                "sha256": "ab".repeat(32),
                "bytes": 2,
                "unpacked_bytes": 3,
            })
        );
    }
}
