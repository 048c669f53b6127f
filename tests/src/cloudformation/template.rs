//! Reads CloudFormation templates as CloudFormation would with given parameters: so that tests deploy exactly
//! what users deploy.
//!
//! Only what our templates use is understood. Anything else (an unknown function, a parameter that breaks its
//! rules, in the member role's template another resource) is an error and never ignored.

use std::collections::{BTreeMap, BTreeSet};
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
/// `AWS::Partition`; the latter is `aws` when it is not given). `AWS::URLSuffix` is that of the partition.
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

/// A template as it is deployed with given parameters.
#[derive(Debug, Clone, PartialEq)]
pub struct Template {
    /// The resources whose conditions hold, by logical id, resolved.
    pub resources: BTreeMap<String, Value>,
    /// The values of the outputs whose conditions hold.
    pub outputs: BTreeMap<String, Value>,
}

/// Resolves the template at `path`.
///
/// `parameters` is as for [`member_role`]. `known` says what references to resources stand for: `Name` for `!Ref Name`,
/// `Name.Attribute` for `!GetAtt`, `import:Name` for `!ImportValue`. A resource that it does not name stands for these
/// texts themselves.
///
/// # Errors
/// As [`member_role`].
pub fn template(
    path: &Path,
    parameters: &[(&str, &str)],
    known: &[(&str, &str)],
) -> Result<Template> {
    let text = std::fs::read_to_string(path)
        .with_context(|| format!("cannot read the template {}", path.display()))?;
    template_from_text(&text, parameters, known)
        .with_context(|| format!("cannot resolve the template {}", path.display()))
}

/// A template without its functions resolved, in their long form (`{"Fn::Sub": ...}`).
///
/// # Errors
/// When it cannot be read.
pub fn unresolved(path: &Path) -> Result<Value> {
    let text = std::fs::read_to_string(path)
        .with_context(|| format!("cannot read the template {}", path.display()))?;
    load(&text)
}

fn template_from_text(
    text: &str,
    parameters: &[(&str, &str)],
    known: &[(&str, &str)],
) -> Result<Template> {
    let template = load(text)?;
    let declared = object(&template, "Resources")?;
    let scope = Scope {
        parameters: resolve_parameters(&template, parameters)?,
        conditions: template["Conditions"]
            .as_object()
            .cloned()
            .unwrap_or_default(),
        resources: declared.keys().cloned().collect(),
        known: known
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect(),
    };
    let exists = |object: &Value| match object["Condition"].as_str() {
        Some(condition) => scope.named_condition(condition),
        None => Ok(true),
    };
    let mut resources = BTreeMap::new();
    for (name, resource) in declared {
        if exists(resource)? {
            let resolved = scope
                .resolve(resource)
                .with_context(|| format!("the resource {name}"))?;
            resources.insert(name.clone(), resolved.unwrap_or_default());
        }
    }
    let mut outputs = BTreeMap::new();
    for (name, output) in template["Outputs"].as_object().into_iter().flatten() {
        if exists(output)? {
            let value = scope
                .resolve(&output["Value"])
                .with_context(|| format!("the output {name}"))?;
            outputs.insert(name.clone(), value.unwrap_or_default());
        }
    }
    Ok(Template { resources, outputs })
}

fn member_role_from_text(text: &str, parameters: &[(&str, &str)]) -> Result<MemberRole> {
    let template = load(text)?;
    let scope = Scope {
        parameters: resolve_parameters(&template, parameters)?,
        conditions: object(&template, "Conditions")?.clone(),
        resources: BTreeSet::new(),
        known: BTreeMap::new(),
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
    let suffix = match text_of(&values["AWS::Partition"])? {
        "aws-cn" => "amazonaws.com.cn",
        _ => "amazonaws.com",
    };
    values.insert("AWS::URLSuffix".to_owned(), json!(suffix));
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
            let mut allowed = allowed.iter().flat_map(text_of_scalar);
            ensure!(
                allowed.any(|allowed| allowed == *item),
                "it is not an allowed value"
            );
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
    resources: BTreeSet<String>,
    known: BTreeMap<String, String>,
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
                name => self.reference(name)?,
            },
            "Fn::GetAtt" => json!(self.attribute(text_of(argument)?)?),
            "Fn::ImportValue" => {
                let name = self.resolve(argument)?.context("an import of nothing")?;
                json!(self.known(&format!("import:{}", text_of(&name)?)))
            }
            "Fn::Sub" => match argument.as_array().map(Vec::as_slice) {
                None => json!(self.substitute(text_of(argument)?, &Map::new())?),
                Some([text, own]) => {
                    let own = self.resolve(own)?.context("Fn::Sub with nothing")?;
                    let own = own.as_object().context("Fn::Sub takes a text and a map")?;
                    json!(self.substitute(text_of(text)?, own)?)
                }
                Some(_) => bail!("Fn::Sub takes a text and a map"),
            },
            "Fn::Split" => {
                let [separator, text] = &arguments(argument)?[..] else {
                    bail!("Fn::Split takes a separator and a text");
                };
                let text = self.resolve(text)?.context("Fn::Split of nothing")?;
                json!(
                    text_of(&text)?
                        .split(text_of(separator)?)
                        .collect::<Vec<_>>()
                )
            }
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

    /// The value of a parameter, or what identifies a resource.
    fn reference(&self, name: &str) -> Result<Value> {
        if self.resources.contains(name) {
            return Ok(json!(self.known(name)));
        }
        self.parameters
            .get(name)
            .cloned()
            .with_context(|| format!("a reference to {name}, which has no value"))
    }

    /// `Name.Attribute` of a resource.
    fn attribute(&self, name: &str) -> Result<String> {
        let resource = name.split('.').next().unwrap_or_default();
        ensure!(
            self.resources.contains(resource) && resource != name,
            "there is no resource for {name}"
        );
        Ok(self.known(name))
    }

    fn known(&self, name: &str) -> String {
        let value = self.known.get(name);
        value.map_or_else(|| name.to_owned(), Clone::clone)
    }

    /// Replaces `${Name}` and `${Name.Attribute}` by their values; those in `own` come first. `${!Name}` becomes `${Name}`.
    fn substitute(&self, text: &str, own: &Map<String, Value>) -> Result<String> {
        let mut result = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("${") {
            let (name, tail) = after.split_once('}').context("an unclosed ${")?;
            result.push_str(before);
            match own.get(name) {
                Some(value) => result.push_str(text_of(value)?),
                None if name.starts_with('!') => result.extend(["${", &name[1..], "}"]),
                None if name.contains('.') => result.push_str(&self.attribute(name)?),
                None => result.push_str(text_of(&self.reference(name)?)?),
            }
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

    fn text(&self, value: &Value) -> Result<String> {
        text_of_scalar(&self.resolve(value)?.context("nothing is no text")?)
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
            // CloudFormation compares texts.
            ("Fn::Equals", 2) => Ok(self.text(&arguments[0])? == self.text(&arguments[1])?),
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
mod tests;
