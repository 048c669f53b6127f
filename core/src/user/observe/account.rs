//! Reading all users of an account at once: one call for a page of users with everything that they hold but for
//! their credentials.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_iam::types::{EntityType, PolicyDetail, UserDetail};
use percent_encoding::percent_decode_str;

use super::{PAGE, from_tags, parse, present, timestamp, unexpected};
use crate::error::{Error, ErrorKind};
use crate::ids::PolicyName;
use crate::session::Session;
use crate::user::{ObservedUser, PolicyDocument};

/// `GetAccountAuthorizationDetails`, all pages: the users that are kept, without their credentials.
///
/// IAM may give fewer users in a page than asked for; only `IsTruncated` tells the end (IAM API reference).
pub(in crate::user) async fn users(
    session: &Session,
    keep: impl Fn(&UserDetail) -> bool,
) -> Result<Vec<ObservedUser>, Error> {
    let mut users = Vec::new();
    let mut marker = None;
    loop {
        let page = session
            .call("iam:GetAccountAuthorizationDetails", |iam| {
                iam.get_account_authorization_details()
                    .filter(EntityType::User)
                    .max_items(PAGE)
                    .set_marker(marker.take())
                    .send()
            })
            .await
            .map_err(explain)?;
        for user in page.user_detail_list() {
            if keep(user) {
                users.push(from_detail(session, user)?);
            }
        }
        marker = page
            .marker()
            .filter(|_| page.is_truncated())
            .map(str::to_owned);
        if marker.is_none() {
            return Ok(users);
        }
    }
}

fn explain(error: Error) -> Error {
    let error = error.while_doing("read all users of the account");
    if error.kind() != ErrorKind::AccessDenied {
        return error;
    }
    error.with_advice(
        "The member role needs the feature inventory: deploy it with AllowInventory = true.",
    )
}

fn from_detail(session: &Session, user: &UserDetail) -> Result<ObservedUser, Error> {
    let boundary = user
        .permissions_boundary()
        .and_then(|boundary| boundary.permissions_boundary_arn())
        .map(|arn| parse(session, arn))
        .transpose()?;
    let managed: Result<BTreeSet<_>, Error> = user
        .attached_managed_policies()
        .iter()
        .map(|policy| parse(session, policy.policy_arn().unwrap_or_default()))
        .collect();
    let groups: Result<BTreeSet<_>, Error> = user
        .group_list()
        .iter()
        .map(|group| parse(session, group))
        .collect();
    let inline: Result<BTreeMap<_, _>, Error> = user
        .user_policy_list()
        .iter()
        .map(|policy| inline_policy(session, policy))
        .collect();
    Ok(ObservedUser {
        name: parse(session, user.user_name().unwrap_or_default())?,
        path: parse(session, user.path().unwrap_or_default())?,
        arn: present(session, user.arn())?,
        unique_id: present(session, user.user_id())?,
        create_date: timestamp(user.create_date()),
        password_last_used: None,
        permissions_boundary: boundary,
        tags: from_tags(user.tags()),
        managed_policy_arns: Some(managed?),
        inline_policies: Some(inline?),
        groups: Some(groups?),
        access_keys: None,
        console_access: None,
    })
}

fn inline_policy(
    session: &Session,
    policy: &PolicyDetail,
) -> Result<(PolicyName, PolicyDocument), Error> {
    let name: PolicyName = parse(session, policy.policy_name().unwrap_or_default())?;
    // IAM gives documents percent-encoded (RFC 3986).
    let document = policy.policy_document().unwrap_or_default();
    let text = percent_decode_str(document).decode_utf8_lossy();
    let document = text
        .parse()
        .map_err(|error| unexpected(session, &format!("the inline policy {name} is {error}")))?;
    Ok((name, document))
}
