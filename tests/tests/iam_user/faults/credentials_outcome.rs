//! What must be true of credentials after an operation: exactly the wanted keys, secrets that open what they are for,
//! and nothing of anybody else's touched.

use std::collections::BTreeSet;

use anyhow::{Context, Result, ensure};
use harness::Account;
use harness::standin::{Call, Credentials, Parameter, UserSecrets};
use serde_json::Value;

use super::super::host::Stored;
use super::Case;

/// The credentials of all users at one moment, in clear.
pub(super) struct Before {
    /// Nothing when there is no user.
    user: Option<UserSecrets>,
    /// All parameters of the hub account.
    parameters: Vec<Parameter>,
    stranger: UserSecrets,
}

/// Everything that exists, for a user of this name if it should exist.
pub(super) async fn look(case: &Case, name: Option<&str>) -> Result<Before> {
    let (control, account_id) = (case.world.control(), case.member().id());
    let user = match name {
        Some(name) => Some(control.user_secrets(account_id, name).await?),
        None => None,
    };
    Ok(Before {
        user,
        parameters: control.parameters(case.world.hub().id()).await?,
        stranger: control.user_secrets(account_id, "mallory").await?,
    })
}

/// What becomes of the credentials that were there.
#[derive(Debug, Clone, Copy)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is one thing that may happen, and most combinations occur"
)]
pub(super) struct Outcome {
    /// A new key becomes the current one, and the current one the replaced one.
    pub(super) makes_key: bool,
    /// The replaced key becomes inactive.
    pub(super) disables_retired: bool,
    /// The replaced key is deleted.
    pub(super) deletes_retired: bool,
    /// Whether the current key works.
    pub(super) active: bool,
    /// The password is a new one.
    pub(super) sets_password: bool,
    /// No key of ours and no password stays.
    pub(super) removes: bool,
    /// A run may not have seen the key of the run before: it is kept and named as replaced.
    pub(super) replaces_unlisted: bool,
}

impl Outcome {
    /// Nothing changes.
    pub(super) const SAME: Self = Self {
        makes_key: false,
        disables_retired: false,
        deletes_retired: false,
        active: true,
        sets_password: false,
        removes: false,
        replaces_unlisted: false,
    };

    /// The keys that were there and stay, with whether they work.
    fn kept(self, before: &Before) -> BTreeSet<(String, bool)> {
        let (current, retiring) = (before.tagged(CURRENT), before.tagged(RETIRING));
        let keys = before.user.iter().flat_map(|user| &user.keys);
        keys.filter_map(|key| {
            let id = key.access_key_id.clone();
            if Some(&id) == current.as_ref() {
                (!self.removes).then_some((id, self.active))
            } else if Some(&id) == retiring.as_ref() {
                let stays = !self.removes && !self.deletes_retired;
                stays.then_some((id, key.active && !self.disables_retired))
            } else {
                Some((id, key.active))
            }
        })
        .collect()
    }

    pub(super) fn check_keys(self, before: &Before, after: &Before) -> Result<()> {
        let Some(user) = &after.user else {
            return Ok(());
        };
        let mut wanted = self.kept(before);
        let found: BTreeSet<_> = user
            .keys
            .iter()
            .map(|key| (key.access_key_id.clone(), key.active))
            .collect();
        let current = after.tagged(CURRENT);
        if self.makes_key {
            let new = current.clone().context("no key is named as current")?;
            ensure!(
                before.key(&new).is_none(),
                "{new} is no new key: {:?}",
                user.tags
            );
            wanted.insert((new, self.active));
            if self.replaces_unlisted {
                wanted.extend(after.tagged(RETIRING).map(|id| (id, true)));
            } else {
                ensure!(
                    after.tagged(RETIRING) == before.tagged(CURRENT),
                    "the replaced key is not named: {:?}",
                    user.tags
                );
            }
        } else if !self.removes {
            ensure!(
                current == before.tagged(CURRENT),
                "another key is current: {:?}",
                user.tags
            );
        }
        ensure!(
            found == wanted,
            "wrong keys: {found:?}, wanted {wanted:?}, tags {:?}",
            user.tags
        );
        if self.removes {
            let left: Vec<_> = user
                .tags
                .keys()
                .filter(|key| is_about_credentials(key))
                .collect();
            ensure!(left.is_empty(), "tags stay: {left:?}");
            ensure!(user.login.is_none(), "a login profile stays");
        } else {
            let intent = user.tags.get(INTENT).map(String::as_str);
            ensure!(
                matches!(intent, None | Some("none")),
                "an intent is open: {intent:?}"
            );
        }
        Ok(())
    }

