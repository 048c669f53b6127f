//! The forms that come in and the XML that goes out.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use bytes::Bytes;
use http_body_util::Full;
use hyper::Response;

/// The parameters of a call of the query protocol.
#[derive(Debug, Default)]
pub(super) struct Form(BTreeMap<String, String>);

impl Form {
    pub(super) fn parse(body: &[u8]) -> Self {
        let text = String::from_utf8_lossy(body);
        let pairs = text.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decode(name), decode(value))
        });
        Self(pairs.collect())
    }

    /// A parameter; empty when it was not given.
    pub(super) fn text(&self, name: &str) -> &str {
        self.0.get(name).map_or("", String::as_str)
    }

    pub(super) fn optional(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// `Tags.member.N.Key` and `Tags.member.N.Value`.
    pub(super) fn tags(&self) -> Vec<(String, String)> {
        (1..)
            .map_while(|number| {
                let key = self.optional(&format!("Tags.member.{number}.Key"))?;
                let value = self.text(&format!("Tags.member.{number}.Value"));
                Some((key.to_owned(), value.to_owned()))
            })
            .collect()
    }
}

fn decode(text: &str) -> String {
    let spaced = text.replace('+', " ");
    percent_encoding::percent_decode_str(&spaced)
        .decode_utf8_lossy()
        .into_owned()
}

/// A call that AWS would refuse.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) status: u16,
    pub(super) code: &'static str,
    pub(super) message: String,
}

impl Refusal {
    pub(super) fn new(status: u16, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            status,
            code,
            message: message.into(),
        }
    }

    pub(super) fn no_such_entity(message: impl Into<String>) -> Self {
        Self::new(404, "NoSuchEntity", message)
    }
}

/// The two services that speak the query protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Service {
    Iam,
    Sts,
}

impl Service {
    fn namespace(self) -> &'static str {
        match self {
            Self::Iam => "https://iam.amazonaws.com/doc/2010-05-08/",
            Self::Sts => "https://sts.amazonaws.com/doc/2011-06-15/",
        }
    }
}

/// What a call of the query protocol answers inside `<...Result>`; `None` leaves the element out.
pub(super) type Outcome = Result<Option<String>, Refusal>;

/// The whole answer of a call of the query protocol.
pub(super) fn query_answer(
    service: Service,
    operation: &str,
    outcome: &Outcome,
) -> Response<Full<Bytes>> {
    let namespace = service.namespace();
    let id = request_id();
    let (status, body) = match outcome {
        Ok(result) => {
            let result = result
                .as_ref()
                .map(|inner| format!("<{operation}Result>{inner}</{operation}Result>"))
                .unwrap_or_default();
            let body = format!(
                "<{operation}Response xmlns=\"{namespace}\">{result}<ResponseMetadata>\
                 <RequestId>{id}</RequestId></ResponseMetadata></{operation}Response>"
            );
            (200, body)
        }
        Err(refusal) => {
            let body = format!(
                "<ErrorResponse xmlns=\"{namespace}\"><Error><Type>Sender</Type>{}{}</Error>\
                 <RequestId>{id}</RequestId></ErrorResponse>",
                element("Code", refusal.code),
                element("Message", &refusal.message),
            );
            (refusal.status, body)
        }
    };
    answer(
        status,
        &[("content-type", "text/xml"), ("x-amzn-requestid", &id)],
        body,
    )
}

/// An answer of any service.
pub(super) fn answer(status: u16, headers: &[(&str, &str)], body: String) -> Response<Full<Bytes>> {
    let mut builder = Response::builder().status(status);
    for (name, value) in headers {
        builder = builder.header(*name, *value);
    }
    // Names and values are ours, so building cannot fail; an empty answer would be noticed as one.
    builder
        .body(Full::new(Bytes::from(body)))
        .unwrap_or_default()
}

pub(super) fn request_id() -> String {
    uuid::Uuid::new_v4().to_string()
}

/// `<name>text</name>`, escaped.
pub(super) fn element(name: &str, text: &str) -> String {
    let mut xml = format!("<{name}>");
    for character in text.chars() {
        match character {
            '&' => xml.push_str("&amp;"),
            '<' => xml.push_str("&lt;"),
            '>' => xml.push_str("&gt;"),
            other => xml.push(other),
        }
    }
    let _ = write!(xml, "</{name}>");
    xml
}

/// `<name><member>...</member>...</name>` of items that are XML already, and the end of the list.
pub(super) fn members(name: &str, items: impl IntoIterator<Item = String>) -> String {
    let mut xml = format!("<{name}>");
    for item in items {
        let _ = write!(xml, "<member>{item}</member>");
    }
    let _ = write!(xml, "</{name}>");
    xml
}

#[cfg(test)]
mod tests {
    use super::{Form, element};

    #[test]
    fn forms_are_decoded_and_tags_collected() {
        let form = Form::parse(
            b"Action=TagUser&Tags.member.1.Key=a+b&Tags.member.1.Value=%3D1&Tags.member.2.Key=c&X=",
        );
        assert_eq!(form.text("Action"), "TagUser");
        assert_eq!(form.optional("Y"), None);
        let tags = [
            ("a b".to_owned(), "=1".to_owned()),
            ("c".to_owned(), String::new()),
        ];
        assert_eq!(form.tags(), tags);
    }

    #[test]
    fn text_is_escaped() {
        assert_eq!(element("A", "<&>"), "<A>&lt;&amp;&gt;</A>");
    }
}
