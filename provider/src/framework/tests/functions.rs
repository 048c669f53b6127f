//! `GetFunctions` and `CallFunction`. No function needs a configured provider.

use crossaccount_proto::tfplugin6::{DynamicValue, call_function, get_functions};
use rstest::rstest;

use super::{Harness, message};
use crate::framework::{Function, FunctionError, Parameter, Signature};
use crate::value::{Type, Value, msgpack};

async fn call(name: &str, arguments: &[Value]) -> Result<Value, (String, Option<i64>)> {
    let mut harness = Harness::unconfigured().await;
    let request = call_function::Request {
        name: name.to_owned(),
        arguments: arguments
            .iter()
            .map(|value| message(value, &Type::String))
            .collect(),
    };
    let answer = harness
        .client
        .call_function(request)
        .await
        .unwrap()
        .into_inner();
    match (answer.result, answer.error) {
        (Some(DynamicValue { msgpack: bytes, .. }), None) => {
            Ok(msgpack::decode(&bytes, &Type::String).unwrap())
        }
        (None, Some(error)) => Err((error.text, error.function_argument)),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_function_gives_its_result() {
    assert_eq!(
        call("join", &["-".into(), "a".into(), "b".into()]).await,
        Ok("a-b".into())
    );
    assert_eq!(call("join", &["-".into()]).await, Ok("".into()));
}

#[tokio::test]
async fn null_is_passed_where_it_is_allowed() {
    assert_eq!(
        call("join", &[Value::Null, "a".into(), "b".into()]).await,
        Ok("ab".into())
    );
}

#[tokio::test]
async fn an_unknown_argument_makes_the_result_unknown_without_a_call() {
    assert_eq!(
        call("join", &["-".into(), Value::UNKNOWN]).await,
        Ok(Value::UNKNOWN)
    );
}

#[rstest]
#[case::its_own(&["-".into(), "a".into(), "".into()], "must not be empty", Some(2))]
#[case::null(&["-".into(), Value::Null], "must not be null", Some(1))]
#[case::missing(&[], "1 arguments are required (0 given)", None)]
#[tokio::test]
async fn an_error_names_the_argument(
    #[case] arguments: &[Value],
    #[case] text: &str,
    #[case] argument: Option<i64>,
) {
    assert_eq!(
        call("join", arguments).await,
        Err((text.to_owned(), argument))
    );
}

#[tokio::test]
async fn an_argument_too_many_is_an_error() {
    let result = call("broken", &["x".into()]).await;
    assert_eq!(
        result,
        Err(("there is no parameter for it".to_owned(), Some(0)))
    );
}

#[tokio::test]
async fn a_panic_in_a_function_is_its_error() {
    let (text, argument) = call("broken", &[]).await.unwrap_err();
    assert!(text.contains("function fell over"), "{text}");
    assert_eq!(argument, None);
}

#[tokio::test]
async fn an_unknown_function_is_an_error() {
    let result = call("none", &[]).await;
    assert_eq!(
        result,
        Err(("there is no function \"none\"".to_owned(), None))
    );
}

#[tokio::test]
async fn functions_are_listed_with_parameters_and_results() {
    let mut harness = Harness::unconfigured().await;
    let answer = harness
        .client
        .get_functions(get_functions::Request {})
        .await
        .unwrap();
    let functions = answer.into_inner().functions;
    assert_eq!(functions.keys().collect::<Vec<_>>(), ["broken", "join"]);
    let join = &functions["join"];
    assert_eq!(join.parameters[0].name, "separator");
    assert!(join.parameters[0].allow_null_value);
    assert_eq!(
        join.variadic_parameter.as_ref().unwrap().r#type,
        b"\"string\""
    );
    assert_eq!(join.r#return.as_ref().unwrap().r#type, b"\"string\"");
    assert_eq!(
        functions["broken"].r#return.as_ref().unwrap().r#type,
        b"\"bool\""
    );
}

/// Joins its arguments.
pub(super) struct Join;

impl Function for Join {
    fn name(&self) -> &'static str {
        "join"
    }

    fn signature(&self) -> Signature {
        Signature {
            parameters: vec![
                Parameter::new("separator", Type::String, "Between two parts.").allow_null(),
            ],
            variadic: Some(Parameter::new("parts", Type::String, "The parts.")),
            returns: Type::String,
            summary: "Joins texts.".to_owned(),
            description: "Joins texts with a separator.".to_owned(),
            example: "provider::test::join(\"-\", \"a\", \"b\")".to_owned(),
        }
    }

    fn call(&self, arguments: &[Value]) -> Result<Value, FunctionError> {
        let (separator, parts) = arguments.split_first().unwrap();
        let parts: Vec<&str> = parts.iter().filter_map(Value::as_str).collect();
        if let Some(position) = parts.iter().position(|part| part.is_empty()) {
            return Err(FunctionError::in_argument(
                position + 1,
                "must not be empty",
            ));
        }
        Ok(parts.join(separator.as_str().unwrap_or_default()).into())
    }
}

/// Panics.
pub(super) struct Broken;

impl Function for Broken {
    fn name(&self) -> &'static str {
        "broken"
    }

    fn signature(&self) -> Signature {
        Signature {
            parameters: Vec::new(),
            variadic: None,
            returns: Type::Bool,
            summary: "Fails.".to_owned(),
            description: "Panics.".to_owned(),
            example: String::new(),
        }
    }

    fn call(&self, _arguments: &[Value]) -> Result<Value, FunctionError> {
        panic!("function fell over")
    }
}