    /// No key that somebody uses was deleted or turned off, not even for a moment.
    pub(super) fn check_history(
        self,
        before: &Before,
        after: &Before,
        calls: &[Call],
    ) -> Result<()> {
        let kept = self.kept(before);
        let exists = after.user.is_some();
        for call in calls {
            let id = call.parameters["AccessKeyId"].as_str().unwrap_or_default();
            let untouchable = exists && kept.iter().any(|(kept, _)| kept == id);
            let stays_active = exists && kept.contains(&(id.to_owned(), true));
            let turns_off = call.parameters["Status"] == "Inactive";
            match call.action.as_str() {
                "iam:DeleteAccessKey" => ensure!(!untouchable, "{id} was deleted"),
                "iam:UpdateAccessKey" if turns_off => {
                    ensure!(!stays_active, "{id} was made inactive");
                }
                _ => {}
            }
        }
        Ok(())
    }

    pub(super) fn check_password(self, before: &Before, after: &Before) -> Result<()> {
        if self.removes {
            return Ok(());
        }
        let login = after.password().context("there is no login profile")?;
        let stored = after.stored("console-password")?;
        let stored = stored.context("no password is stored")?;
        ensure!(
            stored["password"].as_str() == Some(login),
            "the stored password does not work"
        );
        ensure!(
            (before.password() != Some(login)) == self.sets_password,
            "the password is {} one",
            if self.sets_password {
                "no new"
            } else {
                "another"
            }
        );
        Ok(())
    }
}

const CURRENT: &str = "crossaccount:current-key";
const RETIRING: &str = "crossaccount:retiring-key";
const INTENT: &str = "crossaccount:key-intent";
const CONSOLE: &str = "crossaccount:console-access";

fn is_about_credentials(tag: &str) -> bool {
    [CURRENT, RETIRING, INTENT, CONSOLE].contains(&tag)
}

impl Before {
    /// The key that a tag names, if it exists.
    fn tagged(&self, tag: &str) -> Option<String> {
        let value = self.user.as_ref()?.tags.get(tag)?;
        let id = value.split(' ').next()?;
        self.key(id).map(|key| key.access_key_id.clone())
    }

    fn key(&self, id: &str) -> Option<Credentials> {
        let user = self.user.as_ref()?;
        let key = user.keys.iter().find(|key| key.access_key_id == id)?;
        Some(Credentials {
            access_key_id: key.access_key_id.clone(),
            secret_access_key: key.secret_access_key.clone(),
        })
    }

    fn password(&self) -> Option<&str> {
        let login = self.user.as_ref()?.login.as_ref()?;
        Some(&login.password)
    }

    fn ours(&self) -> impl Iterator<Item = &Parameter> {
        let tag = |parameter: &&Parameter| {
            parameter
                .tags
                .get("crossaccount:managed-by")
                .map(String::as_str)
                == Some("test")
        };
        self.parameters.iter().filter(tag)
    }

    /// The value of the parameter of this kind.
    fn stored(&self, kind: &str) -> Result<Option<Value>> {
        let found = self.ours().find(|parameter| parameter.name.ends_with(kind));
        let value = found.map(|parameter| serde_json::from_str(&parameter.value));
        value.transpose().context("the parameter holds no JSON")
    }

    /// What the store holds: a key that works, and nothing else.
    pub(super) fn check_store(&self, case: &Case, name: Option<&str>) -> Result<()> {
        let folder = format!("/crossaccount/{}", case.member().id());
        let user = self.user.as_ref().zip(name);
        let mut wanted = BTreeSet::new();
        if let Some((_, name)) = user.filter(|(user, _)| user.login.is_some()) {
            wanted.insert(format!("{folder}/{name}/console-password"));
        }
        let current = self.tagged(CURRENT);
        if let (Some((_, name)), Some(current)) = (user, &current) {
            wanted.insert(format!("{folder}/{name}/access-key"));
            let stored = self.stored("access-key")?.context("no key is stored")?;
            let key = self
                .key(current)
                .context("the current key does not exist")?;
            ensure!(
                stored["access_key_id"] == key.access_key_id.as_str(),
                "the store holds {} and {current} is current",
                stored["access_key_id"]
            );
            ensure!(
                stored["secret_access_key"] == key.secret_access_key.as_str(),
                "the stored secret is not that of {current}"
            );
            ensure!(
                stored["user_name"] == name,
                "{} is not {name}",
                stored["user_name"]
            );
        }
        let found: BTreeSet<_> = self.ours().map(|it| it.name.clone()).collect();
        ensure!(found == wanted, "stored are {found:?}, wanted {wanted:?}");
        Ok(())
    }

