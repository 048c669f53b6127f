//! Where cargo puts things, and how to ask it for one more binary.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use anyhow::{Context, Result, bail};

/// The root of the workspace.
pub(crate) fn workspace() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_owned()
}

/// The target directory of the running build: the ancestor of this executable that cargo has
/// tagged, so that `--target-dir` and configuration files are respected too.
pub(crate) fn target_directory() -> PathBuf {
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
/// running executable. Built once per process; cargo itself knows whether there is anything to do.
///
/// # Errors
/// When cargo cannot be started or the build fails; the message holds the compiler's output.
pub(crate) fn provider_directory() -> Result<&'static Path> {
    static BUILT: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    BUILT
        .get_or_init(|| build_provider().map_err(|error| format!("{error:#}")))
        .as_deref()
        .map_err(|message| anyhow::anyhow!("{message}"))
}

fn build_provider() -> Result<PathBuf> {
    const PACKAGE: &str = "terraform-provider-crossaccount";
    let target = target_directory();
    let executable = std::env::current_exe().context("this executable has no path")?;
    let release = executable.starts_with(target.join("release"));
    let mut command = Command::new(env!("CARGO"));
    command
        .current_dir(workspace())
        .args(["build", "--quiet", "--package", PACKAGE, "--bin", PACKAGE])
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
    let output = command.output().with_context(|| format!("cannot start {}", env!("CARGO")))?;
    if !output.status.success() {
        bail!("cannot build {PACKAGE}:\n{}", String::from_utf8_lossy(&output.stderr));
    }
    let directory = target.join(if release { "release" } else { "debug" });
    let binary = directory.join(format!("{PACKAGE}{}", std::env::consts::EXE_SUFFIX));
    if !binary.is_file() {
        bail!("cargo built {PACKAGE}, but there is no {}", binary.display());
    }
    Ok(directory)
}
