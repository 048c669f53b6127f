//! From the environment to the settings.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;
use std::ops::RangeInclusive;
use std::str::FromStr;
use std::time::Duration;

use crossaccount_core::audit::AuditSettings;
use crossaccount_core::ids::{AccountId, Partition, Path, Region, RoleName, RunId};
use crossaccount_core::permissions::PolicyPattern;
use crossaccount_core::secret::Secret;
use crossaccount_core::secrets::{KmsKeyId, SecretsSettings};
use crossaccount_core::session::{AccountFilter, ExternalId, SessionName, SessionSettings};

use super::table::{self, PREFIX, VARIABLES, variable};
use super::{Config, ConfigProblem, ConfigProblems};
use crate::guardrails::{Guardrails, plain_path};
use crate::nearest::nearest;

/// Reads the settings from the environment of the function, given as a whole so that a variable with a mistyped name
/// is found: a rule that is set under a wrong name would be off in silence. A variable that is set to nothing counts as
/// not set. `run_id` stands in the names of sessions. Pure.
///
/// # Errors
/// Everything that is wrong, at once, with an example for each variable. The external id is never repeated.
pub fn read(
    environment: &BTreeMap<String, String>,
    run_id: RunId,
) -> Result<Config, ConfigProblems> {
    let mut reader = Reader {
        environment,
        problems: ConfigProblems::default(),
    };
    reader.unknown();
    let region: Option<Region> = reader.parse(table::REGION);
    let role: Option<RoleName> = reader.parse(table::ROLE_NAME);
    let accounts = reader.accounts();
    let external_id = reader.external_id();
    let duration = reader.number(table::SESSION_DURATION, 900..=3600);
    let audit = reader.audit();
    let secrets = reader.secrets();
    let partition = region.as_ref().map(Region::partition);
    let guardrails = reader.guardrails(partition, role.as_ref(), &accounts, secrets.is_some());
    let ledger_table = reader.ledger_table();
    let lease = reader.number(table::LEASE_SECONDS, 1..=900);
    let patience = reader.number(table::PATIENCE_SECONDS, 0..=120);
    let settings = (region, role, external_id, audit, guardrails, ledger_table);
    let (
        Some(region),
        Some(role),
        Some(external_id),
        Some(audit),
        Some(guardrails),
        Some(ledger_table),
    ) = settings
    else {
        return Err(reader.problems);
    };
    let mut sessions = SessionSettings::new(region, role, SessionName::for_run(run_id));
    sessions.external_id = Some(external_id);
    sessions.accounts = accounts;
    match i64::from(duration).try_into() {
        Ok(duration) => sessions.duration = duration,
        Err(error) => reader.problem(table::SESSION_DURATION, error),
    }
    if reader.problems.0.is_empty() {
        return Ok(Config {
            sessions,
            guardrails,
            audit,
            secrets,
            ledger_table,
            lease: Duration::from_secs(lease.into()),
            patience: Duration::from_secs(patience.into()),
        });
    }
    Err(reader.problems)
}

struct Reader<'a> {
    environment: &'a BTreeMap<String, String>,
    problems: ConfigProblems,
}

impl<'a> Reader<'a> {
    fn problem(&mut self, name: &str, message: impl Display) {
        let example = variable(name).map_or("", |variable| variable.example);
        self.problems.0.push(ConfigProblem {
            variable: name.to_owned(),
            message: format!("{message}; an example is {example}"),
        });
    }

    /// Names of ours that nobody reads.
    fn unknown(&mut self) {
        for name in self.environment.keys() {
            if !name.starts_with(PREFIX) || variable(name).is_some() {
                continue;
            }
            let known = VARIABLES.iter().map(|variable| variable.name);
            // What they have in common makes all of them alike.
            let known = known.filter_map(|name| name.strip_prefix(PREFIX));
            let hint = match nearest(name.trim_start_matches(PREFIX), known) {
                Some(known) => format!("; {PREFIX}{known} may be meant"),
                None => String::new(),
            };
            self.problems.0.push(ConfigProblem {
                variable: name.clone(),
                message: format!("there is no such variable{hint}"),
            });
        }
    }

