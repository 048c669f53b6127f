//! The generic plan as pure functions.

use crate::framework::plan;
use crate::schema::Attribute;
use crate::value::{Object, Path, Type, Value};

use super::thing::thing_schema;

fn unknown() -> Value {
    Value::UNKNOWN
}

/// Plans without a resource; the result without its null attributes.
fn planned(config: &Object, prior: Option<&Object>, proposed: &Object) -> Object {
    let schema = thing_schema();
    let planned = plan::generic(schema.attributes(), config, prior, proposed.clone());
    let faults = plan::faults(schema.attributes(), config, prior, &planned);
    assert!(faults.is_empty(), "the generic plan is legal: {faults:?}");
    planned
        .into_iter()
        .filter(|(_, value)| !value.is_null())
        .collect()
}

/// A thing as it is in the state.
fn existing() -> Object {
    Object::new()
        .with("name", "x")
        .with("size", 3)
        .with("id", "thing/1")
        .with("revision", 1)
        .with("label", "made")
        .with(
            "report",
            Value::list([Value::object([("line", "done".into())])]),
        )
}

/// What Terraform proposes for a thing of which only the name is configured.
fn proposed() -> Object {
    existing()
}

fn config() -> Object {
    Object::new().with("name", "x")
}

#[test]
fn a_creation_fills_in_defaults_and_leaves_computed_values_open() {
    let expected = Object::new()
        .with("name", "x")
        .with("size", 3)
        .with("id", unknown())
        .with("revision", unknown())
        .with("label", unknown())
        .with("report", unknown());
    assert_eq!(planned(&config(), None, &config()), expected);
}

#[test]
fn a_configured_value_wins_over_default_and_computation() {
    let config = config().with("size", 5).with("label", "mine");
    let planned = planned(&config, None, &config);
    assert_eq!(planned.get("size"), &5.into());
    assert_eq!(planned.get("label"), &"mine".into());
}

#[test]
fn a_configured_value_that_is_unknown_stays_unknown() {
    let config = config().with("size", unknown()).with("zone", unknown());
    let planned = planned(&config, None, &config);
    assert_eq!(planned.get("size"), &unknown());
    assert_eq!(planned.get("zone"), &unknown());
}

#[test]
fn nothing_becomes_unknown_when_nothing_changes() {
    let existing = complete(&existing());
    assert_eq!(
        plan::generic(
            thing_schema().attributes(),
            &config(),
            Some(&existing),
            existing.clone()
        ),
        existing
    );
}

/// With every attribute present, as objects from the wire are.
fn complete(object: &Object) -> Object {
    thing_schema()
        .attributes()
        .iter()
        .map(|attribute| {
            (
                attribute.name().to_owned(),
                object.get(attribute.name()).clone(),
            )
        })
        .collect()
}

#[test]
fn a_change_opens_computed_values_except_those_that_never_change() {
    let config = config().with("tags", Value::map([("k", "a".into())]));
    let proposed = proposed().with("tags", Value::map([("k", "a".into())]));
    let planned = planned(&config, Some(&existing()), &proposed);
    assert_eq!(planned.get("id"), &"thing/1".into());
    assert_eq!(planned.get("revision"), &unknown());
    assert_eq!(planned.get("label"), &unknown());
    assert_eq!(planned.get("report"), &unknown());
}

#[test]
fn a_removed_default_is_a_change_back_to_the_default() {
    let prior = existing().with("size", 5);
    // Terraform proposes the prior value of a computed attribute that is not configured.
    let planned = planned(&config(), Some(&prior), &prior);
    assert_eq!(planned.get("size"), &3.into());
    assert_eq!(planned.get("revision"), &unknown());
}

#[test]
fn write_only_values_are_removed_at_every_depth() {
    let access = Object::new().with("level", "low").with("pin", "1234");
    let config = config().with("secret", "s").with("access", access);
    let planned = planned(&config, None, &config);
    assert_eq!(planned.get("secret"), &Value::Null);
    let access = planned.get("access").as_object().unwrap();
    assert_eq!(access.get("pin"), &Value::Null);
    assert_eq!(access.get("mode"), &"ro".into());
    assert_eq!(access.get("token"), &unknown());
}

#[test]
fn a_write_only_value_alone_is_no_change() {
    let existing = complete(&existing());
    let config = config().with("secret", "s");
    let proposed = existing.clone().with("secret", "s");
    let planned = plan::generic(
        thing_schema().attributes(),
        &config,
        Some(&existing),
        proposed,
    );
    assert_eq!(planned, existing);
}

