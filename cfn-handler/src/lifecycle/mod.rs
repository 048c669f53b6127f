//! Create, Update and Delete, on top of the core.
