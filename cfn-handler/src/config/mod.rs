//! The settings of the function, read once from its environment.
