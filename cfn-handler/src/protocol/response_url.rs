//! Where CloudFormation waits for the answer.

use std::fmt;

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use reqwest::Url;

/// For how long CloudFormation signs its URLs, in seconds (seen in `X-Amz-Expires`).
const LIFETIME: i64 = 7200;

/// The presigned URL to which the answer goes.
///
/// Whoever holds it can answer in our place, so it is never shown: `Debug` has the host only, and there is no
/// `Display`. It is sent as it came; a signature does not survive a second encoding.
#[derive(Clone, PartialEq, Eq)]
pub struct ResponseUrl(Url);

/// Why a text is no URL for an answer. Says nothing of the text itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidResponseUrl {
    /// It is no URL, or has no host.
    #[error("it is not a URL")]
    NotAUrl,
    /// It is neither `https`, nor `http` to this very machine.
    #[error("it is not an https URL")]
    NotHttps,
}

impl ResponseUrl {
    /// Reads a URL. `https` to anywhere; `http` to this machine only, which is how tests listen.
    pub fn read(text: &str) -> Result<Self, InvalidResponseUrl> {
        let url = Url::parse(text).map_err(|_| InvalidResponseUrl::NotAUrl)?;
        if !url.has_host() {
            return Err(InvalidResponseUrl::NotAUrl);
        }
        match url.scheme() {
            "https" => Ok(Self(url)),
            "http" if is_loopback(&url) => Ok(Self(url)),
            _ => Err(InvalidResponseUrl::NotHttps),
        }
    }

    /// The host, which is all that a log may show.
    pub fn host(&self) -> &str {
        self.0.host_str().unwrap_or_default()
    }

    /// When CloudFormation signed the URL, in seconds since 1970, as far as the URL tells.
    ///
    /// `X-Amz-Date` says it (Signature Version 4). The older signature has only `Expires`, from which the usual
    /// lifetime is taken away. Times serve to bring requests in order, and every `Expires` is off by the same amount if
    /// CloudFormation should have chosen another lifetime; so the order among them holds all the same.
    pub(super) fn signed_at(&self) -> Option<i64> {
        let parameter = |name: &str| {
            let (_, value) = self.0.query_pairs().find(|(key, _)| key == name)?;
            Some(value)
        };
        if let Some(date) = parameter("X-Amz-Date") {
            let time = DateTime::strptime("%Y%m%dT%H%M%SZ", date.as_bytes()).ok()?;
            return Some(TimeZone::UTC.to_timestamp(time).ok()?.as_second());
        }
        let expires: i64 = parameter("Expires")?.parse().ok()?;
        expires.checked_sub(LIFETIME)
    }

    pub(super) fn for_request(&self) -> Url {
        self.0.clone()
    }
}

impl fmt::Debug for ResponseUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "ResponseUrl({})", self.host())
    }
}

fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let address = host.trim_start_matches('[').trim_end_matches(']').parse();
    host == "localhost" || address.is_ok_and(|address: std::net::IpAddr| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{InvalidResponseUrl, ResponseUrl};

    /// As CloudFormation makes them, with invented credentials.
    const SIGNED: &str = "https://cloudformation-custom-resource-response-eucentral1.s3.eu-central-1.amazonaws.com/\
        arn%3Aaws%3Acloudformation%3Aeu-central-1%3A111111111111%3Astack/people/7d6c2c90-0a1b-11f0-8000-0a1b2c3d4e5f\
        %7CAlice%7C0b1c2d3e-1111-2222-3333-444455556666?X-Amz-Algorithm=AWS4-HMAC-SHA256\
        &X-Amz-Date=20261121T080000Z&X-Amz-SignedHeaders=host&X-Amz-Expires=7200\
        &X-Amz-Credential=AKIAEXAMPLE%2F20261121%2Feu-central-1%2Fs3%2Faws4_request&X-Amz-Signature=0a1b2c3d";
    const OLDER: &str = "https://cloudformation-custom-resource-response-useast1.s3.amazonaws.com/\
        arn%3Aaws%3Acloudformation%3Aus-east-1%3A111111111111%3Astack/people/7d6c2c90%7CAlice%7C0b1c2d3e\
        ?AWSAccessKeyId=AKIAEXAMPLE&Expires=1795248000&Signature=a%2Bb%2Fc%3D";

    #[rstest::rstest]
    #[case(SIGNED)]
    #[case(OLDER)]
    #[case("https://bucket.s3.amazonaws.com/a%7cb+c~d!e*f(g)'h?x=%27+%20&y=a:b/c@d")]
    fn a_url_is_sent_as_it_came(#[case] text: &str) {
        let url = ResponseUrl::read(text).unwrap();
        // This is what reqwest makes the request line and the Host header from.
        assert_eq!(url.for_request().as_str(), text);
    }

    proptest! {
        #[test]
        fn whatever_is_percent_encoded_stays_so(key in "[A-Za-z0-9][A-Za-z0-9_~/.:|@!$&'()*+,;=-]{0,80}") {
            let encoded: String = key
                .bytes()
                .map(|byte| match byte {
                    b'/' => "/".to_owned(),
                    byte if byte.is_ascii_alphanumeric() => char::from(byte).to_string(),
                    byte => format!("%{byte:02X}"),
                })
                .collect();
            // "." and ".." are path segments of their own meaning, and no stack ARN has them.
            prop_assume!(!key.split('/').any(|segment| segment == "." || segment == ".."));
            let text = format!("https://bucket.s3.amazonaws.com/{encoded}?X-Amz-Signature={encoded}");
            prop_assert_eq!(ResponseUrl::read(&text).unwrap().for_request().as_str().to_owned(), text);
        }
    }

    #[rstest::rstest]
    #[case("", InvalidResponseUrl::NotAUrl)]
    #[case("not a url", InvalidResponseUrl::NotAUrl)]
    #[case("data:,x", InvalidResponseUrl::NotAUrl)]
    #[case("https://", InvalidResponseUrl::NotAUrl)]
    #[case(
        "http://bucket.s3.amazonaws.com/key?X-Amz-Signature=s",
        InvalidResponseUrl::NotHttps
    )]
    #[case("http://localhost.example.com/", InvalidResponseUrl::NotHttps)]
    #[case("http://128.0.0.1/", InvalidResponseUrl::NotHttps)]
    #[case("ftp://127.0.0.1/", InvalidResponseUrl::NotHttps)]
    fn other_urls_are_refused(#[case] text: &str, #[case] problem: InvalidResponseUrl) {
        assert_eq!(ResponseUrl::read(text), Err(problem));
    }

    #[rstest::rstest]
    #[case("http://127.0.0.1:8080/key", "127.0.0.1")]
    #[case("http://127.9.9.9/key", "127.9.9.9")]
    #[case("http://[::1]:8080/key", "[::1]")]
    #[case("http://localhost:8080/key", "localhost")]
    fn this_machine_may_be_answered_without_tls(#[case] text: &str, #[case] host: &str) {
        assert_eq!(ResponseUrl::read(text).unwrap().host(), host);
    }

    #[test]
    fn debug_shows_the_host_and_nothing_else() {
        let url = ResponseUrl::read(SIGNED).unwrap();
        assert_eq!(
            format!("{url:?}"),
            "ResponseUrl(cloudformation-custom-resource-response-eucentral1.s3.eu-central-1.amazonaws.com)"
        );
    }

    #[rstest::rstest]
    #[case(SIGNED, Some(1_795_248_000))]
    // Two hours before it expires.
    #[case(OLDER, Some(1_795_240_800))]
    #[case("https://b.s3.amazonaws.com/k?X-Amz-Date=20260230T000000Z", None)]
    #[case(
        "https://b.s3.amazonaws.com/k?X-Amz-Date=soon&Expires=1795248000",
        None
    )]
    #[case("https://b.s3.amazonaws.com/k?Expires=-9223372036854775808", None)]
    #[case("https://b.s3.amazonaws.com/k?Expires=soon", None)]
    #[case("https://b.s3.amazonaws.com/k", None)]
    fn the_time_of_signing_is_read(#[case] text: &str, #[case] time: Option<i64>) {
        assert_eq!(ResponseUrl::read(text).unwrap().signed_at(), time);
    }
}
