//! Schemas: what users can write, what each attribute means, and how it behaves in a plan.
//!
//! One definition drives the wire schema, the value codec, validation, the generic plan and the
//! generated documentation. This module knows no protobuf and no AWS.

pub mod attribute;
pub mod check;
pub mod diagnostics;
pub mod field;
pub mod identity;
pub mod model;
pub mod timeouts;
pub mod validators;
pub(crate) mod walk;

pub use attribute::{Attribute, Nesting, Presence, Shape};
pub use diagnostics::{Diagnostic, Diagnostics, Severity};
pub use field::{Field, FromValue, IntoValue, ModelError, Typed};
pub use identity::Identity;
pub use validators::Validator;

use crate::value::{Object, Path, Type};

/// The attributes of a provider block, a resource or a data source.
#[derive(Debug, Clone, Default)]
pub struct Schema {
    version: i64,
    description: String,
    deprecation: Option<String>,
    attributes: Vec<Attribute>,
}

impl Schema {
    /// A schema with the given attributes, version 0.
    pub fn new(attributes: impl IntoIterator<Item = Attribute>) -> Self {
        Self {
            attributes: attributes.into_iter().collect(),
            ..Self::default()
        }
    }

    /// The version of the state that this schema describes; raise it with an upgrade step.
    #[must_use]
    pub fn version(mut self, version: i64) -> Self {
        self.version = version;
        self
    }

    /// What the object is, in Markdown.
    #[must_use]
    pub fn describe(mut self, description: impl Into<String>) -> Self {
        self.description = description.into();
        self
    }

    /// Marks the whole object as deprecated; the message says what to use instead.
    #[must_use]
    pub fn deprecated(mut self, message: impl Into<String>) -> Self {
        self.deprecation = Some(message.into());
        self
    }

    /// The version of the state.
    pub fn state_version(&self) -> i64 {
        self.version
    }

    /// What the object is, in Markdown.
    pub fn description(&self) -> &str {
        &self.description
    }

    /// What to use instead, when the object is deprecated.
    pub fn deprecation(&self) -> Option<&str> {
        self.deprecation.as_deref()
    }

    /// The attributes in the order of their definition.
    pub fn attributes(&self) -> &[Attribute] {
        &self.attributes
    }

    /// The type of an object of this schema.
    pub fn ty(&self) -> Type {
        attribute::object_type(&self.attributes)
    }

    /// Runs the validators of all attributes at all depths.
    pub fn validate(&self, config: &Object) -> Diagnostics {
        let mut diagnostics = Diagnostics::new();
        walk::validate(&self.attributes, config, &Path::root(), &mut diagnostics);
        diagnostics
    }
}

#[cfg(test)]
mod tests;
