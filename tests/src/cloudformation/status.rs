//! The states of stacks and resources, in CloudFormation's words.

use std::fmt;

macro_rules! states {
    ($(#[$docs:meta])* $name:ident { $($state:ident = $text:literal,)* }) => {
        $(#[$docs])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        #[expect(missing_docs, reason = "the names are those of CloudFormation and say all there is to say")]
        pub enum $name { $($state,)* }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(match self { $(Self::$state => $text,)* })
            }
        }
    };
}

states! {
    /// The state of a stack, between operations.
    Status {
        NotCreated = "(not created)",
        CreateComplete = "CREATE_COMPLETE",
        CreateFailed = "CREATE_FAILED",
        RollbackComplete = "ROLLBACK_COMPLETE",
        RollbackFailed = "ROLLBACK_FAILED",
        UpdateComplete = "UPDATE_COMPLETE",
        UpdateRollbackComplete = "UPDATE_ROLLBACK_COMPLETE",
        UpdateRollbackFailed = "UPDATE_ROLLBACK_FAILED",
        DeleteComplete = "DELETE_COMPLETE",
        DeleteFailed = "DELETE_FAILED",
    }
}

states! {
    /// How a request about one resource ended.
    ResourceStatus {
        CreateComplete = "CREATE_COMPLETE",
        CreateFailed = "CREATE_FAILED",
        UpdateComplete = "UPDATE_COMPLETE",
        UpdateFailed = "UPDATE_FAILED",
        DeleteComplete = "DELETE_COMPLETE",
        DeleteFailed = "DELETE_FAILED",
    }
}
