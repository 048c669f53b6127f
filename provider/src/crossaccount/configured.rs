//! The configured provider: from the provider block to sessions, audit and operations.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use aws_config::{BehaviorVersion, SdkConfig};
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use crossaccount_core::audit::{Audit, AuditSettings, Face, KeyPrefix, RunContext};
use crossaccount_core::clock::{Clock, SystemClock};
use crossaccount_core::ids::{AccountId, Partition, Region, RoleName, RunId, UserName};
use crossaccount_core::permissions::{
    read_session_policy, secrets_session_policy, write_session_policy,
};
use crossaccount_core::secret::Secret;
use crossaccount_core::secrets::{KeyCheck, SecretLocation, SecretStore, SecretsSettings};
use crossaccount_core::session::{
    AccountFilter, Base, Endpoints, ExternalId, SessionName, SessionPolicies, SessionSettings,
    SessionTags, Sessions, Target, http_client,
};
use crossaccount_core::user::{Owner, Users, UsersSettings};
use crossaccount_core::{Error, ErrorKind};

use super::config::{self, ProviderBlock};
use super::errors::{diagnostic, unchecked_key};
use crate::schema::{Diagnostic, Diagnostics, Field, ModelError};
use crate::value::{Object, Path};

/// What every resource needs.
#[derive(Debug)]
pub struct ProviderState {
    pub(super) users: Arc<Users>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) partition: Partition,
    pub(super) accounts: AccountFilter,
    pub(super) default_tags: BTreeMap<String, String>,
    planned_names: Mutex<HashMap<AccountId, HashSet<String>>>,
}

impl ProviderState {
    /// Notes that a user will get this name; false when another user of the same plan gets it already.
    ///
    /// Terraform plans a creation or rename once in the life of a process.
    pub(super) fn plan_name(&self, account_id: &AccountId, name: &UserName) -> bool {
        let mut names = self
            .planned_names
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        names
            .entry(account_id.clone())
            .or_default()
            .insert(name.case_folded())
    }

    /// How many names were noted in an account.
    pub(super) fn planned_users(&self, account_id: &AccountId) -> usize {
        let names = self
            .planned_names
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        names.get(account_id).map_or(0, HashSet::len)
    }
}

/// What a provider block leads to.
pub(super) enum Configuration {
    /// Ready for work.
    Complete(Box<ProviderState>),
    /// Some values are only known after apply; the text names them.
    Incomplete(String),
}

/// Makes the provider from its block. Calls STS once, to tell early that the hub credentials are no good, and S3 once,
/// to tell early that the audit bucket does not exist.
pub(super) async fn configure(
    block: Object,
    warnings: &mut Diagnostics,
) -> Result<Configuration, Diagnostics> {
    let unknown: Vec<&str> = block
        .iter()
        .filter(|(_, value)| !value.is_wholly_known())
        .map(|(name, _)| name)
        .collect();
    if !unknown.is_empty() {
        return Ok(Configuration::Incomplete(unknown.join(", ")));
    }
    let block = ProviderBlock::try_from(&block).map_err(ModelError::into_diagnostic)?;
    let http = http_client();
    let aws = load_aws(&block, &http).await;
    let region = region(&block, &aws)?;
    let run_id = RunId::random();
    let settings = session_settings(&block, region.clone(), run_id, &aws)?;
    let secrets = secrets_settings(&block);
    // Without a secret store no session has anything to do with parameters.
    let location = secrets
        .as_ref()
        .map_or(SecretLocation::Hub, |secrets| secrets.location);
    let policies = SessionPolicies::new(
        read_session_policy(location),
        write_session_policy(location),
        secrets_session_policy(),
    )
    .map_err(|error| diagnostic(&error))?;
    let credentials = aws.credentials_provider().ok_or_else(|| {
        Diagnostic::error(
            "Hub credentials cannot be used",
            "No AWS credentials are configured. Set a profile, or the usual AWS environment variables.",
        )
    })?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let accounts = settings.accounts.clone();
    let base = Base { credentials, http };
    let sessions = Arc::new(Sessions::new(settings, policies, base, Arc::clone(&clock)));
    let run = RunContext {
        run_id,
        face: Face::Terraform,
    };
    let audit_settings = audit_settings(&block);
    if audit_settings.is_none() {
        warnings.push(
            Diagnostic::warning(
                "Audit is off",
                "No audit bucket is configured: changes leave no audit record. Set audit = { bucket = \"…\" }.",
            )
            .at(Path::attribute("audit")),
        );
    }
    let audit = Audit::new(
        audit_settings,
        Arc::clone(&sessions),
        run,
        Arc::clone(&clock),
    );
    let owner = owner(&block)?;
    let store = secrets.map(|secrets| {
        Arc::new(SecretStore::new(
            Arc::clone(&sessions),
            secrets,
            owner.clone(),
        ))
    });
    check(&sessions, &audit, &region, &block).await?;
    if let Some(store) = &store {
        check_key(&sessions, store, warnings).await?;
    }
    let max_user_deletions = block
        .guardrails
        .known()
        .and_then(|guardrails| guardrails.max_user_deletions.known().copied())
        .and_then(|limit| u32::try_from(limit).ok());
    let users_settings = UsersSettings {
        owner,
        max_user_deletions,
    };
    let users = Users::new(
        sessions,
        Arc::new(audit),
        Arc::clone(&clock),
        users_settings,
        store,
    );
    Ok(Configuration::Complete(Box::new(ProviderState {
        users: Arc::new(users),
        clock,
        partition: region.partition(),
        accounts,
        default_tags: block.default_tags.into_known().unwrap_or_default(),
        planned_names: Mutex::default(),
    })))
}

