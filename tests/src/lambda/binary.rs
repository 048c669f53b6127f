//! Which binary the function is made of.

use std::path::PathBuf;

use anyhow::{Result, ensure};

use crate::cargo;

/// Names a binary that is tested in the place of the one that would be built.
const CHOICE: &str = "CROSSACCOUNT_CFN_HANDLER";

/// The binary of the CloudFormation handler: the one that `CROSSACCOUNT_CFN_HANDLER` names, else the one of this
/// workspace, built in the profile of the running executable.
///
/// # Errors
/// When the named file does not exist, or the build fails; the message holds the compiler's output.
pub fn handler_binary() -> Result<PathBuf> {
    let Some(chosen) = std::env::var_os(CHOICE).map(PathBuf::from) else {
        return cargo::cfn_handler_binary();
    };
    ensure!(
        chosen.is_file(),
        "{CHOICE} names {}, and there is no such file",
        chosen.display()
    );
    Ok(chosen)
}
