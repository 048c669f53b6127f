//! The examples of the reference, and that every one of them is what the function accepts.

use saphyr::{LoadableYamlNode as _, Scalar, Yaml};
use serde_json::{Map, Value, json};

use crossaccount_lambda::properties::read;
use crossaccount_lambda::properties::table::{PROPERTIES, Property, Shape};

/// A template with everything that most users need.
pub(super) const WHOLE: &str = r#"AWSTemplateFormatVersion: "2010-09-09"
Description: A user for reports, in a member account.

Resources:
  Reporting:
    Type: Custom::CrossAccountIamUser
    Properties:
      ServiceToken: !ImportValue CrossAccountUserFunction
      ServiceTimeout: 960
      AccountId: "222222222222"
      UserName: reporting
      Path: /cloudformation/machines/
      PermissionsBoundary: !Sub "arn:${AWS::Partition}:iam::222222222222:policy/boundaries/Machines"
      ManagedPolicyArns:
        - !Sub "arn:${AWS::Partition}:iam::aws:policy/job-function/ViewOnlyAccess"
      Policies:
        - PolicyName: read-reports
          PolicyDocument:
            Version: "2012-10-17"
            Statement:
              - Effect: Allow
                Action: s3:GetObject
                Resource: !Sub "arn:${AWS::Partition}:s3:::reports/*"
      Groups: []
      Tags:
        - Key: team
          Value: reporting
      AccessKey:
        RotateAfterDays: 15
        DeleteAfterDays: 30
        RotationTrigger: "2026-11"
      DeletionPolicy: quarantine

Outputs:
  AccessKeyParameter:
    Description: The SSM parameter that holds the access key with its secret.
    Value: !GetAtt Reporting.AccessKeyParameter
"#;

/// A value as CloudFormation would send it: scalars as texts, `!Sub` resolved.
fn sent(node: &Yaml<'_>) -> Value {
    match node {
        Yaml::Value(Scalar::Boolean(value)) => json!(value.to_string()),
        Yaml::Value(Scalar::Integer(value)) => json!(value.to_string()),
        Yaml::Value(Scalar::String(value)) => json!(value),
        Yaml::Sequence(elements) => elements.iter().map(sent).collect(),
        Yaml::Mapping(entries) => entries
            .iter()
            .map(|(key, value)| (key.as_str().unwrap().to_owned(), sent(value)))
            .collect::<Map<_, _>>()
            .into(),
        Yaml::Tagged(tag, inner) if tag.suffix == "Sub" => {
            json!(
                sent(inner)
                    .as_str()
                    .unwrap()
                    .replace("${AWS::Partition}", "aws")
            )
        }
        Yaml::Tagged(tag, inner) => json!({ tag.suffix.as_str(): sent(inner) }),
        other => panic!("{other:?} is more than an example needs"),
    }
}

fn yaml(text: &str) -> Value {
    let documents = Yaml::load_from_str(text).unwrap();
    sent(&documents[0])
}

fn properties(more: &Value) -> Map<String, Value> {
    let mut properties = json!({"AccountId": "222222222222", "UserName": "alice"});
    for (name, value) in more.as_object().unwrap() {
        properties[name] = value.clone();
    }
    properties.as_object().unwrap().clone()
}

#[test]
fn the_whole_example_is_accepted() {
    let template = yaml(WHOLE);
    let mut properties = template["Resources"]["Reporting"]["Properties"]
        .as_object()
        .unwrap()
        .clone();
    assert!(properties.remove("ServiceToken").is_some());
    assert!(properties.remove("ServiceTimeout").is_some());
    read(&properties).unwrap();
}

#[test]
fn the_example_of_every_property_is_accepted() {
    let example = |property: &Property| yaml(&format!("{}: {}", property.name, property.example));
    for property in PROPERTIES {
        if let Err(problems) = read(&properties(&example(property))) {
            panic!("{problems}");
        }
        let (inner, is_list) = match property.shape {
            Shape::Object(inner) => (inner, false),
            Shape::Objects(inner) => (inner, true),
            _ => continue,
        };
        for part in inner {
            let mut object = Map::new();
            for other in inner
                .iter()
                .filter(|other| other.required || other.name == part.name)
            {
                object.insert(other.name.to_owned(), example(other)[other.name].clone());
            }
            let value = if is_list {
                json!([object])
            } else {
                json!(object)
            };
            if let Err(problems) = read(&properties(&json!({ property.name: value }))) {
                panic!("{problems}");
            }
        }
    }
}
