//! The data sources: looking at users without managing them.
//!
//! They read with the read session and write nothing, also no audit record. What they show is what
//! IAM has at that moment; none of it is kept between two reads.

mod iam_user;
mod iam_users;

use super::ProviderState;
use super::located::{account_id, contradictions, required, role_arn, target, unless_cancelled};
use crate::framework::DataSource;

/// All data sources.
pub(super) fn all() -> Vec<Box<dyn DataSource<ProviderState>>> {
    vec![
        Box::new(iam_user::IamUserData),
        Box::new(iam_users::IamUsersData),
    ]
}

#[cfg(test)]
mod tests {
    use super::all;
    use crate::framework::ValidateRequest;
    use crate::schema::Diagnostics;
    use crate::value::{Object, Value};

    fn places(diagnostics: &Diagnostics) -> Vec<String> {
        let place =
            |found: &crate::schema::Diagnostic| found.attribute.as_ref().unwrap().to_string();
        diagnostics.iter().map(place).collect()
    }

    fn validate(config: Object) -> Vec<Vec<String>> {
        let request = ValidateRequest {
            config,
            capabilities: crate::framework::Capabilities::default(),
        };
        all()
            .iter()
            .map(|source| places(&source.validate(&request)))
            .collect()
    }

    #[test]
    fn every_data_source_refuses_a_role_of_another_account() {
        let config = Object::new()
            .with("account_id", "222222222222")
            .with("role_arn", "arn:aws:iam::333333333333:role/Reader");
        assert_eq!(validate(config), [["role_arn"], ["role_arn"]]);
    }

    #[test]
    fn an_unknown_account_contradicts_nothing() {
        let config = Object::new()
            .with("account_id", Value::UNKNOWN)
            .with("role_arn", "arn:aws:iam::333333333333:role/Reader");
        assert_eq!(validate(config), [[""; 0], [""; 0]]);
    }
}
