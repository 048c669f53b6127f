//! Reading users: everything of one user at the same time, in one round trip of latency.

mod account;
mod credentials;

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;

use aws_sdk_iam::types::{Tag, User};
use futures_util::future::{BoxFuture, try_join_all};
use jiff::Timestamp;
use percent_encoding::percent_decode_str;

use super::access_keys::ObservedKey;
use super::{Children, Facets, ObservedUser, OwnCredentials, PolicyDocument, Quotas};
use crate::error::{Error, ErrorKind};
use crate::ids::{GroupName, InvalidId, Path, PolicyArn, PolicyName, UserName};
use crate::secrets::{ParameterName, SecretKind, SecretStore};
use crate::session::{Session, Target};

pub(super) use account::users as account_users;
pub(super) use credentials::{list_access_keys, login_profile};

/// A user as `ListUsers` tells it: without tags and boundary.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserSummary {
    /// The name.
    pub name: UserName,
    /// The path.
    pub path: Path,
    /// The ARN.
    pub arn: String,
    /// The unique id.
    pub unique_id: String,
    /// When the user was created.
    pub create_date: Option<Timestamp>,
    /// When the console password was last used.
    pub password_last_used: Option<Timestamp>,
}

/// What a caller remembers of a user: what is probably there is asked for at the same time as the lists
/// that name it, so that only a surprise costs a second round trip.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Expected {
    /// Names of inline policies.
    pub inline_policies: BTreeSet<PolicyName>,
    /// Ids of access keys.
    pub access_keys: BTreeSet<String>,
    /// Where the secrets are.
    pub parameters: Parameters,
}

/// The parameters that a caller remembers; where there is none, the user's name gives it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Parameters {
    /// The parameter of the access key.
    pub access_key: Option<ParameterName>,
    /// The parameter of the console password.
    pub console_password: Option<ParameterName>,
}

impl Parameters {
    /// The parameter of a kind of secret.
    pub fn of(&self, kind: SecretKind) -> Option<&ParameterName> {
        match kind {
            SecretKind::AccessKey => self.access_key.as_ref(),
            SecretKind::ConsolePassword => self.console_password.as_ref(),
        }
    }
}

/// Where to look, and how.
#[derive(Clone, Copy)]
pub(super) struct Place<'a> {
    pub(super) session: &'a Session,
    pub(super) target: &'a Target,
    pub(super) store: Option<&'a SecretStore>,
    /// Whether the secret store is asked for this very user, as before a write, and not for the account.
    pub(super) fresh: bool,
    pub(super) expected: &'a Expected,
}

/// Reads a user, or nothing when there is none of this name.
///
/// Boxed for the sake of compile time: a dozen calls side by side make a deep type.
pub(super) fn observe<'a>(
    place: Place<'a>,
    name: &'a UserName,
    facets: Facets,
) -> BoxFuture<'a, Result<Option<ObservedUser>, Error>> {
    Box::pin(observe_all(place, name, facets))
}

async fn observe_all(
    place: Place<'_>,
    name: &UserName,
    facets: Facets,
) -> Result<Option<ObservedUser>, Error> {
    let (session, expected) = (place.session, place.expected);
    let (user, managed, inline, groups, keys, console) = tokio::join!(
        get_user(session, name),
        when(facets.managed_policies, managed_policies(session, name)),
        when(
            facets.inline_policies,
            inline_policies(session, name, &expected.inline_policies)
        ),
        when(facets.groups, groups(session, name)),
        when(
            facets.access_keys,
            credentials::keys(&place, name, &expected.access_keys)
        ),
        when(facets.console_access, credentials::console(&place, name)),
    );
    // The user's own answer decides: without the user all other calls fail as well.
    let Some(mut user) = user? else {
        return Ok(None);
    };
    user.managed_policy_arns = managed?;
    user.inline_policies = inline?;
    user.groups = groups?;
    user.access_keys = keys?;
    user.console_access = console?;
    // Credentials of ours are looked at even when nobody expected them: they have to be removed.
    let follows = facets.own_credentials;
    let keys = follows && user.access_keys.is_none() && user.has_own_keys();
    let console = follows && user.console_access.is_none() && user.has_own_console_access();
    if keys || console {
        let (keys, console) = tokio::try_join!(
            when(keys, credentials::keys(&place, name, &expected.access_keys)),
            when(console, credentials::console(&place, name)),
        )?;
        user.access_keys = keys.or(user.access_keys);
        user.console_access = console.or(user.console_access);
    }
    Ok(Some(user))
}

