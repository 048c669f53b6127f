//! Searches everything that was written for secrets, in every form in which they may be written.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use regex::bytes::{Regex, RegexBuilder};

/// Everything that was written: a name, and the bytes.
pub type Texts = BTreeMap<String, Vec<u8>>;

/// Shorter texts occur by chance.
const SHORTEST: usize = 12;

/// A secret with the ways in which it may be written.
#[derive(Debug)]
pub struct Needle {
    what: String,
    forms: Vec<(&'static str, Vec<u8>)>,
}

impl Needle {
    /// A secret, and what it is.
    ///
    /// # Errors
    /// When it is too short to be searched for.
    pub fn new(what: impl Into<String>, secret: &str) -> Result<Self> {
        let what = what.into();
        ensure!(
            secret.len() >= SHORTEST,
            "{what} is too short to be searched for"
        );
        let escaped = serde_json::to_string(secret)?;
        // Go writes the three as escapes, and Terraform is written in Go.
        let escaped = escaped.trim_matches('"').to_owned();
        let in_go = escaped
            .replace('<', "\\u003c")
            .replace('>', "\\u003e")
            .replace('&', "\\u0026");
        let twice = serde_json::to_string(&escaped)?;
        let encoded = utf8_percent_encode(secret, NON_ALPHANUMERIC).to_string();
        let mut forms = vec![
            ("clear", secret.as_bytes().to_vec()),
            ("JSON", escaped.into_bytes()),
            ("JSON of Go", in_go.into_bytes()),
            ("JSON in JSON", twice.trim_matches('"').as_bytes().to_vec()),
            ("URL", encoded.clone().into_bytes()),
            ("form", encoded.replace("%20", "+").into_bytes()),
        ];
        forms.extend((0..3).map(|before| ("base64", base64_inside(secret.as_bytes(), before))));
        Ok(Self { what, forms })
    }

    /// In how many forms it is searched for.
    pub fn forms(&self) -> usize {
        self.forms.len()
    }

    /// The name of a form, if this is one of them.
    fn form(&self, found: &[u8]) -> Option<&'static str> {
        let mut forms = self.forms.iter();
        forms.find(|(_, form)| form == found).map(|(name, _)| *name)
    }
}

/// All forms of all needles in one search: texts are many and long.
fn pattern(needles: &[Needle]) -> Result<Regex> {
    let forms = needles.iter().flat_map(|needle| &needle.forms);
    let forms: Vec<String> = forms
        .map(|(_, form)| {
            let bytes: Vec<_> = form.iter().map(|byte| format!("\\x{byte:02x}")).collect();
            bytes.concat()
        })
        .collect();
    let mut builder = RegexBuilder::new(&forms.join("|"));
    builder.unicode(false).size_limit(256 << 20);
    Ok(builder.build()?)
}

/// What of the base64 of a longer text tells that the secret is in it, so many bytes after a group of three began.
fn base64_inside(secret: &[u8], before: usize) -> Vec<u8> {
    let padded: Vec<u8> = std::iter::repeat_n(0, before)
        .chain(secret.iter().copied())
        .collect();
    let whole = padded.len() / 3 * 3;
    let text = STANDARD.encode(padded.get(..whole).unwrap_or_default());
    // The first group has bytes of whatever comes before.
    let begin = if before == 0 { 0 } else { 4 };
    text.as_bytes().get(begin..).unwrap_or_default().to_vec()
}

/// Which needles are where.
///
/// # Errors
/// When there are no needles, or too many.
pub fn search(needles: &[Needle], texts: &Texts) -> Result<Vec<String>> {
    ensure!(!needles.is_empty(), "there is nothing to search for");
    let (mut found, pattern) = (BTreeSet::new(), pattern(needles)?);
    for (place, text) in texts {
        for hit in pattern.find_iter(text) {
            let named = needles
                .iter()
                .find_map(|it| Some((it, it.form(hit.as_bytes())?)));
            let (needle, form) = named.context("a hit is no form of a needle")?;
            found.insert(format!("{} ({form}) in {place}", needle.what));
        }
    }
    Ok(found.into_iter().collect())
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

    use super::{Needle, Texts, search};

    #[test]
    fn the_search_finds_a_secret_in_every_form() {
        let secret = "Brought \"in\" & <kept> nowhere: 7/é+%";
        let needles = [Needle::new("it", secret).unwrap()];
        let json = serde_json::json!({ "a": secret, "b": "x" }).to_string();
        let mut planted = vec![
            secret.to_owned(),
            json.clone(),
            serde_json::json!({ "inner": json }).to_string(),
            json.replace('<', "\\u003c")
                .replace('>', "\\u003e")
                .replace('&', "\\u0026"),
            utf8_percent_encode(secret, NON_ALPHANUMERIC).to_string(),
            utf8_percent_encode(secret, NON_ALPHANUMERIC)
                .to_string()
                .replace("%20", "+"),
        ];
        for before in ["", "1", "12", "123", "1234"] {
            for after in ["", "x", "xy", "xyz"] {
                planted.push(STANDARD.encode(format!("{before}{secret}{after}")));
            }
        }
        for text in planted {
            let text = format!("something before {text} and after");
            let texts = Texts::from([("there".to_owned(), text.clone().into_bytes())]);
            assert_eq!(search(&needles, &texts).unwrap().len(), 1, "{text}");
        }
        let texts = Texts::from([("there".to_owned(), b"nothing".to_vec())]);
        assert!(search(&needles, &texts).unwrap().is_empty());
    }

    #[test]
    fn nothing_to_search_for_is_an_error() {
        assert!(search(&[], &Texts::new()).is_err());
        assert!(Needle::new("it", "short").is_err());
    }
}
