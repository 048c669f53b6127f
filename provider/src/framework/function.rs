//! The contract of a provider function: pure, without configuration, without network.

use crate::value::{Type, Value};

/// A function that configurations call as `provider::crossaccount::<name>`.
pub trait Function: Send + Sync + 'static {
    /// The name.
    fn name(&self) -> &'static str;

    /// Parameters, result and documentation. Called once.
    fn signature(&self) -> Signature;

    /// Computes the result. The same arguments must always give the same result. Arguments that
    /// the signature does not allow to be null or unknown are neither; those of the variadic
    /// parameter follow the others.
    fn call(&self, arguments: &[Value]) -> Result<Value, FunctionError>;
}

/// What a function takes, gives and is for.
#[derive(Debug, Clone)]
pub struct Signature {
    /// The parameters in order.
    pub parameters: Vec<Parameter>,
    /// The parameter that any number of further arguments belong to.
    pub variadic: Option<Parameter>,
    /// The type of the result.
    pub returns: Type,
    /// One line.
    pub summary: String,
    /// Markdown.
    pub description: String,
    /// A configuration that uses it, shown in the reference.
    pub example: String,
}

/// One parameter of a function.
#[derive(Debug, Clone)]
pub struct Parameter {
    /// The name.
    pub name: String,
    /// The type.
    pub ty: Type,
    /// Markdown.
    pub description: String,
    /// Null may be passed.
    pub allow_null: bool,
    /// Unknown values may be passed; else the result is unknown without a call.
    pub allow_unknown: bool,
}

impl Parameter {
    /// A parameter that takes neither null nor unknown.
    pub fn new(name: impl Into<String>, ty: Type, description: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            ty,
            description: description.into(),
            allow_null: false,
            allow_unknown: false,
        }
    }

    /// The parameter that also takes null.
    #[must_use]
    pub fn allow_null(mut self) -> Self {
        self.allow_null = true;
        self
    }
}

/// Why a function has no result.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text}")]
pub struct FunctionError {
    /// What is wrong and what to do.
    pub text: String,
    /// Which argument is to blame, from 0.
    pub argument: Option<usize>,
}

impl FunctionError {
    /// An error of the call as a whole.
    pub fn new(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            argument: None,
        }
    }

    /// An error of one argument, counted from 0.
    pub fn in_argument(argument: usize, text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            argument: Some(argument),
        }
    }
}
