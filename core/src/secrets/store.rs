//! What is known of the parameters, and the way to them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use aws_sdk_kms::types::{KeySpec, KeyState, KeyUsageType};
use aws_sdk_ssm::types::{ParameterMetadata, ParameterStringFilter, ResourceTypeForTagging};
use futures_util::future::try_join;

use super::description::credential;
use super::own::OwnParameters;
use super::{
    KeyCheck, ParameterName, ParameterState, SecretKind, SecretLocation, SecretValue,
    SecretsSettings,
};
use crate::error::{Error, ErrorKind};
use crate::ids::{AccountId, UserName};
use crate::secret::Secret;
use crate::session::{Access, Flights, Session, Sessions, Target};
use crate::user::{MANAGED_BY_TAG, Owner};

/// The most that `DescribeParameters` gives in one answer.
const PAGE_SIZE: i32 = 50;

/// The secret store of a process.
///
/// Writing is safe to repeat: a call that was carried out although its answer was lost is recognised
/// by the owner of what is there.
#[derive(Debug)]
pub struct SecretStore {
    pub(super) sessions: Arc<Sessions>,
    settings: SecretsSettings,
    pub(super) owner: Owner,
    listings: Flights<Target, Arc<Listing>>,
    pub(super) own: Flights<Option<Target>, Arc<OwnParameters>>,
    keys: Flights<Option<Target>, Arc<KeyCheck>>,
    /// What this process has last seen or done, which is newer than any listing.
    seen: Mutex<HashMap<ParameterName, ParameterState>>,
}

/// The parameters of one member account's users, by name.
type Listing = HashMap<String, Listed>;

#[derive(Debug, Default)]
struct Listed {
    description: String,
    ours: bool,
}

impl SecretStore {
    /// Prepares everything without calling anybody.
    pub fn new(sessions: Arc<Sessions>, settings: SecretsSettings, owner: Owner) -> Self {
        Self {
            sessions,
            settings,
            owner,
            listings: Flights::new(),
            own: Flights::new(),
            keys: Flights::new(),
            seen: Mutex::new(HashMap::new()),
        }
    }

    /// The settings.
    pub fn settings(&self) -> &SecretsSettings {
        &self.settings
    }

    /// The name of the parameter for one credential of one user.
    pub fn parameter(
        &self,
        account_id: &AccountId,
        user_name: &UserName,
        kind: SecretKind,
    ) -> ParameterName {
        ParameterName::new(&self.settings.prefix, account_id, user_name, kind)
    }

    /// What a plan or a refresh has to know about a parameter: metadata only, through reading access.
    ///
    /// All parameters of an account are listed once in the life of a process, in one round trip for
    /// every 50. The listing may lag behind what other processes did a moment ago; what this process
    /// did is always in the answer. A parameter under another prefix is looked up by itself.
    ///
    /// Errors: those of opening a session, [`ErrorKind::AccessDenied`], and what AWS answers.
    pub async fn known(
        &self,
        target: &Target,
        name: &ParameterName,
    ) -> Result<ParameterState, Error> {
        if let Some(state) = self.seen(name) {
            return Ok(state);
        }
        let folder = self.folder(&target.account_id);
        if !name.as_str().starts_with(&format!("{folder}/")) {
            let session = self.session(target, Access::Read).await?;
            return self.look_through(&session, name).await;
        }
        let session = self.session(target, Access::Read).await?;
        let owner = self.owner.clone();
        let make = || async move { list(&session, &folder, &owner).await.map(Arc::new) };
        let listing = self.listings.get(target.clone(), |_| true, make).await?;
        let state = match listing.get(name.as_str()) {
            None => ParameterState::Absent,
            Some(listed) if listed.ours => ParameterState::Ours {
                credential: credential_in(name, Some(&listed.description)),
            },
            // Who else it is does not stand in a listing.
            Some(_) => ParameterState::Foreign { owner: None },
        };
        // An operation that began in between may know better.
        Ok(self.remember_if_new(name, state))
    }

    /// The parameter as it is now, for decisions that lead to a change: metadata only.
    ///
    /// Existence and owner are fresh. The credential comes from `DescribeParameters`, which may lag
    /// behind a change of the last seconds; [`SecretStore::put`] does not depend on it.
    pub async fn look(
        &self,
        target: &Target,
        name: &ParameterName,
    ) -> Result<ParameterState, Error> {
        let session = self.session(target, Access::Write).await?;
        self.look_through(&session, name).await
    }

    /// Whether the parameter exists and whose it is, fresh, for somebody who does not ask what it holds: one call.
    pub(crate) async fn owner_of(
        &self,
        target: &Target,
        name: &ParameterName,
    ) -> Result<ParameterState, Error> {
        let session = self.session(target, Access::Write).await?;
        self.ownership(&session, name).await
    }

