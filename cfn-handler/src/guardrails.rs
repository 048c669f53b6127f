//! What whoever writes a template may ask for: the function is a deputy, and these are its rules.
