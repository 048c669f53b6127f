//! The one object that a function takes: options by name, of which most can be left out.
//!
//! Terraform has no optional parameters, and checks nothing inside an object whose type it does not
//! know. So everything is checked here: a misspelt option of a security policy must be an error and
//! not a limit that is silently missing.

use std::collections::BTreeMap;
use std::fmt::{Display, Write as _};
use std::str::FromStr;

use crossaccount_core::ids::InvalidId;

use crate::framework::FunctionError;
use crate::value::Value;

/// The position of the object among the arguments.
const ARGUMENT: usize = 0;

/// One option that a function knows.
pub(super) struct Known {
    pub(super) name: &'static str,
    /// The type and whether it is required, as the reference shows it.
    pub(super) kind: &'static str,
    pub(super) description: &'static str,
}

/// The options for the reference, as a Markdown list.
pub(super) fn reference(known: &[Known]) -> String {
    let mut text = String::new();
    for Known {
        name,
        kind,
        description,
    } in known
    {
        let _ = writeln!(text, "- `{name}` ({kind}) {description}");
    }
    text
}

/// The error of one option. It must not repeat a secret.
pub(super) fn wrong(option: &str, problem: impl Display) -> FunctionError {
    FunctionError::in_argument(ARGUMENT, format!("{option}: {problem}"))
}

/// The options of a call. An option that is null counts as left out.
#[derive(Debug)]
pub(super) struct Options<'a>(BTreeMap<&'a str, &'a Value>);

impl<'a> Options<'a> {
    /// Takes the object apart. Every option that is not known is an error, also when it is null.
    pub(super) fn read(
        argument: Option<&'a Value>,
        known: &[Known],
    ) -> Result<Self, FunctionError> {
        let given: BTreeMap<&str, &Value> = match argument.map(plain) {
            Some(Value::Object(object)) => object.iter().collect(),
            Some(Value::Map(entries)) => entries
                .iter()
                .map(|(name, value)| (name.as_str(), value))
                .collect(),
            other => {
                let found = other.map_or("nothing", Value::kind);
                return Err(FunctionError::in_argument(
                    ARGUMENT,
                    format!("an object is required, {found} found"),
                ));
            }
        };
        let unknown = given
            .keys()
            .find(|name| known.iter().all(|known| known.name != **name));
        match unknown {
            Some(name) => Err(FunctionError::in_argument(
                ARGUMENT,
                no_such_option(name, known),
            )),
            None => Ok(Self(given)),
        }
    }

    fn get(&self, name: &str) -> Option<&'a Value> {
        self.0
            .get(name)
            .map(|value| plain(value))
            .filter(|value| !value.is_null())
    }

    /// The text of an option that may be left out.
    pub(super) fn text(&self, name: &str) -> Result<Option<&'a str>, FunctionError> {
        self.get(name).map(|value| text(name, value)).transpose()
    }

    /// The text of an option that must be there.
    pub(super) fn required_text(&self, name: &str) -> Result<&'a str, FunctionError> {
        self.text(name)?.ok_or_else(|| missing(name))
    }

    /// An option that may be left out, read as a `T`. The error repeats the text.
    pub(super) fn optional<T>(&self, name: &str) -> Result<Option<T>, FunctionError>
    where
        T: FromStr<Err = InvalidId>,
    {
        self.text(name)?.map(|text| parse(name, text)).transpose()
    }

    /// An option that must be there, read as a `T`. The error repeats the text.
    pub(super) fn required<T>(&self, name: &str) -> Result<T, FunctionError>
    where
        T: FromStr<Err = InvalidId>,
    {
        parse(name, self.required_text(name)?)
    }

    /// A list, set or tuple of texts, each read as a `T`.
    ///
    /// An empty one is an error that ends with `when_left_out`. To the core an empty list means "no limit"; whoever
    /// computes a list and gets an empty one means "nothing", and must not get everything.
    pub(super) fn list<T>(
        &self,
        name: &str,
        when_left_out: &str,
    ) -> Result<Option<Vec<T>>, FunctionError>
    where
        T: FromStr<Err = InvalidId>,
    {
        let Some(value) = self.get(name) else {
            return Ok(None);
        };
        let elements = value.as_elements().ok_or_else(|| {
            wrong(
                name,
                format_args!("a list of strings is required, {} found", value.kind()),
            )
        })?;
        if elements.is_empty() {
            return Err(wrong(
                name,
                format_args!("it is empty; leave it out {when_left_out}"),
            ));
        }
        let element = |(index, value)| {
            let place = format!("{name}[{index}]");
            parse(&place, text(&place, plain(value))?)
        };
        elements
            .iter()
            .enumerate()
            .map(element)
            .collect::<Result<_, _>>()
            .map(Some)
    }

    /// A boolean; false when it is left out.
    pub(super) fn flag(&self, name: &str) -> Result<bool, FunctionError> {
        match self.get(name) {
            None => Ok(false),
            Some(value) => value.as_bool().ok_or_else(|| {
                wrong(
                    name,
                    format_args!("true or false is required, {} found", value.kind()),
                )
            }),
        }
    }
}

