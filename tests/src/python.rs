//! Python tools that tests use, each in an environment of its own made from a lock file.

use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::cargo;
use crate::standin::install;

/// The Python interpreter of an environment that holds exactly what the lock file `requirements` names.
/// The environment is below the target directory; it is made on first use and kept.
///
/// # Errors
/// When Python is missing or the packages cannot be installed; the message says what to do.
pub fn environment(requirements: &Path) -> Result<PathBuf> {
    install::python(&cargo::target_directory(), requirements)
}