    async fn look_through(
        &self,
        session: &Session,
        name: &ParameterName,
    ) -> Result<ParameterState, Error> {
        let by_name = [filter("Name", "Equals", name.as_str())?];
        let describe = async {
            let found = describe(session, &by_name).await?;
            let found = found
                .into_iter()
                .find(|found| found.name() == Some(name.as_str()));
            Ok(found.and_then(|found| found.description().map(str::to_owned)))
        };
        let (ownership, description) = try_join(self.ownership(session, name), describe).await?;
        let state = match ownership {
            ParameterState::Ours { .. } => ParameterState::Ours {
                credential: credential_in(name, description.as_deref()),
            },
            other => other,
        };
        self.remember(name, state.clone());
        Ok(state)
    }

    /// Whether the parameter exists and whose it is, by its tags and now. The credential is not known.
    pub(super) async fn ownership(
        &self,
        session: &Session,
        name: &ParameterName,
    ) -> Result<ParameterState, Error> {
        let answer = session
            .call_ssm("ssm:ListTagsForResource", |ssm| {
                ssm.list_tags_for_resource()
                    .resource_type(ResourceTypeForTagging::Parameter)
                    .resource_id(name.as_str())
                    .send()
            })
            .await;
        let answer = match answer {
            Ok(answer) => answer,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(ParameterState::Absent),
            Err(error) => return Err(self.explain(error, name, "look at")),
        };
        let owner = answer
            .tag_list()
            .iter()
            .find(|tag| tag.key() == MANAGED_BY_TAG)
            .map(|tag| tag.value().to_owned());
        Ok(match owner {
            Some(owner) if owner == self.owner.as_str() => {
                ParameterState::Ours { credential: None }
            }
            owner => ParameterState::Foreign { owner },
        })
    }

    /// Reads the secret: for whoever was asked to hand it out, and for nobody else. It goes through a
    /// session that can do nothing but this.
    ///
    /// Errors: [`ErrorKind::NotFound`] when there is no parameter, [`ErrorKind::AlreadyExists`] when
    /// it is not ours, [`ErrorKind::Rejected`] when it holds something else.
    pub async fn read(&self, target: &Target, name: &ParameterName) -> Result<SecretValue, Error> {
        let session = self.session(target, Access::Read).await?;
        match self.ownership(&session, name).await? {
            ParameterState::Ours { .. } => {}
            ParameterState::Absent => return Err(Self::missing(target, name)),
            ParameterState::Foreign { owner } => {
                return Err(self.foreign(target, name, owner.as_deref(), "read"));
            }
        }
        match self.value(target, name).await? {
            Some(value) => Ok(value),
            None => Err(Self::missing(target, name)),
        }
    }

    /// The value, whoever owns it. `None` when there is no parameter.
    pub(super) async fn value(
        &self,
        target: &Target,
        name: &ParameterName,
    ) -> Result<Option<SecretValue>, Error> {
        let session = self.session(target, Access::ReadSecrets).await?;
        let answer = session
            .call_ssm("ssm:GetParameter", |ssm| {
                ssm.get_parameter()
                    .name(name.as_str())
                    .with_decryption(true)
                    .send()
            })
            .await;
        let answer = match answer {
            Ok(answer) => answer,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(self.explain(error, name, "read")),
        };
        let text = answer.parameter.and_then(|parameter| parameter.value);
        let value = text
            .map(Secret::new)
            .and_then(|text| SecretValue::decode(kind_of(name)?, &text));
        value.map(Some).ok_or_else(|| {
            Error::new(
                ErrorKind::Rejected,
                format!("parameter {name} holds something else than a credential of ours"),
            )
            .in_account(&target.account_id)
            .with_advice("Somebody changed its value: rotate the credential to store a new one.")
        })
    }

    /// Whether the KMS key can encrypt: enabled, symmetric, meant for encryption. Asked once in the
    /// life of a process and account; nothing is changed.
    ///
    /// Errors: [`ErrorKind::Rejected`] when the key cannot be used. When KMS does not let us look,
    /// that is [`KeyCheck::Unknown`] and no error.
    pub async fn check_key(&self, target: &Target) -> Result<KeyCheck, Error> {
        let session = self.session(target, Access::Read).await?;
        let place = match self.settings.location {
            SecretLocation::Hub => None,
            SecretLocation::Member => Some(target.clone()),
        };
        let key = self.settings.kms_key_id.as_str().to_owned();
        let make = || async move { check_key(&session, &key).await.map(Arc::new) };
        let check = self.keys.get(place, |_| true, make).await?;
        Ok(KeyCheck::clone(&check))
    }

    /// The session with the account that holds the secrets of the target.
    pub(super) async fn session(
        &self,
        target: &Target,
        access: Access,
    ) -> Result<Arc<Session>, Error> {
        match self.settings.location {
            SecretLocation::Hub => self.sessions.open_hub(access).await,
            SecretLocation::Member => self.sessions.open(target, access).await,
        }
    }

    /// The folder of an account's parameters.
    fn folder(&self, account_id: &AccountId) -> String {
        format!("{}/{account_id}", self.settings.prefix)
    }

    pub(super) fn seen(&self, name: &ParameterName) -> Option<ParameterState> {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.get(name).cloned()
    }

