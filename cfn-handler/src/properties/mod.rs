//! What users write in a template, as types of the core.
