//! The schemas of the stub, from the table in `schemas.txt`.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, bail, ensure};
use crossaccount_proto::tfplugin6;
use crossaccount_proto::tfplugin6::schema::nested_block::NestingMode;

const TABLE: &str = include_str!("schemas.txt");

/// The attributes and blocks of a type, or of a block in it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Block {
    pub(super) attributes: BTreeMap<String, Attribute>,
    pub(super) blocks: BTreeMap<String, Nested>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Attribute {
    /// JSON, as the protocol has it.
    kind: String,
    required: bool,
    optional: bool,
    pub(super) computed: bool,
    /// What a plan already knows of a computed attribute.
    pub(super) known: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Nested {
    block: Block,
    nesting: NestingMode,
    min: i64,
    max: i64,
}

/// All types of the stub by name.
#[derive(Debug, Default)]
pub(super) struct Schemas {
    pub(super) resources: BTreeMap<String, Block>,
    pub(super) data_sources: BTreeMap<String, Block>,
}

/// Reads the table.
///
/// # Errors
/// When a line of it is not understood.
pub(super) fn schemas() -> Result<Schemas> {
    let lines: Vec<&str> = TABLE
        .lines()
        .filter(|line| !line.trim().is_empty() && !line.starts_with('#'))
        .collect();
    let mut schemas = Schemas::default();
    let mut rest = lines.as_slice();
    while let Some((head, tail)) = rest.split_first() {
        let (block, after) = read_block(tail, 2)?;
        match head.split_once(' ') {
            Some(("resource", name)) => schemas.resources.insert(name.to_owned(), block),
            Some(("data", name)) => schemas.data_sources.insert(name.to_owned(), block),
            _ => bail!("{head:?} begins no type"),
        };
        rest = after;
    }
    Ok(schemas)
}

/// Reads the lines that are indented as much as this, with what is below each of them.
fn read_block<'a, 'l>(mut lines: &'l [&'a str], depth: usize) -> Result<(Block, &'l [&'a str])> {
    let mut block = Block::default();
    while let Some((line, rest)) = lines.split_first() {
        if indentation(line) < depth {
            break;
        }
        ensure!(indentation(line) == depth, "{line:?} is indented too far");
        let text = line.trim();
        if let Some(text) = text.strip_prefix("block ") {
            let (inner, after) = read_block(rest, depth + 2)?;
            let (name, nested) = nested(text, inner)?;
            block.blocks.insert(name, nested);
            lines = after;
        } else {
            let (name, attribute) = attribute(text)?;
            block.attributes.insert(name, attribute);
            lines = rest;
        }
    }
    Ok((block, lines))
}

fn indentation(line: &str) -> usize {
    line.len() - line.trim_start().len()
}

fn nested(text: &str, block: Block) -> Result<(String, Nested)> {
    let words: Vec<&str> = text.split(' ').collect();
    let [name, nesting, limits @ ..] = words.as_slice() else {
        bail!("a block needs a name and its kind: {text:?}");
    };
    let mut nested = Nested {
        block,
        nesting: match *nesting {
            "list" => NestingMode::List,
            "set" => NestingMode::Set,
            other => bail!("{other:?} is no kind of block"),
        },
        min: 0,
        max: 0,
    };
    for limit in limits.chunks(2) {
        match limit {
            ["min", number] => nested.min = number.parse()?,
            ["max", number] => nested.max = number.parse()?,
            other => bail!("{other:?} limits nothing"),
        }
    }
    Ok(((*name).to_owned(), nested))
}

fn attribute(text: &str) -> Result<(String, Attribute)> {
    let (declared, known) = match text.split_once(" = ") {
        Some((declared, known)) => (declared, Some(known.to_owned())),
        None => (text, None),
    };
    let mut words = declared.split(' ');
    let name = words.next().context("an attribute without a name")?;
    let kind = words.next().context("an attribute without a type")?;
    let mut attribute = Attribute {
        kind: kind_json(kind)?,
        required: false,
        optional: false,
        computed: false,
        known,
    };
    for word in words {
        match word {
            "required" => attribute.required = true,
            "optional" => attribute.optional = true,
            "computed" => attribute.computed = true,
            other => bail!("{other:?} in {text:?} means nothing"),
        }
    }
    ensure!(
        attribute.required != (attribute.optional || attribute.computed),
        "{text:?} is neither required nor optional nor computed"
    );
    ensure!(
        attribute.known.is_none() || attribute.computed,
        "{text:?} is not computed"
    );
    Ok((name.to_owned(), attribute))
}

fn kind_json(kind: &str) -> Result<String> {
    if let Some((outer, inner)) = kind.split_once('(') {
        let inner = inner.strip_suffix(')').context("an unclosed type")?;
        ensure!(["list", "set", "map"].contains(&outer), "{kind} is no type");
        return Ok(format!(r#"["{outer}",{}]"#, kind_json(inner)?));
    }
    ensure!(
        ["string", "number", "bool"].contains(&kind),
        "{kind} is no type"
    );
    Ok(format!("{kind:?}"))
}

impl Block {
    /// As the protocol has it.
    pub(super) fn schema(&self) -> tfplugin6::Schema {
        tfplugin6::Schema {
            version: 0,
            block: Some(self.wire()),
        }
    }

    fn wire(&self) -> tfplugin6::schema::Block {
        let attributes =
            self.attributes
                .iter()
                .map(|(name, attribute)| tfplugin6::schema::Attribute {
                    name: name.clone(),
                    r#type: attribute.kind.clone().into_bytes().into(),
                    required: attribute.required,
                    optional: attribute.optional,
                    computed: attribute.computed,
                    ..Default::default()
                });
        let block_types = self
            .blocks
            .iter()
            .map(|(name, nested)| tfplugin6::schema::NestedBlock {
                type_name: name.clone(),
                block: Some(nested.block.wire()),
                nesting: nested.nesting.into(),
                min_items: nested.min,
                max_items: nested.max,
            });
        tfplugin6::schema::Block {
            attributes: attributes.collect(),
            block_types: block_types.collect(),
            ..Default::default()
        }
    }
}
