//! `member_role_trust_policy`: who may assume the member role.

use crossaccount_core::ids::{InvalidId, Partition};
use crossaccount_core::permissions::{
    ExternalId, MemberRoleTrust, SessionProperty, member_role_trust_policy,
};

use super::options::{Known, Options, reference, wrong};
use super::{check_partition, core_error, document_text};
use crate::framework::{Function, FunctionError, Parameter, Signature};
use crate::value::{Type, Value};

const OPTIONS: &[Known] = &[
    Known {
        name: "hub_account_id",
        kind: "String, Required",
        description: "The account whose credentials crossaccount starts from.",
    },
    Known {
        name: "external_id",
        kind: "String, Required",
        description: "The `external_id` of the provider block.",
    },
    Known {
        name: "principal_arns",
        kind: "List of String",
        description: "ARNs of the roles or users of the hub account that may assume the role; `*` and `?` may stand in \
                      path and name. For a role name the role, not its session. Without it: everyone in the hub account \
                      whom the hub's own policies permit it.",
    },
    Known {
        name: "organization_id",
        kind: "String",
        description: "The AWS organisation that the hub account must belong to, such as `o-a1b2c3d4e5`.",
    },
    Known {
        name: "allow_session_tags",
        kind: "Boolean",
        description: "Whether the hub may give tags to its sessions (`session.tags` of the provider block). Default: \
                      `false`.",
    },
    Known {
        name: "allow_source_identity",
        kind: "Boolean",
        description: "Whether the hub may give a source identity to its sessions (`session.source_identity` of the \
                      provider block). Default: `false`.",
    },
    Known {
        name: "partition",
        kind: "String",
        description: "The partition of hub and member account. Default: `aws`.",
    },
];

/// `member_role_trust_policy(options)`.
pub(super) struct MemberRoleTrustPolicy;

impl Function for MemberRoleTrustPolicy {
    fn name(&self) -> &'static str {
        "member_role_trust_policy"
    }

    fn signature(&self) -> Signature {
        Signature {
            parameters: vec![Parameter::new(
                "options",
                Type::Dynamic,
                "An object with the options above.",
            )],
            variadic: None,
            returns: Type::String,
            summary: "The trust policy of a member role as JSON.".to_owned(),
            description: format!(
                "Gives the trust policy that lets the hub account assume a member role, and nobody else. The principal is \
                 the hub account, narrowed by `principal_arns`: a role of the hub may be deleted and made again without \
                 losing the trust.\n\nThe argument is an object. An option that does not exist is an error; `null` counts as \
                 left out.\n\n{}",
                reference(OPTIONS)
            ),
            example: include_str!(
                "../../../../examples/terraform/functions/member_role_trust_policy/main.tf"
            )
            .to_owned(),
        }
    }

    fn call(&self, arguments: &[Value]) -> Result<Value, FunctionError> {
        let options = Options::read(arguments.first(), OPTIONS)?;
        let trust = trust(&options)?;
        for principal in &trust.principals {
            check_partition("principal_arns", principal.as_str(), trust.partition)?;
        }
        member_role_trust_policy(&trust)
            .map(document_text)
            .map_err(|error| core_error(&error))
    }
}

fn trust(options: &Options<'_>) -> Result<MemberRoleTrust, FunctionError> {
    const EXTERNAL_ID: &str = "external_id";
    // The provider block treats the external id as a secret, so an error does not repeat it.
    let external_id: ExternalId = options
        .required_text(EXTERNAL_ID)?
        .parse()
        .map_err(|error: InvalidId| wrong(EXTERNAL_ID, error.reason()))?;
    let principals = options.list(
        "principal_arns",
        "to trust everyone in the hub account whom the hub's own policies permit to assume the role",
    )?;
    let mut session_properties = Vec::new();
    for (name, property) in [
        ("allow_session_tags", SessionProperty::Tags),
        ("allow_source_identity", SessionProperty::SourceIdentity),
    ] {
        if options.flag(name)? {
            session_properties.push(property);
        }
    }
    Ok(MemberRoleTrust {
        partition: options.optional("partition")?.unwrap_or(Partition::Aws),
        hub_account_id: options.required("hub_account_id")?,
        principals: principals.unwrap_or_default(),
        external_id,
        organization_id: options.optional("organization_id")?,
        session_properties,
    })
}

#[cfg(test)]
mod tests {
    use super::{MemberRoleTrustPolicy, OPTIONS};
    use crate::framework::Function;
    use crate::value::{Object, Value};

    fn least() -> Object {
        Object::new()
            .with("hub_account_id", "111111111111")
            .with("external_id", "agreed-name")
    }

