//! One row: who is wanted, and what somebody wrote about it.

use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

use super::item::{self, StreamImage};
use super::{ACCOUNT_ID, BOOKKEEPING, Item, KeySchema, RESULT, RowResult, USER_NAME};

/// What identifies a row, as it is written in the table.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RowKey {
    /// The name of the user.
    pub user_name: String,
    /// The account, when it is part of the key.
    pub account_id: Option<String>,
}

impl RowKey {
    /// The key of a stream record. `None`: it is the key of no registry.
    pub fn of_image(keys: &StreamImage) -> Option<Self> {
        let text = |name: &str| keys.get(name).map(Value::as_str);
        Some(Self {
            user_name: text(USER_NAME)??.to_owned(),
            account_id: match text(ACCOUNT_ID) {
                None => None,
                Some(account_id) => Some(account_id?.to_owned()),
            },
        })
    }

    /// The key of the row that a user of an account has or would have.
    pub fn new(schema: KeySchema, account_id: &str, user_name: &str) -> Self {
        Self {
            user_name: user_name.to_owned(),
            account_id: match schema {
                KeySchema::UserName => None,
                KeySchema::UserNameAndAccountId => Some(account_id.to_owned()),
            },
        }
    }

    /// Whether the item is bookkeeping of the function and no user.
    pub fn is_bookkeeping(&self) -> bool {
        self.user_name.contains(BOOKKEEPING)
    }

    pub(super) fn to_item(&self) -> Item {
        let mut key = Item::from([(USER_NAME.to_owned(), item::text(&self.user_name))]);
        if let Some(account_id) = &self.account_id {
            key.insert(ACCOUNT_ID.to_owned(), item::text(account_id));
        }
        key
    }
}

/// A row.
#[derive(Debug, Clone, PartialEq)]
pub struct RegistryRow {
    /// Its key.
    pub key: RowKey,
    /// The account that it names, in the key or beside it.
    pub account_id: Option<String>,
    /// Its properties: everything but key and result.
    pub properties: Map<String, Value>,
    /// What became of the user, as this function wrote it last.
    pub result: Option<RowResult>,
}

impl RegistryRow {
    /// A row of which nothing is known but its key.
    pub fn bare(key: RowKey) -> Self {
        Self {
            account_id: key.account_id.clone(),
            key,
            properties: Map::new(),
            result: None,
        }
    }

    /// A row as it stands in the table. `None`: it is bookkeeping.
    pub(super) fn of_item(item: &Item, schema: KeySchema) -> Option<Self> {
        let image: StreamImage = item
            .iter()
            .map(|(name, value)| (name.clone(), item::to_json(value)))
            .collect();
        let name = image.get(USER_NAME)?.as_str()?.to_owned();
        let account_id = image.get(ACCOUNT_ID).and_then(Value::as_str);
        let key = RowKey::new(schema, account_id.unwrap_or_default(), &name);
        Self::of_image(key, image)
    }

    /// A row as it stood when it was changed. `None`: it is bookkeeping.
    pub fn of_image(key: RowKey, mut image: StreamImage) -> Option<Self> {
        if key.is_bookkeeping() {
            return None;
        }
        image.remove(USER_NAME);
        let account_id = image.remove(ACCOUNT_ID).map(|account_id| match account_id {
            Value::String(text) => text,
            // Refused later, in the words of whoever reads properties.
            other => other.to_string(),
        });
        let result = image.remove(RESULT);
        Some(Self {
            account_id: account_id.or_else(|| key.account_id.clone()),
            key,
            properties: image.into_iter().collect(),
            result: result.as_ref().and_then(RowResult::read),
        })
    }

    /// The SHA-256 of what somebody wrote, without the result: whether that changed since. Pure.
    pub fn fingerprint(&self) -> String {
        let written = serde_json::json!([self.key.user_name, self.account_id, self.properties]);
        format!("{:x}", Sha256::digest(written.to_string().as_bytes()))
    }

    /// Whether the result is about the row as it is: then its change was ours, and there is nothing to do.
    pub fn is_settled(&self) -> bool {
        self.result
            .as_ref()
            .is_some_and(|result| result.row_sha256.as_deref() == Some(&self.fingerprint()))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::stream_image;
    use super::{RegistryRow, RowKey};

    fn row(image: &Value) -> RegistryRow {
        let image = stream_image(image).unwrap();
        RegistryRow::of_image(RowKey::of_image(&image).unwrap(), image).unwrap()
    }

    fn image() -> Value {
        json!({
            "UserName": {"S": "alice"},
            "AccountId": {"S": "222222222222"},
            "Groups": {"SS": ["b", "a"]},
            "Tags": {"L": [{"M": {"Key": {"S": "team"}, "Value": {"S": "core"}}}]},
        })
    }

    #[test]
    fn a_row_has_a_key_an_account_and_properties() {
        let row = row(&image());
        assert_eq!(row.key.user_name, "alice");
        assert_eq!(row.account_id.as_deref(), Some("222222222222"));
        assert_eq!(
            row.properties.keys().collect::<Vec<_>>(),
            ["Groups", "Tags"]
        );
        assert_eq!(row.result, None);
    }

    #[test]
    fn a_result_settles_the_row_that_it_is_about_and_no_other() {
        let mut image = image();
        let fingerprint = row(&image).fingerprint();
        image["Result"] =
            json!({"M": {"Status": {"S": "Created"}, "RowSha256": {"S": fingerprint}}});
        assert!(row(&image).is_settled());
        // Sets have no order.
        image["Groups"] = json!({"SS": ["a", "b"]});
        assert!(row(&image).is_settled());
        image["Groups"] = json!({"SS": ["a"]});
        assert!(!row(&image).is_settled());
    }

    #[test]
    fn a_row_whose_result_was_lost_or_never_written_is_not_settled() {
        let mut image = image();
        assert!(!row(&image).is_settled());
        image["Result"] = json!({"S": "somebody wrote this"});
        assert!(!row(&image).is_settled());
        image["Result"] = json!({"M": {"Status": {"S": "Failed"}}});
        assert!(!row(&image).is_settled());
    }

    #[test]
    fn bookkeeping_is_no_row() {
        let image = json!({"UserName": {"S": "lease#222222222222#alice"}, "Holder": {"S": "x"}});
        let image = stream_image(&image).unwrap();
        let key = RowKey::of_image(&image).unwrap();
        assert!(key.is_bookkeeping());
        assert_eq!(RegistryRow::of_image(key, image), None);
    }

    #[test]
    fn a_key_of_another_table_is_no_key() {
        for image in [
            json!({"Name": {"S": "alice"}}),
            json!({"UserName": {"N": "7"}}),
        ] {
            assert_eq!(RowKey::of_image(&stream_image(&image).unwrap()), None);
        }
    }
}
