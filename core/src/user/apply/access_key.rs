//! The steps of an access key: made once, verified, stored, and only then named.
//!
//! Between `CreateAccessKey` and the store, the secret exists in this process alone. Whatever fails in
//! between, the new key is deleted again; whoever dies in between leaves an intent on the user that tells
//! the next run whose key it is.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;

use super::once::Once;
use super::{Applier, SETTLED_WITHIN, VISIBLE_WITHIN, record};
use crate::audit::Step as StepRecord;
use crate::aws::{RequestId, is_credential_failure, is_settling, may_have_committed, settle};
use crate::error::{Error, ErrorKind};
use crate::secret::Secret;
use crate::secrets::{ParameterState, SecretKind, SecretValue};
use crate::user::access_keys::{
    KEY_INTENT_TAG, KEY_TAGS, KeyStatus, KeyStep, KeyTags, LastUsed, ObservedKey, StoredKey,
    TriggerHash,
};
use crate::user::observed::ObservedKeys;
use crate::user::{Step, observe};

/// How long a new key may be unknown to STS. AWS tells to expect some seconds.
const USABLE_WITHIN: Duration = Duration::from_mins(1);

/// An access key between its making and its naming.
pub(super) struct NewKey {
    id: String,
    secret: Secret,
    created: Timestamp,
}

