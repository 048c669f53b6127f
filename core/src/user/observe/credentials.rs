//! Reading the credentials of a user: access keys with their last use, the login profile, and what the
//! secret store says about both. No secret is read.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_iam::types::{AccessKeyMetadata, StatusType};
use futures_util::future::join_all;

use super::{PAGE, Place, present, timestamp, unexpected};
use crate::error::{Error, ErrorKind};
use crate::ids::UserName;
use crate::secrets::{ParameterName, ParameterState, SecretKind};
use crate::session::Session;
use crate::user::access_keys::{KeyStatus, LastUsed, ObservedKey, StoredKey};
use crate::user::console_access::{LoginProfile, ObservedConsole, StoredPassword};
use crate::user::observed::ObservedKeys;

/// The access keys, their last use and the store, at the same time. Only a key that was not expected
/// costs a second round trip.
pub(super) async fn keys(
    place: &Place<'_>,
    name: &UserName,
    expected: &BTreeSet<String>,
) -> Result<ObservedKeys, Error> {
    let session = place.session;
    let (keys, mut uses, stored) = tokio::join!(
        list_access_keys(session, name),
        last_uses(session, expected.iter()),
        stored(place, name, SecretKind::AccessKey),
    );
    let keys = keys?;
    let surprises: Vec<&String> = keys
        .iter()
        .map(|key| &key.id)
        .filter(|id| !uses.contains_key(*id))
        .collect();
    if !surprises.is_empty() {
        uses.extend(last_uses(session, surprises.into_iter()).await);
    }
    let keys = keys.into_iter().map(|key| ObservedKey {
        last_used: uses.remove(&key.id).unwrap_or(key.last_used),
        ..key
    });
    Ok(ObservedKeys {
        keys: keys.collect(),
        stored: match stored? {
            Stored::Unknown => StoredKey::Unknown,
            Stored::Known(ParameterState::Absent) => StoredKey::Absent,
            // A parameter of ours that names no key holds the secret of none.
            Stored::Known(ParameterState::Ours { credential }) => {
                credential.map_or(StoredKey::Absent, StoredKey::Holds)
            }
            Stored::Known(ParameterState::Foreign { owner }) => StoredKey::Foreign(owner),
        },
    })
}

/// The login profile and the stored password.
pub(super) async fn console(place: &Place<'_>, name: &UserName) -> Result<ObservedConsole, Error> {
    let (profile, stored) = tokio::join!(
        login_profile(place.session, name),
        stored(place, name, SecretKind::ConsolePassword),
    );
    Ok(ObservedConsole {
        profile: profile?,
        stored: match stored? {
            Stored::Unknown => StoredPassword::Unknown,
            Stored::Known(ParameterState::Absent) => StoredPassword::Absent,
            Stored::Known(ParameterState::Ours { .. }) => StoredPassword::Ours,
            Stored::Known(ParameterState::Foreign { owner }) => StoredPassword::Foreign(owner),
        },
    })
}

enum Stored {
    Unknown,
    Known(ParameterState),
}

/// Where a secret is: at the remembered parameter, or already at the one that the user's name gives,
/// when a run died between the two.
async fn stored(place: &Place<'_>, name: &UserName, kind: SecretKind) -> Result<Stored, Error> {
    let Some(store) = place.store else {
        return Ok(Stored::Unknown);
    };
    let account_id = &place.target.account_id;
    let regular = store.parameter(account_id, name, kind);
    let remembered = place.expected.parameters.of(kind).unwrap_or(&regular);
    let state = match ask(place, remembered).await {
        Ok(ParameterState::Absent) if *remembered != regular => ask(place, &regular).await,
        state => state,
    };
    match state {
        Ok(state) => Ok(Stored::Known(state)),
        // A plan goes on: nothing is ever made anew because the store could not be asked.
        Err(error) if !place.fresh => {
            tracing::warn!(%account_id, parameter = %regular, %error, "the secret store could not be asked");
            Ok(Stored::Unknown)
        }
        Err(error) => Err(error),
    }
}

