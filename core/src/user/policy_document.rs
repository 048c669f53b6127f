//! Policy documents, compared by meaning and not by spelling.

use std::str::FromStr;

use serde_json::{Map, Value};

/// Statement elements whose value is one text or a set of texts.
const TEXT_SETS: [&str; 4] = ["Action", "NotAction", "Resource", "NotResource"];

/// An IAM policy document: a JSON object with a `Statement`.
///
/// Two documents are equal when IAM reads the same from them: white space, the order of keys, of
/// statements and of set elements, and a single text in place of a list of one do not matter.
#[derive(Debug, Clone)]
pub struct PolicyDocument {
    text: String,
    canonical: Value,
}

/// Why a text is no policy document: a fragment.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidPolicyDocument(String);

impl PolicyDocument {
    /// The document as it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The size that IAM counts against a quota: all characters but white space.
    pub fn size(&self) -> usize {
        self.text
            .chars()
            .filter(|character| !character.is_whitespace())
            .count()
    }
}

impl PartialEq for PolicyDocument {
    fn eq(&self, other: &Self) -> bool {
        self.canonical == other.canonical
    }
}

impl Eq for PolicyDocument {}

impl FromStr for PolicyDocument {
    type Err = InvalidPolicyDocument;

    fn from_str(text: &str) -> Result<Self, InvalidPolicyDocument> {
        let invalid = |reason: String| InvalidPolicyDocument(reason);
        let value: Value =
            serde_json::from_str(text).map_err(|error| invalid(format!("not JSON: {error}")))?;
        let Value::Object(object) = value else {
            return Err(invalid("not a JSON object".to_owned()));
        };
        if !object
            .get("Statement")
            .is_some_and(|value| value.is_object() || value.is_array())
        {
            return Err(invalid("it has no \"Statement\" list".to_owned()));
        }
        // CreatePolicy's and PutUserPolicy's pattern of allowed characters.
        let allowed = |c: char| matches!(c, '\u{9}' | '\u{A}' | '\u{D}' | '\u{20}'..='\u{FF}');
        if let Some(bad) = text.chars().find(|character| !allowed(*character)) {
            return Err(invalid(format!(
                "IAM does not allow the character {bad:?} in a policy"
            )));
        }
        Ok(Self {
            text: text.to_owned(),
            canonical: canonical_document(object),
        })
    }
}

fn canonical_document(mut object: Map<String, Value>) -> Value {
    if let Some(statements) = object.remove("Statement") {
        let statements = match statements {
            Value::Array(statements) => statements,
            single => vec![single],
        };
        let statements = statements.into_iter().map(canonical_statement).collect();
        object.insert("Statement".to_owned(), sorted(statements));
    }
    Value::Object(object)
}

fn canonical_statement(statement: Value) -> Value {
    let Value::Object(statement) = statement else {
        return statement;
    };
    Value::Object(
        statement
            .into_iter()
            .map(|(key, value)| {
                let value = match key.as_str() {
                    key if TEXT_SETS.contains(&key) => text_set(value),
                    "Principal" | "NotPrincipal" => each_value(value, text_set),
                    "Condition" => each_value(value, |keys| each_value(keys, text_set)),
                    _ => value,
                };
                (key, value)
            })
            .collect(),
    )
}

fn each_value(value: Value, change: impl Fn(Value) -> Value) -> Value {
    match value {
        Value::Object(object) => Value::Object(
            object
                .into_iter()
                .map(|(key, value)| (key, change(value)))
                .collect(),
        ),
        other => other,
    }
}

/// One text or a list of texts as a sorted list. IAM reads `true` and `5` in conditions as texts.
fn text_set(value: Value) -> Value {
    let elements = match value {
        Value::Array(elements) => elements,
        single => vec![single],
    };
    let texts = elements.into_iter().map(|element| match element {
        Value::Bool(_) | Value::Number(_) => Value::String(element.to_string()),
        other => other,
    });
    sorted(texts.collect())
}

fn sorted(mut elements: Vec<Value>) -> Value {
    elements.sort_by_cached_key(Value::to_string);
    elements.dedup();
    Value::Array(elements)
}

#[cfg(test)]
mod tests {
    use super::PolicyDocument;

    fn document(text: &str) -> PolicyDocument {
        text.parse().unwrap()
    }

    const PLAIN: &str = r#"{"Version":"2012-10-17","Statement":[
        {"Effect":"Allow","Action":["s3:GetObject","s3:ListBucket"],"Resource":["*"]}]}"#;

    #[rstest::rstest]
    #[case::key_order_and_white_space(
        r#"{ "Statement": [ { "Resource": ["*"], "Action": ["s3:GetObject", "s3:ListBucket"],
            "Effect": "Allow" } ], "Version": "2012-10-17" }"#
    )]
    #[case::order_of_actions(
        r#"{"Version":"2012-10-17","Statement":[
            {"Effect":"Allow","Action":["s3:ListBucket","s3:GetObject"],"Resource":["*"]}]}"#
    )]
    #[case::one_text_for_a_list_of_one(
        r#"{"Version":"2012-10-17","Statement":
            {"Effect":"Allow","Action":["s3:GetObject","s3:ListBucket"],"Resource":"*"}}"#
    )]
    fn documents_that_mean_the_same_are_equal(#[case] other: &str) {
        assert_eq!(document(PLAIN), document(other));
    }

    #[rstest::rstest]
    #[case::effect(&PLAIN.replace("Allow", "Deny"))]
    #[case::action(&PLAIN.replace("s3:ListBucket", "s3:PutObject"))]
    #[case::case_of_resource(&PLAIN.replace(r#"["*"]"#, r#"["arn:aws:s3:::A"]"#))]
    #[case::version(&PLAIN.replace("2012-10-17", "2008-10-17"))]
    #[case::condition(&PLAIN.replace(
        r#""Effect":"Allow""#,
        r#""Effect":"Allow","Condition":{"Bool":{"aws:SecureTransport":"true"}}"#
    ))]
    fn documents_that_mean_something_else_differ(#[case] other: &str) {
        assert_ne!(document(PLAIN), document(other));
    }

    #[test]
    fn a_condition_reads_the_same_as_text_and_as_boolean() {
        let with = |value: &str| {
            document(&format!(
                r#"{{"Statement":[{{"Effect":"Deny","Action":"*","Resource":"*",
                "Condition":{{"Bool":{{"aws:MultiFactorAuthPresent":{value}}}}}}}]}}"#
            ))
        };
        assert_eq!(with("false"), with("[\"false\"]"));
        assert_ne!(with("false"), with("true"));
    }

    #[rstest::rstest]
    #[case("", "not JSON")]
    #[case("{", "not JSON")]
    #[case("[]", "not a JSON object")]
    #[case("{}", "Statement")]
    #[case("{\"Statement\":\"x\"}", "Statement")]
    #[case("{\"Statement\":[],\"Id\":\"\u{20ac}\"}", "does not allow")]
    fn what_is_no_policy_is_refused_with_a_reason(#[case] text: &str, #[case] reason: &str) {
        let error = text.parse::<PolicyDocument>().unwrap_err();
        assert!(error.to_string().contains(reason), "{error}");
    }

    #[test]
    fn white_space_does_not_count_against_the_quota() {
        assert_eq!(
            document("{ \"Statement\": [ ] }").size(),
            document("{\"Statement\":[]}").size()
        );
    }
}
