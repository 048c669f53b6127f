//! Tables for JSON, types and paths.

use rstest::rstest;

use super::{number, object_of};
use crate::value::{DynamicValue, Object, Path, Type, Value, json};

// JSON.

#[rstest]
#[case("null", Type::String, Value::Null)]
#[case("\"a\"", Type::String, "a".into())]
#[case("true", Type::Bool, true.into())]
#[case("\"true\"", Type::Bool, true.into())]
#[case("5", Type::String, "5".into())]
#[case("1e2", Type::Number, number("100"))]
#[case("\"12\"", Type::Number, number("12"))]
#[case("[\"b\", \"a\", \"b\"]", Type::set(Type::String), Value::set(["a".into(), "b".into()]))]
#[case("{\"k\": 1}", Type::map(Type::Number), Value::map([("k", 1.into())]))]
#[case("[1, \"x\"]", Type::Tuple(vec![Type::Number, Type::String]), Value::list([1.into(), "x".into()]))]
fn json_is_read_by_type(#[case] text: &str, #[case] ty: Type, #[case] expected: Value) {
    assert_eq!(json::decode(text.as_bytes(), &ty), Ok(expected));
}

#[test]
fn an_attribute_that_json_lacks_is_null_and_one_that_the_type_lacks_is_refused() {
    let ty = object_of(&[("a", Type::String), ("b", Type::String)]);
    let expected = Value::object([("a", "x".into()), ("b", Value::Null)]);
    assert_eq!(json::decode(b" {\n  \"a\": \"x\"\n} ", &ty), Ok(expected));
    let error = json::decode(b"{\"x\": 1}", &ty).unwrap_err();
    assert_eq!(error.to_string(), "unsupported attribute \"x\"");
}

#[test]
fn a_dynamic_value_in_json_has_type_and_value_in_any_order() {
    let expected = Value::Dynamic(Box::new(DynamicValue {
        ty: Type::list(Type::Number),
        value: Value::list([1.into()]),
    }));
    for text in [
        r#"{"value":[1],"type":["list","number"]}"#,
        r#"{"type":["list","number"],"value":[1]}"#,
    ] {
        assert_eq!(
            json::decode(text.as_bytes(), &Type::Dynamic),
            Ok(expected.clone())
        );
    }
    assert!(json::decode(br#"{"value":[1]}"#, &Type::Dynamic).is_err());
}

#[test]
fn an_error_about_json_does_not_repeat_it() {
    let error = json::decode(b"{\"password\": \"hunter2", &Type::String).unwrap_err();
    assert_eq!(error.to_string(), "not valid JSON at line 1 column 21");
    let error = json::decode(b"{\"a\": \"hunter2\"}", &object_of(&[("a", Type::Bool)]));
    assert_eq!(error.unwrap_err().to_string(), "a: a bool is required");
}

#[test]
fn json_that_is_nested_deep_does_not_exhaust_the_stack() {
    let deep = "[".repeat(1_000_000);
    assert!(json::decode(deep.as_bytes(), &Type::Dynamic).is_err());
}

// Types.

#[rstest]
#[case(Type::String, "\"string\"")]
#[case(Type::list(Type::Number), "[\"list\",\"number\"]")]
#[case(Type::set(Type::Bool), "[\"set\",\"bool\"]")]
#[case(Type::map(Type::Dynamic), "[\"map\",\"dynamic\"]")]
#[case(Type::Tuple(vec![Type::String, Type::Bool]), "[\"tuple\",[\"string\",\"bool\"]]")]
#[case(
    object_of(&[("b", Type::Bool), ("a", Type::String)]),
    "[\"object\",{\"a\":\"string\",\"b\":\"bool\"}]"
)]
fn types_have_a_json_form(#[case] ty: Type, #[case] text: &str) {
    assert_eq!(String::from_utf8(ty.to_json()).unwrap(), text);
    assert_eq!(Type::from_json(text.as_bytes()), Ok(ty));
}

#[test]
fn optional_attributes_of_an_object_type_are_accepted() {
    let ty = Type::from_json(br#"["object",{"a":"string"},["a"]]"#);
    assert_eq!(ty, Ok(object_of(&[("a", Type::String)])));
}

#[rstest]
#[case("\"text\"")]
#[case("[\"list\"]")]
#[case("[\"bag\",\"string\"]")]
#[case("[\"object\",{\"a\":\"string\"},[\"b\"]]")]
#[case("[\"tuple\",\"string\"]")]
#[case("5")]
#[case("")]
fn what_is_no_type_is_refused(#[case] text: &str) {
    assert!(Type::from_json(text.as_bytes()).is_err());
}

// Paths and helpers.

#[test]
fn a_path_reads_like_an_expression() {
    let path = Path::attribute("access")
        .with_attribute("policies")
        .with_key("a \"b\"")
        .with_index(0);
    assert_eq!(path.to_string(), r#"access.policies["a \"b\""][0]"#);
}

#[test]
fn a_path_leads_to_a_value_or_nowhere() {
    let object = Object::new().with(
        "access",
        Object::new().with("keys", Value::list([Value::map([("k", "v".into())])])),
    );
    let keys = Path::attribute("access").with_attribute("keys");
    assert_eq!(
        object.at(&keys.with_index(0).with_key("k")),
        Some(&"v".into())
    );
    assert_eq!(object.at(&keys.with_index(1)), None);
    assert_eq!(object.at(&keys.with_key("0")), None);
    assert_eq!(object.at(&Path::attribute("other")), None);
    assert_eq!(object.get("other"), &Value::Null);
}

#[test]
fn unknown_values_are_found_and_nulled_at_every_depth() {
    let hidden = |value: Value| {
        Value::object([(
            "a",
            Value::list([Value::map([(
                "k",
                Value::set([Value::Dynamic(Box::new(DynamicValue {
                    ty: Type::String,
                    value,
                }))]),
            )])]),
        )])
    };
    assert!(!hidden(Value::UNKNOWN).is_wholly_known());
    assert_eq!(
        hidden(Value::UNKNOWN).with_unknown_as_null(),
        hidden(Value::Null)
    );
    assert!(hidden(Value::Null).is_wholly_known());
}
