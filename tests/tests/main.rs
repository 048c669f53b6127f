//! All end-to-end tests, in one binary.

mod member_role;
