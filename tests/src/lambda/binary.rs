//! Which binary the function is made of.

use std::path::PathBuf;

use anyhow::{Result, ensure};

use crate::package;

/// Names a binary that is tested in the place of the packaged one.
const CHOICE: &str = "CROSSACCOUNT_CFN_HANDLER";

/// The binary of the CloudFormation handler: the one that `CROSSACCOUNT_CFN_HANDLER` names, else the very one that is
/// packaged for users. To work on the handler, name `target/debug/crossaccount-cfn-handler`, which builds in seconds.
///
/// # Errors
/// When the named file does not exist, or the package cannot be built; the message says why.
pub fn handler_binary() -> Result<PathBuf> {
    let Some(chosen) = std::env::var_os(CHOICE).map(PathBuf::from) else {
        return package::handler();
    };
    ensure!(
        chosen.is_file(),
        "{CHOICE} names {}, and there is no such file",
        chosen.display()
    );
    Ok(chosen)
}

/// Names a directory whose job binaries are tested in the place of those that are built here.
const JOBS: &str = "CROSSACCOUNT_JOBS_DIRECTORY";

/// The binary of a job (`provision`, `reconcile`), built in the profile of the running executable: the packaged ones are
/// built from the same code, and building them takes minutes.
///
/// # Errors
/// When it cannot be built; the message holds the compiler's output.
pub fn job_binary(name: &str) -> Result<PathBuf> {
    if let Some(directory) = std::env::var_os(JOBS).map(PathBuf::from) {
        let binary = directory.join(name);
        ensure!(
            binary.is_file(),
            "{JOBS} names {}, and there is no {name} in it",
            directory.display()
        );
        return Ok(binary);
    }
    crate::cargo::job(name)
}
