//! Everything that a provider offers, by kind and name, and what the process keeps between calls.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use tokio_util::sync::CancellationToken;

use super::{
    Action, Configured, DataSource, EphemeralResource, Function, ListResource, Provider, Resource,
    Signature,
};
use crate::schema::{Diagnostic, Diagnostics, Identity, Schema};
use crate::value::Type;

/// Something offered, with its schema and the type that drives the codec.
pub(super) struct Offered<T: ?Sized> {
    pub(super) item: Box<T>,
    pub(super) schema: Schema,
    pub(super) ty: Type,
}

/// The things of one kind by name.
pub(super) type Offers<T> = BTreeMap<&'static str, Offered<T>>;

fn offers<T: ?Sized>(
    items: Vec<Box<T>>,
    about: impl Fn(&T) -> (&'static str, Schema),
) -> Offers<T> {
    let offered = |item: Box<T>| {
        let (name, schema) = about(&item);
        let ty = schema.ty();
        (name, Offered { item, schema, ty })
    };
    items.into_iter().map(offered).collect()
}

fn find<'a, T: ?Sized>(
    offers: &'a Offers<T>,
    kind: &str,
    type_name: &str,
) -> Result<&'a Offered<T>, Diagnostics> {
    offers.get(type_name).ok_or_else(|| {
        let detail = format!("This version of the provider has no {kind} {type_name:?}.");
        Diagnostic::error(format!("Unknown {kind} type"), detail).into()
    })
}

type Functions = BTreeMap<&'static str, (Box<dyn Function>, Signature)>;

pub(super) struct Inner<P: Provider> {
    pub(super) provider: P,
    pub(super) schema: Schema,
    pub(super) ty: Type,
    pub(super) resources: Offers<dyn Resource<P::State>>,
    /// Identities by resource type.
    pub(super) identities: BTreeMap<&'static str, Identity>,
    pub(super) data_sources: Offers<dyn DataSource<P::State>>,
    pub(super) ephemeral_resources: Offers<dyn EphemeralResource<P::State>>,
    pub(super) list_resources: Offers<dyn ListResource<P::State>>,
    pub(super) functions: Functions,
    pub(super) actions: Offers<dyn Action<P::State>>,
    configured: RwLock<Option<Configured<P::State>>>,
    cancelled: Mutex<CancellationToken>,
}

impl<P: Provider> Inner<P> {
    pub(super) fn new(provider: P) -> Self {
        let schema = provider.schema();
        let functions = provider
            .functions()
            .into_iter()
            .map(|function| {
                let signature = function.signature();
                (function.name(), (function, signature))
            })
            .collect();
        let resources = offers(provider.resources(), |it| (it.type_name(), it.schema()));
        let identities = resources
            .iter()
            .filter_map(|(name, resource)| Some((*name, resource.item.identity()?)))
            .collect();
        Self {
            ty: schema.ty(),
            schema,
            resources,
            identities,
            data_sources: offers(provider.data_sources(), |it| (it.type_name(), it.schema())),
            ephemeral_resources: offers(provider.ephemeral_resources(), |it| {
                (it.type_name(), it.schema())
            }),
            list_resources: offers(provider.list_resources(), |it| {
                (it.type_name(), it.schema())
            }),
            functions,
            actions: offers(provider.actions(), |it| (it.type_name(), it.schema())),
            configured: RwLock::new(None),
            cancelled: Mutex::new(CancellationToken::new()),
            provider,
        }
    }

    pub(super) fn resource(
        &self,
        type_name: &str,
    ) -> Result<&Offered<dyn Resource<P::State>>, Diagnostics> {
        find(&self.resources, "resource", type_name)
    }

    pub(super) fn data_source(
        &self,
        type_name: &str,
    ) -> Result<&Offered<dyn DataSource<P::State>>, Diagnostics> {
        find(&self.data_sources, "data source", type_name)
    }

    pub(super) fn ephemeral_resource(
        &self,
        type_name: &str,
    ) -> Result<&Offered<dyn EphemeralResource<P::State>>, Diagnostics> {
        find(&self.ephemeral_resources, "ephemeral resource", type_name)
    }

    pub(super) fn list_resource(
        &self,
        type_name: &str,
    ) -> Result<&Offered<dyn ListResource<P::State>>, Diagnostics> {
        find(&self.list_resources, "list resource", type_name)
    }

    pub(super) fn action(
        &self,
        type_name: &str,
    ) -> Result<&Offered<dyn Action<P::State>>, Diagnostics> {
        find(&self.actions, "action", type_name)
    }

    pub(super) fn set_configured(&self, configured: Configured<P::State>) {
        *self
            .configured
            .write()
            .unwrap_or_else(PoisonError::into_inner) = Some(configured);
    }

    /// The provider as it was configured; an error when it never was.
    pub(super) fn configured(&self) -> Result<Configured<P::State>, Diagnostics> {
        let configured = self
            .configured
            .read()
            .unwrap_or_else(PoisonError::into_inner);
        configured.clone().ok_or_else(|| {
            let detail = "Terraform called the provider before it configured it.";
            Diagnostic::error("Provider not configured", detail).into()
        })
    }

    /// The configured provider; an error when its configuration is not known yet.
    pub(super) fn ready(&self) -> Result<Arc<P::State>, Diagnostics> {
        match self.configured()? {
            Configured::Ready(state) => Ok(state),
            Configured::Unknown(reason) => Err(not_known_yet(&reason)),
        }
    }

    /// A token that the next stop cancels.
    pub(super) fn cancellation(&self) -> CancellationToken {
        self.token().child_token()
    }

    /// Cancels everything that runs. Later calls are not affected: under `-debug` the process
    /// serves the next run of Terraform too.
    pub(super) fn stop(&self) {
        let stopped = std::mem::take(&mut *self.token());
        stopped.cancel();
    }

    fn token(&self) -> MutexGuard<'_, CancellationToken> {
        self.cancelled
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// The error where the provider must be configured and the values for that are not known yet.
pub(super) fn not_known_yet(reason: &str) -> Diagnostics {
    let detail = format!(
        "The provider block holds values that are known only after apply: {reason}. Apply what \
         they depend on first, for example with -target, or use values that are known."
    );
    Diagnostic::error("Provider configuration not known yet", detail).into()
}
