//! Models, validators and the rules for schemas.

use std::collections::{BTreeMap, BTreeSet};

use rstest::rstest;

use super::{Attribute, Field, Identity, ModelError, Schema, check, model, validators};
use crate::value::{Number, Object, Path, Type, Value};

crate::model! {
    /// A model with a field of every kind.
    #[derive(Default)]
    pub(crate) struct Everything {
        name: Field<String>,
        count: Field<i64>,
        active: Field<bool>,
        ratio: Field<Number>,
        list: Field<Vec<String>>,
        set: Field<BTreeSet<String>>,
        map: Field<BTreeMap<String, String>>,
        open_list: Field<Vec<Field<String>>>,
        nested: Field<Inner>,
        many: Field<BTreeSet<Inner>>,
        anything: Value,
        r#type: Option<String>,
        zone: Field<Zone>,
    }
}

crate::model! {
    #[derive(Default, Eq, PartialOrd, Ord)]
    pub(crate) struct Inner {
        level: Field<i64>,
        required: String,
    }
}

/// A newtype as core has them.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Zone(String);

impl std::str::FromStr for Zone {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.starts_with("z-") {
            Ok(Self(text.to_owned()))
        } else {
            Err("not a zone".into())
        }
    }
}

impl std::fmt::Display for Zone {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.0)
    }
}

crate::text_fields!(Zone);

fn inner() -> Vec<Attribute> {
    vec![
        Attribute::integer("level").optional(),
        Attribute::string("required").required(),
    ]
}

fn schema() -> Schema {
    Schema::new([
        Attribute::string("name").optional(),
        Attribute::integer("count").optional(),
        Attribute::bool("active").optional(),
        Attribute::of("ratio", Type::Number).optional(),
        Attribute::list("list", Type::String).optional(),
        Attribute::set("set", Type::String).optional(),
        Attribute::map("map", Type::String).optional(),
        Attribute::list("open_list", Type::String).optional(),
        Attribute::single_nested("nested", inner()).optional(),
        Attribute::set_nested("many", inner()).optional(),
        Attribute::map("anything", Type::Bool).optional(),
        Attribute::string("type").optional(),
        Attribute::string("zone").optional(),
    ])
}

fn filled() -> Everything {
    let inner = Inner {
        level: Field::Known(1),
        required: "r".to_owned(),
    };
    Everything {
        name: Field::Known("n".to_owned()),
        count: Field::Known(-5),
        active: Field::Known(true),
        ratio: Field::Known("0.1".parse().unwrap()),
        list: Field::Known(vec!["b".to_owned(), "a".to_owned()]),
        set: Field::Known(["x".to_owned()].into()),
        map: Field::Known([("k".to_owned(), "v".to_owned())].into()),
        open_list: Field::Known(vec![
            Field::Unknown,
            Field::Null,
            Field::Known("a".to_owned()),
        ]),
        nested: Field::Known(inner.clone()),
        many: Field::Known([inner].into()),
        anything: Value::map([("k", true.into())]),
        r#type: Some("t".to_owned()),
        zone: Field::Known(Zone("z-1".to_owned())),
    }
}

#[test]
fn a_model_and_its_schema_agree() {
    assert_eq!(model::differences::<Everything>(&schema()), [""; 0]);
}

#[test]
fn every_difference_between_model_and_schema_is_found() {
    let schema = Schema::new([
        Attribute::bool("name").optional(),
        Attribute::set("list", Type::String).optional(),
        Attribute::set_nested("many", [Attribute::string("level").optional()]).optional(),
        Attribute::string("extra").optional(),
    ]);
    let found = model::differences::<Everything>(&schema);
    for expected in [
        "name: a string in the model, a bool in the schema",
        "list: a list in the model, a set in the schema",
        "many.level: a number in the model, a string in the schema",
        "many.required: in the model only",
        "type: in the model only",
        "extra: in the schema only",
    ] {
        assert!(
            found.iter().any(|line| line == expected),
            "{expected}: {found:#?}"
        );
    }
}

#[rstest]
#[case(filled())]
#[case(Everything::default())]
#[case(Everything { name: Field::Unknown, nested: Field::Unknown, ..filled() })]
fn a_model_survives_the_way_to_an_object_and_back(#[case] model: Everything) {
    let object = Object::from(model.clone());
    assert_eq!(object.len(), 13);
    let bytes = crate::value::msgpack::encode(&object.clone().into(), &schema().ty()).unwrap();
    let read = crate::value::msgpack::decode(&bytes, &schema().ty()).unwrap();
    assert_eq!(Everything::try_from(&object), Ok(model.clone()));
    assert_eq!(Everything::try_from(read.as_object().unwrap()), Ok(model));
}

