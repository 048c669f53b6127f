//! Providers that real Terraform starts in the place of others.
//!
//! All are one binary, because linking one is cheaper than linking many. It is each of them by the name of its file.

mod aws;
mod panicking;

use std::path::Path;
use std::process::ExitCode;

/// Which provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StubProvider {
    /// `hashicorp/aws`, as far as planning goes.
    Aws,
    /// Ours, whose work panics while it holds a secret.
    Panicking,
}

impl StubProvider {
    /// The address under which configurations name the provider.
    pub fn source(self) -> &'static str {
        match self {
            Self::Aws => aws::SOURCE,
            Self::Panicking => crate::terraform::PROVIDER_SOURCE,
        }
    }

    /// The name of its file, without the suffix of the platform.
    pub fn file(self) -> &'static str {
        match self {
            Self::Aws => "terraform-provider-aws",
            Self::Panicking => "terraform-provider-crossaccount",
        }
    }
}

/// Runs this process as one of the providers.
pub fn main() -> ExitCode {
    let program = std::env::args_os().next().unwrap_or_default();
    if Path::new(&program).file_stem() == Some(StubProvider::Panicking.file().as_ref()) {
        panicking::main()
    } else {
        aws::main()
    }
}
