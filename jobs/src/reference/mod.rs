//! Reference