    /// Mallory has what he had.
    pub(super) fn check_strangers(&self, before: &Self) -> Result<()> {
        let shown = |it: &Self| {
            let foreign = it
                .parameters
                .iter()
                .filter(|it| it.name.contains("mallory"));
            let foreign: Vec<_> = foreign.map(|it| (it.value.clone(), it.version)).collect();
            let login = it
                .stranger
                .login
                .as_ref()
                .map(|login| login.password.clone());
            let keys = it.stranger.keys.iter();
            let keys: Vec<_> = keys
                .map(|key| (key.access_key_id.clone(), key.active))
                .collect();
            (foreign, login, keys)
        };
        ensure!(shown(self) == shown(before), "the stranger was touched");
        let (foreign, login, keys) = shown(self);
        ensure!(
            foreign.len() == 1 && login.is_some() && keys.len() == 1,
            "there is no stranger"
        );
        Ok(())
    }

    /// What the state says about the credentials, and that it does not say more.
    pub(super) fn check_state(&self, wanted: &Value, stored: &Stored) -> Result<()> {
        let state = stored.json();
        let user = self.user.as_ref().context("the user does not exist")?;
        let text = format!("{state}{}", String::from_utf8_lossy(stored.private()));
        let secrets = user.keys.iter().map(|key| &key.secret_access_key);
        for secret in secrets.chain(user.login.iter().map(|login| &login.password)) {
            ensure!(!text.contains(secret.as_str()), "a secret is in the state");
        }
        let shown = state["access_keys"].as_array().into_iter().flatten();
        let shown: BTreeSet<_> = shown
            .map(|key| {
                (
                    key["id"].as_str().unwrap_or_default(),
                    key["phase"].clone().to_string(),
                )
            })
            .map(|(id, phase)| (id.to_owned(), phase.trim_matches('"').to_owned()))
            .collect();
        let (current, retiring) = (self.tagged(CURRENT), self.tagged(RETIRING));
        let phase = |id: &String, active| match (Some(id) == current.as_ref(), active) {
            (true, _) => "current",
            (false, true) if Some(id) == retiring.as_ref() => "retiring",
            (false, false) if Some(id) == retiring.as_ref() => "disabled",
            (false, _) => "foreign",
        };
        let keys = user.keys.iter();
        let expected: BTreeSet<_> = keys
            .map(|key| {
                (
                    key.access_key_id.clone(),
                    phase(&key.access_key_id, key.active).to_owned(),
                )
            })
            .collect();
        ensure!(
            shown == expected,
            "the state shows {shown:?} for {expected:?}"
        );
        let password = &state["console_access"]["password_parameter"];
        ensure!(
            password.is_string() == wanted["console_access"].is_object(),
            "the state names the parameter {password} of the password"
        );
        Ok(())
    }

    /// Signs in as the holder of the stored key, as somebody who depends on it: it has to work, if it is active.
    pub(super) async fn use_current_key(&self, member: &Account) -> Result<()> {
        let Some(current) = self.tagged(CURRENT) else {
            return Ok(());
        };
        let user = self.user.as_ref().context("no user")?;
        let active = user
            .keys
            .iter()
            .any(|key| key.access_key_id == current && key.active);
        let Some(stored) = self.stored("access-key")?.filter(|_| active) else {
            return Ok(());
        };
        let text = |name: &str| stored[name].as_str().unwrap_or_default().to_owned();
        let key = Credentials {
            access_key_id: text("access_key_id"),
            secret_access_key: text("secret_access_key"),
        };
        let sts = aws_sdk_sts::Client::new(&member.config(&key));
        let caller = sts.get_caller_identity().send().await;
        let caller = caller.context("the stored key does not work")?;
        let arn = caller.arn().unwrap_or_default();
        ensure!(arn.contains("/alice"), "the stored key is of {arn}");
        Ok(())
    }
}
