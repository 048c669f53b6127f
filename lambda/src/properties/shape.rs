//! From JSON to the shapes of the table: the strict reader's first half, which knows no user.

use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr;

use crossaccount_core::ids::InvalidId;
use serde_json::{Map, Value};

use super::Problems;
use super::table::{Property, Shape};
use crate::nearest::nearest;

/// How much of a value or name an error repeats.
const LONGEST_SHOWN: usize = 60;

/// Properties that people know from elsewhere, and what to do here.
const KNOWN_ELSEWHERE: [(&str, &str); 3] = [
    (
        "Password",
        "a password in a template would be readable in every stack event; leave it out: a password is generated and kept \
         in the secret store",
    ),
    (
        "LoginProfile",
        "a password in a template would be readable in every stack event; write ConsoleAccess: {}, and a password is \
         generated and kept in the secret store",
    ),
    (
        "ExternalId",
        "the external id is a setting of the function and never comes from a template",
    ),
];

/// A value in the shape that the table asks for.
#[derive(Debug)]
enum Shaped {
    Text(String),
    Flag(bool),
    Number(u32),
    Texts(Vec<Option<String>>),
    Object(Fields),
    Objects(Vec<Option<Fields>>),
}

/// The properties of one level, as far as they have the shape that the table asks for.
#[derive(Debug)]
pub(super) struct Fields {
    path: String,
    table: &'static [Property],
    values: BTreeMap<&'static str, Shaped>,
}

impl Fields {
    /// Takes what has the right shape. Everything else is a problem: unknown names, missing properties, wrong shapes.
    pub(super) fn take(
        object: &Map<String, Value>,
        table: &'static [Property],
        path: String,
        problems: &mut Problems,
    ) -> Self {
        let mut fields = Self {
            path,
            table,
            values: BTreeMap::new(),
        };
        for property in table {
            let path = fields.path_of(property.name);
            match object.get(property.name) {
                Some(value) => {
                    if let Some(shaped) = shaped(value, property, path, problems) {
                        fields.values.insert(property.name, shaped);
                    }
                }
                None if property.required => {
                    let message = format!("it must be there, such as {}", property.example);
                    problems.add(path, message);
                }
                None => {}
            }
        }
        let known = |name: &str| table.iter().any(|property| property.name == name);
        for name in object.keys().filter(|name| !known(name)) {
            problems.add(
                fields.path_of(&clipped(name)),
                unknown(name, table, &fields.path),
            );
        }
        fields
    }

    /// The path of a property of this level.
    pub(super) fn path_of(&self, name: &str) -> String {
        if self.path.is_empty() {
            return name.to_owned();
        }
        format!("{}.{name}", self.path)
    }

    /// A text as it is.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        match self.values.get(name)? {
            Shaped::Text(text) => Some(text),
            _ => None,
        }
    }

    pub(super) fn flag(&self, name: &str) -> Option<bool> {
        match self.values.get(name)? {
            Shaped::Flag(flag) => Some(*flag),
            _ => None,
        }
    }

    pub(super) fn number(&self, name: &str) -> Option<u32> {
        match self.values.get(name)? {
            Shaped::Number(number) => Some(*number),
            _ => None,
        }
    }

    pub(super) fn object(&self, name: &str) -> Option<&Self> {
        match self.values.get(name)? {
            Shaped::Object(fields) => Some(fields),
            _ => None,
        }
    }

    /// The objects of a list that have the right shape.
    pub(super) fn objects(&self, name: &str) -> Option<impl Iterator<Item = &Self>> {
        match self.values.get(name)? {
            Shaped::Objects(objects) => Some(objects.iter().flatten()),
            _ => None,
        }
    }

    /// A text as an identifier.
    pub(super) fn id<T>(&self, name: &str, problems: &mut Problems) -> Option<T>
    where
        T: FromStr<Err = InvalidId>,
    {
        let text = self.text(name)?;
        self.parse(name, self.path_of(name), text, problems)
    }

    /// A list of texts as identifiers with their paths.
    pub(super) fn ids<T>(&self, name: &str, problems: &mut Problems) -> Option<Vec<(String, T)>>
    where
        T: FromStr<Err = InvalidId>,
    {
        let Shaped::Texts(texts) = self.values.get(name)? else {
            return None;
        };
        let texts = texts.iter().enumerate();
        let elements = texts.filter_map(|(index, text)| {
            let path = format!("{}[{index}]", self.path_of(name));
            let id = self.parse(name, path.clone(), text.as_deref()?, problems)?;
            Some((path, id))
        });
        Some(elements.collect())
    }

    /// A list of texts as a set of identifiers: who names one twice means it once.
    pub(super) fn set<T>(&self, name: &str, problems: &mut Problems) -> Option<BTreeSet<T>>
    where
        T: FromStr<Err = InvalidId> + Ord,
    {
        let ids = self.ids(name, problems)?;
        Some(ids.into_iter().map(|(_, id)| id).collect())
    }

    fn parse<T>(&self, name: &str, path: String, text: &str, problems: &mut Problems) -> Option<T>
    where
        T: FromStr<Err = InvalidId>,
    {
        match text.parse() {
            Ok(id) => Some(id),
            Err(error) => {
                let shown = self
                    .table
                    .iter()
                    .any(|property| property.name == name && property.shown);
                let message = match (text, shown) {
                    ("", _) => {
                        "it is empty; leave it out, with !Ref AWS::NoValue where it depends on a \
                                parameter"
                            .to_owned()
                    }
                    (_, true) => format!("{:?} is not valid: {}", clipped(text), error.reason()),
                    (_, false) => format!("it is not valid: {}", error.reason()),
                };
                problems.add(path, message);
                None
            }
        }
    }
}