/// Reads everything that would stop the deletion of a user.
///
/// The access keys come a second time with their dates, which tell whose they are.
pub(super) async fn children(
    session: &Session,
    name: &UserName,
) -> Result<(Children, Vec<ObservedKey>), Error> {
    let (
        login_profile,
        access_keys,
        service_specific_credentials,
        mfa_devices,
        signing_certificates,
        ssh_public_keys,
        inline_policies,
        managed_policies,
        groups,
    ) = tokio::try_join!(
        login_profile(session, name),
        list_access_keys(session, name),
        service_specific_credentials(session, name),
        mfa_devices(session, name),
        signing_certificates(session, name),
        ssh_public_keys(session, name),
        inline_policy_names(session, name),
        managed_policies(session, name),
        groups(session, name),
    )?;
    let children = Children {
        login_profile: login_profile.is_some(),
        access_keys: access_keys.iter().map(|key| key.id.clone()).collect(),
        service_specific_credentials,
        mfa_devices,
        signing_certificates,
        ssh_public_keys,
        inline_policies,
        managed_policies,
        groups,
        own: OwnCredentials::default(),
    };
    Ok((children, access_keys))
}

async fn when<T>(
    wanted: bool,
    read: impl Future<Output = Result<T, Error>>,
) -> Result<Option<T>, Error> {
    if wanted {
        read.await.map(Some)
    } else {
        Ok(None)
    }
}

/// `GetUser`: the user without its sets.
pub(super) async fn get_user(
    session: &Session,
    name: &UserName,
) -> Result<Option<ObservedUser>, Error> {
    let answer = session
        .call("iam:GetUser", |iam| {
            iam.get_user().user_name(name.as_str()).send()
        })
        .await;
    match answer {
        Ok(output) => match output.user() {
            Some(user) => from_user(session, user).map(Some),
            None => Err(unexpected(session, "iam:GetUser answered without a user")),
        },
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error.while_doing(format_args!("read user {name}"))),
    }
}

/// One page of the users of an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserPage {
    /// The users. A page before the last one may be empty.
    pub users: Vec<UserSummary>,
    /// Where the next page begins; none after the last one.
    pub next: Option<String>,
}

/// `ListUsers`, all pages, under a path.
pub(super) async fn list_users(
    session: &Session,
    path_prefix: &Path,
) -> Result<Vec<UserSummary>, Error> {
    let mut users = Vec::new();
    let mut marker = None;
    loop {
        let page = users_page(session, path_prefix, marker, PAGE).await?;
        users.extend(page.users);
        marker = page.next;
        if marker.is_none() {
            return Ok(users);
        }
    }
}

/// `ListUsers`, one page of at most so many users, under a path.
pub(super) async fn users_page(
    session: &Session,
    path_prefix: &Path,
    marker: Option<String>,
    most: i32,
) -> Result<UserPage, Error> {
    let page = session
        .call("iam:ListUsers", |iam| {
            iam.list_users()
                .path_prefix(path_prefix.as_str())
                .max_items(most.clamp(1, PAGE))
                .set_marker(marker)
                .send()
        })
        .await
        .map_err(|error| error.while_doing(format_args!("list users under {path_prefix}")))?;
    let summary = |user: &User| {
        Ok(UserSummary {
            name: parse(session, user.user_name())?,
            path: parse(session, user.path())?,
            arn: user.arn().to_owned(),
            unique_id: user.user_id().to_owned(),
            create_date: timestamp(Some(user.create_date())),
            password_last_used: timestamp(user.password_last_used()),
        })
    };
    let users: Result<_, Error> = page.users().iter().map(summary).collect();
    Ok(UserPage {
        users: users?,
        next: page
            .marker()
            .filter(|_| page.is_truncated())
            .map(str::to_owned),
    })
}

