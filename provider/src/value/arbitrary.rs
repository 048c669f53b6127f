//! Generators of types and values for property tests.

use proptest::collection::{btree_map, vec};
use proptest::prelude::{Just, Strategy, any, prop_oneof};

use super::{DynamicValue, Number, Refinements, Type, Value};

/// Types without `dynamic` inside collections, which Terraform cannot hold.
pub(crate) fn types() -> impl Strategy<Value = Type> {
    let leaf = prop_oneof![Just(Type::String), Just(Type::Number), Just(Type::Bool)];
    let nested = leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            inner.clone().prop_map(Type::list),
            inner.clone().prop_map(Type::set),
            inner.clone().prop_map(Type::map),
            vec(inner.clone(), 0..4).prop_map(Type::Tuple),
            btree_map("[a-z_]{1,6}", inner, 0..4).prop_map(Type::Object),
        ]
    });
    prop_oneof![8 => nested, 1 => Just(Type::Dynamic)]
}

/// Values of a type, in all three states.
pub(crate) fn values(ty: &Type) -> proptest::strategy::BoxedStrategy<Value> {
    let known = match ty {
        Type::String => any::<String>().prop_map(Value::String).boxed(),
        Type::Bool => any::<bool>().prop_map(Value::Bool).boxed(),
        Type::Number => numbers().prop_map(Value::Number).boxed(),
        Type::List(element) => vec(values(element), 0..4).prop_map(Value::List).boxed(),
        Type::Set(element) => vec(values(element), 0..4).prop_map(Value::set).boxed(),
        Type::Map(element) => btree_map(any::<String>(), values(element), 0..4)
            .prop_map(Value::Map)
            .boxed(),
        Type::Tuple(types) => types
            .iter()
            .map(values)
            .collect::<Vec<_>>()
            .prop_map(Value::List)
            .boxed(),
        Type::Object(types) => {
            let names: Vec<String> = types.keys().cloned().collect();
            let values: Vec<_> = types.values().map(values).collect();
            values
                .prop_map(move |values| Value::object(names.iter().cloned().zip(values)))
                .boxed()
        }
        Type::Dynamic => types()
            .prop_filter("one level of dynamic", |ty| !ty.has_dynamic())
            .prop_flat_map(|ty| (Just(ty.clone()), values(&ty)))
            .prop_map(|(ty, value)| Value::Dynamic(Box::new(DynamicValue { ty, value })))
            .boxed(),
    };
    prop_oneof![
        8 => known,
        1 => Just(Value::Null),
        1 => Just(Value::UNKNOWN),
        1 => Just(Value::Unknown(Refinements::not_null())),
    ]
    .boxed()
}

fn numbers() -> impl Strategy<Value = Number> {
    prop_oneof![
        any::<i64>().prop_map(Number::from),
        any::<u64>().prop_map(Number::from),
        "-?[0-9]{1,40}(\\.[0-9]{1,40})?".prop_map(|text| Number::parse(&text).unwrap()),
        any::<f64>()
            .prop_filter("a number", |float| !float.is_nan())
            .prop_map(|float| Number::from_f64(float).unwrap()),
    ]
}
