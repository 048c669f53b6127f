//! The reference documentation in the layout of the Terraform registry, made from schemas, so that
//! it cannot differ from what the provider does. A test compares the result with the files in
//! `docs/`; writing files is not done here.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::{Function, Provider, Signature};
use crate::schema::attribute::{Attribute, Nesting, Presence, Shape};
use crate::schema::{Identity, Schema};
use crate::value::{Type, Value};

/// What the reference of one object says besides its schema.
#[derive(Debug, Clone, Default)]
pub struct Documentation {
    /// The group in the registry's navigation; empty for none.
    pub subcategory: String,
    /// Examples in the order in which they are shown.
    pub examples: Vec<Example>,
    /// How to import, in Markdown: what an id looks like. Empty when there is no import.
    pub import: String,
    /// Commands that import, shown as a shell block.
    pub import_example: String,
    /// An `import` block with an identity, from `include_str!`. Empty when there is no identity.
    pub identity_example: String,
    /// More Markdown, shown before the arguments.
    pub notes: String,
}

/// One example of the reference.
#[derive(Debug, Clone)]
pub struct Example {
    /// What it shows.
    pub title: String,
    /// The content of the example file, from `include_str!`, so that the example is one that is run.
    pub configuration: String,
}

/// All pages of a provider: path below `docs/` and content, in the order of the paths.
pub fn pages<P: Provider>(provider: &P) -> BTreeMap<String, String> {
    let prefix = format!("{}_", provider.name());
    let short = |type_name: &str| {
        type_name
            .strip_prefix(&prefix)
            .unwrap_or(type_name)
            .to_owned()
    };
    let mut pages = BTreeMap::new();
    let mut add = |folder: &str, content: Page<'_>| {
        let path = format!("{folder}/{}.md", short(content.name));
        pages.insert(path, page(&content));
    };
    for resource in provider.resources() {
        let content = Page {
            name: resource.type_name(),
            kind: Kind::Resource,
            schema: &resource.schema(),
            identity: resource.identity(),
            documentation: &resource.documentation(),
        };
        add("resources", content);
    }
    // The other kinds have the same three things to say.
    macro_rules! add {
        ($things:ident, $folder:literal, $kind:ident) => {
            for thing in provider.$things() {
                let content = Page {
                    name: thing.type_name(),
                    kind: Kind::$kind,
                    schema: &thing.schema(),
                    identity: None,
                    documentation: &thing.documentation(),
                };
                add($folder, content);
            }
        };
    }
    add!(data_sources, "data-sources", DataSource);
    add!(ephemeral_resources, "ephemeral-resources", Ephemeral);
    add!(list_resources, "list-resources", List);
    add!(actions, "actions", Action);
    let index = Page {
        name: provider.name(),
        kind: Kind::Provider,
        schema: &provider.schema(),
        identity: None,
        documentation: &provider.documentation(),
    };
    pages.insert("index.md".to_owned(), page(&index));
    for function in provider.functions() {
        let path = format!("functions/{}.md", function.name());
        pages.insert(path, function_page(function.as_ref()));
    }
    pages
}

struct Page<'a> {
    name: &'a str,
    kind: Kind,
    schema: &'a Schema,
    identity: Option<Identity>,
    documentation: &'a Documentation,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Provider,
    Resource,
    DataSource,
    Ephemeral,
    List,
    Action,
}

impl Kind {
    fn title(self) -> &'static str {
        match self {
            Self::Provider => "Provider",
            Self::Resource => "Resource",
            Self::DataSource => "Data Source",
            Self::Ephemeral => "Ephemeral Resource",
            Self::List => "List Resource",
            Self::Action => "Action",
        }
    }

    /// What has to be known before it can be used.
    fn needs(self) -> &'static str {
        match self {
            Self::Provider | Self::Resource | Self::DataSource => "",
            Self::Ephemeral => {
                "-> **Note:** Ephemeral resources need Terraform 1.10 or OpenTofu 1.11, or later. \
                 Their values are in no plan and no state."
            }
            Self::List => {
                "-> **Note:** List resources need `terraform query` of Terraform 1.14 or later. \
                 OpenTofu does not have it."
            }
            Self::Action => {
                "-> **Note:** Actions need Terraform 1.14 or later. OpenTofu does not have them."
            }
        }
    }

    /// What the chapter of the attributes is about, where that is not clear.
    fn schema(self) -> &'static str {
        match self {
            Self::List => "The attributes of the `config` block.",
            Self::Action => "The attributes of the `config` block of the action.",
            Self::Provider | Self::Resource | Self::DataSource | Self::Ephemeral => "",
        }
    }
}

