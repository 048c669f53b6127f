//! Which of two requests about the same resource is the newer one.

use crate::protocol::request::{Request, RequestType};

/// The place of a request among those about the same stack and logical id: the greater, the newer.
///
/// CloudFormation signs a request with the second in which it issued it. Within one second a Delete comes after an
/// Update and an Update after a Create: there is no other order in which CloudFormation sends them so fast. A request
/// whose URL does not tell its time counts as issued when it arrived.
pub(super) fn order_of(request: &Request, now: i64) -> i64 {
    let rank = match request.request_type {
        RequestType::Create => 0,
        RequestType::Update | RequestType::Unknown(_) => 1,
        RequestType::Delete => 2,
    };
    request
        .issued_at
        .unwrap_or(now)
        .saturating_mul(4)
        .saturating_add(rank)
}

#[cfg(test)]
mod tests {
    use serde_json::Map;

    use super::order_of;
    use crate::protocol::request::{Request, RequestType};

    fn order(request_type: RequestType, issued_at: Option<i64>) -> i64 {
        let request = Request {
            request_type,
            stack_id: String::new(),
            request_id: String::new(),
            logical_resource_id: String::new(),
            physical_resource_id: None,
            properties: Map::new(),
            old_properties: Map::new(),
            issued_at,
        };
        order_of(&request, 1000)
    }

    #[test]
    fn a_request_that_was_issued_later_is_newer_whatever_it_asks_for() {
        assert!(order(RequestType::Create, Some(11)) > order(RequestType::Delete, Some(10)));
        assert!(order(RequestType::Update, Some(11)) > order(RequestType::Delete, Some(10)));
    }

    #[test]
    fn within_one_second_a_delete_comes_last_and_a_create_first() {
        assert!(order(RequestType::Delete, Some(10)) > order(RequestType::Update, Some(10)));
        assert!(order(RequestType::Update, Some(10)) > order(RequestType::Create, Some(10)));
    }

    #[test]
    fn without_a_time_a_request_is_as_new_as_its_arrival() {
        assert_eq!(
            order(RequestType::Create, None),
            order(RequestType::Create, Some(1000))
        );
    }
}
