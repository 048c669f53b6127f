//! The page about `Custom::CrossAccountIamUser`.

use std::fmt::Write as _;

use crate::lifecycle::ATTRIBUTES;
use crossaccount_lambda::properties::table::{Change, PROPERTIES, Property, Shape};

const BEGINNING: &str = "# Custom::CrossAccountIamUser

An IAM user in any account whose member role the function can assume: the user, its permissions boundary, policies,
groups, tags and credentials. Names and shapes are those of `AWS::IAM::User` where it has them.

A set that is left out (`ManagedPolicyArns`, `Policies`, `Groups`) is not managed: it is neither read nor changed. A set
that is there is exclusive: what is not in it is removed from the user, and `[]` means none.

What a template may ask for is said by whoever runs the function: see [the environment](environment.md).

## Example

";

const SCALARS: &str = "## How values are read

CloudFormation makes texts of numbers and truth values, so `14` and `\"14\"` are the same, and so are `true` and `\"true\"`.
Nothing else is read as one: `\"True\"`, `\"14.0\"` and `\" 14\"` are errors. So are unknown properties, and everything that is
wrong is told at once. A property that depends on a parameter is left out with `!Ref AWS::NoValue`.

Never put a secret into a property: CloudFormation shows properties in the events of the stack.

";

const UPDATES: &str = "## Updates and deletions

- CloudFormation calls the function only when a property changes. What is due for an access key is done by the schedule of
  the function, and by every update of the resource. A change of `RotationTrigger` replaces the key at once.
- Another `AccountId` or `UserName` makes a new user. The old one is deleted after the whole update has succeeded; when
  the update fails, the new one is deleted and the old one was never touched.
- A failed update changes nothing about which user the resource is. CloudFormation then asks for the former properties
  again.
- A deletion touches only a user whose tag names this stack and logical id. Everything else is left alone, and the
  deletion succeeds.
- Set `ServiceTimeout` in seconds, a little longer than the timeout of the function: without it a stack waits for an hour
  when the function cannot answer.
- CloudFormation has neither import nor drift detection for custom resources.

";

/// The page.
pub(super) fn page() -> String {
    let mut page = BEGINNING.to_owned();
    let _ = write!(page, "```yaml\n{}```\n\n{SCALARS}", super::examples::WHOLE);
    page.push_str("## Properties\n\n");
    properties(&mut page, PROPERTIES);
    for property in PROPERTIES {
        if let Shape::Object(inner) | Shape::Objects(inner) = property.shape {
            let of = match property.shape {
                Shape::Objects(_) => "An element of",
                _ => "In",
            };
            let _ = write!(page, "## {of} `{}`\n\n", property.name);
            properties(&mut page, inner);
        }
    }
    return_values(&mut page);
    page.push_str(UPDATES.trim_end());
    page.push('\n');
    page
}

fn properties(page: &mut String, table: &[Property]) {
    for property in table {
        let Property {
            name,
            shape,
            required,
            change,
            default,
            meaning,
            example,
            shown: _,
        } = property;
        let _ = write!(
            page,
            "### `{name}`\n\n{meaning}\n\n- Type: {}\n",
            shape_of(*shape)
        );
        let _ = writeln!(page, "- Required: {}", if *required { "yes" } else { "no" });
        if !default.is_empty() {
            let _ = writeln!(page, "- Default: `{default}`");
        }
        let _ = writeln!(page, "- A change: {}", change_of(*change));
        let _ = write!(page, "- Example: `{name}: {example}`\n\n");
    }
}

fn shape_of(shape: Shape) -> String {
    match shape {
        Shape::Text => "text".to_owned(),
        Shape::Boolean => "`true` or `false`".to_owned(),
        Shape::Integer(least, most) => format!("whole number from {least} to {most}"),
        Shape::Choice(words) => {
            let words: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
            words.join(" or ")
        }
        Shape::Texts => "list of texts".to_owned(),
        Shape::Object(_) => "object".to_owned(),
        Shape::Objects(_) => "list of objects".to_owned(),
        Shape::Document => "object, or text with JSON".to_owned(),
    }
}

fn change_of(change: Change) -> &'static str {
    match change {
        Change::InPlace => "changes the user in place",
        Change::Replaces => "makes a new user and deletes the old one after the update",
        Change::CountsLater => "changes nothing by itself, and counts from the next operation on",
    }
}

fn return_values(page: &mut String) {
    page.push_str(
        "## Return values\n\n`Ref` returns the id of the resource: `crossaccount:v1:ACCOUNT:NAME`. `Fn::GetAtt` returns the \
         following; what there is not is an empty text. None of them is a secret.\n\n",
    );
    for name in ATTRIBUTES {
        let _ = writeln!(page, "- `{name}`: {}", attribute(name));
    }
    page.push('\n');
}

fn attribute(name: &str) -> &'static str {
    match name {
        "Arn" => "ARN of the user.",
        "UniqueId" => "The id that AWS never uses again (`AIDA…`).",
        "AccountId" => "Account of the user.",
        "UserName" => "Name of the user.",
        "AccessKeyId" => "Id of the current access key that was made here.",
        "AccessKeyParameter" => {
            "Name of the SSM parameter that holds the access key with its secret."
        }
        "ConsolePasswordParameter" => {
            "Name of the SSM parameter that holds the generated password."
        }
        "Status" => {
            "What the last request did: `Created`, `Exists`, `Updated`, `Rotated`, `Unchanged`. It may change with every \
             update of the resource."
        }
        other => panic!("say what Fn::GetAtt returns for {other}"),
    }
}
