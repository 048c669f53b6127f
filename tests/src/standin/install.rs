//! Makes a Python environment (of the stand-in, or of a tool) on first use, exactly as the lock file says.
//!
//! The environment is named by a hash of the lock file, so a changed lock makes a new one and an
//! old one is never changed in place. Several processes may come at once: a lock file lets one work
//! and the others wait.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use sha2::{Digest, Sha256};

const OLDEST_PYTHON: (u32, u32) = (3, 10);
const HELP: &str = "the tools of the tests need Python 3.10 or newer with its `venv` module: \
     on Debian and Ubuntu install `python3 python3-venv`, on Fedora `python3`, on macOS `brew install \
     python`, on Windows https://www.python.org/downloads/; then run the command again";

/// The Python interpreter of the environment, which is made if it does not exist.
///
/// # Errors
/// When Python or its `venv` module is missing or too old, or pip fails; the message says what to
/// install.
pub(crate) fn python(target: &Path, requirements: &Path) -> Result<PathBuf> {
    let locked = fs::read(requirements)
        .with_context(|| format!("cannot read {}", requirements.display()))?;
    let (system_python, version) = find_python(&["python3", "python"])?;
    let home = target.join("standin");
    fs::create_dir_all(&home).with_context(|| format!("cannot create {}", home.display()))?;
    let environment = home.join(format!("venv-{}", fingerprint(&locked, &version)));
    let interpreter = interpreter_of(&environment);
    if interpreter.exists() {
        return Ok(interpreter);
    }

    let guard_path = home.join("install.lock");
    let guard = File::create(&guard_path)
        .with_context(|| format!("cannot create {}", guard_path.display()))?;
    // Waits for another process that installs; the lock goes when the file is closed.
    guard
        .lock()
        .with_context(|| format!("cannot lock {}", guard_path.display()))?;
    if interpreter.exists() {
        return Ok(interpreter);
    }
    let partial = home.join(format!("partial-{}", std::process::id()));
    if partial.exists() {
        fs::remove_dir_all(&partial)
            .with_context(|| format!("cannot remove {}", partial.display()))?;
    }
    let installed = install_into(&partial, &system_python, requirements);
    if installed.is_err() {
        // What is left of a failed installation helps nobody; the error says what happened.
        let _ = fs::remove_dir_all(&partial);
    }
    installed?;
    fs::rename(&partial, &environment)
        .with_context(|| format!("cannot rename {}", partial.display()))?;
    Ok(interpreter)
}

fn install_into(directory: &Path, python: &str, requirements: &Path) -> Result<()> {
    run(Command::new(python).args(["-m", "venv"]).arg(directory)).context(HELP)?;
    run(Command::new(interpreter_of(directory))
        .args([
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
        ])
        .args(["--no-input", "--require-hashes", "--requirement"])
        .arg(requirements))
    .with_context(|| {
        format!(
            "cannot install the packages that {} names; it needs a way to PyPI once",
            requirements.display()
        )
    })
}

fn run(command: &mut Command) -> Result<()> {
    let output = command
        .stdin(Stdio::null())
        .env_remove("PYTHONHOME")
        .env_remove("PYTHONPATH")
        .output()
        .with_context(|| format!("cannot start {}", command.get_program().display()))?;
    if !output.status.success() {
        bail!(
            "{:?} failed ({}):\n{}{}",
            command,
            output.status,
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr),
        );
    }
    Ok(())
}

/// The name of a usable Python and its version.
fn find_python(names: &[&str]) -> Result<(String, String)> {
    let mut tried = String::new();
    for &name in names {
        let output = Command::new(name)
            .args(["-c", "import sys; print('%d.%d.%d' % sys.version_info[:3])"])
            .stdin(Stdio::null())
            .output();
        match output {
            Ok(output) if output.status.success() => {
                let version = String::from_utf8_lossy(&output.stdout).trim().to_owned();
                if is_new_enough(&version) {
                    return Ok((name.to_owned(), version));
                }
                let _ = write!(tried, " `{name}` is {version};");
            }
            Ok(output) => {
                let _ = write!(tried, " `{name}` failed ({});", output.status);
            }
            Err(error) => {
                let _ = write!(tried, " `{name}`: {error};");
            }
        }
    }
    bail!("no usable Python:{tried} {HELP}")
}

fn is_new_enough(version: &str) -> bool {
    let mut numbers = version
        .split('.')
        .map_while(|part| part.parse::<u32>().ok());
    match (numbers.next(), numbers.next()) {
        (Some(major), Some(minor)) => (major, minor) >= OLDEST_PYTHON,
        _ => false,
    }
}

fn fingerprint(locked: &[u8], version: &str) -> String {
    let mut hash = Sha256::new();
    hash.update(locked);
    hash.update(version);
    hash.finalize()
        .iter()
        .take(8)
        .fold(String::new(), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
}

fn interpreter_of(environment: &Path) -> PathBuf {
    if cfg!(windows) {
        environment.join("Scripts").join("python.exe")
    } else {
        environment.join("bin").join("python")
    }
}

#[cfg(test)]
mod tests {
    use super::{find_python, fingerprint, is_new_enough};

    #[test]
    fn without_python_the_message_says_what_to_install() {
        let message = find_python(&["no-such-python"]).unwrap_err().to_string();
        assert!(message.contains("`no-such-python`"), "{message}");
        assert!(message.contains("python3-venv"), "{message}");
    }

    #[test]
    fn versions_are_compared_as_numbers() {
        assert!(is_new_enough("3.10.0"));
        assert!(is_new_enough("3.14.1"));
        assert!(is_new_enough("4.0.0"));
        assert!(!is_new_enough("3.9.18"));
        assert!(!is_new_enough("2.7.18"));
        assert!(!is_new_enough("no version"));
    }

    #[test]
    fn another_lock_or_another_python_makes_another_environment() {
        let first = fingerprint(b"moto==5.2.5", "3.11.7");
        assert_eq!(first.len(), 16);
        assert_ne!(first, fingerprint(b"moto==5.2.6", "3.11.7"));
        assert_ne!(first, fingerprint(b"moto==5.2.5", "3.12.0"));
    }
}