#[test]
fn a_value_that_means_the_same_keeps_its_earlier_form() {
    let existing = complete(&existing().with("document", "a b"));
    let config = config().with("document", "ab");
    let proposed = existing.clone().with("document", "ab");
    let same = plan::generic(
        thing_schema().attributes(),
        &config,
        Some(&existing),
        proposed,
    );
    assert_eq!(same, existing);

    let changed = planned(
        &config.clone().with("document", "c"),
        Some(&existing),
        &existing.clone().with("document", "c"),
    );
    assert_eq!(changed.get("document"), &"c".into());
}

#[test]
fn elements_of_a_list_keep_their_computed_values_by_position() {
    let step = |action: &str| Object::new().with("action", action);
    let prior = existing().with(
        "steps",
        Value::list([step("a").with("step_id", "1").into()]),
    );
    let config = config().with("steps", Value::list([step("b").into(), step("c").into()]));
    let proposed = proposed().with(
        "steps",
        Value::list([step("b").with("step_id", "1").into(), step("c").into()]),
    );
    let expected = Value::list([
        step("b").with("step_id", "1").into(),
        step("c").with("step_id", unknown()).into(),
    ]);
    assert_eq!(
        planned(&config, Some(&prior), &proposed).get("steps"),
        &expected
    );
}

#[test]
fn elements_of_a_map_are_matched_by_key() {
    let peer = |cidr: &str| Object::new().with("cidr", cidr);
    let config = config().with("peers", Value::map([("new", peer("10/8").into())]));
    let expected = Value::map([("new", peer("10/8").with("peer_id", unknown()).into())]);
    let proposed = proposed().with("peers", config.get("peers").clone());
    assert_eq!(
        planned(&config, Some(&existing()), &proposed).get("peers"),
        &expected
    );
}

#[test]
fn elements_of_a_set_get_defaults_and_open_values_by_content() {
    let rule = |port: i64| Object::new().with("port", port);
    let config = config().with(
        "rules",
        Value::set([rule(1).into(), rule(2).with("protocol", "udp").into()]),
    );
    let expected = Value::set([
        rule(1)
            .with("protocol", "tcp")
            .with("rule_id", unknown())
            .into(),
        rule(2)
            .with("protocol", "udp")
            .with("rule_id", unknown())
            .into(),
    ]);
    assert_eq!(planned(&config, None, &config).get("rules"), &expected);
}

#[test]
fn an_unchanged_set_with_computed_values_is_no_change() {
    let rule = Object::new().with("port", 1).with("protocol", Value::Null);
    let config = config().with(
        "rules",
        Value::set([rule.with("rule_id", Value::Null).into()]),
    );
    let known = Object::new()
        .with("port", 1)
        .with("protocol", "tcp")
        .with("rule_id", "r");
    let existing = complete(&existing().with("rules", Value::set([known.into()])));
    let planned = plan::generic(
        thing_schema().attributes(),
        &config,
        Some(&existing),
        existing.clone(),
    );
    assert_eq!(planned, existing);
}

#[test]
fn a_nested_attribute_that_is_unknown_stays_unknown_as_a_whole() {
    for name in ["access", "rules", "steps", "peers"] {
        let config = config().with(name, unknown());
        assert_eq!(planned(&config, None, &config).get(name), &unknown());
    }
}

#[test]
fn unknown_elements_stay_where_they_are() {
    let config = config()
        .with("steps", Value::list([unknown()]))
        .with("rules", Value::set([unknown()]))
        .with("owners", Value::set([unknown(), unknown()]));
    let planned = planned(&config, None, &config);
    for name in ["steps", "rules", "owners"] {
        assert_eq!(planned.get(name), config.get(name));
    }
}

#[test]
fn planning_twice_gives_the_same() {
    let config = config()
        .with("rules", Value::set([Object::new().with("port", 1).into()]))
        .with("access", Object::new().with("level", "low"));
    let first = planned(&config, None, &config);
    assert_eq!(planned(&config, None, &config), first);
}

// What needs a new object.

fn replacements(prior: &Object, planned: &Object) -> Vec<String> {
    plan::replacements(thing_schema().attributes(), prior, planned)
        .iter()
        .map(Path::to_string)
        .collect()
}

