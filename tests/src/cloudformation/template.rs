//! Reads a CloudFormation template that holds one IAM role, as CloudFormation would with given
//! parameters: so that tests deploy exactly the template that users deploy.
//!
//! Only what our template uses is understood. Anything else (another resource, an unknown function, a
//! parameter that breaks its rules) is an error and never ignored.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context as _, Result, bail, ensure};
use regex::Regex;
use saphyr::{LoadableYamlNode as _, Scalar, Yaml};
use serde_json::{Map, Value, json};

/// A role as a template describes it.
#[derive(Debug, Clone, PartialEq)]
pub struct MemberRole {
    /// The name without the path.
    pub role_name: String,
    /// The path, with a slash at both ends.
    pub path: String,
    /// The trust policy.
    pub trust_policy: Value,
    /// The inline policies by name.
    pub policies: BTreeMap<String, Value>,
    /// The longest session in seconds.
    pub max_session_duration: u32,
}

/// What a template resolves to: the value, or the absence that `AWS::NoValue` stands for.
type Resolved = Option<Value>;

/// Resolves the template at `path` to the one role in it.
///
/// `parameters` holds the template's parameters and may hold pseudo parameters (`AWS::AccountId`,
/// `AWS::Partition`; the latter is `aws` when it is not given).
///
/// # Errors
/// When a parameter is missing, unknown or breaks its rules, or the template uses something that is
/// not understood here.
pub fn member_role(path: &Path, parameters: &[(&str, &str)]) -> Result<MemberRole> {
    let text = std::fs::read_to_string(path)
        .with_context(|| format!("cannot read the template {}", path.display()))?;
    member_role_from_text(&text, parameters)
        .with_context(|| format!("cannot resolve the template {}", path.display()))
}

fn member_role_from_text(text: &str, parameters: &[(&str, &str)]) -> Result<MemberRole> {
    let template = load(text)?;
    let scope = Scope {
        parameters: resolve_parameters(&template, parameters)?,
        conditions: object(&template, "Conditions")?.clone(),
    };
    let resources = object(&template, "Resources")?;
    let roles: Vec<_> = resources.values().collect();
    let [role] = roles[..] else {
        bail!("the template holds {} resources, not one", roles.len());
    };
    ensure!(
        role["Type"] == "AWS::IAM::Role",
        "the resource is a {} and not an AWS::IAM::Role",
        role["Type"]
    );
    let mut properties = match scope.resolve(&role["Properties"])? {
        Some(Value::Object(properties)) => properties,
        other => bail!("the properties of the role are {other:?}"),
    };
    let mut take = |name: &str| {
        properties
            .remove(name)
            .with_context(|| format!("the role has no {name}"))
    };
    let mut policies = BTreeMap::new();
    for policy in take("Policies")?.as_array().into_iter().flatten() {
        let name = text_of(&policy["PolicyName"])?.to_owned();
        ensure!(
            policies
                .insert(name, policy["PolicyDocument"].clone())
                .is_none(),
            "two inline policies have the same name"
        );
    }
    let role = MemberRole {
        role_name: text_of(&take("RoleName")?)?.to_owned(),
        path: text_of(&take("Path")?)?.to_owned(),
        trust_policy: take("AssumeRolePolicyDocument")?,
        policies,
        max_session_duration: text_of(&take("MaxSessionDuration")?)?.parse()?,
    };
    properties.remove("Description");
    ensure!(
        properties.is_empty(),
        "properties of the role that are not understood here: {:?}",
        properties.keys().collect::<Vec<_>>()
    );
    Ok(role)
}

/// Reads YAML. The short form of a function (`!Sub x`) becomes the long one (`{"Fn::Sub": x}`).
fn load(text: &str) -> Result<Value> {
    let documents = Yaml::load_from_str(text).context("the template is not valid YAML")?;
    match &documents[..] {
        [document] => to_json(document),
        other => bail!("the template has {} YAML documents", other.len()),
    }
}

