//! Function signatures as messages.

use crossaccount_proto::tfplugin6::{self, StringKind};
use tfplugin6::function::{Parameter as ProtoParameter, Return};

use crate::framework::{Parameter, Signature};

/// A signature as a message. The result is always there: Terraform crashes without it.
pub(in crate::framework) fn to_proto(signature: &Signature) -> tfplugin6::Function {
    tfplugin6::Function {
        parameters: signature.parameters.iter().map(parameter).collect(),
        variadic_parameter: signature.variadic.as_ref().map(parameter),
        r#return: Some(Return {
            r#type: signature.returns.to_json(),
        }),
        summary: signature.summary.clone(),
        description: signature.description.clone(),
        description_kind: StringKind::Markdown.into(),
        deprecation_message: String::new(),
    }
}

fn parameter(parameter: &Parameter) -> ProtoParameter {
    ProtoParameter {
        name: parameter.name.clone(),
        r#type: parameter.ty.to_json(),
        allow_null_value: parameter.allow_null,
        allow_unknown_values: parameter.allow_unknown,
        description: parameter.description.clone(),
        description_kind: StringKind::Markdown.into(),
    }
}