    fn everything() -> Object {
        least()
            .with("partition", "aws-us-gov")
            .with("organization_id", "o-a1b2c3d4e5")
            .with("allow_session_tags", true)
            .with("allow_source_identity", true)
            .with(
                "principal_arns",
                Value::list([
                    "arn:aws-us-gov:iam::111111111111:role/ci/*".into(),
                    "arn:aws-us-gov:iam::111111111111:user/breakglass".into(),
                ]),
            )
    }

    #[track_caller]
    fn refused(options: Object) -> String {
        let error = MemberRoleTrustPolicy.call(&[options.into()]).unwrap_err();
        assert_eq!(error.argument, Some(0));
        error.text
    }

    #[test]
    fn the_hub_account_and_the_external_id_are_enough() {
        let expected = concat!(
            r#"{"Statement":[{"Action":["sts:AssumeRole"],"#,
            r#""Condition":{"StringEquals":{"sts:ExternalId":"agreed-name"}},"Effect":"Allow","#,
            r#""Principal":{"AWS":"arn:aws:iam::111111111111:root"},"Sid":"HubAssumesMemberRole"}],"#,
            r#""Version":"2012-10-17"}"#,
        );
        assert_eq!(
            MemberRoleTrustPolicy.call(&[least().into()]),
            Ok(expected.into())
        );
    }

    #[test]
    fn every_option_has_its_place_in_the_policy() {
        let given: Vec<_> = everything()
            .iter()
            .map(|(name, _)| name.to_owned())
            .collect();
        let mut known: Vec<_> = OPTIONS.iter().map(|known| known.name).collect();
        known.sort_unstable();
        assert_eq!(given, known);
        let expected = concat!(
            r#"{"Statement":[{"Action":["sts:AssumeRole"],"Condition":{"ArnLike":{"aws:PrincipalArn":["#,
            r#""arn:aws-us-gov:iam::111111111111:role/ci/*","arn:aws-us-gov:iam::111111111111:user/breakglass"]},"#,
            r#""StringEquals":{"aws:PrincipalOrgID":"o-a1b2c3d4e5","sts:ExternalId":"agreed-name"}},"#,
            r#""Effect":"Allow","Principal":{"AWS":"arn:aws-us-gov:iam::111111111111:root"},"#,
            r#""Sid":"HubAssumesMemberRole"},{"Action":["sts:TagSession","sts:SetSourceIdentity"],"#,
            r#""Condition":{"ArnLike":{"aws:PrincipalArn":["arn:aws-us-gov:iam::111111111111:role/ci/*","#,
            r#""arn:aws-us-gov:iam::111111111111:user/breakglass"]},"#,
            r#""StringEquals":{"aws:PrincipalOrgID":"o-a1b2c3d4e5"}},"Effect":"Allow","#,
            r#""Principal":{"AWS":"arn:aws-us-gov:iam::111111111111:root"},"Sid":"HubDescribesItsSessions"}],"#,
            r#""Version":"2012-10-17"}"#,
        );
        assert_eq!(
            MemberRoleTrustPolicy.call(&[everything().into()]),
            Ok(expected.into())
        );
    }

    #[rstest::rstest]
    #[case("hub_account_id")]
    #[case("external_id")]
    fn a_required_option_must_be_there(#[case] name: &str) {
        assert_eq!(
            refused(least().with(name, Value::Null)),
            format!("{name}: it is required")
        );
    }

    #[test]
    fn an_external_id_that_is_not_valid_is_not_repeated() {
        let text = refused(least().with("external_id", "top secret!"));
        assert_eq!(text, "external_id: use letters, digits and _+=,.@:/-");
    }

    #[test]
    fn no_principals_by_accident_does_not_mean_everyone() {
        let text = refused(least().with("principal_arns", Value::list([])));
        assert!(
            text.starts_with("principal_arns: it is empty; leave it out to trust everyone"),
            "{text}"
        );
    }

    #[rstest::rstest]
    #[case::partition(
        "arn:aws-cn:iam::111111111111:role/ci",
        "principal_arns: arn:aws-cn:iam::111111111111:role/ci is in the partition aws-cn, and the role in aws"
    )]
    #[case::account(
        "arn:aws:iam::222222222222:role/ci",
        "arn:aws:iam::222222222222:role/ci is not in the hub account 111111111111"
    )]
    #[case::session("arn:aws:sts::111111111111:assumed-role/ci/run", "principal_arns[0]: ")]
    fn principals_that_could_never_assume_the_role_are_refused(
        #[case] principal: &str,
        #[case] reason: &str,
    ) {
        let text = refused(least().with("principal_arns", Value::list([principal.into()])));
        assert!(text.contains(reason), "{text}");
    }

    #[test]
    fn a_misspelt_limit_is_an_error_and_not_ignored() {
        let text = refused(least().with("organisation_id", "o-a1b2c3d4e5"));
        assert!(text.contains("did you mean organization_id?"), "{text}");
    }
}
