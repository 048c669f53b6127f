//! `crossaccount_iam_user` through the real Terraform CLI, against the stand-in.

mod accounts;
mod audit;
mod faults;
mod faults_cli;
mod host;
mod interrupts;
mod lifecycle;
mod scene;
mod subject;
