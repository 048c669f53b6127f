//! Builds the binaries of the functions with cargo-lambda, which links them with zig against an old glibc.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail, ensure};

use super::{Function, archive};
use crate::{cargo, python};

/// The profile in the workspace's Cargo.toml. Never `release`: to that one cargo-lambda adds `panic = "abort"`.
const PROFILE: &str = "lambda-function";
/// The glibc that the binary is linked against. Amazon Linux 2023 has 2.34; an older one lets it run on the machines
/// of contributors as well.
const GLIBC: &str = "2.28";

/// What a function runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Architecture {
    /// Intel and AMD.
    X86_64,
    /// Graviton.
    Arm64,
}

impl Architecture {
    /// The name that Lambda has for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::X86_64 => "x86_64",
            Self::Arm64 => "arm64",
        }
    }

    /// The target that the Rust compiler has for it.
    pub fn rust_target(self) -> &'static str {
        match self {
            Self::X86_64 => "x86_64-unknown-linux-gnu",
            Self::Arm64 => "aarch64-unknown-linux-gnu",
        }
    }

    /// What this machine can run.
    ///
    /// # Errors
    /// When it can run no Lambda function.
    pub fn of_this_machine() -> Result<Self> {
        match (std::env::consts::OS, std::env::consts::ARCH) {
            ("linux", "x86_64") => Ok(Self::X86_64),
            ("linux", "aarch64") => Ok(Self::Arm64),
            (system, processor) => bail!(
                "the Lambda function runs on Linux with x86_64 or aarch64, and this machine is {system} with {processor}"
            ),
        }
    }

    /// Whether the Rust toolchain of the workspace can compile for it. Downloads nothing.
    ///
    /// # Errors
    /// When the compiler cannot be started.
    pub fn is_installed(self) -> Result<bool> {
        let libraries = rustc(&["--print", "target-libdir", "--target", self.rust_target()])?;
        Ok(Path::new(&libraries).is_dir())
    }

    /// What to do when it is not installed.
    pub fn how_to_add(self) -> String {
        let target = self.rust_target();
        format!(
            "the Rust target {target} is not installed, so there is no archive for {}: run `rustup target add {target}` \
             and then this command again",
            self.name()
        )
    }
}

