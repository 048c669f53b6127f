//! Endpoints other than those of AWS: VPC endpoints, FIPS hosts, stand-ins.

use std::str::FromStr;

use aws_types::SdkConfig;
use aws_types::service_config::ServiceConfigKey;

use crate::ids::{InvalidId, text_id};

/// The base URL of a service: `http` or `https`, a host, no user information, query or fragment.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Endpoint(String);
text_id!(Endpoint);

impl FromStr for Endpoint {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let invalid = |reason: &str| Err(InvalidId::new("endpoint", text, reason));
        let Some(rest) = text
            .strip_prefix("https://")
            .or_else(|| text.strip_prefix("http://"))
        else {
            return invalid("it must begin with https:// or http://");
        };
        let authority = rest.split('/').next().unwrap_or_default();
        if !text.chars().all(|character| character.is_ascii_graphic()) {
            return invalid("only printable ASCII without spaces is allowed");
        }
        if authority.contains('@') {
            return Err(InvalidId::new(
                "endpoint",
                "(not shown)",
                "it must not hold a user name or password",
            ));
        }
        if rest.contains(['?', '#']) {
            return invalid("it must not have a query or fragment");
        }
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) if !authority.ends_with(']') => (host, Some(port)),
            _ => (authority, None),
        };
        if host.is_empty() {
            return invalid("it names no host");
        }
        if port.is_some_and(|port| port.parse::<u16>().is_err()) {
            return invalid("its port is not a number up to 65535");
        }
        Ok(Self(text.trim_end_matches('/').to_owned()))
    }
}

/// The endpoints to use instead of those of AWS.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Endpoints {
    /// For IAM.
    pub iam: Option<Endpoint>,
    /// For STS.
    pub sts: Option<Endpoint>,
    /// For S3. Buckets then stand in the path and not in the host name.
    pub s3: Option<Endpoint>,
    /// For SSM, which holds the secrets.
    pub ssm: Option<Endpoint>,
    /// For KMS. Only the key of the secret store is looked at.
    pub kms: Option<Endpoint>,
}

impl Endpoints {
    /// The endpoints that an AWS configuration names: for each service `AWS_ENDPOINT_URL_<SERVICE>` or the service
    /// section of the profile, else `AWS_ENDPOINT_URL`. This is the order of the AWS SDKs.
    ///
    /// # Errors
    /// When one of them is no endpoint.
    pub fn of(aws: &SdkConfig) -> Result<Self, InvalidId> {
        Ok(Self {
            iam: endpoint_of(aws, "IAM")?,
            sts: endpoint_of(aws, "STS")?,
            s3: endpoint_of(aws, "S3")?,
            ssm: endpoint_of(aws, "SSM")?,
            kms: endpoint_of(aws, "KMS")?,
        })
    }

    /// These endpoints, and those of `other` where there is none.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self {
            iam: self.iam.or(other.iam),
            sts: self.sts.or(other.sts),
            s3: self.s3.or(other.s3),
            ssm: self.ssm.or(other.ssm),
            kms: self.kms.or(other.kms),
        }
    }
}

fn endpoint_of(aws: &SdkConfig, service: &str) -> Result<Option<Endpoint>, InvalidId> {
    let key = ServiceConfigKey::builder()
        .service_id(service)
        .env("AWS_ENDPOINT_URL")
        .profile("endpoint_url")
        .build();
    let of_service = key
        .ok()
        .and_then(|key| aws.service_config()?.load_config(key));
    of_service
        .or_else(|| aws.endpoint_url().map(str::to_owned))
        .map(|url| url.parse())
        .transpose()
}

#[cfg(test)]
mod tests {
    use super::Endpoint;

    #[rstest::rstest]
    #[case("https://vpce-1.sts.eu-central-1.vpce.amazonaws.com", true)]
    #[case("http://127.0.0.1:5000", true)]
    #[case("http://[::1]:5000/iam/", true)]
    #[case("http://[::1]", true)]
    #[case("127.0.0.1:5000", false)]
    #[case("ftp://host", false)]
    #[case("https://", false)]
    #[case("https://:443", false)]
    #[case("https://host:port", false)]
    #[case("https://host/?a=b", false)]
    #[case("https://ho st", false)]
    fn an_endpoint_is_a_plain_http_url(#[case] text: &str, #[case] valid: bool) {
        assert_eq!(text.parse::<Endpoint>().is_ok(), valid, "{text}");
    }

    #[test]
    fn a_password_in_an_endpoint_is_refused_and_not_repeated() {
        let error = "https://me:hunter2@host".parse::<Endpoint>().unwrap_err();
        assert!(!error.to_string().contains("hunter2"), "{error}");
    }
}
