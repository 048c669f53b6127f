//! Looking at many users of one account at once: what the registry decides on, and what a run without any change costs.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use aws_sdk_iam::types::UserDetail;
use futures_util::future::try_join_all;

use super::Users;
use crate::aws::is_user_missing;
use crate::error::Error;
use crate::ids::UserName;
use crate::secrets::{OwnParameters, SecretKind};
use crate::session::{Access, Session, Target};
use crate::user::access_keys::StoredKey;
use crate::user::console_access::{ObservedConsole, StoredPassword};
use crate::user::observe::{self, account_users};
use crate::user::observed::ObservedKeys;
use crate::user::{MANAGED_BY_TAG, ObservedUser, Ownership, UserSpec};

/// What an account has of the users that somebody asked about, and of all users of this owner.
///
/// The sets of a user are complete. Of its credentials only what is wanted, or is ours by its tags, was looked at, and
/// the last use of keys was not: whoever is about to change something looks again ([`Users::update`] does).
#[derive(Debug, Clone, Default)]
pub struct Survey {
    users: BTreeMap<String, ObservedUser>,
}

impl Survey {
    /// The user of this name.
    pub fn user(&self, name: &UserName) -> Option<&ObservedUser> {
        // IAM finds no user under another spelling of its name.
        let found = self.users.get(&name.case_folded());
        found.filter(|user| user.name == *name)
    }

    /// The users that this owner has in the account, wanted or not, by name.
    pub fn owned<'a>(&'a self, users: &'a Users) -> impl Iterator<Item = &'a ObservedUser> {
        let all = self.users.values();
        all.filter(|user| user.ownership(users.owner()) == Ownership::Ours)
    }
}

impl Users {
    /// Looks at these users of an account, and at all others of this owner, through a read session.
    ///
    /// Costs one call for a page of all users of the account, one for the keys of a user that has or wants some, and one
    /// for its console access; the secret store is listed once for all accounts when it is in the hub. The session
    /// policy has to be [`crate::permissions::inventory_session_policy`].
    ///
    /// # Errors
    /// Those of opening a session and of the calls. [`crate::ErrorKind::AccessDenied`] says which feature of the member
    /// role is missing. There is no partial answer.
    pub async fn survey(&self, target: &Target, wanted: &[UserSpec]) -> Result<Survey, Error> {
        let session = self.sessions.open(target, Access::Read).await?;
        let specs: BTreeMap<String, &UserSpec> = wanted
            .iter()
            .map(|spec| (spec.name.case_folded(), spec))
            .collect();
        let names: BTreeSet<&str> = wanted.iter().map(|spec| spec.name.as_str()).collect();
        let keep = |user: &UserDetail| {
            let ours = |tag: &aws_sdk_iam::types::Tag| {
                tag.key() == MANAGED_BY_TAG && tag.value() == self.owner().as_str()
            };
            user.user_name().is_some_and(|name| names.contains(name))
                || user.tags().iter().any(ours)
        };
        // The list of the store may have many pages: nothing of the account waits for it.
        let look = async {
            let users = account_users(&session, keep).await?;
            let looked_at = users.into_iter().map(|user| {
                let spec = specs.get(&user.name.case_folded()).copied();
                self.look_at_credentials(&session, spec, user)
            });
            let looked_at = try_join_all(looked_at).await?;
            Ok(looked_at.into_iter().flatten().collect::<Vec<_>>())
        };
        let (looked_at, stored) =
            tokio::try_join!(Box::pin(look), Box::pin(self.own_parameters_of(target)))?;
        let users = looked_at.into_iter().map(|user| {
            let user = self.with_stored(target, user, stored.as_deref());
            (user.name.case_folded(), user)
        });
        Ok(Survey {
            users: users.collect(),
        })
    }

    /// What the secret store holds of ours; `None` when there is no store, or it could not be asked: nothing is ever made
    /// anew because of that.
    async fn own_parameters_of(
        &self,
        target: &Target,
    ) -> Result<Option<Arc<OwnParameters>>, Error> {
        let Some(store) = self.store.as_deref() else {
            return Ok(None);
        };
        match store.own(target).await {
            Ok(own) => Ok(Some(own)),
            Err(error) => {
                tracing::warn!(account_id = %target.account_id, %error, "the secret store could not be asked");
                Ok(None)
            }
        }
    }

    /// `None`: the list shows the user, and it is gone. Lists show users for a while that somebody has just deleted.
    async fn look_at_credentials(
        &self,
        session: &Session,
        spec: Option<&UserSpec>,
        mut user: ObservedUser,
    ) -> Result<Option<ObservedUser>, Error> {
        let keys = spec.is_some_and(|spec| spec.access_key.is_some()) || user.has_own_keys();
        let console =
            spec.is_some_and(|spec| spec.console_access.is_some()) || user.has_own_console_access();
        let looked = tokio::try_join!(
            async {
                if keys {
                    let keys = observe::list_access_keys(session, &user.name).await?;
                    return Ok(Some(keys));
                }
                Ok::<_, Error>(None)
            },
            async {
                if console {
                    let profile = observe::login_profile(session, &user.name).await?;
                    return Ok(Some(profile));
                }
                Ok(None)
            },
        );
        let (keys, profile) = match looked {
            Err(error) if is_user_missing(&error) => return Ok(None),
            looked => looked?,
        };
        user.access_keys = keys.map(|keys| ObservedKeys {
            keys,
            stored: StoredKey::Unknown,
        });
        user.console_access = profile.map(|profile| ObservedConsole {
            profile,
            stored: StoredPassword::Unknown,
        });
        Ok(Some(user))
    }

    /// The user with what the store has of its credentials.
    fn with_stored(
        &self,
        target: &Target,
        mut user: ObservedUser,
        stored: Option<&OwnParameters>,
    ) -> ObservedUser {
        let parameter = |kind| {
            let store = self.store.as_deref()?;
            let name = store.parameter(&target.account_id, &user.name, kind);
            Some(stored?.credential(&name))
        };
        let stored_key = match parameter(SecretKind::AccessKey) {
            None => StoredKey::Unknown,
            Some(Some(Some(id))) => StoredKey::Holds(id),
            // Somebody else's parameter is in no list of ours: whoever changes something finds it.
            Some(Some(None) | None) => StoredKey::Absent,
        };
        let stored_password = match parameter(SecretKind::ConsolePassword) {
            None => StoredPassword::Unknown,
            Some(Some(_)) => StoredPassword::Ours,
            Some(None) => StoredPassword::Absent,
        };
        if let Some(keys) = &mut user.access_keys {
            keys.stored = stored_key;
        }
        if let Some(console) = &mut user.console_access {
            console.stored = stored_password;
        }
        user
    }
}
