//! IAM: access keys, console passwords and the password policy, which no account has.

use jiff::{SignedDuration, Timestamp};

use super::serve::unknown_operation;
use super::state::{Account, Caller, State, User, shown};
use super::wire::{Form, Outcome, Refusal, element, members};

/// Of `AccessKeysPerUser`.
const MOST_KEYS: usize = 2;
/// Reserved tags of the product whose values carry a time.
const TAGS_WITH_TIME: [&str; 2] = ["crossaccount:retiring-key", "crossaccount:key-intent"];

#[derive(Debug, Clone)]
pub(super) struct Key {
    pub(super) id: String,
    pub(super) active: bool,
    pub(super) created: Timestamp,
    /// When, and for which service.
    pub(super) used: Option<(Timestamp, String)>,
}

#[derive(Debug, Clone)]
pub(super) struct Login {
    created: Timestamp,
    reset_required: bool,
}

pub(super) fn is_answered(operation: &str) -> bool {
    matches!(
        operation,
        "CreateAccessKey"
            | "ListAccessKeys"
            | "UpdateAccessKey"
            | "DeleteAccessKey"
            | "GetAccessKeyLastUsed"
            | "CreateLoginProfile"
            | "GetLoginProfile"
            | "UpdateLoginProfile"
            | "DeleteLoginProfile"
            | "GetAccountPasswordPolicy"
    )
}

pub(super) fn answer(state: &mut State, caller: &Caller, operation: &str, form: &Form) -> Outcome {
    let account_id = caller.account_id.as_str();
    let name = form.text("UserName");
    let key_id = form.text("AccessKeyId");
    match operation {
        "GetAccountPasswordPolicy" => Err(Refusal::no_such_entity(format!(
            "The Password Policy with domain name {account_id} cannot be found."
        ))),
        "GetAccessKeyLastUsed" => last_used(state.account(account_id), caller, key_id),
        "CreateAccessKey" => create(state, account_id, name),
        "UpdateAccessKey" => {
            let active = form.text("Status") == "Active";
            let user = state.account(account_id).user(name)?;
            find(user, key_id)?.active = active;
            let owner = active.then(|| user.caller(account_id, name));
            state.set_key(key_id, owner);
            Ok(None)
        }
        "DeleteAccessKey" => {
            let user = state.account(account_id).user(name)?;
            find(user, key_id)?;
            user.keys.retain(|key| key.id != key_id);
            state.set_key(key_id, None);
            Ok(None)
        }
        _ => of_user(state.account(account_id).user(name)?, name, operation, form),
    }
}

fn of_user(user: &mut User, name: &str, operation: &str, form: &Form) -> Outcome {
    let no_login =
        || Refusal::no_such_entity(format!("Login Profile for User {name} cannot be found."));
    let reset = form.optional("PasswordResetRequired");
    match operation {
        "ListAccessKeys" => {
            let keys = user.keys.iter().map(|key| listed(name, key));
            Ok(Some(
                members("AccessKeyMetadata", keys) + &element("IsTruncated", "false"),
            ))
        }
        "CreateLoginProfile" => {
            if user.login.is_some() {
                let message = format!("Login Profile for user {name} already exists.");
                return Err(Refusal::new(409, "EntityAlreadyExists", message));
            }
            let login = user.login.insert(Login {
                created: Timestamp::now(),
                reset_required: reset == Some("true"),
            });
            Ok(Some(profile(login, name)))
        }
        "GetLoginProfile" => {
            let login = user.login.as_ref().ok_or_else(no_login)?;
            Ok(Some(profile(login, name)))
        }
        "UpdateLoginProfile" => {
            let login = user.login.as_mut().ok_or_else(no_login)?;
            if let Some(reset) = reset {
                login.reset_required = reset == "true";
            }
            Ok(None)
        }
        "DeleteLoginProfile" => {
            let login = user.login.take();
            login.map(|_| None).ok_or_else(no_login)
        }
        other => Err(unknown_operation(other)),
    }
}

fn create(state: &mut State, account_id: &str, name: &str) -> Outcome {
    let id = state.unique_id("AKIA", 16);
    let user = state.account(account_id).user(name)?;
    if user.keys.len() >= MOST_KEYS {
        let message = format!("Cannot exceed quota for AccessKeysPerUser: {MOST_KEYS}");
        return Err(Refusal::new(409, "LimitExceeded", message));
    }
    let key = Key {
        id,
        active: true,
        created: Timestamp::now(),
        used: None,
    };
    let secret = element(
        "SecretAccessKey",
        "never-checked-never-checked-never-checke",
    );
    let answer = format!("<AccessKey>{}{secret}</AccessKey>", listed(name, &key));
    let owner = user.caller(account_id, name);
    state.set_key(&key.id, Some(owner));
    state.account(account_id).user(name)?.keys.push(key);
    Ok(Some(answer))
}

fn find<'a>(user: &'a mut User, id: &str) -> Result<&'a mut Key, Refusal> {
    user.keys
        .iter_mut()
        .find(|key| key.id == id)
        .ok_or_else(|| {
            Refusal::no_such_entity(format!("The Access Key with id {id} cannot be found."))
        })
}

fn listed(user_name: &str, key: &Key) -> String {
    [
        element("UserName", user_name),
        element("AccessKeyId", &key.id),
        element("Status", if key.active { "Active" } else { "Inactive" }),
        element("CreateDate", &shown(key.created)),
    ]
    .concat()
}

fn profile(login: &Login, name: &str) -> String {
    let fields = [
        element("UserName", name),
        element("CreateDate", &shown(login.created)),
        element("PasswordResetRequired", &login.reset_required.to_string()),
    ]
    .concat();
    format!("<LoginProfile>{fields}</LoginProfile>")
}

fn last_used(account: &Account, caller: &Caller, id: &str) -> Outcome {
    let (name, key) = account.owner(id).ok_or_else(|| {
        let arn = &caller.arn;
        Refusal::new(
            403,
            "AccessDenied",
            format!(
                "User: {arn} is not authorized to perform: iam:GetAccessKeyLastUsed on resource: \
                 access key {id}"
            ),
        )
    })?;
    let used = match &key.used {
        None => element("ServiceName", "N/A") + &element("Region", "N/A"),
        Some((time, service)) => [
            element("LastUsedDate", &shown(*time)),
            element("ServiceName", service),
            element("Region", "us-east-1"),
        ]
        .concat(),
    };
    let name = element("UserName", name);
    Ok(Some(format!(
        "{name}<AccessKeyLastUsed>{used}</AccessKeyLastUsed>"
    )))
}

/// Makes everything about the keys of a user older: dates, last use and the times inside reserved tags.
pub(super) fn age(user: &mut User, by: SignedDuration) {
    let earlier = |time: Timestamp| time.saturating_sub(by).unwrap_or(time);
    for key in &mut user.keys {
        key.created = earlier(key.created);
        if let Some((time, _)) = &mut key.used {
            *time = earlier(*time);
        }
    }
    for (key, value) in &mut user.tags {
        if TAGS_WITH_TIME.contains(&key.as_str()) {
            let words = value
                .split(' ')
                .map(|word| match word.parse::<Timestamp>() {
                    Ok(time) => earlier(time).to_string(),
                    Err(_) => word.to_owned(),
                });
            *value = words.collect::<Vec<_>>().join(" ");
        }
    }
}
