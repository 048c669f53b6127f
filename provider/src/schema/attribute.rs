//! One attribute of a schema and the builder that declares it.

use std::fmt;
use std::sync::Arc;

use super::Validator;
use crate::value::{Type, Value};

/// Decides whether two known values of an attribute mean the same.
pub(crate) type Equality = Arc<dyn Fn(&Value, &Value) -> bool + Send + Sync>;

/// Who gives an attribute its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presence {
    /// The user must.
    Required,
    /// The user may.
    Optional,
    /// Only the provider does.
    Computed,
    /// The user may, else the provider does.
    OptionalComputed,
}

/// How objects repeat in a nested attribute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Nesting {
    /// One object.
    Single,
    /// A list of objects.
    List,
    /// A set of objects.
    Set,
    /// Objects by key.
    Map,
}

/// What an attribute holds.
#[derive(Debug, Clone)]
pub enum Shape {
    /// A value of one type.
    Plain(Type),
    /// Objects with attributes of their own.
    Nested(Nesting, Vec<Attribute>),
}

/// One attribute. A constructor gives name and type, the methods say the rest:
///
/// ```
/// use provider::schema::{Attribute, validators};
/// let attribute = Attribute::string("account_id")
///     .required()
///     .requires_replace()
///     .validate(validators::length_between(12, 12))
///     .describe("The account that holds the user.");
/// ```
#[derive(Clone)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "independent marks, set by the builder"
)]
pub struct Attribute {
    pub(crate) name: String,
    pub(crate) shape: Shape,
    pub(crate) presence: Option<Presence>,
    pub(crate) description: String,
    pub(crate) sensitive: bool,
    pub(crate) write_only: bool,
    pub(crate) deprecation: Option<String>,
    pub(crate) default: Option<Value>,
    pub(crate) validators: Vec<Arc<dyn Validator>>,
    pub(crate) requires_replace: bool,
    pub(crate) use_state_for_unknown: bool,
    pub(crate) equality: Option<Equality>,
}

/// The methods `required`, `optional` and `computed` choose who gives the value; the last two may
/// be combined.
impl Attribute {
    /// An attribute of any type.
    pub fn of(name: impl Into<String>, ty: Type) -> Self {
        Self::with_shape(name, Shape::Plain(ty))
    }

    /// Text.
    pub fn string(name: impl Into<String>) -> Self {
        Self::of(name, Type::String)
    }

    /// A boolean.
    pub fn bool(name: impl Into<String>) -> Self {
        Self::of(name, Type::Bool)
    }

    /// A whole number from `i64`; anything else is refused by a validator.
    pub fn integer(name: impl Into<String>) -> Self {
        Self::of(name, Type::Number).validate(super::validators::integer(|_| Ok(())))
    }

    /// A list of plain values.
    pub fn list(name: impl Into<String>, element: Type) -> Self {
        Self::of(name, Type::list(element))
    }

    /// A set of plain values.
    pub fn set(name: impl Into<String>, element: Type) -> Self {
        Self::of(name, Type::set(element))
    }

    /// A map of plain values.
    pub fn map(name: impl Into<String>, element: Type) -> Self {
        Self::of(name, Type::map(element))
    }

    /// One nested object.
    pub fn single_nested(
        name: impl Into<String>,
        attributes: impl IntoIterator<Item = Attribute>,
    ) -> Self {
        Self::nested(name, Nesting::Single, attributes)
    }

    /// A list of nested objects.
    pub fn list_nested(
        name: impl Into<String>,
        attributes: impl IntoIterator<Item = Attribute>,
    ) -> Self {
        Self::nested(name, Nesting::List, attributes)
    }

    /// A set of nested objects.
    pub fn set_nested(
        name: impl Into<String>,
        attributes: impl IntoIterator<Item = Attribute>,
    ) -> Self {
        Self::nested(name, Nesting::Set, attributes)
    }

    /// Nested objects by key.
    pub fn map_nested(
        name: impl Into<String>,
        attributes: impl IntoIterator<Item = Attribute>,
    ) -> Self {
        Self::nested(name, Nesting::Map, attributes)
    }

    fn nested(
        name: impl Into<String>,
        nesting: Nesting,
        attributes: impl IntoIterator<Item = Attribute>,
    ) -> Self {
        Self::with_shape(
            name,
            Shape::Nested(nesting, attributes.into_iter().collect()),
        )
    }

