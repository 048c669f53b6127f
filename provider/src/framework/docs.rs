//! The reference documentation in the layout of the Terraform registry, made from schemas.

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
    /// More Markdown, shown before the argument tables.
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
