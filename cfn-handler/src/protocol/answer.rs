//! The answer to a request.

use std::collections::BTreeMap;

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
