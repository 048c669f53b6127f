//! Terraform and CloudFormation do the same: one table of cases, each carried out through both faces, in two accounts
//! of one world.
//!
//! Terraform is the real provider behind the small host of `iam_user::host` and not the CLI: the CLI needs seconds for
//! a run, and there are more than a hundred runs here. What the CLI makes of the provider's answers is the business of
//! `iam_user`.
//!
//! A difference that is meant stands in the table with its reason, and has to be there.

mod cases;
mod faces;
mod refusals;
mod trace;
mod translation;

use futures_util::{StreamExt as _, stream};

use cases::{Case, cases};
use faces::Pair;
use trace::{ASPECTS, Trace};

/// How many cases are carried out at the same time.
const AT_ONCE: usize = 3;

#[tokio::test(flavor = "multi_thread")]
async fn both_faces_do_the_same() {
    let cases = cases();
    let number = cases.len();
    let wrong: Vec<String> = stream::iter(cases)
        .map(|case| tokio::spawn(carry_out(case)))
        .buffer_unordered(AT_ONCE)
        .map(Result::unwrap)
        .flat_map(stream::iter)
        .collect()
        .await;
    println!("{number} cases through both faces");
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

/// Carries out a case; everything that is not as it should be.
async fn carry_out(case: Case) -> Vec<String> {
    let pair = Pair::new().await.unwrap();
    let terraform = pair.through_terraform(&case).await;
    let cloudformation = pair.through_cloudformation(&case).await;
    match (terraform, cloudformation) {
        (Ok(terraform), Ok(cloudformation)) => differences(&case, &terraform, &cloudformation),
        (terraform, cloudformation) => {
            let errors = [terraform.err(), cloudformation.err()];
            let errors = errors.into_iter().flatten();
            errors
                .map(|error| format!("{}: {error:#}", case.name))
                .collect()
        }
    }
}

/// Differences that are not meant, and meant ones that are not there.
fn differences(case: &Case, terraform: &[Trace], cloudformation: &[Trace]) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut seen = Vec::new();
    for (number, (one, other)) in terraform.iter().zip(cloudformation).enumerate() {
        for (aspect, texts) in ASPECTS {
            let (one, other) = (texts(one), texts(other));
            if one == other {
                continue;
            }
            seen.push((number, aspect));
            let is_meant = case
                .meant
                .iter()
                .any(|meant| (meant.step, meant.aspect) == (number, aspect));
            if !is_meant {
                wrong.push(format!(
                    "{}: step {number}: {aspect:?} differs\nTerraform: {one:#?}\nCloudFormation: {other:#?}",
                    case.name
                ));
            }
        }
    }
    for meant in &case.meant {
        if !seen.contains(&(meant.step, meant.aspect)) {
            wrong.push(format!(
                "{}: step {}: {:?} is the same, and the table says that it differs: {}",
                case.name, meant.step, meant.aspect, meant.reason
            ));
        }
    }
    wrong
}

#[test]
fn a_difference_is_found_and_a_meant_one_has_to_be_there() {
    let case = |meant| Case {
        name: "case",
        before: None,
        steps: Vec::new(),
        meant,
    };
    let one = Trace::default();
    let mut other = Trace::default();
    other.writes.push("iam:DeleteUser".to_owned());
    let found = differences(
        &case(Vec::new()),
        std::slice::from_ref(&one),
        std::slice::from_ref(&other),
    );
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].contains("iam:DeleteUser"), "{found:?}");
    let meant = || {
        vec![cases::Meant {
            step: 0,
            aspect: trace::Aspect::Writes,
            reason: "so",
        }]
    };
    assert!(differences(&case(meant()), std::slice::from_ref(&one), &[other]).is_empty());
    assert_eq!(
        differences(
            &case(meant()),
            std::slice::from_ref(&one),
            std::slice::from_ref(&one)
        )
        .len(),
        1
    );
}