/// `GetAccountSummary`.
pub(super) async fn quotas(session: &Session) -> Result<Quotas, Error> {
    let output = session
        .call("iam:GetAccountSummary", |iam| {
            iam.get_account_summary().send()
        })
        .await
        .map_err(|error| error.while_doing("read the quotas of the account"))?;
    let summary = output
        .summary_map()
        .into_iter()
        .flatten()
        .map(|(key, value)| (key.as_str().to_owned(), *value))
        .collect();
    Ok(Quotas::from_summary(&summary))
}

/// The most that IAM gives in one page; it may give fewer and say that there is more.
const PAGE: i32 = 1000;

/// Collects all pages of a list call of one user into a set.
macro_rules! collect_pages {
    ($session:ident, $name:ident, $action:literal, $what:literal, $call:ident, |$page:ident| $items:expr) => {{
        let mut all = BTreeSet::new();
        let mut marker: Option<String> = None;
        loop {
            let $page = $session
                .call($action, |iam| {
                    iam.$call()
                        .user_name($name.as_str())
                        .max_items(PAGE)
                        .set_marker(marker.take())
                        .send()
                })
                .await
                .map_err(|error| {
                    error.while_doing(format_args!(
                        concat!("read the ", $what, " of user {}"),
                        $name
                    ))
                })?;
            for item in $items {
                all.insert(item?);
            }
            marker = $page
                .marker()
                .filter(|_| $page.is_truncated())
                .map(str::to_owned);
            if marker.is_none() {
                return Ok(all);
            }
        }
    }};
}

async fn managed_policies(
    session: &Session,
    name: &UserName,
) -> Result<BTreeSet<PolicyArn>, Error> {
    collect_pages!(
        session,
        name,
        "iam:ListAttachedUserPolicies",
        "attached policies",
        list_attached_user_policies,
        |page| page
            .attached_policies()
            .iter()
            .map(|policy| parse(session, policy.policy_arn().unwrap_or_default()))
    )
}

async fn groups(session: &Session, name: &UserName) -> Result<BTreeSet<GroupName>, Error> {
    collect_pages!(
        session,
        name,
        "iam:ListGroupsForUser",
        "groups",
        list_groups_for_user,
        |page| page
            .groups()
            .iter()
            .map(|group| parse(session, group.group_name()))
    )
}

async fn inline_policy_names(
    session: &Session,
    name: &UserName,
) -> Result<BTreeSet<PolicyName>, Error> {
    collect_pages!(
        session,
        name,
        "iam:ListUserPolicies",
        "inline policies",
        list_user_policies,
        |page| page
            .policy_names()
            .iter()
            .map(|policy| parse(session, policy))
    )
}

async fn mfa_devices(session: &Session, name: &UserName) -> Result<BTreeSet<String>, Error> {
    collect_pages!(
        session,
        name,
        "iam:ListMFADevices",
        "MFA devices",
        list_mfa_devices,
        |page| page
            .mfa_devices()
            .iter()
            .map(|device| Ok(device.serial_number().to_owned()))
    )
}

async fn signing_certificates(
    session: &Session,
    name: &UserName,
) -> Result<BTreeSet<String>, Error> {
    collect_pages!(
        session,
        name,
        "iam:ListSigningCertificates",
        "signing certificates",
        list_signing_certificates,
        |page| page
            .certificates()
            .iter()
            .map(|found| Ok(found.certificate_id().to_owned()))
    )
}

async fn ssh_public_keys(session: &Session, name: &UserName) -> Result<BTreeSet<String>, Error> {
    collect_pages!(
        session,
        name,
        "iam:ListSSHPublicKeys",
        "SSH public keys",
        list_ssh_public_keys,
        |page| page
            .ssh_public_keys()
            .iter()
            .map(|key| Ok(key.ssh_public_key_id().to_owned()))
    )
}

async fn service_specific_credentials(
    session: &Session,
    name: &UserName,
) -> Result<BTreeSet<String>, Error> {
    collect_pages!(
        session,
        name,
        "iam:ListServiceSpecificCredentials",
        "service-specific credentials",
        list_service_specific_credentials,
        |page| page
            .service_specific_credentials()
            .iter()
            .map(|found| Ok(found.service_specific_credential_id().to_owned()))
    )
}

