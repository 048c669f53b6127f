//! `DynamoDB`: tables of the hub account whose keys are texts, as the registry uses them. No streams, no indexes, no capacity.

use std::collections::BTreeMap;
use std::ops::Bound;

use serde_json::{Value, json};

use super::expression::{self, Item};
use super::json::{Outcome, refused, text};
use super::log::Call;
use super::serve::unknown_operation;
use super::state::State;
use super::wire::Refusal;

/// How much a `Scan` reads before it ends its page.
const PAGE_BYTES: usize = 1_048_576;

/// The values of hash key and range key; the latter is empty in a table without one.
type Key = (String, String);

#[derive(Debug)]
pub(super) struct Table {
    hash_key: String,
    range_key: Option<String>,
    items: BTreeMap<Key, Item>,
}

impl Table {
    pub(super) fn new(hash_key: String, range_key: Option<String>) -> Self {
        Self {
            hash_key,
            range_key,
            items: BTreeMap::new(),
        }
    }

    fn key(&self, item: &Value) -> Result<Key, Refusal> {
        let part = |name: &str| {
            let part = item[name]["S"].as_str().map(str::to_owned);
            let message = "The provided key element does not match the schema";
            part.ok_or_else(|| refused("ValidationException", message))
        };
        let range = self.range_key.as_deref().map(part).transpose()?;
        Ok((part(&self.hash_key)?, range.unwrap_or_default()))
    }

    fn key_as_item(&self, (hash, range): &Key) -> Item {
        let mut item = Item::from_iter([(self.hash_key.clone(), json!({"S": hash}))]);
        if let Some(name) = &self.range_key {
            item.insert(name.clone(), json!({"S": range}));
        }
        item
    }
}

/// A row is about the user that its key names, and a lease about the user whose it is.
pub(super) fn about(request: &Value, call: &mut Call) {
    let key = ["Key", "Item"].map(|name| &request[name]);
    let of = |name: &str| key.iter().find_map(|key| key[name]["S"].as_str());
    let name = of("UserName").unwrap_or_default();
    let account_id = of("AccountId");
    let (account_id, name) = match name.split('#').collect::<Vec<_>>()[..] {
        ["lease", account_id, name] => (Some(account_id), name),
        [name] => (account_id, name),
        _ => (None, ""),
    };
    name.clone_into(&mut call.user_name);
    if let Some(account_id) = account_id {
        account_id.clone_into(&mut call.account_id);
    }
}

pub(super) fn answer(state: &mut State, operation: &str, request: &Value) -> Outcome {
    let name = text(request, "TableName");
    let table = find(state, name)?;
    match operation {
        "DescribeTable" => Ok(describe(name, table)),
        "Scan" => scan(table, request),
        "GetItem" => {
            let found = table.items.get(&table.key(&request["Key"])?);
            Ok(found.map_or_else(|| json!({}), |item| json!({"Item": item})))
        }
        "PutItem" => {
            let key = table.key(&request["Item"])?;
            check(request, table.items.get(&key))?;
            let item = request["Item"].as_object().cloned().unwrap_or_default();
            table.items.insert(key, item);
            Ok(json!({}))
        }
        "UpdateItem" => {
            let key = table.key(&request["Key"])?;
            let before = table.items.get(&key);
            check(request, before)?;
            let mut item = match before {
                Some(item) => item.clone(),
                None => table.key_as_item(&key),
            };
            expression::update(request, &mut item)?;
            table.items.insert(key, item);
            Ok(json!({}))
        }
        "DeleteItem" => {
            let key = table.key(&request["Key"])?;
            check(request, table.items.get(&key))?;
            table.items.remove(&key);
            Ok(json!({}))
        }
        other => Err(unknown_operation(other)),
    }
}

/// Puts an item into a table from the outside.
pub(super) fn put(state: &mut State, table: &str, item: &Value) -> Result<(), Refusal> {
    let table = find(state, table)?;
    let key = table.key(item)?;
    let item = item.as_object().cloned().unwrap_or_default();
    table.items.insert(key, item);
    Ok(())
}

/// The items of a table, by key.
pub(super) fn items(state: &State, table: &str) -> Vec<Value> {
    let table = state.tables.get(table).into_iter();
    table
        .flat_map(|table| table.items.values().cloned().map(Value::from))
        .collect()
}

fn find<'a>(state: &'a mut State, name: &str) -> Result<&'a mut Table, Refusal> {
    state.tables.get_mut(name).ok_or_else(|| {
        refused(
            "ResourceNotFoundException",
            format!("Requested resource not found: Table: {name} not found"),
        )
    })
}

fn check(request: &Value, item: Option<&Item>) -> Result<(), Refusal> {
    if expression::holds(request, item)? {
        return Ok(());
    }
    Err(refused(
        "ConditionalCheckFailedException",
        "The conditional request failed",
    ))
}

fn describe(name: &str, table: &Table) -> Value {
    let element = |name: &str, kind: &str| json!({"AttributeName": name, "KeyType": kind});
    let hash = element(&table.hash_key, "HASH");
    let range = table.range_key.iter().map(|name| element(name, "RANGE"));
    let keys: Vec<Value> = std::iter::once(hash).chain(range).collect();
    json!({"Table": {"TableName": name, "TableStatus": "ACTIVE", "KeySchema": keys}})
}

/// One page: as many items as were asked for, and no more than a page may hold.
fn scan(table: &Table, request: &Value) -> Outcome {
    let start = match &request["ExclusiveStartKey"] {
        Value::Null => Bound::Unbounded,
        key => Bound::Excluded(table.key(key)?),
    };
    let most = request["Limit"].as_u64();
    let most = most.and_then(|most| usize::try_from(most).ok());
    let (mut items, mut bytes, mut last) = (Vec::new(), 0, None);
    for (key, item) in table.items.range((start, Bound::Unbounded)) {
        items.push(item);
        bytes += item_bytes(item);
        if bytes >= PAGE_BYTES || most == Some(items.len()) {
            last = Some(table.key_as_item(key));
            break;
        }
    }
    let count = items.len();
    let mut answer = json!({"Items": items, "Count": count, "ScannedCount": count});
    if let Some(last) = last {
        answer["LastEvaluatedKey"] = last.into();
    }
    Ok(answer)
}

/// About the size of an item ("`DynamoDB` item sizes and formats" in its developer guide).
fn item_bytes(item: &Item) -> usize {
    item.iter()
        .map(|(name, value)| name.len() + value_bytes(value))
        .sum()
}

fn value_bytes(value: &Value) -> usize {
    let fields = value.as_object().into_iter().flatten();
    fields
        .map(|(kind, value)| match (kind.as_str(), value) {
            ("M", Value::Object(fields)) => 3 + fields.len() + item_bytes(fields),
            ("L", Value::Array(elements)) => {
                3 + elements.iter().map(|it| 1 + value_bytes(it)).sum::<usize>()
            }
            ("N", Value::String(digits)) => digits.len() / 2 + 1,
            (_, Value::String(text)) => text.len(),
            _ => 1,
        })
        .sum()
}
