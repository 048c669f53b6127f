//! The contract of a list resource: it finds objects of a managed resource type that exist,
//! whether or not Terraform knows them (`terraform query`).

use std::fmt;
use std::num::NonZeroU64;
use std::ops::ControlFlow;
use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use super::Documentation;
use super::resource::ValidateRequest;
use crate::schema::{Diagnostics, Schema};
use crate::value::Object;

/// Finds objects of one managed resource type. That type must have an identity.
#[tonic::async_trait]
pub trait ListResource<C: Send + Sync + 'static>: Send + Sync + 'static {
    /// The full name, which is that of the managed resource.
    fn type_name(&self) -> &'static str;

    /// The attributes of the `config` block: where to look, and what for. Called once.
    fn schema(&self) -> Schema;

    /// What the reference says besides the schema.
    fn documentation(&self) -> Documentation {
        Documentation::default()
    }

    /// Checks that need more than one attribute; the validators of the schema have run. Unknown
    /// values must be taken as possibly valid.
    fn validate(&self, _request: &ValidateRequest) -> Diagnostics {
        Diagnostics::new()
    }

    /// Hands every object over as soon as it is found, until nobody wants more. It is dropped when
    /// Terraform goes away, so it must only read. An error ends the list; what was found before it
    /// stays found.
    async fn list(&self, request: ListRequest<C>, found: &mut Found<'_>)
    -> Result<(), Diagnostics>;
}

/// The input of a list.
pub struct ListRequest<C> {
    /// The configured provider.
    pub provider: Arc<C>,
    /// The configuration, wholly known, with defaults filled in. A block that is not there is one
    /// in which everything is null.
    pub config: Object,
    /// No more than these are wanted.
    pub limit: Option<NonZeroU64>,
    /// The whole objects are wanted, and not only their identities.
    pub include_resource: bool,
    /// Cancelled when the user interrupts Terraform.
    pub cancelled: CancellationToken,
}

/// One object that was found.
#[derive(Clone, Default)]
pub struct Listed {
    /// Its identity: wholly known, with every required attribute.
    pub identity: Object,
    /// How to call it in a list.
    pub display_name: String,
    /// The whole object, as `read` would give it. Only when it is wanted.
    pub resource: Option<Object>,
    /// Warnings about this object. An error ends the list.
    pub diagnostics: Diagnostics,
}

impl Listed {
    /// An object with this identity.
    pub fn new(identity: impl Into<Object>, display_name: impl Into<String>) -> Self {
        Self {
            identity: identity.into(),
            display_name: display_name.into(),
            ..Self::default()
        }
    }
}

impl fmt::Debug for Listed {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Listed")
            .field("display_name", &self.display_name)
            .field("diagnostics", &self.diagnostics)
            .finish_non_exhaustive()
    }
}

/// Where a list puts what it finds.
pub struct Found<'a> {
    reader: &'a mut dyn Reader,
    wanted: Option<u64>,
}

/// Takes objects one by one.
#[tonic::async_trait]
pub(super) trait Reader: Send {
    /// Takes one, and waits until there is room for it. Break: nobody reads any more.
    async fn take(&mut self, listed: Listed) -> ControlFlow<()>;
}

impl<'a> Found<'a> {
    pub(super) fn new(reader: &'a mut dyn Reader, limit: Option<NonZeroU64>) -> Self {
        Self {
            reader,
            wanted: limit.map(NonZeroU64::get),
        }
    }

    /// Hands one object over, and waits until Terraform has room for it. Break: it wants no more.
    pub async fn push(&mut self, listed: Listed) -> ControlFlow<()> {
        if self.wanted == Some(0) {
            return ControlFlow::Break(());
        }
        self.reader.take(listed).await?;
        if let Some(wanted) = &mut self.wanted {
            *wanted -= 1;
            if *wanted == 0 {
                return ControlFlow::Break(());
            }
        }
        ControlFlow::Continue(())
    }
}