/// Credentials, Region and endpoints by the usual AWS chain: environment, profile, SSO, container, instance.
async fn load_aws(block: &ProviderBlock, http: &SharedHttpClient) -> SdkConfig {
    let mut loader = aws_config::defaults(BehaviorVersion::latest()).http_client(http.clone());
    if let Some(profile) = block.profile.known() {
        loader = loader.profile_name(profile);
    }
    if let Some(region) = block.region.known() {
        loader = loader.region(aws_config::Region::new(region.to_string()));
    }
    loader.load().await
}

fn region(block: &ProviderBlock, aws: &SdkConfig) -> Result<Region, Diagnostics> {
    if let Some(region) = block.region.known() {
        return Ok(region.clone());
    }
    let problem = match aws.region() {
        Some(found) => match found.as_ref().parse() {
            Ok(region) => return Ok(region),
            Err(error) => {
                format!("The Region of the environment or profile cannot be used: {error}.")
            }
        },
        None => "No Region is configured. Set region here, AWS_REGION, or a Region in the profile."
            .to_owned(),
    };
    Err(Diagnostic::error("Invalid Region", problem)
        .at(Path::attribute("region"))
        .into())
}

fn owner(block: &ProviderBlock) -> Result<Owner, Diagnostics> {
    match block.deployment_id.known() {
        Some(owner) => Ok(owner.clone()),
        None => config::DEFAULT_DEPLOYMENT_ID
            .parse()
            .map_err(|error| Diagnostic::bug(error).into()),
    }
}

fn session_settings(
    block: &ProviderBlock,
    region: Region,
    run_id: RunId,
    aws: &SdkConfig,
) -> Result<SessionSettings, Diagnostics> {
    let role: RoleName = match block.role_name.known() {
        Some(role) => role.clone(),
        None => config::DEFAULT_ROLE_NAME.parse().map_err(Diagnostic::bug)?,
    };
    let session = block.session.known().cloned().unwrap_or_default();
    let name = session
        .name
        .into_known()
        .unwrap_or_else(|| SessionName::for_run(run_id));
    let mut settings = SessionSettings::new(region, role, name);
    let on = |place: &'static str| {
        move |error: Error| -> Diagnostics {
            let path = place
                .split('.')
                .fold(Path::root(), |path, step| path.with_attribute(step));
            diagnostic(&error).at(path).into()
        }
    };
    if let Some(text) = block.external_id.known() {
        let external_id = ExternalId::new(Secret::from(text.clone()));
        settings.external_id = Some(external_id.map_err(on("external_id"))?);
    }
    if let Some(seconds) = session.duration.known() {
        settings.duration = (*seconds).try_into().map_err(on("session.duration"))?;
    }
    if let Some(tags) = session.tags.known() {
        let tags = tags
            .iter()
            .map(|(key, value)| Ok((key.parse()?, value.parse()?)))
            .collect::<Result<_, crossaccount_core::ids::InvalidId>>()
            .map_err(|error| Error::new(ErrorKind::InvalidInput, error.to_string()))
            .and_then(SessionTags::new);
        settings.tags = tags.map_err(on("session.tags"))?;
    }
    settings.source_identity = session.source_identity.into_known();
    settings.accounts = AccountFilter::new(
        ids(&block.allowed_account_ids)?,
        ids(&block.forbidden_account_ids)?,
    )
    .map_err(on("forbidden_account_ids"))?;
    if let Some(places) = block.max_concurrency.known() {
        settings.max_concurrency = (*places).try_into().map_err(on("max_concurrency"))?;
    }
    settings.endpoints = endpoints(block, aws)?;
    Ok(settings)
}

