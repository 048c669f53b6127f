//! What tells one object of a resource type from all others: a few of its attributes. Terraform 1.12
//! and later keep them beside the state, list objects by them and import by them.

use super::attribute::Attribute;
use super::{Presence, Schema};
use crate::value::{Object, Type, Value};

/// The identity of a resource type. Its attributes have the names and types of attributes of the
/// resource, from which they are taken: an identity is never a value of its own.
///
/// A required attribute must be given to import an object, an optional one may be. Required ones
/// are never null in an identity that Terraform gets.
#[derive(Debug, Clone)]
pub struct Identity {
    schema: Schema,
    changeable: bool,
}

impl Identity {
    /// An identity of these attributes, version 0, that never changes while an object exists.
    pub fn new(attributes: impl IntoIterator<Item = Attribute>) -> Self {
        Self {
            schema: Schema::new(attributes),
            changeable: false,
        }
    }

    /// The version of stored identities; raise it with an upgrade step.
    #[must_use]
    pub fn version(mut self, version: i64) -> Self {
        self.schema = self.schema.version(version);
        self
    }

    /// An attribute of the identity can be changed in place, such as a name that can be renamed.
    #[must_use]
    pub fn changeable(mut self) -> Self {
        self.changeable = true;
        self
    }

    /// Attributes and version.
    pub fn schema(&self) -> &Schema {
        &self.schema
    }

    /// It can change while the object stays.
    pub fn is_changeable(&self) -> bool {
        self.changeable
    }

    /// The type of an identity.
    pub fn ty(&self) -> Type {
        self.schema.ty()
    }

    /// The identity of an object. It may hold unknown values in a plan, and null in a state that is
    /// not complete.
    pub fn of(&self, object: &Object) -> Object {
        let attributes = self.schema.attributes().iter();
        attributes
            .map(|attribute| (attribute.name(), object.get(attribute.name()).clone()))
            .collect()
    }

    /// The identity of an object, when it is wholly known and no required attribute is missing.
    pub fn complete(&self, object: &Object) -> Option<Object> {
        let identity = self.of(object);
        let complete = identity.is_wholly_known() && self.missing(&identity).next().is_none();
        complete.then_some(identity)
    }

    /// The required attributes that are null.
    pub fn missing<'a>(&'a self, identity: &'a Object) -> impl Iterator<Item = &'a str> {
        let required = |it: &&Attribute| it.presence() == Some(Presence::Required);
        let attributes = self.schema.attributes().iter().filter(required);
        attributes
            .map(Attribute::name)
            .filter(|name| identity.get(name).is_null())
    }

    /// The attributes that an earlier identity knew otherwise.
    pub fn differences<'a>(
        &'a self,
        earlier: &'a Object,
        identity: &'a Object,
    ) -> impl Iterator<Item = &'a str> {
        let differs = |name: &&str| {
            let value: &Value = earlier.get(name);
            !value.is_null() && value != identity.get(name)
        };
        let attributes = self.schema.attributes().iter();
        attributes.map(Attribute::name).filter(differs)
    }
}