/// Builds the binaries of all functions below `directory`, if cargo finds anything to do, and returns where each is. They
/// are built together, so that what they depend on is compiled once.
///
/// # Errors
/// When the Rust target is not installed, a tool cannot be installed, or the build fails; the message holds the
/// compiler's output.
pub(super) fn build(
    architecture: Architecture,
    directory: &Path,
) -> Result<Vec<(Function, PathBuf)>> {
    if !architecture.is_installed()? {
        bail!(architecture.how_to_add());
    }
    let requirements = cargo::workspace().join("tests/tools/lambda.txt");
    let python = python::environment(&requirements)?;
    let tools = python.parent().context("the interpreter has no path")?;
    let cache = directory.join("tools");
    fs::create_dir_all(&cache).with_context(|| format!("cannot create {}", cache.display()))?;
    let built = directory.join("built").join(architecture.name());

    let packages: BTreeSet<_> = Function::ALL.iter().map(|one| one.package()).collect();
    let mut command = Command::new(tools.join("cargo-lambda"));
    command
        .current_dir(cargo::workspace())
        .stdin(Stdio::null())
        .args(["lambda", "build", "--locked", "--skip-target-check"])
        .args(["--profile", PROFILE])
        .arg("--target")
        .arg(format!("{}.{GLIBC}", architecture.rust_target()))
        .args(packages.into_iter().flat_map(|name| ["--package", name]))
        .args(Function::ALL.iter().flat_map(|one| ["--bin", one.binary()]))
        .arg("--lambda-dir")
        .arg(&built);
    clean_environment(&mut command);
    let prefixes = Prefixes::find()?;
    command
        .env("CARGO_TARGET_DIR", cargo::target_directory())
        .env("CARGO_ENCODED_RUSTFLAGS", prefixes.rust_flags())
        .env(
            format!("CFLAGS_{}", architecture.rust_target().replace('-', "_")),
            prefixes.c_flags(),
        )
        // The wrappers around zig, and what zig compiles, stay out of the home directory.
        .env("CARGO_ZIGBUILD_CACHE_DIR", &cache)
        .env("ZIG_GLOBAL_CACHE_DIR", cache.join("zig"))
        .env("ZIG_LOCAL_CACHE_DIR", cache.join("zig"))
        .env("PATH", with_first(tools)?);
    let output = command
        .output()
        .with_context(|| format!("cannot start cargo-lambda in {}", tools.display()))?;
    let binaries =
        Function::ALL.map(|one| (one, built.join(one.binary()).join(archive::BOOTSTRAP)));
    ensure!(
        output.status.success() && binaries.iter().all(|(_, binary)| binary.is_file()),
        "cannot build the functions for {}:\n{}{}",
        architecture.name(),
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(binaries.into())
}

/// Directories of this machine, and what stands for each in the binary: so that it is the same wherever it was built,
/// and tells nothing about that place.
struct Prefixes(Vec<(PathBuf, String)>);

impl Prefixes {
    fn find() -> Result<Self> {
        let commit = rustc(&["--version", "--verbose"])?
            .lines()
            .find_map(|line| line.strip_prefix("commit-hash: ").map(str::to_owned))
            .context("`rustc --version --verbose` names no commit")?;
        let standard_library =
            Path::new(&rustc(&["--print", "sysroot"])?).join("lib/rustlib/src/rust");
        // The compiler takes the last one that fits, and the target directory is often inside of the workspace.
        Ok(Self(vec![
            (cargo_home()?, "/cargo".to_owned()),
            (standard_library, format!("/rustc/{commit}")),
            (cargo::workspace(), "/crossaccount".to_owned()),
            (cargo::target_directory(), "/target".to_owned()),
        ]))
    }

    /// Separated as cargo wants it in `CARGO_ENCODED_RUSTFLAGS`: paths may hold spaces.
    fn rust_flags(&self) -> OsString {
        let mut flags = OsString::new();
        for (path, instead) in &self.0 {
            if !flags.is_empty() {
                flags.push("\u{1f}");
            }
            flags.push("--remap-path-prefix=");
            flags.push(path);
            flags.push("=");
            flags.push(instead);
        }
        flags
    }

    /// The same for the C code of the TLS library.
    fn c_flags(&self) -> OsString {
        let mut flags = OsString::new();
        for (path, instead) in &self.0 {
            if !flags.is_empty() {
                flags.push(" ");
            }
            flags.push("-ffile-prefix-map=");
            flags.push(path);
            flags.push("=");
            flags.push(instead);
        }
        flags
    }
}

/// Takes away what cargo gave to this process and what would make the binary depend on who builds it.
fn clean_environment(command: &mut Command) {
    let prefixes = [
        "CARGO_PKG_",
        "CARGO_BIN_",
        "CARGO_PROFILE_",
        "CARGO_BUILD_",
        "CARGO_TARGET_",
        "CFLAGS",
        "CC_",
    ];
    let names = [
        "CARGO_INCREMENTAL",
        "CARGO_MANIFEST_DIR",
        "CC",
        "RUSTFLAGS",
        "CARGO_ENCODED_RUSTFLAGS",
        "PYTHONHOME",
        "PYTHONPATH",
    ];
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if names.contains(&text.as_ref()) || prefixes.iter().any(|prefix| text.starts_with(prefix))
        {
            command.env_remove(&name);
        }
    }
}

/// The search path with a directory before all others.
fn with_first(directory: &Path) -> Result<OsString> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let all = std::iter::once(directory.to_owned()).chain(std::env::split_paths(&path));
    std::env::join_paths(all).context("the search path cannot hold the tools' directory")
}

/// Where cargo keeps the sources of dependencies.
fn cargo_home() -> Result<PathBuf> {
    if let Some(home) = std::env::var_os("CARGO_HOME") {
        return Ok(PathBuf::from(home));
    }
    let home = std::env::home_dir().context("this user has no home directory")?;
    Ok(home.join(".cargo"))
}

/// What the compiler of the workspace prints.
fn rustc(arguments: &[&str]) -> Result<String> {
    let output = Command::new("rustc")
        .current_dir(cargo::workspace())
        .args(arguments)
        .output()
        .context("cannot start rustc")?;
    ensure!(
        output.status.success(),
        "`rustc {}` failed: {}",
        arguments.join(" "),
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::{Architecture, Prefixes};

    #[test]
    fn a_missing_target_is_named_with_the_command_that_adds_it() {
        let text = Architecture::Arm64.how_to_add();
        assert!(
            text.contains("`rustup target add aarch64-unknown-linux-gnu`"),
            "{text}"
        );
    }

    #[test]
    fn paths_are_replaced_in_rust_and_in_c() {
        let prefixes = Prefixes(vec![
            (PathBuf::from("/home/me/.cargo"), "/cargo".to_owned()),
            (PathBuf::from("/home/me/work"), "/crossaccount".to_owned()),
        ]);
        assert_eq!(
            prefixes.rust_flags(),
            "--remap-path-prefix=/home/me/.cargo=/cargo\u{1f}--remap-path-prefix=/home/me/work=/crossaccount"
        );
        assert_eq!(
            prefixes.c_flags(),
            "-ffile-prefix-map=/home/me/.cargo=/cargo -ffile-prefix-map=/home/me/work=/crossaccount"
        );
    }
}