fn to_json(node: &Yaml<'_>) -> Result<Value> {
    Ok(match node {
        Yaml::Value(Scalar::Null) => Value::Null,
        Yaml::Value(Scalar::Boolean(value)) => json!(value),
        Yaml::Value(Scalar::Integer(value)) => json!(value),
        Yaml::Value(Scalar::String(value)) => json!(value),
        Yaml::Sequence(items) => Value::Array(items.iter().map(to_json).collect::<Result<_>>()?),
        Yaml::Mapping(entries) => {
            let mut object = Map::new();
            for (key, value) in entries {
                let key = key.as_str().context("a key is not a text")?;
                object.insert(key.to_owned(), to_json(value)?);
            }
            Value::Object(object)
        }
        Yaml::Tagged(tag, inner) => {
            let name = match tag.suffix.as_str() {
                name @ ("Ref" | "Condition") => name.to_owned(),
                name => format!("Fn::{name}"),
            };
            json!({ name: to_json(inner)? })
        }
        Yaml::Value(Scalar::FloatingPoint(_))
        | Yaml::Representation(..)
        | Yaml::Alias(_)
        | Yaml::BadValue => bail!("YAML that is not understood here: {node:?}"),
    })
}

/// Checks the given parameters against their declarations and adds the defaults.
fn resolve_parameters(template: &Value, given: &[(&str, &str)]) -> Result<BTreeMap<String, Value>> {
    let declared = object(template, "Parameters")?;
    let mut values = BTreeMap::from([("AWS::Partition".to_owned(), json!("aws"))]);
    for (name, value) in given {
        if name.starts_with("AWS::") {
            values.insert((*name).to_owned(), json!(value));
        } else {
            ensure!(
                declared.contains_key(*name),
                "the template has no parameter {name}"
            );
        }
    }
    for (name, rules) in declared {
        let given = given.iter().find(|(given, _)| given == name);
        let text = match (given, &rules["Default"]) {
            (Some((_, text)), _) => (*text).to_owned(),
            (None, Value::Null) => bail!("the parameter {name} has no value and no default"),
            (None, default) => text_of_scalar(default)?,
        };
        let value = parameter(rules, &text)
            .with_context(|| format!("the value {text:?} of the parameter {name} is refused"))?;
        values.insert(name.clone(), value);
    }
    Ok(values)
}

fn parameter(rules: &Value, text: &str) -> Result<Value> {
    let kind = text_of(&rules["Type"])?;
    let items: Vec<_> = match kind {
        "CommaDelimitedList" => text.split(',').map(str::trim).collect(),
        "String" | "Number" => vec![text],
        other => bail!("the parameter type {other} is not understood here"),
    };
    for item in &items {
        if let Some(pattern) = rules["AllowedPattern"].as_str() {
            let pattern = Regex::new(&format!("^(?:{pattern})$"))?;
            ensure!(pattern.is_match(item), "{item:?} does not match {pattern}");
        }
        let length = item.chars().count();
        if let Some(shortest) = rules["MinLength"].as_u64() {
            ensure!(u64::try_from(length)? >= shortest, "it is too short");
        }
        if let Some(longest) = rules["MaxLength"].as_u64() {
            ensure!(u64::try_from(length)? <= longest, "it is too long");
        }
        if let Some(allowed) = rules["AllowedValues"].as_array() {
            ensure!(allowed.contains(&json!(item)), "it is not an allowed value");
        }
        if kind == "Number" {
            let number: i64 = item.parse()?;
            ensure!(
                rules["MinValue"]
                    .as_i64()
                    .is_none_or(|least| number >= least),
                "it is too small"
            );
            ensure!(
                rules["MaxValue"].as_i64().is_none_or(|most| number <= most),
                "it is too large"
            );
        }
    }
    Ok(match kind {
        "CommaDelimitedList" => json!(items),
        _ => json!(text),
    })
}

/// What functions may refer to.
struct Scope {
    parameters: BTreeMap<String, Value>,
    conditions: Map<String, Value>,
}

impl Scope {
    /// Replaces every function below `value` by its result. `None` is `AWS::NoValue`.
    fn resolve(&self, value: &Value) -> Result<Resolved> {
        Ok(Some(match value {
            Value::Array(items) => {
                let mut resolved = Vec::new();
                for item in items {
                    resolved.extend(self.resolve(item)?);
                }
                Value::Array(resolved)
            }
            Value::Object(object) => {
                if let Some((name, argument)) = function(object) {
                    return self.call(name, argument);
                }
                let mut resolved = Map::new();
                for (key, value) in object {
                    if let Some(value) = self.resolve(value)? {
                        resolved.insert(key.clone(), value);
                    }
                }
                Value::Object(resolved)
            }
            other => other.clone(),
        }))
    }

