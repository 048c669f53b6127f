//! Provider functions. They work without a configured provider.

use std::sync::Arc;

use crossaccount_proto::tfplugin6::{FunctionError as ProtoError, call_function, get_functions};

use crate::framework::registry::Inner;
use crate::framework::server::Call;
use crate::framework::wire::{diagnostics, functions, values};
use crate::framework::{Function, FunctionError, Parameter, Provider, Signature};
use crate::schema::Diagnostics;
use crate::value::Value;

impl<P: Provider> Call<P> for get_functions::Request {
    type Answer = get_functions::Response;
    const NAME: &'static str = "GetFunctions";

    async fn answer(self, server: Arc<Inner<P>>) -> Result<Self::Answer, Diagnostics> {
        Ok(get_functions::Response {
            functions: server
                .functions
                .iter()
                .map(|(name, (_, signature))| ((*name).to_owned(), functions::to_proto(signature)))
                .collect(),
            ..Default::default()
        })
    }

    fn refused(self, diagnostics: Diagnostics) -> Self::Answer {
        get_functions::Response {
            diagnostics: diagnostics::to_proto(diagnostics),
            ..Default::default()
        }
    }
}

impl<P: Provider> Call<P> for call_function::Request {
    type Answer = call_function::Response;
    const NAME: &'static str = "CallFunction";

    fn subject(&self) -> &str {
        &self.name
    }

    async fn answer(self, server: Arc<Inner<P>>) -> Result<Self::Answer, Diagnostics> {
        let outcome = match server.functions.get(self.name.as_str()) {
            Some((function, signature)) => call(function.as_ref(), signature, &self),
            None => Err(FunctionError::new(format!(
                "there is no function {:?}",
                self.name
            ))),
        };
        Ok(match outcome {
            Ok(result) => call_function::Response {
                result: Some(result),
                error: None,
            },
            Err(error) => call_function::Response {
                result: None,
                error: Some(ProtoError {
                    text: error.text,
                    function_argument: error.argument.and_then(|index| index.try_into().ok()),
                }),
            },
        })
    }

    fn refused(self, diagnostics: Diagnostics) -> Self::Answer {
        let text = diagnostics
            .into_iter()
            .map(|diagnostic| diagnostic.detail)
            .collect();
        call_function::Response {
            result: None,
            error: Some(ProtoError {
                text,
                function_argument: None,
            }),
        }
    }
}

fn call(
    function: &dyn Function,
    signature: &Signature,
    request: &call_function::Request,
) -> Result<crossaccount_proto::tfplugin6::DynamicValue, FunctionError> {
    let in_text = |found: Diagnostics| {
        found
            .into_iter()
            .map(|diagnostic| diagnostic.detail)
            .collect::<Vec<_>>()
            .join("\n")
    };
    let result = |value: &Value| {
        values::encode(value, &signature.returns, "result")
            .map_err(|fault| FunctionError::new(in_text(fault)))
    };
    let mut arguments = Vec::with_capacity(request.arguments.len());
    let mut unknown = false;
    for (index, message) in request.arguments.iter().enumerate() {
        let Some(parameter) = parameter(signature, index) else {
            return Err(FunctionError::in_argument(
                index,
                "there is no parameter for it",
            ));
        };
        let value = values::decode(Some(message), &parameter.ty, "argument")
            .map_err(|fault| FunctionError::in_argument(index, in_text(fault)))?;
        if value.is_null() && !parameter.allow_null {
            return Err(FunctionError::in_argument(index, "must not be null"));
        }
        unknown |= !parameter.allow_unknown && !value.is_wholly_known();
        arguments.push(value);
    }
    if arguments.len() < signature.parameters.len() {
        let expected = signature.parameters.len();
        return Err(FunctionError::new(format!(
            "{expected} arguments are required ({} given)",
            arguments.len()
        )));
    }
    if unknown {
        return result(&Value::UNKNOWN);
    }
    result(&function.call(&arguments)?)
}

fn parameter(signature: &Signature, index: usize) -> Option<&Parameter> {
    signature
        .parameters
        .get(index)
        .or(signature.variadic.as_ref())
}
