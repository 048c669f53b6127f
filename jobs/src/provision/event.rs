//! What a call asks for.

use std::collections::{BTreeMap, BTreeSet};

use crossaccount_core::ids::{AccountId, UserName};
use crossaccount_core::session::AccountFilter;
use serde::Deserialize;
use serde_json::{Map, Value};

/// A call as it was understood: every name and account is valid, and none is there twice.
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    /// The users.
    pub users: Vec<UserName>,
    /// The accounts.
    pub accounts: Vec<AccountId>,
    /// The properties that every user gets.
    pub spec: Map<String, Value>,
    /// Whether changes are only shown.
    pub dry_run: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Event {
    users: Option<Vec<Value>>,
    accounts: Option<Value>,
    user_name: Option<Value>,
    account_id: Option<Value>,
    #[serde(default)]
    spec: Map<String, Value>,
    #[serde(default)]
    dry_run: bool,
}

const FORMS: &str = "give \"users\" with \"accounts\", or \"user_name\" with \"account_id\"";

/// Reads the event of a call: `{"users": […], "accounts": […] or "all", "spec": {…}, "dry_run": false}`, or
/// `{"user_name": "…", "account_id": "…"}` with the same two options. Pure.
///
/// Names and account ids are taken without the white space around them, and account ids also as the console shows them
/// (`2222-2222-2222`). Whatever is there twice counts once. `"all"` are the allowed accounts.
///
/// # Errors
/// Everything that is wrong, at once: nothing was called.
pub fn read(event: &str, allowed: &AccountFilter) -> Result<Call, String> {
    let event: Event = serde_json::from_str(event)
        .map_err(|error| format!("The event is not valid: {error}. Nothing was done; {FORMS}."))?;
    let mut problems = Vec::new();
    let (users, accounts) = match (
        event.users,
        event.accounts,
        event.user_name,
        event.account_id,
    ) {
        (Some(users), Some(accounts), None, None) => {
            (users, every_account(accounts, allowed, &mut problems))
        }
        (None, None, Some(user), Some(account)) => (vec![user], vec![account]),
        _ => {
            problems.push(FORMS.to_owned());
            (Vec::new(), Vec::new())
        }
    };
    let users = names(&users, &mut problems);
    let accounts = account_ids(&accounts, &mut problems);
    for (what, is_empty) in [
        ("users", users.is_empty()),
        ("accounts", accounts.is_empty()),
    ] {
        if is_empty && problems.is_empty() {
            problems.push(format!("{what}: there is none"));
        }
    }
    for identity in ["AccountId", "UserName"] {
        if event.spec.contains_key(identity) {
            problems.push(format!("spec: {identity} stands beside it and not in it"));
        }
    }
    if problems.is_empty() {
        return Ok(Call {
            users,
            accounts,
            spec: event.spec,
            dry_run: event.dry_run,
        });
    }
    Err(format!(
        "The event is not valid, and nothing was done: {}.",
        problems.join("; ")
    ))
}

fn every_account(
    accounts: Value,
    allowed: &AccountFilter,
    problems: &mut Vec<String>,
) -> Vec<Value> {
    match accounts {
        Value::Array(accounts) => accounts,
        Value::String(all) if all == "all" => match allowed {
            AccountFilter::Only(allowed) => allowed.iter().map(|id| id.as_str().into()).collect(),
            AccountFilter::Any | AccountFilter::AllBut(_) => {
                problems.push(
                    "accounts: \"all\" are those of CROSSACCOUNT_ALLOWED_ACCOUNT_IDS, which lists none: list the \
                     accounts in the event"
                        .to_owned(),
                );
                Vec::new()
            }
        },
        _ => {
            problems.push("accounts: it is neither a list nor \"all\"".to_owned());
            Vec::new()
        }
    }
}

fn names(users: &[Value], problems: &mut Vec<String>) -> Vec<UserName> {
    let mut names: Vec<UserName> = Vec::new();
    // IAM allows no two names that differ by case alone.
    let mut spelt: BTreeMap<String, UserName> = BTreeMap::new();
    for user in users {
        let name: UserName = match user.as_str().map(|text| text.trim().parse()) {
            Some(Ok(name)) => name,
            Some(Err(error)) => {
                problems.push(format!("users: {error}"));
                continue;
            }
            None => {
                problems.push(format!("users: {user} is no name in quotes"));
                continue;
            }
        };
        match spelt.get(&name.case_folded()) {
            None => {
                spelt.insert(name.case_folded(), name.clone());
                names.push(name);
            }
            Some(first) if *first == name => {}
            Some(first) => problems.push(format!(
                "users: IAM takes \"{first}\" and \"{name}\" for the same name; keep one spelling"
            )),
        }
    }
    names
}