    /// What a variable is set to.
    fn set(&self, name: &str) -> Option<&'a str> {
        let text = self.environment.get(name)?.trim();
        (!text.is_empty()).then_some(text)
    }

    /// What counts: what the variable is set to, or else its default. Nothing for a required one is a problem.
    fn text(&mut self, name: &str) -> Option<&'a str> {
        let row = variable(name)?;
        let text = self.set(name).unwrap_or(row.default);
        if !text.is_empty() {
            return Some(text);
        }
        if row.required {
            self.problem(name, "it must be set");
        }
        None
    }

    fn parse_text<T>(&mut self, name: &str, text: &str) -> Option<T>
    where
        T: FromStr,
        T::Err: Display,
    {
        match text.parse() {
            Ok(value) => Some(value),
            Err(error) => {
                self.problem(name, error);
                None
            }
        }
    }

    fn parse<T>(&mut self, name: &str) -> Option<T>
    where
        T: FromStr,
        T::Err: Display,
    {
        let text = self.text(name)?;
        self.parse_text(name, text)
    }

    /// The elements between commas.
    fn list<T>(&mut self, name: &str) -> Vec<T>
    where
        T: FromStr,
        T::Err: Display,
    {
        let Some(text) = self.text(name) else {
            return Vec::new();
        };
        let elements = text.split(',').map(str::trim);
        let elements: Vec<&str> = elements.filter(|element| !element.is_empty()).collect();
        if elements.is_empty() {
            self.problem(name, format!("{text:?} lists nothing"));
        }
        let elements = elements.into_iter();
        elements
            .filter_map(|element| self.parse_text(name, element))
            .collect()
    }

    fn flag(&mut self, name: &str) -> bool {
        match self.text(name) {
            Some("true") => true,
            Some("false") | None => false,
            Some(other) => {
                self.problem(name, format!("{other:?} is neither true nor false"));
                false
            }
        }
    }

    fn number(&mut self, name: &str, range: RangeInclusive<u32>) -> u32 {
        let text = self.text(name).unwrap_or_default();
        match text.parse() {
            Ok(number) if range.contains(&number) => number,
            _ => {
                let (least, most) = (range.start(), range.end());
                let message = format!("{text:?} is no whole number from {least} to {most}");
                self.problem(name, message);
                *least
            }
        }
    }

    fn accounts(&mut self) -> AccountFilter {
        let forbidden: BTreeSet<AccountId> = self
            .list(table::FORBIDDEN_ACCOUNT_IDS)
            .into_iter()
            .collect();
        match self.set(table::ALLOWED_ACCOUNT_IDS) {
            Some("*") if forbidden.is_empty() => AccountFilter::Any,
            Some("*") => AccountFilter::AllBut(forbidden),
            _ => {
                let before = self.problems.0.len();
                let listed = self.list(table::ALLOWED_ACCOUNT_IDS).into_iter();
                let allowed: BTreeSet<AccountId> = listed
                    .filter(|account| !forbidden.contains(account))
                    .collect();
                if allowed.is_empty() && self.problems.0.len() == before {
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
        let stack_accounts: Vec<AccountId> = self.list(table::ALLOWED_STACK_ACCOUNT_IDS);
        let policies = self.list(table::ALLOWED_POLICY_ARNS);
        let groups = self.list(table::ALLOWED_GROUPS);
        let mut roles: Vec<RoleName> = self.list(table::ALLOWED_ROLE_NAMES);
        if self.set(table::ALLOWED_ROLE_NAMES).is_none() {
            roles.extend(role.cloned());
        }
        let inline_policies = self.flag(table::ALLOW_INLINE_POLICIES);
        let adoption = self.flag(table::ALLOW_ADOPTION);
        let force_destroy = self.flag(table::ALLOW_FORCE_DESTROY);
        Some(Guardrails {
            partition: partition?,
            accounts: accounts.clone(),
            stack_accounts: stack_accounts.into_iter().collect(),
            path_prefix: path_prefix?,
            boundaries,
            policies,
            groups,
            inline_policies,
            roles,
            adoption,
            force_destroy,
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

    /// A name by the rule of `DynamoDB` (`CreateTable`), or an ARN would be a table elsewhere.
    fn ledger_table(&mut self) -> Option<String> {
        let text = self.text(table::LEDGER_TABLE)?;
        let allowed =
            |character: char| character.is_ascii_alphanumeric() || "_.-".contains(character);
        if (3..=255).contains(&text.len()) && text.chars().all(allowed) {
            return Some(text.to_owned());
        }
        let message = format!("{text:?} is no table name: 3 to 255 letters, digits and _.-");
        self.problem(table::LEDGER_TABLE, message);
        None
    }
}
