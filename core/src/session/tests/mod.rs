//! Sessions against a server that answers like STS and IAM.

mod credentials;
mod hub;
mod limits;
mod opening;
mod services;

use std::sync::Arc;

use aws_sdk_iam::operation::get_user::GetUserOutput;

use super::{Access, Session, Sessions, Target};
use crate::error::Error;

pub(super) const MEMBER: &str = "222222222222";

pub(super) fn member() -> Target {
    Target::from(MEMBER.parse::<crate::ids::AccountId>().unwrap())
}

pub(super) async fn open(sessions: &Sessions) -> Result<Arc<Session>, Error> {
    sessions.open(&member(), Access::Read).await
}

pub(super) async fn get_user(session: &Session) -> Result<GetUserOutput, Error> {
    session
        .call("iam:GetUser", |iam| {
            iam.get_user().user_name("alice").send()
        })
        .await
}
