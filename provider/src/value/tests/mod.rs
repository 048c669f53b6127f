//! Tables for the rules of the wire format, and properties of the codecs.

mod texts;

use std::collections::BTreeMap;

use proptest::prelude::{any, prop_assert_eq, proptest};
use proptest::strategy::Strategy as _;
use rstest::rstest;

use crate::value::{
    CodecError, DynamicValue, Number, Refinements, Type, Value, arbitrary, json, msgpack,
};

fn number(text: &str) -> Value {
    Value::Number(Number::parse(text).unwrap())
}

fn decode_number(bytes: &[u8]) -> Result<Value, CodecError> {
    msgpack::decode(bytes, &Type::Number)
}

fn float(value: f64) -> Vec<u8> {
    [&[0xcb][..], &value.to_be_bytes()].concat()
}

/// One attribute of each given type in an object.
fn object_of(types: &[(&str, Type)]) -> Type {
    Type::object(types.iter().map(|(name, ty)| (*name, ty.clone())))
}

// Null, unknown and refined unknown.

#[rstest]
#[case(Type::String)]
#[case(Type::Number)]
#[case(Type::Bool)]
#[case(Type::Dynamic)]
#[case(Type::list(Type::String))]
#[case(Type::set(Type::String))]
#[case(Type::map(Type::String))]
#[case(Type::Tuple(vec![Type::String]))]
#[case(object_of(&[("a", Type::String)]))]
fn every_type_can_be_null_and_unknown(#[case] ty: Type) {
    assert_eq!(msgpack::decode(&[0xc0], &ty), Ok(Value::Null));
    assert_eq!(msgpack::encode(&Value::Null, &ty), Ok(vec![0xc0]));
    assert_eq!(msgpack::decode(&[0xd4, 0, 0], &ty), Ok(Value::UNKNOWN));
    assert_eq!(msgpack::encode(&Value::UNKNOWN, &ty), Ok(vec![0xd4, 0, 0]));
}

#[rstest]
#[case::fixext_of_any_code(&[0xd4, 0x05, 0x2a])]
#[case::ext8_without_a_body(&[0xc7, 0x00, 0x07])]
#[case::negative_code(&[0xd4, 0xff, 0x00])]
#[case::refinements_that_are_empty(&[0xc7, 0x01, 0x0c, 0x80])]
#[case::refinements_that_are_no_map(&[0xc7, 0x02, 0x0c, 0xc3, 0xc3])]
fn any_short_extension_is_an_unknown_value(#[case] bytes: &[u8]) {
    let value = msgpack::decode(bytes, &Type::String).unwrap();
    assert!(matches!(&value, Value::Unknown(refinements) if refinements.body().is_none()));
}

#[test]
fn a_long_extension_of_a_foreign_code_is_refused() {
    let error = msgpack::decode(&[0xc7, 0x03, 0x05, 1, 2, 3], &Type::String).unwrap_err();
    assert_eq!(
        error.to_string(),
        "unsupported extension type 5 with length 3"
    );
}

#[test]
fn refinements_are_handed_back_as_they_came() {
    // {1: false, 2: "pre-"}, as Terraform sends it for "pre-${unknown}".
    let bytes = [
        &[0xc7, 0x09, 0x0c, 0x82, 0x01, 0xc2, 0x02, 0xa4][..],
        b"pre-",
    ]
    .concat();
    let value = msgpack::decode(&bytes, &Type::String).unwrap();
    assert!(value.is_unknown());
    assert_eq!(msgpack::encode(&value, &Type::String), Ok(bytes));
}

#[test]
fn refinements_do_not_make_unknown_values_different() {
    assert_eq!(Value::UNKNOWN, Value::Unknown(Refinements::not_null()));
}

#[test]
fn refinements_longer_than_1024_bytes_are_refused() {
    let body = |length: usize| {
        let header = [
            0xc8,
            u8::try_from(length >> 8).unwrap(),
            u8::try_from(length & 0xff).unwrap(),
            0x0c,
            0x81,
        ];
        [&header[..], &vec![0; length - 1]].concat()
    };
    assert_eq!(
        msgpack::decode(&body(1024), &Type::String),
        Ok(Value::UNKNOWN)
    );
    let error = msgpack::decode(&body(1025), &Type::String).unwrap_err();
    assert_eq!(error.to_string(), "refinements longer than 1024 bytes");
}

