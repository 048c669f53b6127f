//! What users write in a template, as types of the core.
//!
//! [`table`] lists the properties once: what is read, what an unknown one is compared with, and what the reference says
//! all come from there. [`read`] is strict and serves Create and Update. [`remember`] takes what can be read and never
//! fails; it serves Delete and the properties before an Update, which may have the shape of any past release.
//!
//! Nothing here calls AWS, and nothing here decides what a template may ask for: that is [`crate::guardrails`].

mod problems;
mod read;
mod remember;
mod shape;
pub mod table;
#[cfg(test)]
mod tests;

use crossaccount_core::session::Target;
use crossaccount_core::user::{Adoption, DeletionPolicy, UserSpec};

pub use problems::{Problem, Problems};
pub use read::read;
pub use remember::{Managed, Remembered, remember};

/// The properties of a `Custom::CrossAccountIamUser`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserProperties {
    /// The account, and the role to assume there.
    pub target: Target,
    /// What is wanted of the user.
    pub spec: UserSpec,
    /// What to do when the user exists before it is created.
    pub adoption: Adoption,
    /// What a deletion does.
    pub deletion_policy: DeletionPolicy,
    /// Whether a deletion also removes what was not created here.
    pub force_destroy: bool,
}