impl Applier<'_> {
    /// Carries out one step and keeps what it changed.
    pub(super) async fn key_step(&mut self, step: &KeyStep) -> Result<Option<String>, Error> {
        match step {
            KeyStep::OpenIntent { beside } => {
                let earlier = KeyTags::read(&self.user.tags).intent;
                self.earlier_intent |= earlier.is_some();
                let intent = KeyTags::open_intent(self.tools.clock.now(), beside);
                let opened = self.tag(intent).await?;
                self.intent_is_ours = true;
                Ok(opened)
            }
            KeyStep::Create => self.create_key().await,
            KeyStep::Verify => {
                let verified = self.verify_key().await?;
                self.delete_late_keys().await?;
                Ok(verified)
            }
            KeyStep::Store => self.store_key().await,
            KeyStep::NameCurrent { retire, trigger } => {
                let id = self.new_key()?.id.clone();
                let named = self
                    .name_key(&id, trigger.as_ref(), retire.as_deref())
                    .await?;
                // Named and stored: from here on nothing takes it back.
                self.new_key = None;
                Ok(named)
            }
            KeyStep::AdoptInterrupted {
                id,
                retire,
                trigger,
            } => self.name_key(id, trigger.as_ref(), retire.as_deref()).await,
            KeyStep::DeactivateNew => {
                let id = self.current_key_id().unwrap_or_default();
                self.set_status(&id, KeyStatus::Inactive).await
            }
            KeyStep::Activate(id) => self.set_status(id, KeyStatus::Active).await,
            KeyStep::Deactivate(id) => self.set_status(id, KeyStatus::Inactive).await,
            KeyStep::Delete(id) => {
                let request_id = self.carry_out(&Step::DeleteAccessKey(id.clone())).await?;
                self.keys_mut().keys.retain(|key| key.id != *id);
                Ok(request_id)
            }
            KeyStep::Forget => {
                let tags = KEY_TAGS.map(str::to_owned).into();
                let step = Step::UntagUser(tags);
                let request_id = self.carry_out(&step).await?;
                self.user.after(&step);
                Ok(request_id)
            }
        }
    }

    /// Puts tags on the user, and on our picture of it.
    pub(super) async fn tag(
        &mut self,
        tags: BTreeMap<String, String>,
    ) -> Result<Option<String>, Error> {
        let step = Step::TagUser(tags);
        let request_id = self.carry_out(&step).await?;
        self.user.after(&step);
        Ok(request_id)
    }

    fn keys_mut(&mut self) -> &mut ObservedKeys {
        self.user.access_keys.get_or_insert_with(|| ObservedKeys {
            keys: Vec::new(),
            stored: StoredKey::Unknown,
        })
    }

    /// The id of the key between its making and its naming.
    pub(super) fn new_key_id(&self) -> Option<&str> {
        self.new_key.as_ref().map(|key| key.id.as_str())
    }

    /// The key that the tags name.
    pub(super) fn current_key_id(&self) -> Option<String> {
        KeyTags::read(&self.user.tags)
            .current
            .map(|current| current.id)
    }

    fn new_key(&self) -> Result<&NewKey, Error> {
        self.new_key.as_ref().ok_or_else(|| {
            Error::new(
                ErrorKind::Internal,
                "a step for a new access key came before it was made",
            )
        })
    }

    /// Makes the key with one request at a time: a lost answer must not leave a key whose secret nobody
    /// has. After a failure that may have made one, keys that were not there before are deleted first.
    async fn create_key(&mut self) -> Result<Option<String>, Error> {
        let (session, name) = (self.tools.session, &self.user.name);
        let known = self.known_keys();
        let (once, cleaned) = (Once::default(), Mutex::new(Vec::new()));
        let attempt = || async {
            if once.is_lost() {
                once.looked(self.delete_keys_but(&known, &cleaned).await?);
            }
            let answer = session
                .call_once("iam:CreateAccessKey", |iam| {
                    iam.create_access_key().user_name(name.as_str()).send()
                })
                .await;
            once.note(answer)
        };
        let waits = |error: &Error| once.waits(error);
        let answer = self.settle(VISIBLE_WITHIN, waits, attempt).await;
        if answer.is_err() && once.is_lost() {
            let found = self.delete_keys_but(&known, &cleaned).await;
            once.looked(found.unwrap_or(false));
        }
        self.earlier_intent |= once.is_unseen();
        self.records
            .append(&mut cleaned.into_inner().unwrap_or_else(PoisonError::into_inner));
        let answer = match answer {
            Ok(answer) => answer,
            Err(error) if !once.is_unseen() => return Err(self.close_intent_after(error).await),
            Err(error) => {
                return Err(error.with_advice(
                    "A new key may have been made; the next run finds and deletes it. The other keys of the user are \
                     as they were.",
                ));
            }
        };
        let request_id = answer.request_id().map(str::to_owned);
        let key = answer.access_key().ok_or_else(|| {
            Error::new(
                ErrorKind::Internal,
                "iam:CreateAccessKey answered without a key",
            )
        })?;
        let created = self.tools.clock.now();
        self.new_key = Some(NewKey {
            id: key.access_key_id().to_owned(),
            secret: Secret::new(key.secret_access_key().to_owned()),
            created,
        });
        let made = ObservedKey {
            id: key.access_key_id().to_owned(),
            status: KeyStatus::Active,
            create_date: observe::timestamp(key.create_date()).unwrap_or(created),
            last_used: LastUsed::Never,
        };
        self.keys_mut().keys.push(made);
        Ok(request_id)
    }

    /// Deletes keys that appeared while one was being made: nobody has their secrets. What it did is
    /// recorded. Whether there was one.
    async fn delete_keys_but(
        &self,
        known: &BTreeSet<String>,
        records: &Mutex<Vec<StepRecord>>,
    ) -> Result<bool, Error> {
        let keys = observe::list_access_keys(self.tools.session, &self.user.name).await?;
        let mut found = false;
        for key in keys.into_iter().filter(|key| !known.contains(&key.id)) {
            found = true;
            let step = Step::DeleteAccessKey(key.id);
            let deleted = self.carry_out(&step).await;
            let mut records = records.lock().unwrap_or_else(PoisonError::into_inner);
            records.push(record(&step, &deleted));
            drop(records);
            deleted?;
        }
        Ok(found)
    }

    /// The ids of all keys that this operation knows of.
    fn known_keys(&self) -> BTreeSet<String> {
        let keys = self.user.access_keys.iter().flat_map(|keys| &keys.keys);
        keys.map(|key| key.id.clone()).collect()
    }

    /// An earlier try or run may have made a key that IAM did not list when it was looked for. By now it does, and
    /// with this key's name on the user nobody would know whose it is.
    async fn delete_late_keys(&mut self) -> Result<(), Error> {
        if !self.earlier_intent {
            return Ok(());
        }
        let deleted = Mutex::new(Vec::new());
        let result = self.delete_keys_but(&self.known_keys(), &deleted).await;
        self.records
            .append(&mut deleted.into_inner().unwrap_or_else(PoisonError::into_inner));
        result.map(drop)
    }

    /// Asks STS who the new key is, and at the same time whether the intent on the user is still this
    /// operation's: another process may rotate the same user.
    async fn verify_key(&mut self) -> Result<Option<String>, Error> {
        let key = self.new_key()?;
        let tools = &self.tools;
        let limits = tools.limits.settle(USABLE_WITHIN);
        let verified = settle(&limits, is_credential_failure, || {
            tools
                .sessions
                .verify_key(&tools.target.account_id, &key.id, &key.secret)
        });
        let (verified, user) =
            tokio::join!(verified, observe::get_user(tools.session, &self.user.name));
        verified?;
        let ours = KeyTags::read(&self.user.tags).intent;
        let found = user?.and_then(|user| KeyTags::read(&user.tags).intent);
        // A read may still show the past: only a later intent is another process.
        match found {
            Some(found) if Some(found) > ours => {
                self.intent_is_ours = false;
                Err(Error::new(
                    ErrorKind::AccessKey,
                    format!(
                        "another run began to make an access key at {found} (tag {KEY_INTENT_TAG})"
                    ),
                )
                .in_account(&self.tools.target.account_id)
                .with_advice("Let one run at a time change a user, then run again."))
            }
            _ => Ok(None),
        }
    }

    async fn store_key(&mut self) -> Result<Option<String>, Error> {
        let store = self.store()?;
        let key = self.new_key()?;
        let parameter = self.parameter(store, SecretKind::AccessKey);
        let value = SecretValue::AccessKey {
            id: key.id.clone(),
            secret: key.secret.clone(),
            created: key.created,
        };
        let id = key.id.clone();
        let (target, name) = (self.tools.target, &self.user.name);
        let request_id = match store.put(target, &parameter, name, &value).await {
            Ok(request_id) => request_id,
            // The answer may be lost and the secret stored: the description of the parameter tells.
            Err(error) if may_have_committed(&error) => {
                match store.look(target, &parameter).await {
                    Ok(ParameterState::Ours { credential }) if credential.as_ref() == Some(&id) => {
                        None
                    }
                    Ok(_) => return Err(error),
                    Err(_) => {
                        // Deleting the key now could leave a dead key in the store. The next run can tell.
                        self.new_key = None;
                        return Err(error.with_advice(format!(
                        "Whether the secret of the new key {id} is stored cannot be told. The next run finds out and \
                         completes or deletes it; the other keys of the user are as they were."
                    )));
                    }
                }
            }
            Err(error) => return Err(error),
        };
        self.keys_mut().stored = StoredKey::Holds(id);
        self.secret_names.insert(parameter);
        Ok(request_id)
    }

    async fn name_key(
        &mut self,
        id: &str,
        trigger: Option<&TriggerHash>,
        retire: Option<&str>,
    ) -> Result<Option<String>, Error> {
        // The moment of the decision, so that the old key is due exactly when the plan said.
        let retire = retire.map(|old| (old, self.tools.at));
        self.tag(KeyTags::name_current(id, trigger, retire)).await
    }

    async fn set_status(&mut self, id: &str, status: KeyStatus) -> Result<Option<String>, Error> {
        let (session, name) = (self.tools.session, self.user.name.clone());
        let wanted = match status {
            KeyStatus::Active => aws_sdk_iam::types::StatusType::Active,
            KeyStatus::Inactive => aws_sdk_iam::types::StatusType::Inactive,
        };
        let update = || async {
            let answer = session.call("iam:UpdateAccessKey", |iam| {
                iam.update_access_key()
                    .user_name(name.as_str())
                    .access_key_id(id)
                    .status(wanted.clone())
                    .send()
            });
            answer
                .await
                .map(|output| output.request_id().map(str::to_owned))
        };
        let request_id = self.settle(SETTLED_WITHIN, is_settling, update).await?;
        for key in &mut self.keys_mut().keys {
            if key.id == id {
                key.status = status;
            }
        }
        Ok(request_id)
    }

    /// Deletes a key that was made and could not be stored, and says so.
    pub(super) async fn take_back_new_key(&mut self, error: Error) -> Error {
        let Some(key) = self.new_key.take() else {
            return error;
        };
        if self.keys_mut().stored == StoredKey::Holds(key.id.clone()) {
            return error.with_advice(
                "The new key is made and its secret stored; only its name on the user is missing. The next run puts it \
                 there. The other keys of the user are as they were.",
            );
        }
        let step = Step::DeleteAccessKey(key.id.clone());
        let deleted = self.carry_out(&step).await;
        self.records.push(record(&step, &deleted));
        match deleted {
            Ok(_) => {
                self.keys_mut().keys.retain(|other| other.id != key.id);
                self.close_intent_after(error).await
            }
            Err(_) => error.with_advice(format!(
                "The new key {} could not be deleted again; the next run does it. The other keys of the user are as \
                 they were.",
                key.id
            )),
        }
    }

    /// No key of the intent exists. An intent that stays does no harm: there is nothing that it explains. It has to
    /// stay when a key of an earlier try or run may still turn up.
    async fn close_intent_after(&mut self, error: Error) -> Error {
        if self.intent_is_ours && !self.earlier_intent {
            let closed = self.tag(KeyTags::close_intent()).await;
            let step = Step::TagUser(KeyTags::close_intent());
            self.records.push(record(&step, &closed));
        }
        error.with_advice(
            "Nothing was lost: no new key is left, and the other keys of the user are as they were.",
        )
    }
}
