//! Why a value could not be decoded or encoded, and where in it.

use super::Path;

/// A value does not fit its type, or its bytes are malformed. Never shows the value itself.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}{message}", place(path))]
pub struct CodecError {
    /// Where in the value.
    pub path: Path,
    /// What is wrong, as a lower-case fragment.
    pub message: String,
}

impl CodecError {
    pub(crate) fn new(path: &Path, message: impl Into<String>) -> Self {
        Self {
            path: path.clone(),
            message: message.into(),
        }
    }
}

fn place(path: &Path) -> String {
    if path.is_root() {
        String::new()
    } else {
        format!("{path}: ")
    }
}
