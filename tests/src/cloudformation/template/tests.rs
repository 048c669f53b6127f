//! Functions, conditions and parameters, one by one.

use serde_json::json;

use super::{MemberRole, member_role_from_text, template_from_text};

/// A template whose trust policy is `value`, with a parameter, a list and two conditions.
fn resolve(value: &str, parameters: &[(&str, &str)]) -> anyhow::Result<MemberRole> {
    let template = format!(
        "
Parameters:
  Name: {{Type: String, AllowedPattern: '^[a-z]*$', MaxLength: 5, Default: x}}
  List: {{Type: CommaDelimitedList, Default: ''}}
  Number: {{Type: Number, MinValue: 3600, Default: 3600}}
  Needed: {{Type: String, AllowedValues: ['yes', 'no']}}
Conditions:
  Yes: !Equals [!Ref Needed, 'yes']
  No: !Not [!Condition Yes]
  Both: !And [!Condition Yes, !Condition No]
  Either: !Or [!Condition Yes, !Condition No]
  Empty: !Equals [!Join ['', !Ref List], '']
Resources:
  Role:
    Type: AWS::IAM::Role
    Properties:
      RoleName: !Ref Name
      Path: /
      MaxSessionDuration: !Ref Number
      Policies: []
      AssumeRolePolicyDocument:
        value: {value}
"
    );
    member_role_from_text(&template, parameters)
}

#[rstest::rstest]
#[case("!Sub 'a${Name}-${AWS::Partition}'", json!({"value": "ax-aws"}))]
#[case("!Sub 'logs.${AWS::URLSuffix}'", json!({"value": "logs.amazonaws.com"}))]
#[case("!Sub '${!aws:username}-${Name}'", json!({"value": "${aws:username}-x"}))]
#[case("!Ref List", json!({"value": ["p", "q"]}))]
#[case("!If [Yes, 1, 2]", json!({"value": 1}))]
#[case("!If [No, 1, 2]", json!({"value": 2}))]
#[case("!If [Both, 1, 2]", json!({"value": 2}))]
#[case("!If [Either, 1, 2]", json!({"value": 1}))]
#[case("!If [Empty, 1, 2]", json!({"value": 2}))]
#[case("!If [No, 1, !Ref AWS::NoValue]", json!({}))]
#[case("[a, !If [No, b, !Ref AWS::NoValue], c]", json!({"value": ["a", "c"]}))]
#[case("{Fn::If: [Yes, {Ref: Name}, z]}", json!({"value": "x"}))]
#[case("{Condition: {a: !Ref Name}}", json!({"value": {"Condition": {"a": "x"}}}))]
fn functions_give_what_cloudformation_gives(
    #[case] value: &str,
    #[case] expected: serde_json::Value,
) {
    let role = resolve(value, &[("Needed", "yes"), ("List", "p, q")]).unwrap();
    assert_eq!(role.trust_policy, expected);
    assert_eq!(role.max_session_duration, 3600);
}

#[test]
fn a_whole_template_has_what_its_conditions_let_through() {
    let template = template_from_text(
        "
Parameters: {Days: {Type: Number, Default: 0}, List: {Type: CommaDelimitedList, Default: 'p,q'}}
Conditions: {Never: !Not [!Equals [!Ref Days, 0]]}
Resources:
  Bucket: {Type: B, Properties: {Name: !Sub '${Other.Arn}/${Days}', All: !Split [',', 'a,b']}}
  Other: {Type: O, Properties: {In: !Ref Bucket, Own: !Sub ['${X}', {X: !Join ['+', !Ref List]}], By: !ImportValue I}}
  Gone: {Type: G, Condition: Never}
Outputs:
  Arn: {Value: !GetAtt Bucket.Arn}
  Gone: {Condition: Never, Value: !Ref Gone}
",
        &[],
        &[("Bucket", "real")],
    )
    .unwrap();
    assert_eq!(
        json!(template.resources),
        json!({
            "Bucket": {"Type": "B", "Properties": {"Name": "Other.Arn/0", "All": ["a", "b"]}},
            "Other": {"Type": "O", "Properties": {"In": "real", "Own": "p+q", "By": "import:I"}},
        })
    );
    assert_eq!(json!(template.outputs), json!({"Arn": "Bucket.Arn"}));
}

#[rstest::rstest]
#[case("!Ref Missing")]
#[case("!Sub '${Missing}'")]
#[case("!Sub '${AWS::AccountId}'")]
#[case("!GetAtt Role.Arn")]
#[case("!If [Missing, 1, 2]")]
fn what_is_not_understood_is_an_error(#[case] value: &str) {
    assert!(resolve(value, &[("Needed", "yes")]).is_err());
}

#[rstest::rstest]
#[case(&[], "no value and no default")]
#[case(&[("Needed", "maybe")], "not an allowed value")]
#[case(&[("Needed", "yes"), ("Name", "UPPER")], "does not match")]
#[case(&[("Needed", "yes"), ("Name", "muchlonger")], "too long")]
#[case(&[("Needed", "yes"), ("Number", "10")], "too small")]
#[case(&[("Needed", "yes"), ("Other", "1")], "no parameter Other")]
fn parameters_are_held_to_their_rules(#[case] parameters: &[(&str, &str)], #[case] message: &str) {
    let error = resolve("1", parameters).unwrap_err();
    assert!(format!("{error:#}").contains(message), "{error:#}");
}
