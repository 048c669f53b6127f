//! The provider block: its attributes and their typed form.

use std::collections::{BTreeMap, BTreeSet};

use crossaccount_core::audit::{BucketName, KeyPrefix, KmsKeyId};
use crossaccount_core::ids::{
    AccountId, Region, RoleName, TagKey, TagValue, check_external_id, keys_that_differ_by_case,
};
use crossaccount_core::secrets::{ParameterPrefix, SecretLocation};
use crossaccount_core::session::{Endpoint, SessionName, SourceIdentity};
use crossaccount_core::user::{Owner, is_reserved_tag};

use crate::framework::Documentation;
use crate::framework::docs::Example;
use crate::schema::validators::{
    each, integer_between, keys, length_between, one_of, parses, string,
};
use crate::schema::{Attribute, Diagnostic, Diagnostics, Field, Schema};
use crate::value::{Object, Path, Type, Value};
use crate::{model, text_fields};

text_fields!(
    Owner,
    Region,
    RoleName,
    SessionName,
    SourceIdentity,
    Endpoint
);
text_fields!(BucketName, KeyPrefix, KmsKeyId);
text_fields!(ParameterPrefix, SecretLocation);

/// The owner tag of deployments that do not name one.
pub(super) const DEFAULT_DEPLOYMENT_ID: &str = "crossaccount";
/// The member role unless the provider block names another.
pub(super) const DEFAULT_ROLE_NAME: &str = "CrossAccountUserAdmin";

model! {
    /// The provider block.
    pub(super) struct ProviderBlock {
        pub(super) deployment_id: Field<Owner>,
        pub(super) region: Field<Region>,
        pub(super) profile: Field<String>,
        pub(super) role_name: Field<RoleName>,
        pub(super) external_id: Field<String>,
        pub(super) session: Field<SessionBlock>,
        pub(super) allowed_account_ids: Field<BTreeSet<String>>,
        pub(super) forbidden_account_ids: Field<BTreeSet<String>>,
        pub(super) default_tags: Field<BTreeMap<String, String>>,
        pub(super) max_concurrency: Field<i64>,
        pub(super) audit: Field<AuditBlock>,
        pub(super) secrets: Field<SecretsBlock>,
        pub(super) guardrails: Field<GuardrailsBlock>,
        pub(super) endpoints: Field<EndpointsBlock>,
    }
}
model! {
    /// `session`: how sessions in member accounts are opened.
    #[derive(Default)]
    pub(super) struct SessionBlock {
        pub(super) name: Field<SessionName>,
        pub(super) duration: Field<i64>,
        pub(super) tags: Field<BTreeMap<String, String>>,
        pub(super) source_identity: Field<SourceIdentity>,
    }
}
model! {
    /// `audit`: where every operation is recorded.
    pub(super) struct AuditBlock {
        pub(super) bucket: Field<BucketName>,
        pub(super) prefix: Field<KeyPrefix>,
        pub(super) kms_key_id: Field<KmsKeyId>,
    }
}
model! {
    /// `secrets`: where passwords and secret keys are kept.
    pub(super) struct SecretsBlock {
        pub(super) prefix: Field<ParameterPrefix>,
        pub(super) kms_key_id: Field<KmsKeyId>,
        pub(super) location: Field<SecretLocation>,
    }
}
model! {
    /// `guardrails`: what one run may do at most.
    #[derive(Default)]
    pub(super) struct GuardrailsBlock {
        pub(super) max_user_deletions: Field<i64>,
    }
}
model! {
    /// `endpoints`: where the services are, instead of AWS.
    #[derive(Default)]
    pub(super) struct EndpointsBlock {
        pub(super) iam: Field<Endpoint>,
        pub(super) sts: Field<Endpoint>,
        pub(super) s3: Field<Endpoint>,
        pub(super) ssm: Field<Endpoint>,
        pub(super) kms: Field<Endpoint>,
    }
}

