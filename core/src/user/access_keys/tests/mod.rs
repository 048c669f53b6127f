//! Tests of the decision: rule by rule, and over all states in a model of IAM, tags and store.

mod properties;
mod rules;
mod schedule;
mod world;
