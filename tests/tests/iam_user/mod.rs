//! `crossaccount_iam_user` through the real Terraform CLI, against the stand-in.

mod faults;
mod host;
mod lifecycle;
mod scene;