    pub(super) fn remember(&self, name: &ParameterName, state: ParameterState) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.insert(name.clone(), state);
    }

    pub(super) fn forget(&self, name: &ParameterName) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.remove(name);
    }

    fn remember_if_new(&self, name: &ParameterName, state: ParameterState) -> ParameterState {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.entry(name.clone()).or_insert(state).clone()
    }
}

/// What a parameter of this name holds.
pub(super) fn kind_of(name: &ParameterName) -> Option<SecretKind> {
    name.subject().map(|(_, _, kind)| kind)
}

fn credential_in(name: &ParameterName, description: Option<&str>) -> Option<String> {
    credential(kind_of(name)?, description?)
}

pub(super) fn filter(key: &str, option: &str, value: &str) -> Result<ParameterStringFilter, Error> {
    ParameterStringFilter::builder()
        .key(key)
        .option(option)
        .values(value)
        .build()
        .map_err(|error| {
            Error::new(ErrorKind::Internal, "a filter could not be built").with_source(error)
        })
}

/// All parameters that the filters let through, page by page.
///
/// A page may hold fewer parameters than asked for, and none at all, before the last one
/// (`DescribeParameters` in the SSM API reference): only the token tells the end.
pub(super) async fn describe(
    session: &Session,
    filters: &[ParameterStringFilter],
) -> Result<Vec<ParameterMetadata>, Error> {
    let mut found = Vec::new();
    let mut token = None;
    loop {
        let answer = session
            .call_ssm("ssm:DescribeParameters", |ssm| {
                ssm.describe_parameters()
                    .set_parameter_filters(Some(filters.to_vec()))
                    .max_results(PAGE_SIZE)
                    .set_next_token(token)
                    .send()
            })
            .await
            .map_err(|error| error.while_doing("list the stored secrets"))?;
        found.extend(answer.parameters.unwrap_or_default());
        token = answer.next_token.filter(|token| !token.is_empty());
        if token.is_none() {
            return Ok(found);
        }
    }
}

/// Everything in a folder, and at the same moment what of it is ours: a listing shows no tags, but can
/// be limited to one.
async fn list(session: &Session, folder: &str, owner: &Owner) -> Result<Listing, Error> {
    let all = [filter("Path", "Recursive", folder)?];
    let tag = format!("tag:{MANAGED_BY_TAG}");
    let ours = [all[0].clone(), filter(&tag, "Equals", owner.as_str())?];
    let (all, ours) = try_join(describe(session, &all), describe(session, &ours)).await?;
    let mut listing = Listing::new();
    let both = all.into_iter().map(|one| (one, false));
    for (found, ours) in both.chain(ours.into_iter().map(|one| (one, true))) {
        let Some(name) = found.name else { continue };
        let listed = listing.entry(name).or_default();
        listed.description = found.description.unwrap_or_default();
        listed.ours = ours;
    }
    Ok(listing)
}

async fn check_key(session: &Session, key: &str) -> Result<KeyCheck, Error> {
    let answer = session
        .call_kms("kms:DescribeKey", |kms| {
            kms.describe_key().key_id(key).send()
        })
        .await;
    let unusable = |why: String| {
        Error::new(
            ErrorKind::Rejected,
            format!("KMS key {key} cannot encrypt secrets: {why}"),
        )
        .in_account(session.account_id())
        .with_advice(
            "Give an enabled symmetric encryption key in secrets.kms_key_id, in the Region of the \
             configuration and in the account that holds the secrets, or by its ARN.",
        )
    };
    let metadata = match answer {
        Ok(answer) => answer.key_metadata,
        Err(error) => {
            return match error.kind() {
                ErrorKind::AccessDenied => Ok(KeyCheck::Unknown(
                    error.while_doing(format!("look at KMS key {key}")),
                )),
                ErrorKind::NotFound | ErrorKind::Rejected => {
                    let why = match error.kind() {
                        ErrorKind::NotFound => "there is no such key",
                        _ => "KMS refuses to describe it",
                    };
                    let aws = error.aws().cloned().unwrap_or_default();
                    Err(unusable(why.to_owned()).with_aws(aws))
                }
                _ => Err(error.while_doing(format!("look at KMS key {key}"))),
            };
        }
    };
    let Some(metadata) = metadata else {
        return Err(unusable("KMS says nothing about it".to_owned()));
    };
    match metadata.key_state() {
        Some(KeyState::Enabled | KeyState::Updating) => {}
        state => {
            let state = state.map_or("unknown", KeyState::as_str);
            return Err(unusable(format!("its state is {state}")));
        }
    }
    match metadata.key_usage() {
        Some(KeyUsageType::EncryptDecrypt) => {}
        usage => {
            let usage = usage.map_or("unknown", KeyUsageType::as_str);
            return Err(unusable(format!("it is made for {usage}")));
        }
    }
    match metadata.key_spec() {
        Some(KeySpec::SymmetricDefault) => Ok(KeyCheck::Usable),
        spec => {
            let spec = spec.map_or("unknown", KeySpec::as_str);
            Err(unusable(format!("it is not symmetric but {spec}")))
        }
    }
}