    fn call(&self, name: &str, argument: &Value) -> Result<Resolved> {
        Ok(Some(match name {
            "Ref" => match text_of(argument)? {
                "AWS::NoValue" => return Ok(None),
                name => self.parameter(name)?.clone(),
            },
            "Fn::Sub" => json!(self.substitute(text_of(argument)?)?),
            "Fn::Join" => {
                let [separator, list] = &arguments(argument)?[..] else {
                    bail!("Fn::Join takes a separator and a list");
                };
                let list = self.resolve(list)?.context("Fn::Join of no list")?;
                let texts: Vec<_> = list
                    .as_array()
                    .context("Fn::Join of something else than a list")?
                    .iter()
                    .map(text_of)
                    .collect::<Result<_>>()?;
                json!(texts.join(text_of(separator)?))
            }
            "Fn::If" => {
                let [condition, then, otherwise] = &arguments(argument)?[..] else {
                    bail!("Fn::If takes a condition and two values");
                };
                let holds = self.named_condition(text_of(condition)?)?;
                return self.resolve(if holds { then } else { otherwise });
            }
            other => bail!("the function {other} is not understood here"),
        }))
    }

    fn parameter(&self, name: &str) -> Result<&Value> {
        self.parameters
            .get(name)
            .with_context(|| format!("a reference to {name}, which has no value"))
    }

    /// Replaces `${Name}` by the value of a parameter.
    fn substitute(&self, text: &str) -> Result<String> {
        let mut result = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("${") {
            let (name, tail) = after.split_once('}').context("an unclosed ${")?;
            ensure!(!name.starts_with('!'), "${{! is not understood here");
            result.push_str(before);
            result.push_str(text_of(self.parameter(name)?)?);
            rest = tail;
        }
        result.push_str(rest);
        Ok(result)
    }

    fn named_condition(&self, name: &str) -> Result<bool> {
        let condition = self
            .conditions
            .get(name)
            .with_context(|| format!("there is no condition {name}"))?;
        self.condition(condition)
    }

    fn condition(&self, condition: &Value) -> Result<bool> {
        let (name, argument) = condition
            .as_object()
            .and_then(function)
            .with_context(|| format!("{condition} is not a condition"))?;
        if name == "Condition" {
            return self.named_condition(text_of(argument)?);
        }
        let arguments = arguments(argument)?;
        let each =
            || -> Result<Vec<bool>> { arguments.iter().map(|one| self.condition(one)).collect() };
        match (name, arguments.len()) {
            ("Fn::Equals", 2) => Ok(self.resolve(&arguments[0])? == self.resolve(&arguments[1])?),
            ("Fn::Not", 1) => Ok(!self.condition(&arguments[0])?),
            ("Fn::And", 2..=10) => Ok(each()?.into_iter().all(|holds| holds)),
            ("Fn::Or", 2..=10) => Ok(each()?.into_iter().any(|holds| holds)),
            (other, count) => bail!("{other} with {count} arguments is not a condition"),
        }
    }
}

/// The function that an object stands for, if it is one.
fn function(object: &Map<String, Value>) -> Option<(&str, &Value)> {
    let mut entries = object.iter();
    let (name, argument) = entries.next()?;
    let is_function = name == "Ref" || name == "Condition" || name.starts_with("Fn::");
    // A policy statement has a key "Condition" too, but never alone and never with a text.
    let is_function = is_function && (name != "Condition" || argument.is_string());
    (entries.next().is_none() && is_function).then_some((name, argument))
}

fn arguments(argument: &Value) -> Result<&Vec<Value>> {
    argument
        .as_array()
        .context("a function needs a list of arguments")
}

fn object<'a>(template: &'a Value, section: &str) -> Result<&'a Map<String, Value>> {
    template[section]
        .as_object()
        .with_context(|| format!("the template has no {section}"))
}

