//! The secret store: one SSM parameter for each credential, in the hub account or in the member
//! account of its user.
//!
//! A credential's secret is written here the moment it exists, and read by nobody but whoever asks
//! for exactly that: a plan sees names, owners and descriptions. Every parameter names its owner in
//! the tag `crossaccount:managed-by`. A parameter of another owner, or of nobody, is never
//! overwritten, copied over or deleted.
//!
//! What this module deliberately does not do: decide when a credential is made, and make passwords
//! ([`crate::password`]).

mod description;
mod name;
mod own;
mod settings;
mod state;
mod store;
#[cfg(test)]
mod tests;
mod value;
mod write;

pub use crate::audit::KmsKeyId;
pub use name::{ParameterName, SecretKind};
pub(crate) use own::OwnParameters;
pub use settings::{ParameterPrefix, SecretLocation, SecretsSettings};
pub use state::{KeyCheck, ParameterState};
pub use store::SecretStore;
pub use value::{SecretValue, console_url};
