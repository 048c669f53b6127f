//! What calls have in common: the configured provider, capabilities of the client, private data.

use std::sync::Arc;

/// The provider as a planning call finds it.
#[derive(Debug)]
pub enum Configured<C> {
    /// Configured.
    Ready(Arc<C>),
    /// The provider block holds values that are only known after apply; the text names them.
    /// Legal in a plan: answer from configuration and state alone.
    Unknown(String),
}

impl<C> Configured<C> {
    /// The configured provider, when there is one.
    pub fn ready(&self) -> Option<&Arc<C>> {
        match self {
            Self::Ready(provider) => Some(provider),
            Self::Unknown(_) => None,
        }
    }
}

impl<C> Clone for Configured<C> {
    fn clone(&self) -> Self {
        match self {
            Self::Ready(provider) => Self::Ready(Arc::clone(provider)),
            Self::Unknown(reason) => Self::Unknown(reason.clone()),
        }
    }
}

/// What the Terraform that calls can handle.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Capabilities {
    /// An answer may be "not now" ([`DeferReason`]). Off in ordinary runs.
    pub deferral_allowed: bool,
    /// Write-only attributes can be configured (Terraform and `OpenTofu` 1.11 and later).
    pub write_only_attributes_allowed: bool,
}

/// Why an answer is deferred to a later run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeferReason {
    /// The configuration of the resource is not known.
    ResourceConfigUnknown,
    /// The configuration of the provider is not known.
    ProviderConfigUnknown,
    /// Something that must exist before does not exist yet.
    AbsentPrerequisite,
}

/// Data that Terraform keeps with an object and that users do not see. Not a place for secrets:
/// it is stored in clear.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Private(serde_json::Map<String, serde_json::Value>);

impl Private {
    /// Nothing kept.
    pub fn new() -> Self {
        Self::default()
    }

    /// One entry.
    pub fn get(&self, key: &str) -> Option<&serde_json::Value> {
        self.0.get(key)
    }

    /// Sets one entry.
    pub fn set(&mut self, key: impl Into<String>, value: impl Into<serde_json::Value>) {
        self.0.insert(key.into(), value.into());
    }

    /// Removes one entry.
    pub fn remove(&mut self, key: &str) -> Option<serde_json::Value> {
        self.0.remove(key)
    }

    /// Nothing is kept.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Reads the bytes that Terraform kept. Bytes of another origin read as nothing.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Self {
        Self(serde_json::from_slice(bytes).unwrap_or_default())
    }

    /// The bytes that Terraform keeps; none when there is nothing to keep.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        if self.0.is_empty() {
            Vec::new()
        } else {
            serde_json::Value::Object(self.0.clone())
                .to_string()
                .into_bytes()
        }
    }
}