async fn inline_policies(
    session: &Session,
    name: &UserName,
    expected: &BTreeSet<PolicyName>,
) -> Result<BTreeMap<PolicyName, PolicyDocument>, Error> {
    let (names, mut policies) = tokio::try_join!(
        inline_policy_names(session, name),
        inline_documents(session, name, expected.iter()),
    )?;
    let surprises = names.iter().filter(|policy| !expected.contains(*policy));
    policies.extend(inline_documents(session, name, surprises).await?);
    // A policy that was expected and is in no list was removed between the two calls.
    policies.retain(|policy, _| names.contains(policy));
    Ok(policies)
}

async fn inline_documents(
    session: &Session,
    name: &UserName,
    policies: impl Iterator<Item = &PolicyName>,
) -> Result<BTreeMap<PolicyName, PolicyDocument>, Error> {
    let documents = policies.map(|policy| async move {
        let document = inline_document(session, name, policy).await?;
        Ok::<_, Error>(document.map(|document| (policy.clone(), document)))
    });
    Ok(try_join_all(documents)
        .await?
        .into_iter()
        .flatten()
        .collect())
}

async fn inline_document(
    session: &Session,
    name: &UserName,
    policy: &PolicyName,
) -> Result<Option<PolicyDocument>, Error> {
    let answer = session
        .call("iam:GetUserPolicy", |iam| {
            iam.get_user_policy()
                .user_name(name.as_str())
                .policy_name(policy.as_str())
                .send()
        })
        .await;
    let output = match answer {
        Ok(output) => output,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => {
            return Err(error.while_doing(format_args!(
                "read the inline policy {policy} of user {name}"
            )));
        }
    };
    // IAM gives documents percent-encoded (RFC 3986).
    let text = percent_decode_str(output.policy_document()).decode_utf8_lossy();
    text.parse().map(Some).map_err(|error| {
        unexpected(
            session,
            &format!("the inline policy {policy} of user {name} is {error}"),
        )
    })
}

/// A user as a call answered it, without its sets.
pub(super) fn from_user(session: &Session, user: &User) -> Result<ObservedUser, Error> {
    let boundary = user
        .permissions_boundary()
        .and_then(|boundary| boundary.permissions_boundary_arn())
        .map(|arn| parse(session, arn))
        .transpose()?;
    Ok(ObservedUser {
        name: parse(session, user.user_name())?,
        path: parse(session, user.path())?,
        arn: user.arn().to_owned(),
        unique_id: user.user_id().to_owned(),
        create_date: timestamp(Some(user.create_date())),
        password_last_used: timestamp(user.password_last_used()),
        permissions_boundary: boundary,
        tags: from_tags(user.tags()),
        managed_policy_arns: None,
        inline_policies: None,
        groups: None,
        access_keys: None,
        console_access: None,
    })
}

/// All tags but those of AWS itself.
fn from_tags(tags: &[Tag]) -> BTreeMap<String, String> {
    let tags = tags.iter().filter(|tag| !tag.key().starts_with("aws:"));
    tags.map(|tag| (tag.key().to_owned(), tag.value().to_owned()))
        .collect()
}

pub(super) fn timestamp(time: Option<&aws_smithy_types::DateTime>) -> Option<Timestamp> {
    let time = time?;
    Timestamp::new(
        time.secs(),
        i32::try_from(time.subsec_nanos()).unwrap_or_default(),
    )
    .ok()
}

fn present(session: &Session, text: Option<&str>) -> Result<String, Error> {
    text.map(str::to_owned)
        .ok_or_else(|| unexpected(session, "an id is missing"))
}

fn parse<T: std::str::FromStr<Err = InvalidId>>(session: &Session, text: &str) -> Result<T, Error> {
    text.parse()
        .map_err(|error: InvalidId| unexpected(session, &error.to_string()))
}

fn unexpected(session: &Session, what: &str) -> Error {
    Error::new(
        ErrorKind::Internal,
        format!("AWS gave an answer that cannot be right: {what}"),
    )
    .in_account(session.account_id())
}