// Numbers.

#[rstest]
#[case::positive_fixint(&[0x07], "7")]
#[case::negative_fixint(&[0xff], "-1")]
#[case::u8(&[0xcc, 0xff], "255")]
#[case::u16(&[0xcd, 0x01, 0x00], "256")]
#[case::u32(&[0xce, 0xff, 0xff, 0xff, 0xff], "4294967295")]
#[case::u64(&[0xcf, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], "18446744073709551615")]
#[case::i8(&[0xd0, 0x80], "-128")]
#[case::i16(&[0xd1, 0x80, 0x00], "-32768")]
#[case::i32(&[0xd2, 0x80, 0x00, 0x00, 0x00], "-2147483648")]
#[case::i64(&[0xd3, 0x80, 0, 0, 0, 0, 0, 0, 0], "-9223372036854775808")]
#[case::f32(&[0xca, 0x3f, 0x00, 0x00, 0x00], "0.5")]
#[case::text(b"\xa30.1", "0.1")]
#[case::text_with_exponent(b"\xa41e+3", "1000")]
fn numbers_arrive_as_integer_float_or_text(#[case] bytes: &[u8], #[case] expected: &str) {
    assert_eq!(decode_number(bytes), Ok(number(expected)));
}

#[test]
fn a_float_is_taken_with_its_exact_value() {
    let tiny = "0.000000000931322574615478515625";
    assert_eq!(decode_number(&float(0.5_f64.powi(30))), Ok(number(tiny)));
    assert_eq!(
        decode_number(&float(1e22)),
        Ok(number("10000000000000000000000"))
    );
    assert_eq!(decode_number(&float(-2.5)), Ok(number("-2.5")));
    assert_eq!(decode_number(&float(-0.0)), Ok(number("0")));
    assert!(
        decode_number(&float(f64::from_bits(1))).is_ok(),
        "the smallest float"
    );
    assert!(decode_number(&float(f64::MAX)).is_ok());
}

#[rstest]
#[case::small_integer("5", &[0x05])]
#[case::negative_integer("-33", &[0xd0, 0xdf])]
#[case::largest_i64("9223372036854775807", &[0xcf, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff])]
#[case::whole_decimal("10.0", &[0x0a])]
#[case::decimal("0.1", b"\xa30.1")]
#[case::beyond_i64("18446744073709551615", b"\xb418446744073709551615")]
#[case::exponent_is_written_out("1.5e-3", b"\xa60.0015")]
fn integers_leave_in_their_smallest_form_and_other_numbers_as_plain_text(
    #[case] text: &str,
    #[case] bytes: &[u8],
) {
    assert_eq!(
        msgpack::encode(&number(text), &Type::Number),
        Ok(bytes.to_vec())
    );
}

#[rstest]
#[case("0.12345678901234567890123")]
#[case("123456789012345678901234567890")]
#[case("-0.000000000000000000000000000001")]
fn no_digit_of_a_number_is_lost(#[case] text: &str) {
    let bytes = msgpack::encode(&number(text), &Type::Number).unwrap();
    assert_eq!(decode_number(&bytes).unwrap(), number(text));
    let parsed = json::decode(text.as_bytes(), &Type::Number).unwrap();
    assert_eq!(parsed, number(text));
    assert!(matches!(parsed, Value::Number(number) if number.to_string() == text));
}

#[test]
fn infinities_travel_as_floats_and_not_a_number_is_refused() {
    for infinity in [f64::INFINITY, f64::NEG_INFINITY] {
        let value = decode_number(&float(infinity)).unwrap();
        assert_eq!(msgpack::encode(&value, &Type::Number), Ok(float(infinity)));
    }
    assert_eq!(
        decode_number(&float(f64::NAN)).unwrap_err().to_string(),
        "not-a-number"
    );
    let single = [&[0xca][..], &f32::NAN.to_be_bytes()].concat();
    assert_eq!(
        decode_number(&single).unwrap_err().to_string(),
        "not-a-number"
    );
}

#[rstest]
#[case("1e999999999")]
#[case("1e-999999999")]
#[case("1e1101")]
#[case("1e9223372036854775808")]
#[case("0x10")]
#[case("1_000")]
#[case("")]
#[case("-")]
#[case("e5")]
#[case(".5")]
#[case("NaN")]
#[case("inf")]
#[case("٣")]
fn text_that_is_no_number_or_would_take_all_memory_is_refused(#[case] text: &str) {
    assert!(Number::parse(text).is_err());
}