#[test]
fn a_field_is_unknown_when_its_type_cannot_leave_a_part_open() {
    let object = Object::new()
        .with("list", Value::list(["a".into(), Value::UNKNOWN]))
        .with("nested", Object::new().with("required", Value::UNKNOWN))
        .with("open_list", Value::list([Value::UNKNOWN]));
    let model = Everything::try_from(&object).unwrap();
    assert_eq!(model.list, Field::Unknown);
    assert_eq!(model.nested, Field::Unknown);
    assert_eq!(model.open_list, Field::Known(vec![Field::Unknown]));
}

#[rstest]
#[case("name", true.into(), "name: a string expected, a bool found")]
#[case("count", Value::Number("1.5".parse().unwrap()), "count: a whole number expected, a number found")]
#[case("list", Value::list([1.into()]), "list[0]: a string expected, a number found")]
#[case("nested", Object::new().into(), "nested.required: a string expected, null found")]
#[case("zone", "elsewhere".into(), "zone: not a zone")]
fn a_value_that_does_not_fit_is_an_error_on_its_attribute(
    #[case] name: &str,
    #[case] value: Value,
    #[case] message: &str,
) {
    let error = Everything::try_from(&Object::new().with(name, value)).unwrap_err();
    assert_eq!(error.to_string(), message);
    let diagnostic = error.into_diagnostic();
    assert!(diagnostic.attribute.unwrap().to_string().starts_with(name));
}

#[test]
fn a_type_that_takes_neither_null_nor_unknown_says_which_it_was() {
    let path = Path::attribute("required");
    let read = |value: Value| Inner::try_from(&Object::new().with("required", value));
    assert_eq!(read(Value::UNKNOWN), Err(ModelError::Unknown(path.clone())));
    assert!(matches!(read(Value::Null), Err(ModelError::Mismatch(at, _)) if at == path));
}

// Validators.

fn problems(attribute: Attribute, value: impl Into<Value>) -> Vec<String> {
    let object = Object::new().with(attribute.name().to_owned(), value);
    let diagnostics = Schema::new([attribute.optional()]).validate(&object);
    diagnostics
        .iter()
        .map(|diagnostic| diagnostic.detail.clone())
        .collect()
}

#[test]
fn validators_say_what_is_expected() {
    let of = |attribute: Attribute| attribute;
    let name = || Attribute::string("a");
    assert_eq!(
        problems(name().validate(validators::length_between(2, 3)), "ä"),
        ["a: must have 2 to 3 characters, has 1"]
    );
    assert_eq!(
        problems(name().validate(validators::length_between(2, 2)), "abc"),
        ["a: must have 2 characters, has 3"]
    );
    assert_eq!(
        problems(name().validate(validators::one_of(&["x", "y"])), "z"),
        ["a: must be one of x, y"]
    );
    assert_eq!(
        problems(name().validate(validators::parses::<Zone>()), "z"),
        ["a: not a zone"]
    );
    assert_eq!(
        problems(
            of(Attribute::integer("a")).validate(validators::integer_between(1..=2)),
            3
        ),
        ["a: must be between 1 and 2"]
    );
    assert_eq!(
        problems(
            Attribute::integer("a"),
            Value::Number("0.5".parse().unwrap())
        ),
        ["a: must be a whole number"]
    );
    assert_eq!(
        problems(
            Attribute::list("a", Type::String).validate(validators::size_between(1..=2)),
            Value::list([])
        ),
        ["a: must have 1 to 2 elements, has 0"]
    );
    assert_eq!(
        problems(
            Attribute::list("a", Type::String)
                .validate(validators::each(validators::parses::<Zone>())),
            Value::list(["z-1".into(), Value::Null, "b".into(), Value::UNKNOWN])
        ),
        ["a[2]: not a zone"]
    );
}

#[test]
fn a_closure_is_a_validator_and_sees_neither_null_nor_unknown() {
    let refuse = |path: &Path, _: &Value, found: &mut super::Diagnostics| {
        found.error_at(path.clone(), "no", "never");
    };
    assert_eq!(
        problems(Attribute::bool("a").validate(refuse), true),
        ["never"]
    );
    assert_eq!(
        problems(Attribute::bool("a").validate(refuse), Value::Null),
        [""; 0]
    );
    assert_eq!(
        problems(Attribute::bool("a").validate(refuse), Value::UNKNOWN),
        [""; 0]
    );
}

// Rules for schemas.

fn broken(attribute: Attribute) -> Vec<String> {
    check::problems(&Schema::new([attribute.describe("x")]).describe("x"))
}

fn leaf(name: &str) -> Attribute {
    Attribute::string(name).describe("x")
}

