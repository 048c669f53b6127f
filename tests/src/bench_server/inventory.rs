//! IAM: the users of a whole account, page by page.

use super::iam::{attached_policies, boundary_and_tags, identity, inline_policy};
use super::serve::unknown_operation;
use super::state::{Account, User};
use super::wire::{Form, Outcome, Refusal, element, members};

/// What IAM gives in a page when nobody says.
const USUAL_PAGE: usize = 100;
const LARGEST_PAGE: usize = 1000;

/// `ListUsers`: without tags and boundaries.
pub(super) fn list_users(account: &Account, account_id: &str, form: &Form) -> Outcome {
    let prefix = form.optional("PathPrefix").unwrap_or("/");
    let below = |user: &User| user.path.starts_with(prefix);
    page(account, form, "Users", below, |name, user| {
        identity(user, account_id, name)
    })
}

/// `GetAccountAuthorizationDetails` of users; the product asks for nothing else.
pub(super) fn details(account: &Account, account_id: &str, form: &Form) -> Outcome {
    if form.optional("Filter.member.1") != Some("User")
        || form.optional("Filter.member.2").is_some()
    {
        return Err(unknown_operation(
            "GetAccountAuthorizationDetails of more than users",
        ));
    }
    let users = page(
        account,
        form,
        "UserDetailList",
        |_| true,
        |name, user| {
            let policies = user.inline.iter();
            let policies = policies.map(|(name, document)| inline_policy(name, document));
            [
                identity(user, account_id, name),
                members("UserPolicyList", policies),
                members("GroupList", user.groups.iter().cloned()),
                members("AttachedManagedPolicies", attached_policies(user)),
                boundary_and_tags(user),
            ]
            .concat()
        },
    )?;
    let nothing = ["GroupDetailList", "RoleDetailList", "Policies"].map(|name| members(name, []));
    Ok(users.map(|users| users + &nothing.concat()))
}

/// One page of the users, by name: the marker is the name of the last one before it.
fn page(
    account: &Account,
    form: &Form,
    element_name: &str,
    wanted: impl Fn(&User) -> bool,
    tell: impl Fn(&str, &User) -> String,
) -> Outcome {
    let most = match form.optional("MaxItems") {
        None => USUAL_PAGE,
        Some(text) => text
            .parse()
            .ok()
            .filter(|most| (1..=LARGEST_PAGE).contains(most))
            .ok_or_else(|| Refusal::new(400, "ValidationError", "MaxItems is out of range"))?,
    };
    let after = form.text("Marker");
    let mut users = account
        .users
        .iter()
        .filter(|(name, user)| name.as_str() > after && wanted(user))
        .peekable();
    let mut items = Vec::new();
    let mut last_name = "";
    while let Some((name, user)) = users.next_if(|_| items.len() < most) {
        items.push(tell(name, user));
        last_name = name;
    }
    let mut page =
        members(element_name, items) + &element("IsTruncated", &users.peek().is_some().to_string());
    if users.peek().is_some() {
        page.push_str(&element("Marker", last_name));
    }
    Ok(Some(page))
}