#[test]
fn a_number_of_ten_million_digits_is_refused_before_it_is_computed() {
    assert!(Number::parse(&"9".repeat(10_000_000)).is_err());
}

#[test]
fn numbers_compare_by_value() {
    assert_eq!(number("1.0"), Value::from(1));
    assert_eq!(number("10e-1"), Value::from(1));
    assert!(number("-5") < number("1"));
    assert!(Number::NEGATIVE_INFINITY < Number::from(i64::MIN));
    assert!(Number::POSITIVE_INFINITY > Number::from(u64::MAX));
}

#[test]
fn only_whole_numbers_that_fit_are_read_as_integers() {
    assert_eq!(number("7.0").as_i64(), Some(7));
    assert_eq!(number("7.5").as_i64(), None);
    assert_eq!(number("9223372036854775808").as_i64(), None);
}

// Text and booleans.

#[test]
fn text_may_arrive_as_binary() {
    assert_eq!(
        msgpack::decode(b"\xc4\x02hi", &Type::String),
        Ok("hi".into())
    );
}

#[test]
fn text_is_not_normalised() {
    let decomposed = "e\u{301}";
    let bytes = msgpack::encode(&decomposed.into(), &Type::String).unwrap();
    assert_eq!(
        msgpack::decode(&bytes, &Type::String),
        Ok(decomposed.into())
    );
}

#[test]
fn text_that_is_not_utf8_is_refused() {
    let error = msgpack::decode(b"\xa1\xff", &Type::String).unwrap_err();
    assert_eq!(error.to_string(), "text that is not UTF-8");
}

#[rstest]
#[case(&[0xc3], true)]
#[case(&[0xc2], false)]
fn booleans_are_their_markers(#[case] bytes: &[u8], #[case] value: bool) {
    assert_eq!(msgpack::decode(bytes, &Type::Bool), Ok(Value::Bool(value)));
    assert_eq!(
        msgpack::encode(&Value::Bool(value), &Type::Bool),
        Ok(bytes.to_vec())
    );
}

// Objects, tuples and collections.

#[test]
fn an_object_is_written_with_all_keys_in_order_and_missing_ones_as_null() {
    let ty = object_of(&[("b", Type::String), ("a", Type::String)]);
    let bytes = msgpack::encode(&Value::object([("b", "x".into())]), &ty);
    assert_eq!(bytes, Ok(b"\x82\xa1a\xc0\xa1b\xa1x".to_vec()));
}

#[test]
fn an_object_is_read_in_any_order() {
    let ty = object_of(&[("a", Type::Bool), ("b", Type::Bool)]);
    let expected = Value::object([("a", true.into()), ("b", false.into())]);
    assert_eq!(
        msgpack::decode(b"\x82\xa1b\xc2\xa1a\xc3", &ty),
        Ok(expected)
    );
}

#[rstest]
#[case::missing(b"\x81\xa1a\xc3", "an object with 2 attributes is required (1 given)")]
#[case::none_at_all(b"\x80", "an object with 2 attributes is required (0 given)")]
#[case::unknown_name(b"\x82\xa1a\xc3\xa1c\xc3", "unsupported attribute \"c\"")]
#[case::twice(b"\x82\xa1a\xc3\xa1a\xc3", "a: the attribute occurs twice")]
#[case::key_of_another_type(b"\x82\x01\xc3\xa1a\xc3", "a string as key is required")]
fn an_object_must_hold_exactly_its_attributes(#[case] bytes: &[u8], #[case] message: &str) {
    let ty = object_of(&[("a", Type::Bool), ("b", Type::Bool)]);
    assert_eq!(
        msgpack::decode(bytes, &ty).unwrap_err().to_string(),
        message
    );
}

#[test]
fn an_attribute_that_the_type_lacks_is_not_written() {
    let value = Value::object([("nmae", "x".into())]);
    let error = msgpack::encode(&value, &object_of(&[("name", Type::String)])).unwrap_err();
    assert_eq!(error.to_string(), "unsupported attribute \"nmae\"");
}