fn account_ids(accounts: &[Value], problems: &mut Vec<String>) -> Vec<AccountId> {
    let mut ids = BTreeSet::new();
    for account in accounts {
        let Some(text) = account.as_str().map(str::trim) else {
            problems.push(format!(
                "accounts: {account} is no text; put all 12 digits between quotes, because a number loses zeros at its \
                 beginning"
            ));
            continue;
        };
        match without_hyphens(text).parse() {
            Ok(id) => {
                ids.insert(id);
            }
            Err(error) => {
                let error: crossaccount_core::ids::InvalidId = error;
                problems.push(format!("accounts: {error}"));
            }
        }
    }
    ids.into_iter().collect()
}

/// `2222-2222-2222`, as the console shows an account id, without its hyphens. Anything else stays as it is.
fn without_hyphens(text: &str) -> String {
    let parts: Vec<&str> = text.split('-').collect();
    if parts.len() == 3 && parts.iter().all(|part| part.len() == 4) {
        parts.concat()
    } else {
        text.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use crossaccount_core::ids::{AccountId, UserName};
    use crossaccount_core::session::AccountFilter;
    use serde_json::{Value, json};

    use super::{Call, read};

    fn allowed() -> AccountFilter {
        let ids = ["222222222222", "333333333333"];
        AccountFilter::Only(ids.map(|id| id.parse().unwrap()).into())
    }

    fn reading(event: &Value) -> Result<Call, String> {
        read(&event.to_string(), &allowed())
    }

    fn names(call: &Call) -> (Vec<&str>, Vec<&str>) {
        let users = call.users.iter().map(UserName::as_str);
        let accounts = call.accounts.iter().map(AccountId::as_str);
        (users.collect(), accounts.collect())
    }

    #[test]
    fn names_and_accounts_are_normalised_and_counted_once() {
        let call = reading(&json!({
            "users": [" alice", "bob", "alice "],
            "accounts": ["3333-3333-3333", " 222222222222 ", "333333333333"],
            "spec": {"Groups": ["engineers"]},
            "dry_run": true,
        }))
        .unwrap();
        assert_eq!(
            names(&call),
            (vec!["alice", "bob"], vec!["222222222222", "333333333333"])
        );
        assert!(call.dry_run);
        assert_eq!(call.spec["Groups"], json!(["engineers"]));
    }

    #[test]
    fn one_user_in_one_account_is_a_call_too() {
        let call = reading(&json!({"account_id": "222222222222", "user_name": "alice"})).unwrap();
        assert_eq!(names(&call), (vec!["alice"], vec!["222222222222"]));
        assert!(!call.dry_run && call.spec.is_empty());
    }

    #[test]
    fn all_are_the_allowed_accounts() {
        let event = json!({"users": ["alice"], "accounts": "all"});
        let call = reading(&event).unwrap();
        assert_eq!(names(&call).1, ["222222222222", "333333333333"]);
        let refused = read(&event.to_string(), &AccountFilter::Any).unwrap_err();
        assert!(
            refused.contains("CROSSACCOUNT_ALLOWED_ACCOUNT_IDS"),
            "{refused}"
        );
    }

    #[rstest::rstest]
    #[case(json!({}), "give \"users\" with \"accounts\"")]
    #[case(json!({"users": ["alice"]}), "give \"users\" with \"accounts\"")]
    #[case(json!({"users": ["alice"], "accounts": "all", "user_name": "bob"}), "give \"users\"")]
    #[case(json!({"users": [], "accounts": "all"}), "users: there is none")]
    #[case(json!({"users": ["alice"], "accounts": []}), "accounts: there is none")]
    #[case(json!({"users": ["a b"], "accounts": "all"}), "users: user name \"a b\" is not valid")]
    #[case(json!({"users": ["alice", "Alice"], "accounts": "all"}), "IAM takes \"alice\" and \"Alice\"")]
    #[case(json!({"users": [7], "accounts": "all"}), "users: 7 is no name")]
    #[case(json!({"users": ["alice"], "accounts": "every"}), "neither a list nor \"all\"")]
    #[case(json!({"users": ["alice"], "accounts": [22_222_222_222_u64]}), "a number loses zeros")]
    #[case(json!({"users": ["alice"], "accounts": ["2222"]}), "12 digits")]
    #[case(json!({"users": ["alice"], "accounts": ["2222-2222-222"]}), "12 digits")]
    #[case(json!({"users": ["alice"], "accounts": "all", "spec": {"UserName": "bob"}}), "UserName stands beside it")]
    #[case(json!({"users": ["alice"], "accounts": "all", "dryrun": true}), "unknown field `dryrun`")]
    #[case(json!([]), "The event is not valid")]
    fn a_wrong_event_is_refused_before_anything_is_done(
        #[case] event: Value,
        #[case] reason: &str,
    ) {
        let refused = reading(&event).unwrap_err();
        assert!(refused.contains(reason), "{refused}");
        assert!(
            refused.to_lowercase().contains("nothing was done"),
            "{refused}"
        );
    }

    #[test]
    fn everything_that_is_wrong_is_told_at_once() {
        let event = json!({"users": ["a b", "c/d"], "accounts": ["1", "222222222222"]});
        let refused = reading(&event).unwrap_err();
        for part in ["\"a b\"", "\"c/d\"", "\"1\""] {
            assert!(refused.contains(part), "{refused}");
        }
    }
}