fn ids(field: &Field<BTreeSet<String>>) -> Result<BTreeSet<AccountId>, Diagnostics> {
    field
        .known()
        .into_iter()
        .flatten()
        .map(|text| {
            text.parse()
                .map_err(|error| Diagnostic::error("Invalid value", format!("{error}")).into())
        })
        .collect()
}

/// Endpoints of the block, else those that the AWS environment and profile name.
fn endpoints(block: &ProviderBlock, aws: &SdkConfig) -> Result<Endpoints, Diagnostics> {
    let configured = block.endpoints.known().cloned().unwrap_or_default();
    let configured = Endpoints {
        iam: configured.iam.into_known(),
        sts: configured.sts.into_known(),
        s3: configured.s3.into_known(),
        ssm: configured.ssm.into_known(),
        kms: configured.kms.into_known(),
    };
    let environment = Endpoints::of(aws).map_err(|error| {
        Diagnostic::error(
            "Invalid endpoint",
            format!(
                "AWS_ENDPOINT_URL or the profile names an endpoint that cannot be used: {error}."
            ),
        )
        .at(Path::attribute("endpoints"))
    })?;
    Ok(configured.or(environment))
}

fn audit_settings(block: &ProviderBlock) -> Option<AuditSettings> {
    let audit = block.audit.known()?;
    Some(AuditSettings {
        bucket: audit.bucket.known()?.clone(),
        prefix: audit
            .prefix
            .known()
            .cloned()
            .unwrap_or_else(KeyPrefix::default),
        kms_key_id: audit.kms_key_id.known().cloned(),
    })
}

fn secrets_settings(block: &ProviderBlock) -> Option<SecretsSettings> {
    let secrets = block.secrets.known()?;
    Some(SecretsSettings {
        prefix: secrets.prefix.known().cloned().unwrap_or_default(),
        kms_key_id: secrets.kms_key_id.known()?.clone(),
        location: secrets.location.known().copied().unwrap_or_default(),
    })
}

/// Tells early, and on the provider block, that the KMS key of a store in the hub account is no good. A store in member
/// accounts has a key in each of them: a plan that makes a credential there looks at it.
async fn check_key(
    sessions: &Sessions,
    store: &SecretStore,
    warnings: &mut Diagnostics,
) -> Result<(), Diagnostics> {
    if store.settings().location == SecretLocation::Member {
        return Ok(());
    }
    let place = Path::attribute("secrets").with_attribute("kms_key_id");
    let hub = sessions.hub().await.map_err(|error| diagnostic(&error))?;
    let target = Target {
        account_id: hub.account_id.clone(),
        role_arn: None,
    };
    match store.check_key(&target).await {
        Ok(KeyCheck::Usable) => Ok(()),
        Ok(KeyCheck::Unknown(error)) => {
            warnings.push(unchecked_key(&error).at(place));
            Ok(())
        }
        Err(error) => Err(diagnostic(&error).at(place).into()),
    }
}

/// Tells early, and on the provider block, what every resource would run into.
async fn check(
    sessions: &Sessions,
    audit: &Audit,
    region: &Region,
    block: &ProviderBlock,
) -> Result<(), Diagnostics> {
    let hub = sessions.hub().await.map_err(|error| {
        let place = match error.kind() {
            ErrorKind::Unavailable if block.region.known().is_some() => "region",
            _ => "profile",
        };
        diagnostic(&error).at(Path::attribute(place))
    })?;
    if hub.partition != region.partition() {
        return Err(Diagnostic::error(
            "Region of another partition",
            format!(
                "The Region {region} is in the partition {}, and the hub credentials belong to {}.",
                region.partition(),
                hub.partition
            ),
        )
        .at(Path::attribute("region"))
        .into());
    }
    audit.check_bucket().await.map_err(|error| {
        diagnostic(&error)
            .at(Path::attribute("audit").with_attribute("bucket"))
            .into()
    })
}
