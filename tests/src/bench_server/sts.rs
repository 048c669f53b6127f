//! STS: who am I, and sessions. Every role of every account may be assumed by the hub.

use super::log::Call;
use super::serve::unknown_operation;
use super::state::{Caller, State, in_seconds};
use super::wire::{Form, Outcome, Refusal, element};

pub(super) fn answer(
    state: &mut State,
    caller: &Caller,
    operation: &str,
    form: &Form,
    call: &mut Call,
) -> Outcome {
    match operation {
        "GetCallerIdentity" => Ok(Some(
            [
                element("Arn", &caller.arn),
                element("UserId", &caller.user_id),
                element("Account", &caller.account_id),
            ]
            .concat(),
        )),
        "AssumeRole" => assume_role(state, form, call),
        other => Err(unknown_operation(other)),
    }
}

fn assume_role(state: &mut State, form: &Form, call: &mut Call) -> Outcome {
    let role_arn = form.text("RoleArn");
    let session_name = form.text("RoleSessionName");
    let account_id = role_arn.split(':').nth(4).unwrap_or_default().to_owned();
    let Some(role_name) = role_arn
        .rsplit('/')
        .next()
        .filter(|_| account_id.len() == 12)
    else {
        return Err(Refusal::new(
            400,
            "ValidationError",
            format!("{role_arn} is invalid"),
        ));
    };
    account_id.clone_into(&mut call.account_id);
    session_name.clone_into(&mut call.session_name);
    let user_id = format!("{}:{session_name}", state.unique_id("AROA", 17));
    let session = Caller {
        arn: format!("arn:aws:sts::{account_id}:assumed-role/{role_name}/{session_name}"),
        account_id,
        user_id,
        session_name: session_name.to_owned(),
        user_name: String::new(),
    };
    let seconds = form.text("DurationSeconds").parse().unwrap_or(3600);
    let user = [
        element("AssumedRoleId", &session.user_id),
        element("Arn", &session.arn),
    ]
    .concat();
    let access_key_id = state.open_session(session);
    let credentials = [
        element("AccessKeyId", &access_key_id),
        element("SecretAccessKey", "never-checked"),
        // As long as real tokens are, because they are sent with every call.
        element(
            "SessionToken",
            &format!("{access_key_id}/{}", "t".repeat(800)),
        ),
        element("Expiration", &in_seconds(seconds)),
    ]
    .concat();
    let identity = form
        .optional("SourceIdentity")
        .map(|identity| element("SourceIdentity", identity))
        .unwrap_or_default();
    Ok(Some(format!(
        "<Credentials>{credentials}</Credentials><AssumedRoleUser>{user}</AssumedRoleUser>{identity}"
    )))
}