fn page(page: &Page<'_>) -> String {
    let Page {
        name,
        kind,
        schema,
        identity,
        documentation,
    } = page;
    let mut out = String::new();
    let (title, heading_text, subcategory) = match kind {
        Kind::Provider => (
            format!("Provider: {name}"),
            format!("{name} provider"),
            None,
        ),
        kind => (
            format!("{name} {}", kind.title()),
            format!("{name} ({})", kind.title()),
            Some(documentation.subcategory.as_str()),
        ),
    };
    front_matter(
        &mut out,
        &title,
        subcategory,
        first_sentence(schema.description()),
    );
    heading(&mut out, 1, &heading_text);
    paragraph(&mut out, schema.description());
    paragraph(&mut out, kind.needs());
    if let Some(deprecation) = schema.deprecation() {
        paragraph(&mut out, &format!("~> **Deprecated:** {deprecation}"));
    }
    if !documentation.examples.is_empty() {
        heading(&mut out, 2, "Example Usage");
        for example in &documentation.examples {
            heading(&mut out, 3, &example.title);
            block(&mut out, "terraform", &example.configuration);
        }
    }
    paragraph(&mut out, &documentation.notes);
    heading(&mut out, 2, "Schema");
    paragraph(&mut out, kind.schema());
    attributes(&mut out, schema.attributes(), 3);
    nested(&mut out, schema.attributes(), "");
    if !documentation.import.is_empty() {
        heading(&mut out, 2, "Import");
        paragraph(&mut out, &documentation.import);
        block(&mut out, "shell", &documentation.import_example);
    }
    if let Some(identity) = identity {
        import_by_identity(&mut out, identity, &documentation.identity_example);
    }
    finish(&out)
}

/// The identity and the import by it, in the words and places that the registry knows.
fn import_by_identity(out: &mut String, identity: &Identity, example: &str) {
    heading(out, 3, "Import by identity");
    paragraph(
        out,
        "Terraform 1.12 and OpenTofu 1.12, and later, also import by identity, in an `import` block.",
    );
    block(out, "terraform", example);
    heading(out, 3, "Identity Schema");
    attributes(out, identity.schema().attributes(), 4);
}

/// The attributes of one object in the groups that the registry knows.
fn attributes(out: &mut String, attributes: &[Attribute], level: usize) {
    let groups: [(&str, &[Presence]); 3] = [
        ("Required", &[Presence::Required]),
        (
            "Optional",
            &[Presence::Optional, Presence::OptionalComputed],
        ),
        ("Read-Only", &[Presence::Computed]),
    ];
    for (title, presences) in groups {
        let mut members: Vec<&Attribute> = attributes
            .iter()
            .filter(|attribute| {
                attribute
                    .presence()
                    .is_some_and(|presence| presences.contains(&presence))
            })
            .collect();
        if members.is_empty() {
            continue;
        }
        members.sort_by_key(|attribute| attribute.name());
        heading(out, level, title);
        for attribute in members {
            line(out, attribute);
        }
        out.push('\n');
    }
}

fn line(out: &mut String, attribute: &Attribute) {
    let mut marks = vec![match &attribute.shape {
        Shape::Plain(ty) => type_name(ty),
        Shape::Nested(nesting, _) => match nesting {
            Nesting::Single => "Object".to_owned(),
            Nesting::List => "List of Object".to_owned(),
            Nesting::Set => "Set of Object".to_owned(),
            Nesting::Map => "Map of Object".to_owned(),
        },
    }];
    for (set, mark) in [
        (attribute.sensitive, "Sensitive"),
        (attribute.write_only, "Write-only"),
        (attribute.requires_replace, "Forces replacement"),
        (attribute.deprecation.is_some(), "Deprecated"),
    ] {
        if set {
            marks.push(mark.to_owned());
        }
    }
    // Text of several lines would end the list item.
    let description = attribute
        .description
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ");
    let _ = write!(
        out,
        "- `{}` ({}) {description}",
        attribute.name,
        marks.join(", ")
    );
    let default = attribute.default.as_ref().and_then(literal);
    // The text may say it already, in words that a literal cannot have.
    if let Some(default) = default.filter(|_| !description.contains("Default:")) {
        let _ = write!(out, " Default: `{default}`.");
    }
    if let Some(deprecation) = &attribute.deprecation {
        let _ = write!(out, " **Deprecated:** {deprecation}");
    }
    out.push('\n');
}

/// A chapter for each nested object, in the order of definition, outer before inner.
fn nested(out: &mut String, members: &[Attribute], path: &str) {
    for attribute in members {
        let Shape::Nested(_, inner) = &attribute.shape else {
            continue;
        };
        let path = if path.is_empty() {
            attribute.name.clone()
        } else {
            format!("{path}.{}", attribute.name)
        };
        heading(out, 3, &format!("Nested schema for `{path}`"));
        attributes(out, inner, 4);
        nested(out, inner, &path);
    }
}

