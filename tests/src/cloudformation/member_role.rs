//! Accounts whose member role is the one that we ship.

use std::path::Path;

use anyhow::Result;
use serde_json::Value;

use super::template::member_role;
use crate::cargo;
use crate::standin::WorldOptions;

/// A world with so many member accounts, whose member role is that of `examples/cloudformation/member-role.yaml` with these
/// parameters. It trusts those principals of the hub whose ARNs end in `trusted`, such as `user/*`.
///
/// # Errors
/// When the template does not take the parameters.
pub fn world_with_member_role(
    members: usize,
    trusted: &str,
    parameters: &[(&str, &str)],
) -> Result<WorldOptions> {
    // The template wants real ids, which a world gives out only later: they stand in until then.
    const MEMBER: &str = "222222222222";
    const HUB: &str = "111111111111";
    const EXTERNAL_ID: &str = "external-id-of-the-world";
    let template = Path::new("examples/cloudformation/member-role.yaml");
    let hub_principals = format!("arn:aws:iam::{HUB}:{trusted}");
    let mut all = vec![
        ("AWS::AccountId", MEMBER),
        ("HubAccountId", HUB),
        ("HubPrincipalArnPatterns", hub_principals.as_str()),
        ("ExternalId", EXTERNAL_ID),
    ];
    all.extend(parameters);
    let role = member_role(&cargo::workspace().join(template), &all)?;
    let generic = |document: &Value| -> Result<Value> {
        let text = document
            .to_string()
            .replace(MEMBER, "{member}")
            .replace(HUB, "{hub}")
            .replace(EXTERNAL_ID, "{external_id}");
        Ok(serde_json::from_str(&text)?)
    };
    Ok(WorldOptions {
        members,
        trust: Some(generic(&role.trust_policy)?),
        permissions: Some(
            role.policies
                .iter()
                .map(|(name, document)| Ok((name.clone(), generic(document)?)))
                .collect::<Result<_>>()?,
        ),
        role_name: role.role_name,
        role_path: role.path,
        max_session_duration: role.max_session_duration,
    })
}