    fn with_shape(name: impl Into<String>, shape: Shape) -> Self {
        Self {
            name: name.into(),
            shape,
            presence: None,
            description: String::new(),
            sensitive: false,
            write_only: false,
            deprecation: None,
            default: None,
            validators: Vec::new(),
            requires_replace: false,
            use_state_for_unknown: false,
            equality: None,
        }
    }

    /// The user must give a value.
    #[must_use]
    pub fn required(mut self) -> Self {
        self.presence = Some(Presence::Required);
        self
    }

    /// The user may give a value.
    #[must_use]
    pub fn optional(mut self) -> Self {
        self.presence = Some(match self.presence {
            Some(Presence::Computed | Presence::OptionalComputed) => Presence::OptionalComputed,
            _ => Presence::Optional,
        });
        self
    }

    /// The provider gives the value when the user does not, or always when it is not optional.
    #[must_use]
    pub fn computed(mut self) -> Self {
        self.presence = Some(match self.presence {
            Some(Presence::Optional | Presence::OptionalComputed) => Presence::OptionalComputed,
            _ => Presence::Computed,
        });
        self
    }

    /// The value when the user gives none. Makes the attribute optional and computed, because
    /// Terraform accepts a planned value that is not configured only then.
    #[must_use]
    pub fn default(mut self, value: impl Into<Value>) -> Self {
        self.presence = Some(Presence::OptionalComputed);
        self.default = Some(value.into());
        self
    }

    /// What it is, in Markdown.
    #[must_use]
    pub fn describe(mut self, description: impl Into<String>) -> Self {
        self.description = description.into();
        self
    }

    /// Terraform hides the value in its output. It still is in the state.
    #[must_use]
    pub fn sensitive(mut self) -> Self {
        self.sensitive = true;
        self
    }

    /// The value is handed to the provider and never kept in plan or state.
    #[must_use]
    pub fn write_only(mut self) -> Self {
        self.write_only = true;
        self
    }

    /// Warns whoever sets it; the message says what to use instead.
    #[must_use]
    pub fn deprecated(mut self, message: impl Into<String>) -> Self {
        self.deprecation = Some(message.into());
        self
    }

    /// Checks values that are known and not null.
    #[must_use]
    pub fn validate(mut self, validator: impl Validator + 'static) -> Self {
        self.validators.push(Arc::new(validator));
        self
    }

    /// A changed value replaces the object.
    #[must_use]
    pub fn requires_replace(mut self) -> Self {
        self.requires_replace = true;
        self
    }

    /// A computed value that never changes once it is there: plans show the value of the state
    /// instead of "known after apply".
    #[must_use]
    pub fn use_state_for_unknown(mut self) -> Self {
        self.use_state_for_unknown = true;
        self
    }

    /// Two known values that mean the same are no change: plan and refresh keep the one that is
    /// in the state. Applies to the attribute as a whole, because Terraform accepts only that.
    #[must_use]
    pub fn equal_when(
        mut self,
        equality: impl Fn(&Value, &Value) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.equality = Some(Arc::new(equality));
        self
    }

    /// The name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What it holds.
    pub fn shape(&self) -> &Shape {
        &self.shape
    }

    /// Who gives the value; nothing when the definition forgot to say, which
    /// [`check`](super::check) reports.
    pub fn presence(&self) -> Option<Presence> {
        self.presence
    }

    pub(crate) fn is_computed(&self) -> bool {
        matches!(
            self.presence,
            Some(Presence::Computed | Presence::OptionalComputed)
        )
    }

    /// The type of its values.
    pub fn ty(&self) -> Type {
        match &self.shape {
            Shape::Plain(ty) => ty.clone(),
            Shape::Nested(nesting, attributes) => {
                let object = object_type(attributes);
                match nesting {
                    Nesting::Single => object,
                    Nesting::List => Type::list(object),
                    Nesting::Set => Type::set(object),
                    Nesting::Map => Type::map(object),
                }
            }
        }
    }
}

pub(crate) fn object_type(attributes: &[Attribute]) -> Type {
    Type::object(
        attributes
            .iter()
            .map(|attribute| (attribute.name.clone(), attribute.ty())),
    )
}

impl fmt::Debug for Attribute {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Attribute")
            .field("name", &self.name)
            .field("shape", &self.shape)
            .field("presence", &self.presence)
            .finish_non_exhaustive()
    }
}
