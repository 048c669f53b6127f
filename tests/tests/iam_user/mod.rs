//! `crossaccount_iam_user` through the real Terraform CLI, against the stand-in.

mod accounts;
mod audit;
mod faults;
mod host;
mod interrupts;
mod lifecycle;
mod scene;