#[rstest]
#[case::no_presence(leaf("a"), "must be required, optional or computed")]
#[case::name(leaf("A").optional(), "lowercase")]
#[case::name_that_begins_with_a_digit(leaf("1a").optional(), "lowercase")]
#[case::write_only_and_computed(leaf("a").optional().computed().write_only(), "exclude each other")]
#[case::write_only_in_a_set(
    Attribute::set_nested("a", [leaf("b").optional().write_only()]).optional(),
    "a.b: a set may not contain write-only"
)]
#[case::dynamic_in_a_set(
    Attribute::set_nested("a", [Attribute::of("b", Type::Dynamic).describe("x").optional()])
        .optional(),
    "a.b: a set may not contain dynamic"
)]
#[case::dynamic_in_a_collection(Attribute::list("a", Type::Dynamic).optional(), "crash Terraform")]
#[case::default_of_another_type(leaf("a").default(5), "the default is not a known value")]
#[case::default_that_is_unknown(leaf("a").default(Value::UNKNOWN), "not a known value")]
#[case::default_of_a_required_attribute(leaf("a").default("x").required(), "a default needs")]
#[case::state_for_a_configured_value(leaf("a").optional().use_state_for_unknown(), "needs a computed")]
#[case::state_in_a_set(
    Attribute::set_nested("a", [leaf("b").computed().use_state_for_unknown()]).optional(),
    "elements cannot be matched"
)]
#[case::replacement_by_a_computed_value(leaf("a").computed().requires_replace(), "cannot force")]
#[case::validator_of_a_computed_value(
    leaf("a").computed().validate(validators::length_between(1, 2)),
    "validators never run"
)]
#[case::deprecation_without_a_way_out(leaf("a").optional().deprecated(""), "what to use instead")]
#[case::object_type(Attribute::of("a", Type::object([("b", Type::Bool)])).optional(), "nested attribute")]
#[case::nothing_nested(Attribute::single_nested("a", []).optional(), "no nested attributes")]
fn a_schema_that_breaks_a_rule_is_found(#[case] attribute: Attribute, #[case] expected: &str) {
    let found = broken(attribute);
    assert!(
        found.iter().any(|problem| problem.contains(expected)),
        "{found:?}"
    );
}

#[rstest]
#[case::write_only(leaf("a").optional().write_only(), "a: write_only means nothing")]
#[case::replacement(leaf("a").optional().requires_replace(), "a: requires_replace means nothing")]
#[case::state(
    Attribute::single_nested("a", [leaf("b").computed().use_state_for_unknown()]).optional(),
    "a.b: use_state_for_unknown means nothing"
)]
fn what_has_no_state_says_nothing_about_it(#[case] attribute: Attribute, #[case] expected: &str) {
    let schema = Schema::new([attribute.describe("x")]).describe("x");
    assert_eq!(check::problems(&schema), [""; 0]);
    let found = check::ephemeral_problems(&schema);
    assert!(
        found.iter().all(|it| it.starts_with(expected)) && found.len() == 1,
        "{found:?}"
    );
}

#[rstest]
#[case::computed(leaf("a").computed(), "a: must be required or optional")]
#[case::another_type(Attribute::bool("a").required(), "a: the resource has no such attribute")]
#[case::nothing_of_the_resource(leaf("b").required(), "b: the resource has no such attribute")]
#[case::secret_of_the_resource(leaf("secret").required(), "secret: an identity is shown")]
#[case::collection(Attribute::set("set", Type::String).optional(), "set: an identity holds no")]
#[case::state(leaf("a").required().requires_replace(), "a: requires_replace means nothing")]
fn an_identity_that_breaks_a_rule_is_found(#[case] attribute: Attribute, #[case] expected: &str) {
    let resource = Schema::new([
        leaf("a").required(),
        leaf("secret").required().sensitive(),
        Attribute::set("set", Type::String).optional(),
    ]);
    let fine = Identity::new([leaf("a").required()]);
    assert_eq!(check::identity_problems(&fine, &resource), [""; 0]);
    let broken = Identity::new([attribute.describe("x")]);
    let found = check::identity_problems(&broken, &resource);
    assert!(
        found.len() == 1 && found[0].starts_with(expected),
        "{found:?}"
    );
}

#[test]
fn an_identity_has_attributes() {
    let found = check::identity_problems(&Identity::new([]), &Schema::new([]));
    assert_eq!(found, ["no attributes, or a negative version"]);
}

#[test]
fn a_schema_needs_descriptions_unique_names_and_a_version() {
    let schema = Schema::new([
        Attribute::bool("a").optional(),
        Attribute::bool("a").optional(),
    ]);
    let found = check::problems(&schema.version(-1));
    assert_eq!(
        found,
        [
            "the version is negative",
            "no description",
            "a: no description",
            "a: declared twice",
            "a: no description"
        ]
    );
}

#[test]
fn a_computed_integer_keeps_the_rules() {
    assert_eq!(broken(Attribute::integer("a").computed()), [""; 0]);
}