/// The value without the wrapper that tells its type.
fn plain(value: &Value) -> &Value {
    match value {
        Value::Dynamic(dynamic) => plain(&dynamic.value),
        other => other,
    }
}

fn text<'a>(place: &str, value: &'a Value) -> Result<&'a str, FunctionError> {
    value.as_str().ok_or_else(|| {
        let hint = if matches!(value, Value::Number(_)) {
            "; put it in quotes"
        } else {
            ""
        };
        wrong(
            place,
            format_args!("a string is required, {} found{hint}", value.kind()),
        )
    })
}

fn parse<T: FromStr<Err = InvalidId>>(place: &str, text: &str) -> Result<T, FunctionError> {
    text.parse().map_err(|error| wrong(place, error))
}

fn missing(name: &str) -> FunctionError {
    wrong(name, "it is required")
}

fn no_such_option(name: &str, known: &[Known]) -> String {
    let mut near: Vec<_> = known
        .iter()
        .map(|known| (distance(name, known.name), known.name))
        .filter(|(distance, known)| *distance <= (name.len() / 3).max(2) || known.contains(name))
        .collect();
    near.sort_unstable();
    let near: Vec<_> = near.into_iter().take(3).map(|(_, name)| name).collect();
    let hint = if near.is_empty() {
        String::new()
    } else {
        format!(" (did you mean {}?)", near.join(" or "))
    };
    let all: Vec<_> = known.iter().map(|known| known.name).collect();
    format!(
        "there is no option {name:?}{hint}; the options are {}",
        all.join(", ")
    )
}