fn text_of(value: &Value) -> Result<&str> {
    value
        .as_str()
        .with_context(|| format!("{value} is not a text"))
}

fn text_of_scalar(value: &Value) -> Result<String> {
    match value {
        Value::String(text) => Ok(text.clone()),
        Value::Number(number) => Ok(number.to_string()),
        other => bail!("{other} is not a text or a number"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{MemberRole, member_role_from_text};

    /// A template whose trust policy is `value`, with a parameter, a list and two conditions.
    fn resolve(value: &str, parameters: &[(&str, &str)]) -> anyhow::Result<MemberRole> {
        let template = format!(
            "
Parameters:
  Name: {{Type: String, AllowedPattern: '^[a-z]*$', MaxLength: 5, Default: x}}
  List: {{Type: CommaDelimitedList, Default: ''}}
  Number: {{Type: Number, MinValue: 3600, Default: 3600}}
  Needed: {{Type: String, AllowedValues: ['yes', 'no']}}
Conditions:
  Yes: !Equals [!Ref Needed, 'yes']
  No: !Not [!Condition Yes]
  Both: !And [!Condition Yes, !Condition No]
  Either: !Or [!Condition Yes, !Condition No]
  Empty: !Equals [!Join ['', !Ref List], '']
Resources:
  Role:
    Type: AWS::IAM::Role
    Properties:
      RoleName: !Ref Name
      Path: /
      MaxSessionDuration: !Ref Number
      Policies: []
      AssumeRolePolicyDocument:
        value: {value}
"
        );
        member_role_from_text(&template, parameters)
    }

    #[rstest::rstest]
    #[case("!Sub 'a${Name}-${AWS::Partition}'", json!({"value": "ax-aws"}))]
    #[case("!Ref List", json!({"value": ["p", "q"]}))]
    #[case("!If [Yes, 1, 2]", json!({"value": 1}))]
    #[case("!If [No, 1, 2]", json!({"value": 2}))]
    #[case("!If [Both, 1, 2]", json!({"value": 2}))]
    #[case("!If [Either, 1, 2]", json!({"value": 1}))]
    #[case("!If [Empty, 1, 2]", json!({"value": 2}))]
    #[case("!If [No, 1, !Ref AWS::NoValue]", json!({}))]
    #[case("[a, !If [No, b, !Ref AWS::NoValue], c]", json!({"value": ["a", "c"]}))]
    #[case("{Fn::If: [Yes, {Ref: Name}, z]}", json!({"value": "x"}))]
    #[case("{Condition: {a: !Ref Name}}", json!({"value": {"Condition": {"a": "x"}}}))]
    fn functions_give_what_cloudformation_gives(
        #[case] value: &str,
        #[case] expected: serde_json::Value,
    ) {
        let role = resolve(value, &[("Needed", "yes"), ("List", "p, q")]).unwrap();
        assert_eq!(role.trust_policy, expected);
        assert_eq!(role.max_session_duration, 3600);
    }

    #[rstest::rstest]
    #[case("!Ref Missing")]
    #[case("!Sub '${Missing}'")]
    #[case("!Sub '${AWS::AccountId}'")]
    #[case("!GetAtt Role.Arn")]
    #[case("!If [Missing, 1, 2]")]
    fn what_is_not_understood_is_an_error(#[case] value: &str) {
        assert!(resolve(value, &[("Needed", "yes")]).is_err());
    }

    #[rstest::rstest]
    #[case(&[], "no value and no default")]
    #[case(&[("Needed", "maybe")], "not an allowed value")]
    #[case(&[("Needed", "yes"), ("Name", "UPPER")], "does not match")]
    #[case(&[("Needed", "yes"), ("Name", "muchlonger")], "too long")]
    #[case(&[("Needed", "yes"), ("Number", "10")], "too small")]
    #[case(&[("Needed", "yes"), ("Other", "1")], "no parameter Other")]
    fn parameters_are_held_to_their_rules(
        #[case] parameters: &[(&str, &str)],
        #[case] message: &str,
    ) {
        let error = resolve("1", parameters).unwrap_err();
        assert!(format!("{error:#}").contains(message), "{error:#}");
    }
}
