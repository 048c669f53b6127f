//! What the stub answers: everything as it is configured, and computed attributes as far as its table knows them.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result};
use rmpv::Value;

use super::schema::Block;

/// What a computed attribute is that the table knows nothing of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Otherwise {
    /// It is known after apply.
    Unknown,
    /// It has no value.
    Null,
}

/// Fills the computed attributes of an object that have no value.
///
/// # Errors
/// When the value is no object of this kind.
pub(super) fn fill(encoded: &[u8], block: &Block, otherwise: Otherwise) -> Result<Vec<u8>> {
    let mut reader = encoded;
    let value = rmpv::decode::read_value(&mut reader).context("the value is not readable")?;
    let Value::Map(entries) = value else {
        // The object is to go: there is nothing to fill.
        return Ok(encoded.to_owned());
    };
    let given: BTreeMap<&str, &str> = entries
        .iter()
        .filter_map(|(name, value)| Some((name.as_str()?, value.as_str()?)))
        .collect();
    let filled = entries
        .iter()
        .map(|(name, value)| {
            let attribute = name.as_str().and_then(|name| block.attributes.get(name));
            let value = match attribute {
                Some(attribute) if attribute.computed && value.is_nil() => {
                    let known = attribute.known.as_deref();
                    let known = known.and_then(|template| substitute(template, block, &given));
                    known.map_or_else(|| otherwise.value(), Value::from)
                }
                _ => value.clone(),
            };
            (name.clone(), value)
        })
        .collect();
    let mut encoded = Vec::new();
    rmpv::encode::write_value(&mut encoded, &Value::Map(filled))
        .context("the value is not writable")?;
    Ok(encoded)
}

impl Otherwise {
    fn value(self) -> Value {
        match self {
            // The extension by which Terraform writes a value that is not known.
            Self::Unknown => Value::Ext(0, vec![0]),
            Self::Null => Value::Nil,
        }
    }
}

/// Replaces `{name}` by the argument, or by what is known of it. None: it is not known.
fn substitute(template: &str, block: &Block, given: &BTreeMap<&str, &str>) -> Option<String> {
    let mut text = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        let (name, tail) = after.split_once('}')?;
        text.push_str(before);
        match given.get(name) {
            Some(value) => text.push_str(value),
            None => {
                let known = block.attributes.get(name)?.known.as_deref()?;
                text.push_str(&substitute(known, block, given)?);
            }
        }
        rest = tail;
    }
    text.push_str(rest);
    Some(text)
}
