//! What is wanted of one user: the defaults, what somebody wrote over them, and the placeholders filled in.

use crossaccount_core::ids::Partition;
use crossaccount_core::session::Target;
use crossaccount_core::user::access_keys::KeyPolicy;
use crossaccount_lambda::guardrails::{Guardrails, Refusal};
use crossaccount_lambda::properties::table::PROPERTIES;
use crossaccount_lambda::properties::{self, Problems, UserProperties};
use serde_json::{Map, Value};

/// Properties that nobody writes into a row or an event: they are decided for the function as a whole.
const OF_THE_FUNCTION: [(&str, &str); 2] = [
    ("DeletionPolicy", "CROSSACCOUNT_DELETION_POLICY"),
    ("ForceDestroy", "CROSSACCOUNT_FORCE_DESTROY"),
];
/// Properties that say who the user is, and so are no default.
const IDENTITY: [&str; 2] = ["AccountId", "UserName"];
const ROLE_ARN: &str = "RoleArn";

/// Who is wanted, and what somebody wrote about it.
#[derive(Debug, Clone, Copy)]
pub struct Wish<'a> {
    /// The account: twelve digits, or what was written in their place.
    pub account_id: &'a str,
    /// The name of the user, or what was written in its place.
    pub user_name: &'a str,
    /// The properties.
    pub properties: &'a Map<String, Value>,
}

/// Why a wish cannot be fulfilled. Nothing was called.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// A property is not valid.
    #[error("{0}")]
    Invalid(Problems),
    /// A property belongs to the settings of the function.
    #[error(
        "{property} is a setting of the function ({variable}) and cannot be chosen for one user: remove it."
    )]
    NotHere {
        /// The property.
        property: &'static str,
        /// The variable that decides.
        variable: &'static str,
    },
    /// The rules of the function refuse it.
    #[error("{0}")]
    NotAllowed(Refusal),
}

/// The properties of a user. What somebody wrote counts before the defaults; `null` takes a default away. Without a path
/// the user gets the one that all users of the function are below. Pure.
///
/// # Errors
/// What is wrong with them, or which rule of the function refuses them.
pub fn wanted(
    wish: Wish<'_>,
    defaults: &Map<String, Value>,
    guardrails: &Guardrails,
) -> Result<UserProperties, Unfit> {
    for (property, variable) in OF_THE_FUNCTION {
        if wish.properties.contains_key(property) {
            return Err(Unfit::NotHere { property, variable });
        }
    }
    let mut all = defaults.clone();
    // Who gets access by groups gets no policies that nobody asked for (CIS: permissions through groups).
    if wish
        .properties
        .get("Groups")
        .is_some_and(|groups| !groups.is_null())
    {
        all.remove("ManagedPolicyArns");
    }
    all.extend(wish.properties.clone());
    all.retain(|_, value| !value.is_null());
    all.entry("Path")
        .or_insert_with(|| guardrails.path_prefix.to_string().into());
    for value in all.values_mut() {
        fill(value, &wish, guardrails.partition);
    }
    all.insert("AccountId".to_owned(), wish.account_id.into());
    all.insert("UserName".to_owned(), wish.user_name.into());
    let mut properties = properties::read(&all).map_err(Unfit::Invalid)?;
    guardrails.check(&properties).map_err(Unfit::NotAllowed)?;
    // Nobody looks at a plan here. A key that somebody has switched off works again when somebody writes so.
    let asks_for_status = all.get("AccessKey").and_then(|key| key.get("Status"));
    if asks_for_status.is_none() {
        let key = properties.spec.access_key.take();
        properties.spec.access_key = key.map(KeyPolicy::leaving_inactive);
    }
    Ok(properties)
}

/// Where the user of a wish is, when nothing else of the wish matters any more. Pure. `None`: nobody was made there,
/// because account or role were refused.
pub fn place(
    wish: Wish<'_>,
    defaults: &Map<String, Value>,
    guardrails: &Guardrails,
) -> Option<Target> {
    let role_arn = wish.properties.get(ROLE_ARN).or(defaults.get(ROLE_ARN));
    let role_arn = role_arn.filter(|value| !value.is_null()).map(|value| {
        let mut value = value.clone();
        fill(&mut value, &wish, guardrails.partition);
        value.as_str().and_then(|text| text.parse().ok())
    });
    let target = Target {
        account_id: wish.account_id.parse().ok()?,
        role_arn: match role_arn {
            None => None,
            Some(readable) => Some(readable?),
        },
    };
    guardrails.check_target(&target).ok()?;
    Some(target)
}

/// Fills in placeholders. Variables of IAM policies, such as `${aws:username}`, stay as they are.
fn fill(value: &mut Value, wish: &Wish<'_>, partition: Partition) {
    match value {
        Value::String(text) => {
            if text.contains("${") {
                *text = text
                    .replace("${AccountId}", wish.account_id)
                    .replace("${UserName}", wish.user_name)
                    .replace("${Partition}", partition.as_str());
            }
        }
        Value::Array(elements) => elements.iter_mut().for_each(|it| fill(it, wish, partition)),
        Value::Object(fields) => fields.values_mut().for_each(|it| fill(it, wish, partition)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Whether properties can be defaults: known names, and none that says who the user is or that belongs to the function.
///
/// # Errors
/// What is wrong: a sentence without its point.
pub fn check_defaults(defaults: &Map<String, Value>) -> Result<(), String> {
    for name in defaults.keys() {
        if IDENTITY.contains(&name.as_str()) {
            return Err(format!("{name} says who a user is, and is no default"));
        }
        if let Some((_, variable)) = OF_THE_FUNCTION.iter().find(|(of, _)| of == name) {
            return Err(format!("{name} is set by {variable}"));
        }
        if !PROPERTIES.iter().any(|property| property.name == name) {
            let known = PROPERTIES.iter().map(|property| property.name);
            let hint = crossaccount_lambda::nearest::nearest(name, known)
                .map(|known| format!("; {known} may be meant"))
                .unwrap_or_default();
            return Err(format!("there is no property {name:?}{hint}"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