/// One value in its shape; anything else is a problem.
fn shaped(
    value: &Value,
    property: &Property,
    path: String,
    problems: &mut Problems,
) -> Option<Shaped> {
    let found = match (property.shape, value) {
        (Shape::Text | Shape::Document, Value::String(text)) => Some(Shaped::Text(text.clone())),
        (Shape::Choice(words), Value::String(text)) => words
            .contains(&text.as_str())
            .then(|| Shaped::Text(text.clone())),
        (Shape::Boolean, value) => flag(value).map(Shaped::Flag),
        (Shape::Integer(least, most), value) => number(value)
            .filter(|number| (least..=most).contains(number))
            .map(Shaped::Number),
        (Shape::Document, Value::Object(_)) => Some(Shaped::Text(value.to_string())),
        (Shape::Texts, Value::Array(elements)) => {
            let texts = elements.iter().enumerate().map(|(index, element)| {
                if let Value::String(text) = element {
                    return Some(text.clone());
                }
                let wrong = wrong(element, "a text", property.shown);
                problems.add(format!("{path}[{index}]"), wrong);
                None
            });
            return Some(Shaped::Texts(texts.collect()));
        }
        (Shape::Object(table), Value::Object(object)) => {
            return Some(Shaped::Object(Fields::take(object, table, path, problems)));
        }
        (Shape::Objects(table), Value::Array(elements)) => {
            let objects = elements.iter().enumerate().map(|(index, element)| {
                let path = format!("{path}[{index}]");
                if let Value::Object(object) = element {
                    return Some(Fields::take(object, table, path, problems));
                }
                problems.add(path, wrong(element, &object_of(table), property.shown));
                None
            });
            return Some(Shaped::Objects(objects.collect()));
        }
        _ => None,
    };
    if found.is_none() {
        problems.add(path, wrong(value, &wanted(property), property.shown));
    }
    found
}

/// `true`, `"true"`, `false` or `"false"`, and nothing else: no text is true by being there.
fn flag(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(flag) => Some(*flag),
        Value::String(text) if text == "true" => Some(true),
        Value::String(text) if text == "false" => Some(false),
        _ => None,
    }
}

/// A whole number in plain digits, as a number or as a text: no sign, no point, no zeros in front.
fn number(value: &Value) -> Option<u32> {
    let text = match value {
        Value::Number(number) => number.to_string(),
        Value::String(text) => text.clone(),
        _ => return None,
    };
    let plain = text == "0" || !text.starts_with('0');
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    (plain && digits).then(|| text.parse().ok())?
}

/// What a property takes, for an error.
fn wanted(property: &Property) -> String {
    match property.shape {
        Shape::Text => "a text".to_owned(),
        Shape::Boolean => "true or false".to_owned(),
        Shape::Integer(least, most) => {
            format!(
                "a whole number from {least} to {most}, such as {}",
                property.example
            )
        }
        Shape::Choice(words) => words.join(" or "),
        Shape::Texts => "a list of texts".to_owned(),
        Shape::Object(table) => object_of(table),
        Shape::Objects(table) => format!("a list, and each element {}", object_of(table)),
        Shape::Document => "a policy document, as an object or as JSON text".to_owned(),
    }
}

fn object_of(table: &[Property]) -> String {
    format!("an object with {}", names(table))
}

fn names(table: &[Property]) -> String {
    let names: Vec<&str> = table.iter().map(|property| property.name).collect();
    names.join(", ")
}

fn wrong(value: &Value, wanted: &str, shown: bool) -> String {
    let found = match value {
        Value::Null => {
            return format!("it is null; write {wanted}, or leave it out (!Ref AWS::NoValue)");
        }
        Value::String(text) if shown => format!("the text {:?}", clipped(text)),
        Value::String(_) => "a text".to_owned(),
        Value::Number(number) if shown => format!("the number {}", clipped(&number.to_string())),
        Value::Number(_) => "a number".to_owned(),
        Value::Bool(flag) => format!("the truth value {flag}"),
        Value::Array(_) => "a list".to_owned(),
        Value::Object(_) => "an object".to_owned(),
    };
    let advice = match value {
        Value::String(_) if wanted.starts_with("a list") => {
            "; a single one is a list too: put it between [ and ]"
        }
        Value::Number(_) | Value::Bool(_) if wanted == "a text" => "; put it between quotes",
        _ => "",
    };
    format!("it is {found}, and {wanted} is wanted{advice}")
}

fn unknown(name: &str, table: &[Property], path: &str) -> String {
    if let Some((_, advice)) = KNOWN_ELSEWHERE.iter().find(|(known, _)| *known == name) {
        return format!("there is no such property: {advice}");
    }
    match nearest(name, table.iter().map(|property| property.name)) {
        Some(known) => format!("there is no such property; {known} may be meant"),
        None if path.is_empty() => {
            format!("there is no such property; there are {}", names(table))
        }
        None => format!("there is no such property; {path} has {}", names(table)),
    }
}

/// The beginning of a text that a template holds.
pub(super) fn clipped(text: &str) -> String {
    if text.chars().count() <= LONGEST_SHOWN {
        return text.to_owned();
    }
    text.chars().take(LONGEST_SHOWN).chain(['…']).collect()
}
