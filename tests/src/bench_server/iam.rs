//! IAM: the calls about users that the benchmark makes.
//!
//! Lists of what belongs to one user are never cut into pages: no user of the benchmark has that many of anything.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::serve::unknown_operation;
use super::state::{Account, Caller, State, User};
use super::wire::{Form, Outcome, Refusal, element, members};
use super::{inventory, keys};

/// How IAM encodes policy documents (RFC 3986).
const DOCUMENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// Names and numbers of `GetAccountSummary` but for the counts, as in a new account.
const SUMMARY: [(&str, u32); 31] = [
    ("AccessKeysPerUserQuota", 2),
    ("AccountAccessKeysPresent", 0),
    ("AccountMFAEnabled", 0),
    ("AccountPasswordPresent", 0),
    ("AccountSigningCertificatesPresent", 0),
    ("AssumeRolePolicySizeQuota", 2048),
    ("AttachedPoliciesPerGroupQuota", 10),
    ("AttachedPoliciesPerRoleQuota", 10),
    ("AttachedPoliciesPerUserQuota", 10),
    ("GlobalEndpointTokenVersion", 1),
    ("GroupPolicySizeQuota", 5120),
    ("GroupsPerUserQuota", 10),
    ("GroupsQuota", 300),
    ("InstanceProfiles", 0),
    ("InstanceProfilesQuota", 1000),
    ("MFADevices", 0),
    ("MFADevicesInUse", 0),
    ("Policies", 0),
    ("PoliciesQuota", 1500),
    ("PolicySizeQuota", 6144),
    ("PolicyVersionsInUse", 0),
    ("PolicyVersionsInUseQuota", 10000),
    ("Providers", 0),
    ("RolePolicySizeQuota", 10240),
    ("RolesQuota", 1000),
    ("ServerCertificates", 0),
    ("ServerCertificatesQuota", 20),
    ("SigningCertificatesPerUserQuota", 2),
    ("UserPolicySizeQuota", 2048),
    ("UsersQuota", 5000),
    ("VersionsPerPolicyQuota", 5),
];

pub(super) fn answer(state: &mut State, caller: &Caller, operation: &str, form: &Form) -> Outcome {
    if keys::is_answered(operation) {
        return keys::answer(state, caller, operation, form);
    }
    let account_id = caller.account_id.as_str();
    if operation == "CreateUser" {
        let id = state.unique_id("AIDA", 17);
        return create_user(state.account(account_id), account_id, id, form);
    }
    let account = state.account(account_id);
    let name = form.text("UserName");
    match operation {
        "GetAccountSummary" => Ok(Some(summary(account))),
        "ListUsers" => inventory::list_users(account, account_id, form),
        "GetAccountAuthorizationDetails" => inventory::details(account, account_id, form),
        "AddUserToGroup" => add_to_group(account, name, form.text("GroupName")),
        "RemoveUserFromGroup" => {
            let group = form.text("GroupName");
            known_group(account, group)?;
            account.user(name)?.groups.remove(group);
            Ok(None)
        }
        "ListGroupsForUser" => list_groups(account, account_id, name),
        "DeleteUser" => {
            if let Some(what) = obstacle(account.user(name)?) {
                let message = format!("Cannot delete entity, {what}");
                return Err(Refusal::new(409, "DeleteConflict", message));
            }
            account.users.remove(name);
            Ok(None)
        }
        other => of_user(account.user(name)?, account_id, name, other, form),
    }
}

/// Calls that need nothing but one user that exists.
fn of_user(user: &mut User, account_id: &str, name: &str, operation: &str, form: &Form) -> Outcome {
    let policy = form.text("PolicyName");
    let arn = form.text("PolicyArn");
    match operation {
        "GetUser" => Ok(Some(details(user, account_id, name))),
        "TagUser" => {
            for (key, value) in form.tags() {
                user.tags
                    .retain(|(kept, _)| !kept.eq_ignore_ascii_case(&key));
                user.tags.push((key, value));
            }
            Ok(None)
        }
        "AttachUserPolicy" => {
            check_policy(arn, "Policy")?;
            user.attached.insert(arn.to_owned());
            Ok(None)
        }
        "DetachUserPolicy" if user.attached.remove(arn) => Ok(None),
        "DetachUserPolicy" => Err(Refusal::no_such_entity(format!(
            "Policy {arn} was not found."
        ))),
        "ListAttachedUserPolicies" => Ok(Some(attached(user))),
        "PutUserPolicy" => {
            let document = form.text("PolicyDocument").to_owned();
            user.inline.insert(policy.to_owned(), document);
            Ok(None)
        }
        "GetUserPolicy" => {
            let document = user
                .inline
                .get(policy)
                .ok_or_else(|| no_inline_policy(policy))?;
            Ok(Some(
                element("UserName", name) + &inline_policy(policy, document),
            ))
        }
        "DeleteUserPolicy" => {
            let removed = user.inline.remove(policy);
            removed
                .map(|_| None)
                .ok_or_else(|| no_inline_policy(policy))
        }
        "ListUserPolicies" => Ok(Some(whole_list("PolicyNames", user.inline.keys().cloned()))),
        // Nobody can have any of these here, but a deletion asks.
        "ListMFADevices" => Ok(Some(whole_list("MFADevices", []))),
        "ListSigningCertificates" => Ok(Some(whole_list("Certificates", []))),
        "ListSSHPublicKeys" => Ok(Some(whole_list("SSHPublicKeys", []))),
        "ListServiceSpecificCredentials" => Ok(Some(whole_list("ServiceSpecificCredentials", []))),
        other => Err(unknown_operation(other)),
    }
}