fn function_page(function: &dyn Function) -> String {
    let Signature {
        parameters,
        variadic,
        returns,
        summary,
        description,
        example,
    } = function.signature();
    let mut out = String::new();
    front_matter(
        &mut out,
        &format!("{} Function", function.name()),
        Some(""),
        &summary,
    );
    heading(&mut out, 1, &format!("{} (Function)", function.name()));
    paragraph(&mut out, &description);
    if !example.is_empty() {
        heading(&mut out, 2, "Example Usage");
        block(&mut out, "terraform", &example);
    }
    heading(&mut out, 2, "Signature");
    let named = parameters
        .iter()
        .map(|it| format!("{} {}", it.name, type_text(&it.ty)));
    let rest = variadic
        .iter()
        .map(|it| format!("{} {}...", it.name, type_text(&it.ty)));
    let list: Vec<String> = named.chain(rest).collect();
    let text = format!(
        "{}({}) {}",
        function.name(),
        list.join(", "),
        type_text(&returns)
    );
    block(&mut out, "text", &text);
    if !(parameters.is_empty() && variadic.is_none()) {
        heading(&mut out, 2, "Arguments");
        for (number, parameter) in parameters.iter().chain(&variadic).enumerate() {
            let mut marks = type_name(&parameter.ty);
            if number >= parameters.len() {
                marks.push_str(", Variadic");
            }
            if parameter.allow_null {
                marks.push_str(", Nullable");
            }
            let number = number + 1;
            let _ = writeln!(
                out,
                "{number}. `{}` ({marks}) {}",
                parameter.name, parameter.description
            );
        }
    }
    finish(&out)
}

fn front_matter(out: &mut String, title: &str, subcategory: Option<&str>, description: &str) {
    let quoted = |text: &str| serde_json::Value::from(text).to_string();
    let _ = writeln!(out, "---\npage_title: {}", quoted(title));
    if let Some(subcategory) = subcategory {
        let _ = writeln!(out, "subcategory: {}", quoted(subcategory));
    }
    // A JSON string is a YAML string too.
    let _ = writeln!(out, "description: {}\n---\n", quoted(description));
}

fn heading(out: &mut String, level: usize, text: &str) {
    let _ = writeln!(out, "{} {text}\n", "#".repeat(level));
}

fn paragraph(out: &mut String, text: &str) {
    let text = text.trim();
    if !text.is_empty() {
        let _ = writeln!(out, "{text}\n");
    }
}

fn block(out: &mut String, language: &str, text: &str) {
    let text = text.trim();
    if !text.is_empty() {
        let _ = writeln!(out, "```{language}\n{text}\n```\n");
    }
}

/// Exactly one newline at the end.
fn finish(out: &str) -> String {
    format!("{}\n", out.trim_end())
}

/// Up to the first full stop that ends a sentence.
fn first_sentence(text: &str) -> &str {
    let paragraph = text.trim().lines().next().unwrap_or_default();
    match paragraph.find(". ") {
        Some(end) => paragraph.get(..=end).unwrap_or(paragraph),
        None => paragraph,
    }
}

fn type_name(ty: &Type) -> String {
    match ty {
        Type::String => "String".to_owned(),
        Type::Number => "Number".to_owned(),
        Type::Bool => "Boolean".to_owned(),
        Type::Dynamic => "Dynamic".to_owned(),
        Type::List(element) => format!("List of {}", type_name(element)),
        Type::Set(element) => format!("Set of {}", type_name(element)),
        Type::Map(element) => format!("Map of {}", type_name(element)),
        Type::Tuple(_) => "Tuple".to_owned(),
        Type::Object(_) => "Object".to_owned(),
    }
}

/// A type as a signature shows it.
fn type_text(ty: &Type) -> String {
    match ty {
        Type::String => "string".to_owned(),
        Type::Number => "number".to_owned(),
        Type::Bool => "bool".to_owned(),
        Type::Dynamic => "dynamic".to_owned(),
        Type::List(element) => format!("list of {}", type_text(element)),
        Type::Set(element) => format!("set of {}", type_text(element)),
        Type::Map(element) => format!("map of {}", type_text(element)),
        Type::Tuple(_) => "tuple".to_owned(),
        Type::Object(_) => "object".to_owned(),
    }
}

/// A default as one would write it; nothing for one that is too large to show.
fn literal(value: &Value) -> Option<String> {
    match value {
        Value::Bool(value) => Some(value.to_string()),
        Value::Number(number) => Some(number.to_string()),
        Value::String(text) => Some(format!("{text:?}")),
        Value::List(elements) if elements.is_empty() => Some("[]".to_owned()),
        Value::Set(elements) if elements.is_empty() => Some("[]".to_owned()),
        Value::Map(entries) if entries.is_empty() => Some("{}".to_owned()),
        _ => None,
    }
}
