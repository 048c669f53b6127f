//! The settings of all functions.

use std::collections::BTreeSet;

use crossaccount_core::audit::AuditSettings;
use crossaccount_core::ids::{AccountId, Partition, Path, Region, RoleName, RunId};
use crossaccount_core::permissions::PolicyPattern;
use crossaccount_core::secret::Secret;
use crossaccount_core::secrets::{KmsKeyId, SecretsSettings};
use crossaccount_core::session::{AccountFilter, ExternalId, SessionName, SessionSettings};

use super::{Reader, table};
use crate::guardrails::{Guardrails, plain_path};

/// What every function is told.
#[derive(Debug, Clone)]
pub struct Settings {
    /// How sessions with member accounts are opened; the endpoints are left at their default.
    pub sessions: SessionSettings,
    /// What whoever writes about a user may ask for.
    pub guardrails: Guardrails,
    /// Where operations are recorded.
    pub audit: AuditSettings,
    /// Where secrets are kept; without it no credentials are made.
    pub secrets: Option<SecretsSettings>,
}

impl Settings {
    /// Reads the variables of [`table::VARIABLES`]. `run_id` stands in the names of sessions. The external id is never
    /// repeated in a problem. Pure.
    pub fn read(reader: &mut Reader<'_>, run_id: RunId) -> Option<Self> {
        let region: Option<Region> = reader.parse(table::REGION);
        let role: Option<RoleName> = reader.parse(table::ROLE_NAME);
        let accounts = reader.accounts();
        let external_id = reader.external_id();
        let duration = reader.number(table::SESSION_DURATION, 900..=3600);
        let audit = reader.audit();
        let secrets = reader.secrets();
        let partition = region.as_ref().map(Region::partition);
        let guardrails = reader.guardrails(partition, role.as_ref(), &accounts, secrets.is_some());
        let mut sessions = SessionSettings::new(region?, role?, SessionName::for_run(run_id));
        sessions.external_id = Some(external_id?);
        sessions.accounts = accounts;
        match i64::from(duration).try_into() {
            Ok(duration) => sessions.duration = duration,
            Err(error) => reader.problem(table::SESSION_DURATION, error),
        }
        Some(Self {
            sessions,
            guardrails: guardrails?,
            audit: audit?,
            secrets,
        })
    }
}

impl Reader<'_> {
    fn accounts(&mut self) -> AccountFilter {
        let forbidden: BTreeSet<AccountId> = self
            .list(table::FORBIDDEN_ACCOUNT_IDS)
            .into_iter()
            .collect();
        match self.set(table::ALLOWED_ACCOUNT_IDS) {
            Some("*") if forbidden.is_empty() => AccountFilter::Any,
            Some("*") => AccountFilter::AllBut(forbidden),
            _ => {
                let before = self.count();
                let listed = self.list(table::ALLOWED_ACCOUNT_IDS).into_iter();
                let allowed: BTreeSet<AccountId> = listed
                    .filter(|account| !forbidden.contains(account))
                    .collect();
                if allowed.is_empty() && self.count() == before {
                    self.problem(
                        table::ALLOWED_ACCOUNT_IDS,
                        "no account is left that may be touched",
                    );
                }
                AccountFilter::Only(allowed)
            }
        }
    }

    fn external_id(&mut self) -> Option<ExternalId> {
        let text = self.text(table::EXTERNAL_ID)?;
        match ExternalId::new(Secret::new(text.to_owned())) {
            Ok(external_id) => Some(external_id),
            Err(error) => {
                self.problem(table::EXTERNAL_ID, error);
                None
            }
        }
    }

    fn audit(&mut self) -> Option<AuditSettings> {
        let bucket = self.parse(table::AUDIT_BUCKET);
        let prefix = self.parse(table::AUDIT_PREFIX);
        let kms_key_id = self.parse(table::AUDIT_KMS_KEY_ID);
        Some(AuditSettings {
            bucket: bucket?,
            prefix: prefix?,
            kms_key_id,
        })
    }

    fn secrets(&mut self) -> Option<SecretsSettings> {
        let key: Option<KmsKeyId> = self.parse(table::SECRETS_KMS_KEY_ID);
        let prefix = self.parse(table::SECRETS_PREFIX);
        let location = self.parse(table::SECRETS_LOCATION);
        if self.set(table::SECRETS_KMS_KEY_ID).is_none() {
            for name in [table::SECRETS_PREFIX, table::SECRETS_LOCATION] {
                if self.set(name).is_some() {
                    let key = table::SECRETS_KMS_KEY_ID;
                    let message = format!(
                        "secrets are off without {key}: set it too, or remove this variable"
                    );
                    self.problem(name, message);
                }
            }
        }
        Some(SecretsSettings {
            kms_key_id: key?,
            prefix: prefix?,
            location: location?,
        })
    }

    fn guardrails(
        &mut self,
        partition: Option<Partition>,
        role: Option<&RoleName>,
        accounts: &AccountFilter,
        secrets: bool,
    ) -> Option<Guardrails> {
        let path_prefix: Option<Path> = self.parse(table::USER_PATH_PREFIX);
        if let Some(Err(reason)) = path_prefix.as_ref().map(plain_path) {
            self.problem(table::USER_PATH_PREFIX, reason);
        }
        let boundaries = self.boundaries();
        let policies = self.list(table::ALLOWED_POLICY_ARNS);
        let groups = self.list(table::ALLOWED_GROUPS);
        let mut roles: Vec<RoleName> = self.list(table::ALLOWED_ROLE_NAMES);
        if self.set(table::ALLOWED_ROLE_NAMES).is_none() {
            roles.extend(role.cloned());
        }
        let inline_policies = self.flag(table::ALLOW_INLINE_POLICIES);
        let adoption = self.flag(table::ALLOW_ADOPTION);
        Some(Guardrails {
            partition: partition?,
            accounts: accounts.clone(),
            path_prefix: path_prefix?,
            boundaries,
            policies,
            groups,
            inline_policies,
            roles,
            adoption,
            force_destroy: false,
            secrets,
        })
    }

    /// The patterns of which a boundary must fit one; nothing when boundaries are optional.
    fn boundaries(&mut self) -> Option<Vec<PolicyPattern>> {
        if self.set(table::PERMISSIONS_BOUNDARIES) == Some("none") {
            return None;
        }
        Some(self.list(table::PERMISSIONS_BOUNDARIES))
    }
}