#[test]
fn a_changed_or_unknown_value_that_demands_it_replaces_the_object() {
    let prior = existing().with("zone", "a");
    assert_eq!(replacements(&prior, &prior), [""; 0]);
    assert_eq!(
        replacements(&prior, &prior.clone().with("zone", "b")),
        ["zone"]
    );
    assert_eq!(
        replacements(&prior, &prior.clone().with("zone", unknown())),
        ["zone"]
    );
    assert_eq!(
        replacements(&prior, &prior.clone().with("zone", Value::Null)),
        ["zone"]
    );
    assert_eq!(
        replacements(&prior, &prior.clone().with("label", "b")),
        [""; 0]
    );
}

#[test]
fn nested_values_that_demand_it_are_named_by_their_paths() {
    let peer = |cidr: &str| Value::object([("cidr", cidr.into())]);
    let prior = existing()
        .with("access", Object::new().with("level", "low"))
        .with(
            "peers",
            Value::map([("same", peer("1")), ("other", peer("1"))]),
        );
    let planned = existing()
        .with("access", Object::new().with("level", "high"))
        .with(
            "peers",
            Value::map([
                ("same", peer("1")),
                ("other", peer("2")),
                ("new", peer("3")),
            ]),
        );
    assert_eq!(
        replacements(&prior, &planned),
        [
            "access.level",
            "peers[\"new\"].cidr",
            "peers[\"other\"].cidr"
        ]
    );
}

#[test]
fn a_change_inside_a_set_that_demands_it_names_the_set() {
    let attributes = [Attribute::set_nested(
        "disks",
        [
            Attribute::string("kind").required().requires_replace(),
            Attribute::string("n").optional(),
        ],
    )
    .optional()];
    let disks = |kind: &str, n: &str| {
        let disk = Value::object([("kind", kind.into()), ("n", n.into())]);
        Object::new().with("disks", Value::set([disk]))
    };
    let of = |prior: &Object, planned: &Object| plan::replacements(&attributes, prior, planned);
    assert_eq!(of(&disks("a", "1"), &disks("a", "2")), [].into());
    assert_eq!(
        of(&disks("a", "1"), &disks("b", "1")),
        [Path::attribute("disks")].into()
    );
}

// What Terraform would refuse.

fn faults(config: &Object, prior: Option<&Object>, planned: &Object) -> Vec<String> {
    plan::faults(thing_schema().attributes(), config, prior, planned)
        .iter()
        .map(|fault| fault.attribute.as_ref().unwrap().to_string())
        .collect()
}

#[test]
fn a_plan_may_only_set_computed_values_that_are_not_configured() {
    let planned = config()
        .with("size", 1)
        .with("id", "1")
        .with("label", unknown());
    assert_eq!(faults(&config(), None, &planned), [""; 0]);
    let planned = config().with("zone", "invented").with("name", unknown());
    assert_eq!(faults(&config(), None, &planned), ["name", "zone"]);
    assert_eq!(
        faults(&config().with("label", "mine"), None, &config()),
        ["label"]
    );
}

#[test]
fn a_plan_may_keep_a_prior_value_instead_of_the_configured_one_but_not_instead_of_null() {
    let prior = config().with("zone", "a");
    let planned = config().with("zone", "a");
    assert_eq!(
        faults(&config().with("zone", "A"), Some(&prior), &planned),
        [""; 0]
    );
    assert_eq!(faults(&config(), Some(&prior), &planned), ["zone"]);
}

#[test]
fn a_plan_may_not_hold_write_only_values() {
    let config = config().with("secret", "s");
    assert_eq!(faults(&config, None, &config), ["secret"]);
}

#[test]
fn a_plan_may_not_add_or_drop_nested_objects() {
    let steps = |count: usize| {
        let step = Value::object([("action", "a".into())]);
        config().with("steps", Value::list(vec![step; count]))
    };
    assert_eq!(faults(&steps(2), None, &steps(1)), ["steps"]);
    assert_eq!(faults(&config(), None, &steps(1)), ["steps"]);
    let changed = config().with(
        "steps",
        Value::list([Value::object([("action", "b".into())])]),
    );
    assert_eq!(faults(&steps(1), None, &changed), ["steps[0].action"]);
}

#[test]
fn defaults_of_a_nested_attribute_apply_only_where_it_is_configured() {
    let attributes =
        [
            Attribute::single_nested("retry", [Attribute::of("count", Type::Number).default(3)])
                .optional(),
        ];
    assert_eq!(
        plan::with_defaults(&attributes, &Object::new()).get("retry"),
        &Value::Null
    );
    let configured = Object::new().with("retry", Object::new());
    assert_eq!(
        plan::with_defaults(&attributes, &configured).get("retry"),
        &Value::object([("count", 3.into())])
    );
}