#[test]
fn a_tuple_must_have_its_length() {
    let ty = Type::Tuple(vec![Type::Bool, Type::String]);
    let error = msgpack::decode(&[0x91, 0xc3], &ty).unwrap_err();
    assert_eq!(
        error.to_string(),
        "a tuple with 2 elements is required (1 given)"
    );
    let error = msgpack::encode(&Value::list([true.into()]), &ty).unwrap_err();
    assert_eq!(
        error.to_string(),
        "a tuple with 2 elements is required (1 given)"
    );
}

#[test]
fn a_map_with_a_key_twice_is_refused() {
    let error = msgpack::decode(b"\x82\xa1k\xc3\xa1k\xc2", &Type::map(Type::Bool)).unwrap_err();
    assert_eq!(error.to_string(), "[\"k\"]: the key occurs twice");
}

#[test]
fn sets_have_no_order_and_no_duplicates() {
    let ty = Type::set(Type::String);
    let left = msgpack::decode(b"\x93\xa1a\xa1b\xa1a", &ty).unwrap();
    let right = msgpack::decode(b"\x92\xa1b\xa1a", &ty).unwrap();
    assert_eq!(left, right);
    assert_eq!(left.as_elements().map(<[Value]>::len), Some(2));
}

#[test]
fn two_unknown_elements_of_a_set_stay_two() {
    let bytes = [0x92, 0xd4, 0, 0, 0xd4, 0, 0];
    let value = msgpack::decode(&bytes, &Type::set(Type::String)).unwrap();
    assert_eq!(
        msgpack::encode(&value, &Type::set(Type::String)),
        Ok(bytes.to_vec())
    );
}

#[test]
fn an_empty_collection_is_not_null() {
    let ty = Type::list(Type::String);
    assert_eq!(msgpack::decode(&[0x90], &ty), Ok(Value::list([])));
    assert_eq!(msgpack::encode(&Value::list([]), &ty), Ok(vec![0x90]));
}

// Dynamic values.

#[test]
fn a_dynamic_value_travels_with_its_type() {
    let value = Value::Dynamic(Box::new(DynamicValue {
        ty: Type::Number,
        value: Value::from(3),
    }));
    let bytes = [&[0x92, 0xc4, 0x08][..], b"\"number\"", &[0x03]].concat();
    assert_eq!(msgpack::encode(&value, &Type::Dynamic), Ok(bytes.clone()));
    assert_eq!(msgpack::decode(&bytes, &Type::Dynamic), Ok(value));
}

#[test]
fn a_dynamic_value_can_be_unknown_with_and_without_a_type() {
    let typed = [&[0x92, 0xc4, 0x08][..], b"\"number\"", &[0xd4, 0, 0]].concat();
    let value = msgpack::decode(&typed, &Type::Dynamic).unwrap();
    assert!(value.is_unknown());
    assert_eq!(msgpack::encode(&value, &Type::Dynamic), Ok(typed));
    assert_eq!(
        msgpack::decode(&[0xd4, 0, 0], &Type::Dynamic),
        Ok(Value::UNKNOWN)
    );
}

#[test]
fn dynamic_values_inside_each_other_do_not_exhaust_the_stack() {
    let mut bytes = Vec::new();
    for _ in 0..100_000 {
        bytes.extend_from_slice(&[0x92, 0xc4, 0x09]);
        bytes.extend_from_slice(b"\"dynamic\"");
    }
    let error = msgpack::decode(&bytes, &Type::Dynamic).unwrap_err();
    assert_eq!(error.to_string(), "dynamic values are nested too deep");
}

#[test]
fn a_type_that_is_nested_deep_is_refused() {
    let deep = |depth| {
        format!(
            "{}\"string\"{}",
            "[\"list\",".repeat(depth),
            "]".repeat(depth)
        )
    };
    assert!(Type::from_json(deep(32).as_bytes()).is_ok());
    assert!(Type::from_json(deep(33).as_bytes()).is_err());
    assert!(Type::from_json(deep(100_000).as_bytes()).is_err());
}

// Hostile and broken input.