/// A tag map that people write: valid keys and values, and no reserved key.
pub(super) fn tags(name: &str) -> Attribute {
    Attribute::map(name, Type::String)
        .validate(keys(parses::<TagKey>()))
        .validate(keys(string(|key| {
            if is_reserved_tag(key) {
                return Err("the prefix crossaccount: is kept for the tags of crossaccount itself"
                    .to_owned());
            }
            Ok(())
        })))
        .validate(each(parses::<TagValue>()))
        .validate(|path: &Path, value: &Value, diagnostics: &mut Diagnostics| {
            let keys = value.as_map().into_iter().flat_map(BTreeMap::keys);
            if let Some((first, second)) = keys_that_differ_by_case(keys.map(String::as_str)) {
                diagnostics.error_at(
                    path.with_key(second),
                    "Invalid value",
                    format!("{path}: IAM takes the tag keys {first:?} and {second:?} for the same key"),
                );
            }
        })
}

fn account_ids(name: &str) -> Attribute {
    Attribute::set(name, Type::String)
        .optional()
        .validate(each(parses::<AccountId>()))
}

/// The attributes of the provider block.
#[expect(
    clippy::too_many_lines,
    reason = "a list of attributes with their texts, and no logic"
)]
pub(super) fn schema() -> Schema {
    Schema::new([
        Attribute::string("deployment_id").optional().validate(parses::<Owner>()).describe(
            "Owner of everything that this configuration makes, written into the tag `crossaccount:managed-by`. \
             Two configurations with different ids never touch each other's users. Give each state its own id. \
             Default: `crossaccount`.",
        ),
        Attribute::string("region").optional().validate(parses::<Region>()).describe(
            "Region of STS, S3 and the secret store. Default: `AWS_REGION`, `AWS_DEFAULT_REGION`, or that of the profile.",
        ),
        Attribute::string("profile").optional().validate(length_between(1, 256)).describe(
            "Profile of the shared AWS configuration whose credentials are the hub credentials. Default: the \
             usual AWS credential chain.",
        ),
        Attribute::string("role_name").optional().validate(parses::<RoleName>()).describe(
            "Name of the member role that is assumed in each account, with its path when it has one \
             (`ops/CrossAccountUserAdmin`). Default: `CrossAccountUserAdmin`.",
        ),
        Attribute::string("external_id")
            .optional()
            .sensitive()
            .validate(string(|text| check_external_id(text).map_err(str::to_owned)))
            .describe("External id that the trust policy of the member roles asks for."),
        Attribute::single_nested(
            "session",
            [
                Attribute::string("name").optional().validate(parses::<SessionName>()).describe(
                    "Role session name, visible in CloudTrail of the member accounts. Default: `crossaccount-` \
                     and the run id.",
                ),
                Attribute::integer("duration")
                    .optional()
                    .validate(integer_between(900..=43_200))
                    .describe(
                        "Seconds that session credentials live before they are renewed. AWS allows at most 3600 \
                         when the hub credentials are themselves those of a role. Default: `3600`.",
                    ),
                tags("tags").optional().describe(
                    "Session tags. The trust policy of the member roles must allow `sts:TagSession`.",
                ),
                Attribute::string("source_identity")
                    .optional()
                    .validate(parses::<SourceIdentity>())
                    .describe(
                        "Source identity of the sessions. The trust policy of the member roles must allow \
                         `sts:SetSourceIdentity`.",
                    ),
            ],
        )
        .optional()
        .describe("How sessions in member accounts are opened."),
        account_ids("allowed_account_ids").describe(
            "The only accounts that may be touched. Checked before any call, also of a refresh and of a deletion: leave an \
             account in the list until its users are gone. Not together with `forbidden_account_ids`.",
        ),
        account_ids("forbidden_account_ids").describe(
            "Accounts that are never touched. Checked before any call. Not together with `allowed_account_ids`.",
        ),
        tags("default_tags").optional().describe(
            "Tags of every user. A tag of the resource with the same key wins.",
        ),
        Attribute::integer("max_concurrency")
            .optional()
            .validate(integer_between(1..=100))
            .describe("How many IAM calls run at the same time in one account. Default: `8`."),
        Attribute::single_nested(
            "audit",
            [
                Attribute::string("bucket").required().validate(parses::<BucketName>()).describe(
                    "S3 bucket, in the hub account, that gets a record before and after each operation.",
                ),
                Attribute::string("prefix").optional().validate(parses::<KeyPrefix>()).describe(
                    "Prefix of the object keys. Default: `crossaccount`.",
                ),
                Attribute::string("kms_key_id").optional().validate(parses::<KmsKeyId>()).describe(
                    "KMS key that encrypts the records. Default: the encryption of the bucket.",
                ),
            ],
        )
        .optional()
        .describe(
            "Audit records. When the first record of an operation cannot be written, the operation is refused. \
             Without this attribute nothing is recorded.",
        ),
        Attribute::single_nested(
            "secrets",
            [
                Attribute::string("prefix").optional().validate(parses::<ParameterPrefix>()).describe(
                    "What the names of all parameters begin with. After it come the account id, the name of the user, and \
                     `access-key` or `console-password`. Default: `/crossaccount`.",
                ),
                Attribute::string("kms_key_id").required().validate(parses::<KmsKeyId>()).describe(
                    "KMS key that encrypts the secrets: its id, ARN or alias. A customer managed key is recommended, because \
                     its policy says who can read the secrets. `alias/aws/ssm`, the key that AWS manages, is accepted.",
                ),
                Attribute::string("location")
                    .optional()
                    .validate(one_of(&["hub", "member"]))
                    .describe(
                        "Account that holds the secrets: `hub`, or `member` for the account of each user. Parameter Store \
                         accepts about 3 new secrets a second in one account. Default: `hub`.",
                    ),
            ],
        )
        .optional()
        .describe(
            "SSM Parameter Store as the place for passwords and secret keys: one SecureString with a JSON value for each \
             credential. Without it no user gets a credential whose secret is made here. No secret is ever in a plan, \
             a state, a log or an audit record.",
        ),
        Attribute::single_nested(
            "guardrails",
            [Attribute::integer("max_user_deletions")
                .optional()
                .validate(integer_between(0..=1_000_000))
                .describe(
                    "How many users one run may delete or quarantine. One more is refused, in the plan already. \
                     Default: no limit.",
                )],
        )
        .optional()
        .describe("What one run may do at most."),
        Attribute::single_nested(
            "endpoints",
            ["iam", "sts", "s3", "ssm", "kms"].map(|service| {
                Attribute::string(service)
                    .optional()
                    .validate(parses::<Endpoint>())
                    .describe(format!("URL of {}.", service.to_uppercase()))
            }),
        )
        .optional()
        .describe(
            "Endpoints other than those of AWS. `AWS_ENDPOINT_URL` and its variants are honoured as well.",
        ),
    ])
    .describe(
        "Manages IAM users in any number of AWS accounts from one configuration and one process: the account is \
         an ordinary argument of the resource.",
    )
}