async fn ask(place: &Place<'_>, parameter: &ParameterName) -> Result<ParameterState, Error> {
    match place.store {
        Some(store) if place.fresh => store.look(place.target, parameter).await,
        Some(store) => store.known(place.target, parameter).await,
        None => Ok(ParameterState::Absent),
    }
}

/// `ListAccessKeys`, all pages; nothing is known about their use yet.
pub(in crate::user) async fn list_access_keys(
    session: &Session,
    name: &UserName,
) -> Result<Vec<ObservedKey>, Error> {
    let mut keys = Vec::new();
    let mut marker: Option<String> = None;
    loop {
        let page = session
            .call("iam:ListAccessKeys", |iam| {
                iam.list_access_keys()
                    .user_name(name.as_str())
                    .max_items(PAGE)
                    .set_marker(marker.take())
                    .send()
            })
            .await
            .map_err(|error| {
                error.while_doing(format_args!("read the access keys of user {name}"))
            })?;
        for key in page.access_key_metadata() {
            keys.push(from_metadata(session, key)?);
        }
        marker = page
            .marker()
            .filter(|_| page.is_truncated())
            .map(str::to_owned);
        if marker.is_none() {
            return Ok(keys);
        }
    }
}

fn from_metadata(session: &Session, key: &AccessKeyMetadata) -> Result<ObservedKey, Error> {
    let id = present(session, key.access_key_id())?;
    let create_date = timestamp(key.create_date())
        .ok_or_else(|| unexpected(session, &format!("access key {id} has no date")))?;
    Ok(ObservedKey {
        status: key_status(key.status()),
        create_date,
        last_used: LastUsed::Unknown {
            why: "it was not asked for".to_owned(),
        },
        id,
    })
}

/// A status that we do not know (`Expired`) opens nothing.
pub(in crate::user) fn key_status(status: Option<&StatusType>) -> KeyStatus {
    match status {
        Some(StatusType::Active) => KeyStatus::Active,
        _ => KeyStatus::Inactive,
    }
}

async fn last_uses(
    session: &Session,
    ids: impl Iterator<Item = &String>,
) -> BTreeMap<String, LastUsed> {
    let uses = ids.map(|id| async move { (id.clone(), last_used(session, id).await) });
    join_all(uses).await.into_iter().collect()
}

/// `GetAccessKeyLastUsed`. A failure is no proof that a key is unused: it says that nothing is known.
async fn last_used(session: &Session, id: &str) -> LastUsed {
    let answer = session
        .call("iam:GetAccessKeyLastUsed", |iam| {
            iam.get_access_key_last_used().access_key_id(id).send()
        })
        .await;
    let output = match answer {
        Ok(output) => output,
        Err(error) => {
            return LastUsed::Unknown {
                why: error.to_string(),
            };
        }
    };
    let Some(used) = output.access_key_last_used() else {
        return LastUsed::Unknown {
            why: "AWS answered without a last use".to_owned(),
        };
    };
    // AWS writes N/A where a key was never used, or only before it was tracked.
    let known = |text: &str| (text != "N/A" && !text.is_empty()).then(|| text.to_owned());
    match timestamp(used.last_used_date()) {
        Some(time) => LastUsed::At {
            time,
            service: known(used.service_name()),
            region: known(used.region()),
        },
        None => LastUsed::Never,
    }
}

/// `GetLoginProfile`.
pub(in crate::user) async fn login_profile(
    session: &Session,
    name: &UserName,
) -> Result<Option<LoginProfile>, Error> {
    let answer = session
        .call("iam:GetLoginProfile", |iam| {
            iam.get_login_profile().user_name(name.as_str()).send()
        })
        .await;
    match answer {
        Ok(output) => Ok(output.login_profile().map(|profile| LoginProfile {
            create_date: timestamp(Some(profile.create_date())),
            password_reset_required: profile.password_reset_required(),
        })),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => {
            Err(error.while_doing(format_args!("read the console access of user {name}")))
        }
    }
}
