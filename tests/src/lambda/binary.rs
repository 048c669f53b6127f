//! Which binary a function is made of.

use std::path::PathBuf;

use anyhow::{Result, ensure};

use crate::{cargo, package};

/// Names a binary that is tested in the place of the packaged one.
const CHOICE: &str = "CROSSACCOUNT_CFN_HANDLER";
/// Names a directory whose `provision` and `reconcile` are tested in the place of the ones that we build.
const JOBS: &str = "CROSSACCOUNT_JOBS_DIRECTORY";

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

/// The binary of a job, `provision` or `reconcile`: from the directory that `CROSSACCOUNT_JOBS_DIRECTORY` names, else built in
/// the profile of the running executable. To test the very ones that are packaged for users, name a directory with those.
///
/// # Errors
/// When there is no such job, or it cannot be built; the message holds the compiler's output.
pub fn job_binary(name: &str) -> Result<PathBuf> {
    let directory = match std::env::var_os(JOBS) {
        Some(chosen) => PathBuf::from(chosen),
        None => cargo::jobs_directory()?.to_owned(),
    };
    let binary = directory.join(cargo::file_name(name));
    ensure!(
        binary.is_file(),
        "there is no job {name}: {} does not exist",
        binary.display()
    );
    Ok(binary)
}