/// Rules about more than one attribute.
pub(super) fn validate(config: &Object) -> Diagnostics {
    let is_filled =
        |name: &str| matches!(config.get(name), Value::Set(ids) if ids.iter().next().is_some());
    let mut diagnostics = Diagnostics::new();
    if is_filled("allowed_account_ids") && is_filled("forbidden_account_ids") {
        diagnostics.push(
            Diagnostic::error(
                "Contradicting account lists",
                "allowed_account_ids and forbidden_account_ids are both set. Keep one of the two.",
            )
            .at(Path::attribute("forbidden_account_ids")),
        );
    }
    diagnostics
}

/// What the reference says about the provider besides its schema.
pub(super) fn documentation() -> Documentation {
    Documentation {
        examples: vec![Example {
            title: "Users in many accounts".to_owned(),
            configuration: include_str!("../../../examples/terraform/quickstart/main.tf").to_owned(),
        }],
        notes: "The hub credentials come from the usual AWS credential chain or from `profile`. They need \
                `sts:AssumeRole` on the member roles, `s3:PutObject` on the audit bucket, and access to the \
                parameters and the KMS key of the secret store when it is in the hub account. The member roles are made by the CloudFormation template `examples/cloudformation/member-role.yaml` or by \
                the functions `member_role_trust_policy` and `member_role_policy`."
            .to_owned(),
        ..Documentation::default()
    }
}

