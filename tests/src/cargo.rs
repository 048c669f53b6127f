//! Where cargo puts things, and how to ask it for one more binary.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::SystemTime;

use anyhow::{Context, Result, bail};

/// Binaries of one package, which are built together.
struct Binaries {
    package: &'static str,
    names: &'static [&'static str],
    /// The directories that they are made from, beside those that all are made from.
    sources: &'static [&'static str],
}

const PROVIDER: Binaries = Binaries {
    package: "terraform-provider-crossaccount",
    names: &["terraform-provider-crossaccount"],
    sources: &["proto", "provider"],
};
const CFN_HANDLER: Binaries = Binaries {
    package: "crossaccount-cfn-handler",
    names: &["crossaccount-cfn-handler"],
    sources: &["lambda", "cfn-handler"],
};
const JOBS: Binaries = Binaries {
    package: "crossaccount-jobs",
    names: &["provision", "reconcile"],
    sources: &["lambda", "jobs"],
};

/// The root of the workspace.
pub(crate) fn workspace() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_owned()
}

/// The target directory of the running build: the ancestor of this executable that cargo has
/// tagged, so that `--target-dir` and configuration files are respected too.
pub fn target_directory() -> PathBuf {
    let executable = std::env::current_exe().unwrap_or_default();
    if let Some(found) = executable
        .ancestors()
        .find(|directory| directory.join("CACHEDIR.TAG").is_file())
    {
        return found.to_owned();
    }
    match std::env::var_os("CARGO_TARGET_DIR") {
        Some(directory) => PathBuf::from(directory),
        None => workspace().join("target"),
    }
}

/// The directory that holds the binary of a package of this workspace, built in the profile of the
/// running executable. Looked at once per process. `cargo test --workspace` builds the binary for the
/// provider's own integration tests, so that mostly there is nothing left to do.
///
/// # Errors
/// When cargo cannot be started or the build fails; the message holds the compiler's output.
pub fn provider_directory() -> Result<&'static Path> {
    static BUILT: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    BUILT
        .get_or_init(|| build(&PROVIDER).map_err(|error| format!("{error:#}")))
        .as_deref()
        .map_err(|message| anyhow::anyhow!("{message}"))
}

/// The binary of the CloudFormation handler, built in the profile of the running executable: for the demo. Tests run the
/// packaged one ([`crate::lambda::handler_binary`]).
///
/// # Errors
/// As [`provider_directory`].
pub(crate) fn cfn_handler() -> Result<PathBuf> {
    let directory = build(&CFN_HANDLER)?;
    let [name] = CFN_HANDLER.names else {
        bail!("{} has one binary", CFN_HANDLER.package);
    };
    Ok(directory.join(file_name(name)))
}

/// The directory that holds the binaries of the jobs, built in the profile of the running executable. Looked at once per
/// process.
///
/// # Errors
/// As [`provider_directory`].
pub(crate) fn jobs_directory() -> Result<&'static Path> {
    static BUILT: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    BUILT
        .get_or_init(|| build(&JOBS).map_err(|error| format!("{error:#}")))
        .as_deref()
        .map_err(|message| anyhow::anyhow!("{message}"))
}

/// The file that holds a binary.
pub(crate) fn file_name(binary: &str) -> String {
    format!("{binary}{}", std::env::consts::EXE_SUFFIX)
}

/// Builds the binaries of a package, and says in which directory they are.
fn build(binaries: &Binaries) -> Result<PathBuf> {
    let package = binaries.package;
    let target = target_directory();
    let executable = std::env::current_exe().context("this executable has no path")?;
    let release = executable.starts_with(target.join("release"));
    let directory = target.join(if release { "release" } else { "debug" });
    let paths = || {
        let names = binaries.names.iter();
        names.map(|name| directory.join(file_name(name)))
    };
    if paths().all(|path| is_up_to_date(&path, binaries.sources)) {
        return Ok(directory);
    }
    let mut command = Command::new(env!("CARGO"));
    command
        .current_dir(workspace())
        // This package is selected too, so that dependencies are built with the same features as
        // for it, and most of them are there already.
        .args(["build", "--quiet", "--package", env!("CARGO_PKG_NAME")])
        .args(["--package", package])
        .args(binaries.names.iter().flat_map(|name| ["--bin", *name]))
        .arg("--target-dir")
        .arg(&target);
    if release {
        command.arg("--release");
    }
    // Cargo runs us with variables that would make the nested build differ and start over.
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy().into_owned();
        if name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_BIN_") {
            command.env_remove(name);
        }
    }
    let output = command
        .output()
        .with_context(|| format!("cannot start {}", env!("CARGO")))?;
    if !output.status.success() {
        bail!(
            "cannot build {package}:\n{}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
    if let Some(missing) = paths().find(|path| !path.is_file()) {
        bail!(
            "cargo built {package}, but there is no {}",
            missing.display()
        );
    }
    Ok(directory)
}

/// The provider's binary, built if it is missing or old, in the profile of the running executable.
///
/// # Errors
/// When it cannot be built; the message holds the compiler's output.
pub fn provider_binary() -> Result<PathBuf> {
    let [name] = PROVIDER.names else {
        bail!("{} has one binary", PROVIDER.package);
    };
    Ok(provider_directory()?.join(file_name(name)))
}

/// Whether a binary is newer than everything that it is made from.
fn is_up_to_date(binary: &Path, sources: &[&str]) -> bool {
    let Some(built) = modified(binary) else {
        return false;
    };
    let root = workspace();
    ["Cargo.toml", "Cargo.lock", "core"]
        .iter()
        .chain(sources)
        .all(|source| newest(&root.join(source)).is_some_and(|time| time <= built))
}

fn modified(path: &Path) -> Option<SystemTime> {
    path.metadata()
        .and_then(|metadata| metadata.modified())
        .ok()
}

/// The time of the last change of a file or of anything in a directory; `None` when something
/// cannot be read. Directories count too: their time changes when a file is removed.
fn newest(path: &Path) -> Option<SystemTime> {
    let mut time = modified(path)?;
    if path.is_dir() {
        for entry in path.read_dir().ok()? {
            time = time.max(newest(&entry.ok()?.path())?);
        }
    }
    Some(time)
}

#[cfg(test)]
mod tests {
    use std::fs::{self, File};
    use std::time::{Duration, SystemTime};

    use super::newest;

    #[test]
    fn a_change_anywhere_below_a_directory_is_seen() {
        let directory = tempfile::tempdir().unwrap();
        let inner = directory.path().join("src");
        fs::create_dir(&inner).unwrap();
        fs::write(inner.join("old.rs"), "").unwrap();
        let later = SystemTime::now() + Duration::from_secs(1000);
        assert!(newest(directory.path()).unwrap() < later);
        File::create(inner.join("new.rs"))
            .unwrap()
            .set_modified(later)
            .unwrap();
        assert_eq!(newest(directory.path()), Some(later));
        assert_eq!(newest(&directory.path().join("missing")), None);
    }
}
