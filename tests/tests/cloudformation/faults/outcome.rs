//! What must be true of a user and its credentials, and of the calls that were made on the way.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, ensure};
use aws_sdk_iam::types::{AttachedPermissionsBoundary, Group};
use harness::standin::UserSecrets;
use serde_json::{Value, json};

use super::Case;

const CURRENT: &str = "crossaccount:current-key";
const RETIRING: &str = "crossaccount:retiring-key";
const INTENT: &str = "crossaccount:key-intent";

/// The user of the stack is as these properties say, its keys are exactly those that the stack made (so many), and what
/// is stored opens what it is for. After a roll-back the intent to make a key may still be open: nothing is to be made,
/// and it is void after fifteen minutes.
pub(super) async fn is(case: &Case, wanted: &Value, keys: usize, rolled_back: bool) -> Result<()> {
    let name = wanted["UserName"].as_str().unwrap_or_default();
    let users = case.scene.users(case.scene.member()).await?;
    ensure!(users == [name], "the users are {users:?}, wanted is {name}");
    let found = content(case, name).await?;
    let content = expected(wanted);
    ensure!(
        found == content,
        "wrong user:\n{found:#}\nwanted:\n{content:#}"
    );
    let user = case.scene.credentials(name).await?;
    let current = own_keys(&user, keys)?;
    let intent = user.tags.get(INTENT).map(String::as_str);
    ensure!(
        rolled_back || matches!(intent, None | Some("none")),
        "an intent is open: {intent:?}"
    );
    let stack = &case.stack;
    ensure!(
        stack.get_att("Alice", "AccessKeyId")? == current,
        "Fn::GetAtt tells another key than {current}"
    );
    stored(case, name, &user, &current).await
}

/// There is no user and no secret.
pub(super) async fn nothing(case: &Case) -> Result<()> {
    case.scene.check_empty().await
}

/// What was done on the way, whatever came of it.
pub(super) async fn history(case: &Case) -> Result<()> {
    for call in case.scene.calls().await? {
        let asked = call.error_code.as_deref() == Some("LimitExceeded");
        ensure!(!asked, "{} asked for more than IAM allows", call.action);
        ensure!(
            call.allowed || call.fault.is_some() || call.status == 0,
            "{} is not allowed: {:?}",
            call.action,
            call.decisions
        );
        let bounded = call.parameters.to_string().contains(":policy/Boundary");
        ensure!(
            call.action != "iam:CreateUser" || bounded,
            "a user was created without its boundary"
        );
        ensure!(
            call.action != "iam:DeleteUserPermissionsBoundary",
            "a boundary was taken off"
        );
    }
    Ok(())
}

/// All keys are the current one and the replaced one; the current one.
fn own_keys(user: &UserSecrets, keys: usize) -> Result<String> {
    let tagged = |tag: &str| {
        let id = user.tags.get(tag)?.split(' ').next()?;
        let exists = user.keys.iter().any(|key| key.access_key_id == id);
        exists.then(|| id.to_owned())
    };
    let current = tagged(CURRENT).context("no key is named as current")?;
    let wanted: BTreeSet<_> = tagged(RETIRING)
        .into_iter()
        .chain([current.clone()])
        .collect();
    let found: BTreeSet<_> = user
        .keys
        .iter()
        .map(|key| key.access_key_id.clone())
        .collect();
    ensure!(
        found == wanted && found.len() == keys,
        "the keys are {found:?} and not {keys}, tags {:?}",
        user.tags
    );
    ensure!(user.keys.iter().all(|key| key.active), "a key is inactive");
    Ok(current)
}

/// The store holds the password that works and the secret of the current key, and nothing else.
async fn stored(case: &Case, name: &str, user: &UserSecrets, current: &str) -> Result<()> {
    let (hub, member) = (case.scene.world.hub().id(), case.scene.member().id());
    let parameters = case.scene.world.control().parameters(hub).await?;
    let values: BTreeMap<_, _> = parameters
        .iter()
        .map(|it| Ok((it.name.clone(), serde_json::from_str::<Value>(&it.value)?)))
        .collect::<Result<_>>()?;
    let place = |kind: &str| format!("/crossaccount/{member}/{name}/{kind}");
    let names = [place("access-key"), place("console-password")];
    ensure!(values.keys().eq(&names), "stored are {:?}", values.keys());
    let [key, password] = names.map(|name| values.get(&name).cloned().unwrap_or_default());
    let secret = user.keys.iter().find(|key| key.access_key_id == current);
    let secret = secret.map(|key| key.secret_access_key.as_str());
    ensure!(
        key["access_key_id"] == current && key["secret_access_key"].as_str() == secret,
        "the store holds {} and not the secret of {current}",
        key["access_key_id"]
    );
    let login = user.login.as_ref().context("there is no login profile")?;
    ensure!(
        password["password"] == login.password.as_str(),
        "the stored password does not work"
    );
    Ok(())
}

/// A user as a template would declare it, sorted.
async fn content(case: &Case, name: &str) -> Result<Value> {
    let iam = case.scene.member().iam();
    let user = iam.get_user().user_name(name).send().await?;
    let user = user.user.context("an answer without a user")?;
    let attached = iam.list_attached_user_policies().user_name(name);
    let attached = attached.send().await?;
    let policies = attached.attached_policies().iter();
    let groups = iam.list_groups_for_user().user_name(name).send().await?;
    let inline = iam.list_user_policies().user_name(name).send().await?;
    let tags = user.tags().iter().filter(|tag| !tag.key().contains(':'));
    let boundary = user.permissions_boundary();
    let boundary = boundary.and_then(AttachedPermissionsBoundary::permissions_boundary_arn);
    Ok(json!({
        "UserName": user.user_name(),
        "Path": user.path(),
        "PermissionsBoundary": boundary,
        "ManagedPolicyArns": policies.map(|it| it.policy_arn()).collect::<BTreeSet<_>>(),
        "Policies": inline.policy_names(),
        "Groups": groups.groups().iter().map(Group::group_name).collect::<BTreeSet<_>>(),
        "Tags": tags.map(|it| (it.key(), it.value())).collect::<BTreeSet<_>>(),
    }))
}

/// The same of what a template declares.
fn expected(wanted: &Value) -> Value {
    let list = |name: &str, part: &dyn Fn(&Value) -> Value| {
        let items = wanted[name].as_array().into_iter().flatten();
        items.map(part).collect::<Vec<_>>()
    };
    json!({
        "UserName": wanted["UserName"],
        "Path": wanted["Path"],
        "PermissionsBoundary": wanted["PermissionsBoundary"],
        "ManagedPolicyArns": list("ManagedPolicyArns", &Value::clone),
        "Policies": list("Policies", &|it| it["PolicyName"].clone()),
        "Groups": list("Groups", &Value::clone),
        "Tags": list("Tags", &|it| json!([it["Key"], it["Value"]])),
    })
}
