//! Expressions of `DynamoDB`, in the forms that the jobs use: conditions that are joined by `OR`, `SET` and `ADD`.
//! Every name and every value stands for another one (`#name`, `:value`). What is not known is refused.

use std::cmp::Ordering;

use serde_json::{Map, Value, json};

use super::json::{refused, text};
use super::wire::Refusal;

/// An item: attributes with their type around the value.
pub(super) type Item = Map<String, Value>;

/// Whether the condition of a request holds for an item, or for there being none.
pub(super) fn holds(request: &Value, item: Option<&Item>) -> Result<bool, Refusal> {
    let condition = text(request, "ConditionExpression");
    if condition.is_empty() {
        return Ok(true);
    }
    for term in condition.split(" OR ") {
        if term_holds(request, term.trim(), item)? {
            return Ok(true);
        }
    }
    Ok(false)
}

fn term_holds(request: &Value, term: &str, item: Option<&Item>) -> Result<bool, Refusal> {
    let attribute = |placeholder: &str| {
        let name = name(request, placeholder)?;
        Ok(item.and_then(|item| item.get(name)))
    };
    let inside = |function: &str| {
        let rest = term.strip_prefix(function)?.strip_prefix('(')?;
        rest.strip_suffix(')')
    };
    if let Some(placeholder) = inside("attribute_exists") {
        return attribute(placeholder).map(|found| found.is_some());
    }
    if let Some(placeholder) = inside("attribute_not_exists") {
        return attribute(placeholder).map(|found| found.is_none());
    }
    let [left, operator, right] = term.split(' ').collect::<Vec<_>>()[..] else {
        return Err(unknown(term));
    };
    let (found, wanted) = (attribute(left)?, value(request, right)?);
    // What is not there compares with nothing.
    let order = found.and_then(|found| compare(found, wanted));
    match operator {
        "=" => Ok(order == Some(Ordering::Equal)),
        "<" => Ok(order == Some(Ordering::Less)),
        "<=" => Ok(matches!(order, Some(Ordering::Less | Ordering::Equal))),
        _ => Err(unknown(term)),
    }
}

/// Changes an item as the update of a request says.
pub(super) fn update(request: &Value, item: &mut Item) -> Result<(), Refusal> {
    let expression = text(request, "UpdateExpression");
    let (set, add) = match expression.split_once(" ADD ") {
        Some((set, add)) => (set, add),
        None => match expression.strip_prefix("ADD ") {
            Some(add) => ("", add),
            None => (expression, ""),
        },
    };
    if !set.is_empty() {
        let set = set.strip_prefix("SET ").ok_or_else(|| unknown(set))?;
        for change in set.split(", ") {
            let (placeholder, new) = change.split_once(" = ").ok_or_else(|| unknown(change))?;
            let new = value(request, new)?.clone();
            item.insert(name(request, placeholder)?.to_owned(), new);
        }
    }
    if !add.is_empty() {
        let (placeholder, more) = add.split_once(' ').ok_or_else(|| unknown(add))?;
        let name = name(request, placeholder)?;
        let more = number(value(request, more)?).ok_or_else(|| unknown(add))?;
        let before = match item.get(name) {
            None => 0,
            Some(before) => number(before).ok_or_else(|| unknown(add))?,
        };
        item.insert(name.to_owned(), json!({"N": (before + more).to_string()}));
    }
    Ok(())
}

fn name<'a>(request: &'a Value, placeholder: &str) -> Result<&'a str, Refusal> {
    let name = request["ExpressionAttributeNames"][placeholder].as_str();
    name.ok_or_else(|| unknown(placeholder))
}

fn value<'a>(request: &'a Value, placeholder: &str) -> Result<&'a Value, Refusal> {
    let value = request["ExpressionAttributeValues"].get(placeholder);
    value.ok_or_else(|| unknown(placeholder))
}

/// Texts, and numbers without fractions; other types, and two different ones, have no order.
fn compare(left: &Value, right: &Value) -> Option<Ordering> {
    match (left["S"].as_str(), right["S"].as_str()) {
        (Some(left), Some(right)) => Some(left.cmp(right)),
        (None, None) => Some(number(left)?.cmp(&number(right)?)),
        _ => None,
    }
}

fn number(value: &Value) -> Option<i64> {
    value["N"].as_str()?.parse().ok()
}

fn unknown(what: &str) -> Refusal {
    refused(
        "ValidationException",
        format!("the benchmark server does not understand {what:?} in an expression"),
    )
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{Item, holds, update};

    fn item() -> Item {
        let item = json!({"Holder": {"S": "a"}, "Until": {"N": "10"}});
        item.as_object().unwrap().clone()
    }

    fn request(condition: &str, update: &str) -> Value {
        json!({
            "ConditionExpression": condition,
            "UpdateExpression": update,
            "ExpressionAttributeNames": {"#holder": "Holder", "#until": "Until", "#new": "New"},
            "ExpressionAttributeValues": {":a": {"S": "a"}, ":b": {"S": "b"}, ":9": {"N": "9"}, ":10": {"N": "10"}},
        })
    }

    #[test]
    fn conditions_hold_as_in_dynamodb() {
        for (condition, with, without) in [
            ("", true, true),
            ("attribute_exists(#holder)", true, false),
            ("attribute_not_exists(#holder)", false, true),
            ("attribute_not_exists(#new)", true, true),
            ("#holder = :a", true, false),
            ("#holder = :b", false, false),
            ("#holder = :9", false, false),
            ("#until < :10", false, false),
            ("#until <= :10", true, false),
            ("#until <= :9", false, false),
            (
                "attribute_not_exists(#holder) OR #holder = :b OR #until <= :10",
                true,
                true,
            ),
        ] {
            let request = request(condition, "");
            assert_eq!(holds(&request, Some(&item())).unwrap(), with, "{condition}");
            assert_eq!(holds(&request, None).unwrap(), without, "{condition}");
        }
    }

    #[test]
    fn updates_set_and_add() {
        let mut item = item();
        let both = request("", "SET #holder = :b, #until = :9 ADD #new :10");
        update(&both, &mut item).unwrap();
        update(&request("", "ADD #new :9"), &mut item).unwrap();
        let expected = json!({"Holder": {"S": "b"}, "Until": {"N": "9"}, "New": {"N": "19"}});
        assert_eq!(Value::from(item), expected);
    }

    #[test]
    fn what_is_not_known_is_refused() {
        for condition in [
            "#holder > :a",
            "begins_with(#holder, :a)",
            "Holder = :a",
            "#holder = :c",
        ] {
            let refused = holds(&request(condition, ""), Some(&item())).unwrap_err();
            assert_eq!(refused.code, "ValidationException", "{condition}");
        }
        for change in [
            "REMOVE #holder",
            "SET #holder = if_not_exists(#holder, :a)",
            "ADD #holder :9",
        ] {
            assert!(
                update(&request("", change), &mut item()).is_err(),
                "{change}"
            );
        }
    }
}