#[rstest]
#[case::nothing(b"", Type::String)]
#[case::string_of_4_gib(&[0xdb, 0xff, 0xff, 0xff, 0xff], Type::String)]
#[case::list_of_4_billion(&[0xdd, 0xff, 0xff, 0xff, 0xff], Type::list(Type::String))]
#[case::map_of_4_billion(&[0xdf, 0xff, 0xff, 0xff, 0xff], Type::map(Type::String))]
#[case::extension_without_body(&[0xc7, 0x05], Type::String)]
#[case::half_a_float(&[0xcb, 0x00], Type::Number)]
fn a_message_that_ends_too_early_is_refused(#[case] bytes: &[u8], #[case] ty: Type) {
    let error = msgpack::decode(bytes, &ty).unwrap_err();
    assert_eq!(error.message, "the message ends too early");
}

#[test]
fn more_than_a_million_values_are_refused() {
    let count: u32 = 1 << 20;
    let mut bytes = vec![0xdd];
    bytes.extend_from_slice(&count.to_be_bytes());
    bytes.resize(5 + (1 << 20), 0xc0);
    let error = msgpack::decode(&bytes, &Type::list(Type::Bool)).unwrap_err();
    assert_eq!(error.message, "more than 1048576 values");
}

#[test]
fn bytes_after_the_value_are_refused() {
    let error = msgpack::decode(&[0xc3, 0xc3], &Type::Bool).unwrap_err();
    assert_eq!(error.to_string(), "bytes follow the value");
}

#[rstest]
#[case(&[0xc3], Type::String, "a string is required")]
#[case(b"\xa1x", Type::Bool, "a bool is required")]
#[case(b"\xa1x", Type::Number, "not a decimal number")]
#[case(&[0x80], Type::list(Type::Bool), "a list is required")]
#[case(&[0x90], Type::map(Type::Bool), "a map is required")]
#[case(&[0xc1], Type::String, "a string is required")]
fn a_value_of_another_type_is_refused(
    #[case] bytes: &[u8],
    #[case] ty: Type,
    #[case] message: &str,
) {
    assert_eq!(msgpack::decode(bytes, &ty).unwrap_err().message, message);
}

#[test]
fn an_error_says_where() {
    let ty = object_of(&[(
        "access",
        object_of(&[("policies", Type::map(Type::list(Type::Bool)))]),
    )]);
    let bytes = b"\x81\xa6access\x81\xa8policies\x81\xa1x\x92\xc3\xa1n";
    let error = msgpack::decode(bytes, &ty).unwrap_err();
    assert_eq!(
        error.to_string(),
        "access.policies[\"x\"][1]: a bool is required"
    );
}

// Properties.

fn typed_values() -> impl proptest::strategy::Strategy<Value = (Type, Value)> {
    arbitrary::types()
        .prop_flat_map(|ty| (proptest::strategy::Just(ty.clone()), arbitrary::values(&ty)))
}

proptest! {
    #[test]
    fn what_is_written_is_read_back((ty, value) in typed_values()) {
        let bytes = msgpack::encode(&value, &ty).unwrap();
        let read = msgpack::decode(&bytes, &ty).unwrap();
        prop_assert_eq!(&read, &value);
        // Equality ignores refinements; the bytes do not.
        prop_assert_eq!(msgpack::encode(&read, &ty).unwrap(), bytes);
    }

    #[test]
    fn a_type_is_read_back_from_its_json_form(ty in arbitrary::types()) {
        prop_assert_eq!(Type::from_json(&ty.to_json()), Ok(ty));
    }

    #[test]
    fn a_truncated_message_is_an_error((ty, value) in typed_values(), cut in any::<proptest::sample::Index>()) {
        let bytes = msgpack::encode(&value, &ty).unwrap();
        let kept = &bytes[..cut.index(bytes.len())];
        proptest::prop_assert!(msgpack::decode(kept, &ty).is_err());
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..512)) {
        crate::value::fuzzing::decode_anything(&bytes);
    }

    #[test]
    fn damaged_messages_never_panic(
        (ty, value) in typed_values(),
        place in any::<proptest::sample::Index>(),
        byte in any::<u8>(),
    ) {
        let mut bytes = msgpack::encode(&value, &ty).unwrap();
        let place = place.index(bytes.len());
        bytes[place] = byte;
        if let Ok(value) = msgpack::decode(&bytes, &ty) {
            prop_assert_eq!(msgpack::decode(&msgpack::encode(&value, &ty).unwrap(), &ty), Ok(value));
        }
    }
}

#[test]
fn map_and_object_are_different_values() {
    let map = Value::Map(BTreeMap::new());
    assert!(msgpack::encode(&map, &object_of(&[("a", Type::Bool)])).is_err());
}
