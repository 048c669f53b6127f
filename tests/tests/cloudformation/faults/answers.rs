//! Answers that do not arrive: sent again with the same bytes, in the same delivery of the request or in the next one.

use std::time::Duration;

use harness::cloudformation::{Put, Reception, RequestKind, StackTemplate, Status};
use harness::lambda::Outcome;
use harness::standin::Call;

use super::Case;
use super::case::{Order, options};

/// How many deliveries of the Create there were, and the PUTs of its answer.
struct Delivered {
    case: Case,
    status: Status,
    outcomes: Vec<Outcome>,
    puts: Vec<Put>,
}

/// Creates a user without credentials; the answers meet these receptions.
async fn create(receptions: Vec<Reception>) -> Delivered {
    let mut case = Case::with(options(Duration::from_secs(6))).await.unwrap();
    case.stack
        .receive_with("Alice", RequestKind::Create, receptions);
    let template = StackTemplate::new();
    let template = template.with("Alice", &case.scene.user("alice")).unwrap();
    let status = case.carry_out(&Order::Create(template)).await.unwrap();
    let create = case.stack.sent()[0].request_id.clone();
    let puts = case.scene.endpoint.puts(&create);
    let bodies = puts.iter().all(|put| put.body == puts[0].body);
    assert!(bodies, "the answers differ: {puts:#?}");
    let created = |call: &&Call| call.action == "iam:CreateUser" && call.committed;
    let calls = case.scene.calls().await.unwrap();
    assert_eq!(calls.iter().filter(created).count(), 1);
    let invocations = case.scene.function.invocations();
    let first = invocations[0].request_id.clone();
    let of_create = invocations.into_iter().filter(|it| it.request_id == first);
    let outcomes = of_create.map(|it| it.outcome).collect();
    Delivered {
        case,
        status,
        outcomes,
        puts,
    }
}

#[rstest::rstest]
#[case::refused_once(vec![Reception::Refuse], 2, 1)]
#[case::unavailable_for_a_while(vec![Reception::ServerError; 3], 4, 1)]
#[case::lost_on_the_way(vec![Reception::LoseRequest; 2], 3, 1)]
#[case::stored_and_not_confirmed(vec![Reception::LoseReply; 2], 3, 1)]
#[case::slow(vec![Reception::Slow(Duration::from_secs(1))], 1, 1)]
#[case::refused_for_a_whole_delivery(vec![Reception::Refuse; 2], 3, 2)]
#[case::refused_for_two_deliveries(vec![Reception::Refuse; 4], 5, 3)]
#[tokio::test]
async fn an_answer_arrives_in_the_end(
    #[case] receptions: Vec<Reception>,
    #[case] puts: usize,
    #[case] deliveries: usize,
) {
    let mut delivered = create(receptions).await;
    assert_eq!(delivered.status, Status::CreateComplete);
    assert_eq!(delivered.puts.len(), puts, "{:#?}", delivered.puts);
    assert_eq!(delivered.outcomes.len(), deliveries);
    let (last, earlier) = delivered.outcomes.split_last().unwrap();
    assert!(last.is_success(), "{last:?}");
    for outcome in earlier {
        let Outcome::Failed(told) = outcome else {
            panic!("{outcome:?}");
        };
        assert_eq!(told["errorType"], "NotDelivered");
    }
    let status = delivered.case.carry_out(&Order::Delete).await.unwrap();
    assert_eq!(status, Status::DeleteComplete);
    delivered.case.scene.check_empty().await.unwrap();
}

/// CloudFormation hears nothing, waits for its timeout, and sends a Delete with an id that it invented.
#[rstest::rstest]
#[case::refused(Reception::Refuse)]
#[case::unavailable(Reception::ServerError)]
#[tokio::test]
async fn a_user_whose_answer_never_arrives_goes_with_the_roll_back(#[case] reception: Reception) {
    let delivered = create(vec![reception; 100]).await;
    assert_eq!(delivered.status, Status::RollbackComplete);
    assert_eq!(delivered.outcomes.len(), 3);
    let failed = |outcome: &Outcome| matches!(outcome, Outcome::Failed(_));
    assert!(
        delivered.outcomes.iter().all(failed),
        "{:?}",
        delivered.outcomes
    );
    let scene = &delivered.case.scene;
    let users = scene.users(scene.member()).await.unwrap();
    assert_eq!(users, Vec::<String>::new());
    // The one thing that is wrong.
    let error = scene.check_empty().await.unwrap_err().to_string();
    assert_eq!(error.lines().count(), 1, "{error}");
    assert!(error.ends_with("was never answered"), "{error}");
}