fn known_group(account: &Account, name: &str) -> Result<(), Refusal> {
    if account.groups.contains_key(name) {
        return Ok(());
    }
    Err(Refusal::no_such_entity(format!(
        "The group with name {name} cannot be found."
    )))
}

fn no_inline_policy(name: &str) -> Refusal {
    Refusal::no_such_entity(format!("The user policy with name {name} cannot be found."))
}

/// Policies of AWS exist, and there are no others.
fn check_policy(arn: &str, what: &str) -> Result<(), Refusal> {
    if arn.starts_with("arn:aws:iam::aws:policy/") {
        return Ok(());
    }
    let colon = if what == "Policy" { "" } else { ":" };
    Err(Refusal::no_such_entity(format!(
        "{what}{colon} {arn} does not exist or is not attachable."
    )))
}

fn create_user(account: &mut Account, account_id: &str, id: String, form: &Form) -> Outcome {
    let name = form.text("UserName");
    if account
        .users
        .keys()
        .any(|taken| taken.eq_ignore_ascii_case(name))
    {
        let message = format!("User with name {name} already exists.");
        return Err(Refusal::new(409, "EntityAlreadyExists", message));
    }
    let boundary = form.optional("PermissionsBoundary");
    if let Some(arn) = boundary {
        check_policy(arn, "Scope ARN")?;
    }
    let mut user = User::new(id, form.optional("Path").unwrap_or("/"), form.tags());
    user.boundary = boundary.map(str::to_owned);
    let answer = details(&user, account_id, name);
    account.users.insert(name.to_owned(), user);
    Ok(Some(answer))
}

fn add_to_group(account: &mut Account, name: &str, group: &str) -> Outcome {
    known_group(account, group)?;
    account.user(name)?.groups.insert(group.to_owned());
    Ok(None)
}

fn list_groups(account: &mut Account, account_id: &str, name: &str) -> Outcome {
    let names = account.user(name)?.groups.clone();
    let groups = names.into_iter().filter_map(|name| {
        let group = account.groups.get(&name)?;
        Some(
            [
                element("Path", "/"),
                element("GroupName", &name),
                element("GroupId", &group.id),
                element("Arn", &format!("arn:aws:iam::{account_id}:group/{name}")),
                element("CreateDate", &group.created),
            ]
            .concat(),
        )
    });
    Ok(Some(whole_list("Groups", groups)))
}

/// What stops a deletion.
fn obstacle(user: &User) -> Option<&'static str> {
    let obstacles = [
        (user.login.is_some(), "must delete login profile first."),
        (!user.keys.is_empty(), "must delete access keys first."),
        (
            !user.groups.is_empty(),
            "must remove users from group first.",
        ),
        (!user.inline.is_empty(), "must delete policies first."),
        (!user.attached.is_empty(), "must detach all policies first."),
    ];
    obstacles
        .into_iter()
        .find_map(|(blocks, what)| blocks.then_some(what))
}

fn details(user: &User, account_id: &str, name: &str) -> String {
    let identity = identity(user, account_id, name);
    format!("<User>{identity}{}</User>", boundary_and_tags(user))
}

/// What every answer about a user begins with.
pub(super) fn identity(user: &User, account_id: &str, name: &str) -> String {
    let arn = format!("arn:aws:iam::{account_id}:user{}{name}", user.path);
    [
        element("Path", &user.path),
        element("UserName", name),
        element("UserId", &user.id),
        element("Arn", &arn),
        element("CreateDate", &user.created),
    ]
    .concat()
}

/// What no list of users tells.
pub(super) fn boundary_and_tags(user: &User) -> String {
    let mut xml = String::new();
    if let Some(arn) = &user.boundary {
        let kind = element("PermissionsBoundaryType", "Policy");
        let arn = element("PermissionsBoundaryArn", arn);
        xml.extend([
            "<PermissionsBoundary>",
            &kind,
            &arn,
            "</PermissionsBoundary>",
        ]);
    }
    if !user.tags.is_empty() {
        let tags = user.tags.iter();
        let tags = tags.map(|(key, value)| element("Key", key) + &element("Value", value));
        xml.push_str(&members("Tags", tags));
    }
    xml
}

fn attached(user: &User) -> String {
    whole_list("AttachedPolicies", attached_policies(user))
}

/// The attached policies, by name.
pub(super) fn attached_policies(user: &User) -> impl Iterator<Item = String> {
    let mut policies: Vec<_> = user
        .attached
        .iter()
        .map(|arn| (arn.rsplit('/').next().unwrap_or_default(), arn))
        .collect();
    policies.sort_unstable();
    policies
        .into_iter()
        .map(|(name, arn)| element("PolicyName", name) + &element("PolicyArn", arn))
}

/// An inline policy, encoded as IAM gives it.
pub(super) fn inline_policy(name: &str, document: &str) -> String {
    let document = utf8_percent_encode(document, DOCUMENT).to_string();
    element("PolicyName", name) + &element("PolicyDocument", &document)
}

/// A list on its only page.
fn whole_list(name: &str, items: impl IntoIterator<Item = String>) -> String {
    members(name, items) + &element("IsTruncated", "false")
}

fn summary(account: &Account) -> String {
    let number = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
    let counts = [
        ("Users", number(account.users.len())),
        ("Groups", number(account.groups.len())),
        ("Roles", 1),
    ];
    let entries: String = counts
        .into_iter()
        .chain(SUMMARY)
        .map(|(key, value)| {
            let (key, value) = (element("key", key), element("value", &value.to_string()));
            ["<entry>", &key, &value, "</entry>"].concat()
        })
        .collect();
    format!("<SummaryMap>{entries}</SummaryMap>")
}
