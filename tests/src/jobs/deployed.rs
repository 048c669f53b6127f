//! The two functions as they are deployed: their environment, their roles and their binaries.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, Result};
use serde_json::Value;

use super::scene::{SceneOptions, TableKey};
use crate::accounts::role_credentials;
use crate::cargo;
use crate::cloudformation::template;
use crate::lambda::{Function, FunctionOptions, job_binary};
use crate::standin::{Account, KMS_ALIAS, World};

const REGION: &str = "us-east-1";
pub(super) const TABLE: &str = "crossaccount-registry";

/// A function with its environment, its role and its binary.
pub(super) async fn function(
    world: &World,
    name: &str,
    options: &SceneOptions,
    secrets: &mut BTreeSet<String>,
) -> Result<Function> {
    let mut environment = variables(world, name, options);
    let role = format!("crossaccount-{name}");
    environment.extend(role_credentials(world, &role, permissions(world, name).await?).await?);
    for name in ["AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"] {
        secrets.extend(environment.get(name).cloned());
    }
    let known: BTreeSet<&str> = jobs_variables(name).collect();
    for (name, value) in &options.variables {
        if !known.contains(name.as_str()) {
            continue;
        }
        match value {
            Some(value) => environment.insert(name.clone(), value.clone()),
            None => environment.remove(name),
        };
    }
    let binary = {
        let name = name.to_owned();
        // Cargo may have to build it.
        tokio::task::spawn_blocking(move || job_binary(&name)).await??
    };
    let mut function = FunctionOptions::new(binary);
    function.name = role;
    world.hub().id().clone_into(&mut function.account_id);
    REGION.clone_into(&mut function.region);
    function.environment = environment;
    function.timeout = options.timeout;
    Function::new(function)
}

/// The names of the variables that a function reads.
fn jobs_variables(name: &str) -> impl Iterator<Item = &'static str> {
    let own = match name {
        "provision" => jobs::config::table::PROVISION,
        _ => jobs::config::table::RECONCILE,
    };
    let shared = crossaccount_lambda::settings::table::VARIABLES;
    shared.iter().chain(own).map(|variable| variable.name)
}

fn variables(world: &World, name: &str, options: &SceneOptions) -> BTreeMap<String, String> {
    let members: Vec<_> = world.members().iter().map(Account::id).collect();
    let role = world.role_arn("0");
    let role = role.split_once(":role/").map_or("", |(_, name)| name);
    let first = members.first().copied().unwrap_or_default();
    let mut ours = vec![
        ("DEPLOYMENT_ID", "test"),
        ("AUDIT_BUCKET", world.audit_bucket()),
        ("SECRETS_KMS_KEY_ID", KMS_ALIAS),
        ("ROLE_NAME", role),
        ("EXTERNAL_ID", world.external_id()),
        ("USER_PATH_PREFIX", "/people/"),
        ("PERMISSIONS_BOUNDARIES", "arn:aws:iam::*:policy/Boundary"),
        ("ALLOWED_POLICY_ARNS", "arn:aws:iam::aws:policy/*"),
        ("ALLOWED_GROUPS", "engineers,readers"),
        ("ALLOW_INLINE_POLICIES", "true"),
        ("ALLOW_ADOPTION", "true"),
    ];
    let members = members.join(",");
    ours.push(("ALLOWED_ACCOUNT_IDS", &members));
    if name == "provision" {
        ours.push((
            "DEFAULT_PROPERTIES",
            r#"{"ManagedPolicyArns": ["arn:${Partition}:iam::aws:policy/AmazonEC2FullAccess", "arn:${Partition}:iam::aws:policy/CloudWatchFullAccessV2"], "ConsoleAccess": {}, "PermissionsBoundary": "arn:${Partition}:iam::${AccountId}:policy/Boundary"}"#,
        ));
    } else {
        ours.push(("REGISTRY_TABLE", TABLE));
        ours.push(("LEASE_SECONDS", "2"));
        if options.key == TableKey::UserName {
            ours.push(("DEFAULT_ACCOUNT_ID", first));
        }
        ours.push((
            "DEFAULT_PROPERTIES",
            r#"{"AccessKey": {}, "PermissionsBoundary": "arn:${Partition}:iam::${AccountId}:policy/Boundary"}"#,
        ));
    }
    let ours = ours
        .into_iter()
        .map(|(name, value)| (format!("CROSSACCOUNT_{name}"), value.to_owned()));
    let mut variables: BTreeMap<_, _> = world.env().into_iter().collect();
    variables.extend(ours);
    variables
}

/// The policies of a function's role, exactly as `examples/cloudformation/registry.yaml` deploys them.
async fn permissions(world: &World, name: &str) -> Result<BTreeMap<String, Value>> {
    let hub = world.hub().id();
    let kms = world.hub().kms();
    let key = kms.describe_key().key_id(KMS_ALIAS).send().await?;
    let key = key.key_metadata.and_then(|key| key.arn);
    let key = key.context("the key of the hub has no ARN")?;
    let member_role = world.role_arn("0");
    let (path, role) = member_role
        .split_once(":role")
        .and_then(|(_, role)| role.rsplit_once('/'))
        .context("the member role has no name")?;
    let deployed = template(
        &cargo::workspace().join("examples/cloudformation/registry.yaml"),
        &[
            ("AWS::AccountId", hub),
            ("AWS::Region", REGION),
            ("AWS::StackName", "crossaccount-registry"),
            ("CodeBucket", "packages"),
            ("ReconcileCodeKey", "reconcile.zip"),
            ("ProvisionCodeKey", "provision.zip"),
            ("DeploymentId", "test"),
            ("AllowedAccountIds", "*"),
            ("UserPathPrefix", "/people/"),
            ("PermissionsBoundaries", "none"),
            ("ExternalId", world.external_id()),
            ("MemberRoleName", role),
            ("MemberRolePath", &format!("{path}/")),
            ("SecretsKeyArn", &key),
            ("AuditBucketName", world.audit_bucket()),
            ("AuditKeyArn", &key),
            ("TableName", TABLE),
        ],
        &[
            ("Key.Arn", &key),
            (
                "FailureQueue.Arn",
                &format!("arn:aws:sqs:{REGION}:{hub}:failures"),
            ),
        ],
    )?;
    let function = match name {
        "provision" => "Provision",
        _ => "Reconcile",
    };
    let resource = |name: String| &deployed.resources[&name]["Properties"];
    let role = &resource(format!("{function}Role"))["Policies"];
    let secrets = resource(format!("{function}SecretStorePolicy"));
    let mut policies = BTreeMap::new();
    for policy in role.as_array().into_iter().flatten().chain([secrets]) {
        let name = policy["PolicyName"].as_str().context("a nameless policy")?;
        policies.insert(name.to_owned(), policy["PolicyDocument"].clone());
    }
    Ok(policies)
}