#[cfg(test)]
mod tests {
    use super::{ProviderBlock, schema, validate};
    use crate::schema::{check, model::differences};
    use crate::value::{Object, Value};

    #[test]
    fn the_block_and_its_schema_agree() {
        assert_eq!(
            differences::<ProviderBlock>(&schema()),
            Vec::<String>::new()
        );
        assert_eq!(check::problems(&schema()), Vec::<String>::new());
    }

    #[rstest::rstest]
    #[case("region", "us-esat-1", "Region")]
    #[case("role_name", "arn:aws:iam::222222222222:role/x", "role name")]
    #[case("deployment_id", " ", "deployment id")]
    #[case("external_id", "x", "2 to 1224")]
    fn a_wrong_setting_is_refused_on_its_attribute(
        #[case] name: &str,
        #[case] value: &str,
        #[case] reason: &str,
    ) {
        let diagnostics = schema().validate(&Object::new().with(name, value));
        let found: Vec<_> = diagnostics.iter().collect();
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!(found[0].attribute.as_ref().unwrap().to_string(), name);
        assert!(found[0].detail.contains(reason), "{}", found[0].detail);
    }

    #[test]
    fn a_bad_external_id_is_not_repeated() {
        let diagnostics = schema().validate(&Object::new().with("external_id", "top secret!"));
        assert!(
            diagnostics
                .iter()
                .all(|found| !found.detail.contains("top secret"))
        );
    }

    #[rstest::rstest]
    #[case("crossaccount:managed-by")]
    #[case("aws:x")]
    fn default_tags_may_not_be_reserved(#[case] key: &str) {
        let tags = Value::map([(key, Value::from("v"))]);
        assert!(
            schema()
                .validate(&Object::new().with("default_tags", tags))
                .has_errors()
        );
    }

    #[test]
    fn tag_keys_that_differ_by_case_are_refused() {
        let tags = Value::map([("Team", Value::from("a")), ("team", Value::from("b"))]);
        assert!(
            schema()
                .validate(&Object::new().with("default_tags", tags))
                .has_errors()
        );
    }

    #[rstest::rstest]
    #[case("prefix", "crossaccount", "secrets.prefix")]
    #[case("prefix", "/aws/users", "secrets.prefix")]
    #[case("kms_key_id", "not a key", "secrets.kms_key_id")]
    #[case("location", "Hub", "secrets.location")]
    fn a_wrong_secret_store_is_refused_on_its_attribute(
        #[case] name: &str,
        #[case] value: &str,
        #[case] place: &str,
    ) {
        let secrets = Object::new()
            .with("kms_key_id", "alias/aws/ssm")
            .with(name, value);
        let diagnostics = schema().validate(&Object::new().with("secrets", Value::Object(secrets)));
        let places: Vec<_> = diagnostics
            .iter()
            .map(|found| found.attribute.as_ref().unwrap().to_string())
            .collect();
        assert_eq!(places, [place]);
    }

    #[test]
    fn both_account_lists_at_once_are_refused() {
        let ids = || Value::set([Value::from("222222222222")]);
        let config = Object::new()
            .with("allowed_account_ids", ids())
            .with("forbidden_account_ids", ids());
        assert!(validate(&config).has_errors());
        let config = Object::new().with("allowed_account_ids", ids());
        assert!(!validate(&config).has_errors());
    }
}
