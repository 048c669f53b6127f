//! The answer to a request.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::request::Request;

/// CloudFormation takes no longer answer: "Response object is too long", and the true reason is lost.
const MOST: usize = 4096;
/// CloudFormation takes no longer physical id.
const LONGEST_ID: usize = 1024;
/// How much of a reason has to stay before the data give way to it, in bytes.
const LEAST_REASON: usize = 512;

/// What a resource says to a request, before it is brought into the form that CloudFormation takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// Success, or why not: a text for people, in which the first sentence matters most.
    pub result: Result<(), String>,
    /// The physical id; never empty.
    pub physical_resource_id: String,
    /// What `Fn::GetAtt` returns: the same keys in every reply of a resource.
    pub data: BTreeMap<&'static str, String>,
}

/// The body that is sent: JSON of at most 4,096 bytes, whatever the reply.
///
/// A reason that is too long is cut and says so: its beginning stays. Data are left out when there is no other way. A
/// physical id that CloudFormation would not take makes a failure of the reply, with the id that the request came with.
pub fn body(request: &Request, reply: &Reply) -> String {
    let answer = Answer::of(request, reply);
    let data = Some(&reply.data);
    let whole = answer.text(answer.reason.as_deref(), data);
    if whole.len() <= MOST {
        return whole;
    }
    let Some(reason) = answer.reason.as_deref() else {
        return answer.text(
            Some("The attributes were left out: they are too long for CloudFormation."),
            None,
        );
    };
    let mark = format!(
        "... (shortened; the log of the function has all of it, under the request id {})",
        request.request_id
    );
    let room = |data| MOST.saturating_sub(answer.text(Some(&mark), data).len());
    let data = data.filter(|_| room(data) >= LEAST_REASON);
    let reason = format!("{}{mark}", beginning(reason, room(data)));
    answer.text(Some(&reason), data)
}

/// A reply that CloudFormation takes, but for its length.
struct Answer<'a> {
    request: &'a Request,
    /// Why not; `None` is a success.
    reason: Option<String>,
    physical_resource_id: &'a str,
}

impl<'a> Answer<'a> {
    fn of(request: &'a Request, reply: &'a Reply) -> Self {
        let reason = reply.result.as_ref().err().map(|reason| {
            let reason = printable(reason);
            if reason.trim().is_empty() {
                "The reason is not known.".to_owned()
            } else {
                reason
            }
        });
        if is_physical_id(&reply.physical_resource_id) {
            return Self {
                request,
                reason,
                physical_resource_id: &reply.physical_resource_id,
            };
        }
        let incoming = request
            .physical_resource_id
            .as_deref()
            .filter(|id| is_physical_id(id));
        Self {
            request,
            reason: reason.or_else(|| {
                Some("Internal error: the resource has a physical id that CloudFormation does not take.".to_owned())
            }),
            physical_resource_id: incoming.unwrap_or(&request.logical_resource_id),
        }
    }

    fn text(&self, reason: Option<&str>, data: Option<&BTreeMap<&'static str, String>>) -> String {
        let status = if self.reason.is_some() {
            "FAILED"
        } else {
            "SUCCESS"
        };
        let mut fields = Map::new();
        let mut set = |name: &str, value: Value| fields.insert(name.to_owned(), value);
        set("Status", status.into());
        set("PhysicalResourceId", self.physical_resource_id.into());
        set("StackId", self.request.stack_id.as_str().into());
        set("RequestId", self.request.request_id.as_str().into());
        set(
            "LogicalResourceId",
            self.request.logical_resource_id.as_str().into(),
        );
        // `null` is refused: a reason is a text or it is not there.
        if let Some(reason) = reason {
            set("Reason", reason.into());
        }
        if let Some(data) = data {
            let data = data
                .iter()
                .map(|(name, value)| ((*name).to_owned(), value.as_str().into()));
            set("Data", Value::Object(data.collect()));
        }
        Value::Object(fields).to_string()
    }
}

fn is_physical_id(id: &str) -> bool {
    (1..=LONGEST_ID).contains(&id.len()) && !id.contains(char::is_control)
}

/// The text without control characters, which the console could not show.
fn printable(text: &str) -> String {
    let shown = |c: char| if c.is_control() && c != '\n' { ' ' } else { c };
    text.chars().map(shown).collect()
}

/// The beginning of a printable text that takes at most so many bytes in JSON.
fn beginning(text: &str, room: usize) -> &str {
    let mut used = 0;
    let mut end = 0;
    for c in text.chars() {
        used += match c {
            '"' | '\\' | '\n' => 2,
            _ => c.len_utf8(),
        };
        if used > room {
            break;
        }
        end += c.len_utf8();
    }
    text.get(..end).unwrap_or_default()
}

#[cfg(test)]
mod tests;
