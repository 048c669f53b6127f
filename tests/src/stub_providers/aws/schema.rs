//! The schemas, from their text.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, bail, ensure};
use crossaccount_proto::tfplugin6::{Schema, schema};

/// What a type has: attributes, and blocks in it.
#[derive(Debug, Clone, Default)]
pub(super) struct Block {
    pub(super) attributes: Vec<Attribute>,
    blocks: Vec<(String, schema::nested_block::NestingMode, Block)>,
}

/// One attribute.
#[derive(Debug, Clone)]
pub(super) struct Attribute {
    pub(super) name: String,
    kind: &'static str,
    is_required: bool,
    is_optional: bool,
    pub(super) is_computed: bool,
    /// What it is filled in with; `None` stands for a value that is not known before it exists.
    pub(super) text: Option<String>,
}

/// All types by name.
#[derive(Debug, Clone, Default)]
pub(super) struct Schemas {
    pub(super) resources: BTreeMap<String, Block>,
    pub(super) data_sources: BTreeMap<String, Block>,
}

/// One line: how deep it is, and its words.
type Line<'a> = (usize, &'a str);

impl Schemas {
    /// Reads the text.
    pub(super) fn parse(text: &str) -> Result<Self> {
        let mut schemas = Self::default();
        let lines: Vec<Line<'_>> = text
            .lines()
            .filter(|line| !line.trim().is_empty() && !line.starts_with('#'))
            .map(|line| (line.len() - line.trim_start().len(), line.trim()))
            .collect();
        let mut rest = lines.as_slice();
        while let Some(((0, head), after)) = rest.split_first() {
            let (block, after) = block(after, 2)?;
            match head.split_once(' ') {
                Some(("resource", name)) => schemas.resources.insert(name.to_owned(), block),
                Some(("data", name)) => schemas.data_sources.insert(name.to_owned(), block),
                _ => bail!("{head:?} is no type"),
            };
            rest = after;
        }
        ensure!(rest.is_empty(), "{rest:?} belongs to no type");
        Ok(schemas)
    }
}

/// What is below a line, and the lines behind it.
fn block<'a>(mut lines: &'a [Line<'a>], depth: usize) -> Result<(Block, &'a [Line<'a>])> {
    let mut found = Block::default();
    while let Some(((at, line), after)) = lines.split_first() {
        if *at < depth {
            break;
        }
        let (word, rest) = line.split_once(' ').context("a line of one word")?;
        let (declared, text) = match rest.split_once(" = ") {
            Some((declared, text)) => (declared, Some(text.to_owned())),
            None => (rest, None),
        };
        let nesting = match word {
            "list" => schema::nested_block::NestingMode::List,
            "set" => schema::nested_block::NestingMode::Set,
            _ => {
                let (name, kind) = declared.split_once(' ').context("a name without a type")?;
                found.attributes.push(Attribute {
                    name: name.to_owned(),
                    kind: kind_of(kind)?,
                    is_required: word == "required",
                    is_optional: word == "optional" || word == "both",
                    is_computed: word == "computed" || word == "both",
                    text,
                });
                lines = after;
                continue;
            }
        };
        let (inner, after) = block(after, depth + 2)?;
        found.blocks.push((declared.to_owned(), nesting, inner));
        lines = after;
    }
    Ok((found, lines))
}

/// The type as the protocol writes it.
fn kind_of(word: &str) -> Result<&'static str> {
    Ok(match word {
        "string" => r#""string""#,
        "number" => r#""number""#,
        "bool" => r#""bool""#,
        "list" => r#"["list","string"]"#,
        "set" => r#"["set","string"]"#,
        "map" => r#"["map","string"]"#,
        other => bail!("{other} is no type"),
    })
}

impl Block {
    /// As the protocol has it. Every type has an id.
    pub(super) fn schema(&self) -> Schema {
        let mut block = self.message();
        if !self.attributes.iter().any(|it| it.name == "id") {
            block.attributes.push(schema::Attribute {
                name: "id".to_owned(),
                r#type: r#""string""#.into(),
                optional: true,
                computed: true,
                ..schema::Attribute::default()
            });
        }
        Schema {
            version: 0,
            block: Some(block),
        }
    }

    /// The provider block, which takes a Region.
    pub(super) fn provider() -> Schema {
        let region = schema::Attribute {
            name: "region".to_owned(),
            r#type: r#""string""#.into(),
            optional: true,
            ..schema::Attribute::default()
        };
        Schema {
            version: 0,
            block: Some(schema::Block {
                attributes: vec![region],
                ..schema::Block::default()
            }),
        }
    }

    fn message(&self) -> schema::Block {
        let attribute = |it: &Attribute| schema::Attribute {
            name: it.name.clone(),
            r#type: it.kind.into(),
            required: it.is_required,
            optional: it.is_optional,
            computed: it.is_computed,
            ..schema::Attribute::default()
        };
        schema::Block {
            attributes: self.attributes.iter().map(attribute).collect(),
            block_types: self
                .blocks
                .iter()
                .map(|(name, nesting, block)| schema::NestedBlock {
                    type_name: name.clone(),
                    block: Some(block.message()),
                    nesting: (*nesting).into(),
                    ..schema::NestedBlock::default()
                })
                .collect(),
            ..schema::Block::default()
        }
    }
}