/// How many letters must be added, removed or replaced to make one text of the other (Levenshtein).
fn distance(first: &str, second: &str) -> usize {
    let mut row: Vec<usize> = (0..=second.len()).collect();
    for (position, letter) in first.bytes().enumerate() {
        let mut left = position + 1;
        let mut next = vec![left];
        for (other, (above_left, above)) in second.bytes().zip(row.iter().zip(row.iter().skip(1))) {
            let replaced = above_left + usize::from(letter != other);
            left = replaced.min(above + 1).min(left + 1);
            next.push(left);
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use crossaccount_core::ids::{AccountId, Path};

    use super::{Known, Options, distance, reference};
    use crate::framework::FunctionError;
    use crate::value::{DynamicValue, Object, Type, Value};

    const KNOWN: &[Known] = &[
        Known {
            name: "account_id",
            kind: "String, Required",
            description: "The account.",
        },
        Known {
            name: "permissions_boundary",
            kind: "String",
            description: "The boundary.",
        },
        Known {
            name: "paths",
            kind: "List of String",
            description: "Paths.",
        },
        Known {
            name: "allowed",
            kind: "Boolean",
            description: "Whether.",
        },
    ];

    fn object(name: &str, value: impl Into<Value>) -> Value {
        Object::new().with(name, value).into()
    }

    fn error(problem: &str) -> FunctionError {
        FunctionError {
            text: problem.to_owned(),
            argument: Some(0),
        }
    }

    #[test]
    fn options_are_read_by_name() {
        let argument: Value = Object::new()
            .with("account_id", "222222222222")
            .with("paths", Value::list(["/b/".into(), "/a/".into()]))
            .with("allowed", true)
            .into();
        let options = Options::read(Some(&argument), KNOWN).unwrap();
        let account_id: AccountId = options.required("account_id").unwrap();
        assert_eq!(account_id.as_str(), "222222222222");
        let paths: Vec<Path> = options.list("paths", "").unwrap().unwrap();
        assert_eq!(
            paths.iter().map(Path::as_str).collect::<Vec<_>>(),
            ["/b/", "/a/"]
        );
        assert_eq!(options.text("permissions_boundary"), Ok(None));
        assert_eq!(options.flag("allowed"), Ok(true));
    }

    #[test]
    fn a_map_and_a_value_with_its_type_are_objects_too() {
        let map = Value::map([("account_id", "222222222222".into())]);
        let dynamic = Value::Dynamic(Box::new(DynamicValue {
            ty: Type::object([("account_id", Type::String)]),
            value: object("account_id", "222222222222"),
        }));
        for argument in [map, dynamic] {
            let options = Options::read(Some(&argument), KNOWN).unwrap();
            assert_eq!(options.required_text("account_id"), Ok("222222222222"));
        }
    }

    #[test]
    fn null_counts_as_left_out() {
        let argument: Value = Object::new()
            .with("account_id", Value::Null)
            .with("paths", Value::Null)
            .with("allowed", Value::Null)
            .into();
        let options = Options::read(Some(&argument), KNOWN).unwrap();
        assert_eq!(options.list::<Path>("paths", ""), Ok(None));
        assert_eq!(options.flag("allowed"), Ok(false));
        let required = options.required::<AccountId>("account_id");
        assert_eq!(required, Err(error("account_id: it is required")));
    }

    #[rstest::rstest]
    #[case::misspelt("acount_id", " (did you mean account_id?)")]
    #[case::plural("allow", " (did you mean allowed?)")]
    #[case::shortened("boundary", " (did you mean permissions_boundary?)")]
    #[case::other("colour", "")]
    fn an_unknown_option_is_refused_with_the_nearest_known_ones(
        #[case] name: &str,
        #[case] hint: &str,
    ) {
        let argument = object(name, Value::Null);
        let problem = format!(
            "there is no option {name:?}{hint}; the options are account_id, permissions_boundary, paths, allowed"
        );
        assert_eq!(
            Options::read(Some(&argument), KNOWN).unwrap_err(),
            error(&problem)
        );
    }

    #[rstest::rstest]
    #[case::text("222222222222".into(), "an object is required, a string found")]
    #[case::list(Value::list([]), "an object is required, a list found")]
    fn anything_but_an_object_is_refused(#[case] argument: Value, #[case] problem: &str) {
        assert_eq!(
            Options::read(Some(&argument), KNOWN).unwrap_err(),
            error(problem)
        );
    }

    #[rstest::rstest]
    #[case::number(222_222_222_222_i64.into(), "account_id: a string is required, a number found; put it in quotes")]
    #[case::list(Value::list([]), "account_id: a string is required, a list found")]
    #[case::short(
        "x".into(),
        "account_id: account id \"x\" is not valid: an account id has exactly 12 digits and nothing else"
    )]
    fn a_wrong_text_is_refused_by_name(#[case] value: Value, #[case] problem: &str) {
        let argument = object("account_id", value);
        let options = Options::read(Some(&argument), KNOWN).unwrap();
        assert_eq!(
            options.required::<AccountId>("account_id").unwrap_err(),
            error(problem)
        );
    }

    #[rstest::rstest]
    #[case::text("/a/".into(), "paths: a list of strings is required, a string found")]
    #[case::empty(Value::list([]), "paths: it is empty; leave it out for all paths")]
    #[case::null(Value::list(["/a/".into(), Value::Null]), "paths[1]: a string is required, null found")]
    #[case::invalid(
        Value::set(["a".into()]),
        "paths[0]: path \"a\" is not valid: it must begin and end with a slash"
    )]
    fn a_wrong_list_is_refused_at_its_element(#[case] value: Value, #[case] problem: &str) {
        let argument = object("paths", value);
        let options = Options::read(Some(&argument), KNOWN).unwrap();
        assert_eq!(
            options.list::<Path>("paths", "for all paths").unwrap_err(),
            error(problem)
        );
    }

    #[test]
    fn a_flag_is_no_text() {
        let argument = object("allowed", "true");
        let options = Options::read(Some(&argument), KNOWN).unwrap();
        let problem = error("allowed: true or false is required, a string found");
        assert_eq!(options.flag("allowed"), Err(problem));
    }

    #[rstest::rstest]
    #[case("", "", 0)]
    #[case("abc", "", 3)]
    #[case("", "abc", 3)]
    #[case("features", "feature", 1)]
    #[case("kitten", "sitting", 3)]
    fn distances_count_letters(#[case] first: &str, #[case] second: &str, #[case] expected: usize) {
        assert_eq!(distance(first, second), expected);
    }

    #[test]
    fn the_reference_lists_every_option() {
        assert_eq!(
            reference(&KNOWN[..2]),
            "- `account_id` (String, Required) The account.\n- `permissions_boundary` (String) The boundary.\n"
        );
    }
}
