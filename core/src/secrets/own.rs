//! Everything of ours that the secret store holds, in one list.

use std::collections::HashMap;
use std::sync::Arc;

use super::description::credential;
use super::store::{describe, filter, kind_of};
use super::{ParameterName, SecretLocation, SecretStore};
use crate::error::Error;
use crate::session::{Access, Target};
use crate::user::MANAGED_BY_TAG;

/// The parameters of this owner, with the credential that each holds: metadata only.
///
/// The list may lag behind what was done within the last seconds.
#[derive(Debug, Default)]
pub(crate) struct OwnParameters(HashMap<String, String>);

impl OwnParameters {
    /// What a parameter holds: nothing when it is not ours or not there, and nothing inside when it does not say.
    #[expect(
        clippy::option_option,
        reason = "ours without a credential is not the same as not ours"
    )]
    pub(crate) fn credential(&self, name: &ParameterName) -> Option<Option<String>> {
        let description = self.0.get(name.as_str())?;
        Some(kind_of(name).and_then(|kind| credential(kind, description)))
    }
}

impl SecretStore {
    /// All parameters of this owner, through reading access: for all accounts at once when the store is in the hub, else
    /// for this account. Listed once in the life of a process, in one round trip for every 50.
    ///
    /// # Errors
    /// Those of opening a session and of `DescribeParameters`.
    pub(crate) async fn own(&self, target: &Target) -> Result<Arc<OwnParameters>, Error> {
        let place = match self.settings().location {
            SecretLocation::Hub => None,
            SecretLocation::Member => Some(target.clone()),
        };
        let session = self.session(target, Access::Read).await?;
        let folder = self.settings().prefix.to_string();
        let owner = self.owner.clone();
        let make = || async move {
            let tag = format!("tag:{MANAGED_BY_TAG}");
            let filters = [
                filter("Path", "Recursive", &folder)?,
                filter(&tag, "Equals", owner.as_str())?,
            ];
            let found = describe(&session, &filters).await?;
            let found = found.into_iter().filter_map(|found| {
                let description = found.description.unwrap_or_default();
                Some((found.name?, description))
            });
            Ok(Arc::new(OwnParameters(found.collect())))
        };
        self.own.get(place, |_| true, make).await
    }
}
