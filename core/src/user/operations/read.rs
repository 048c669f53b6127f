//! Operations that only look: all of them through the read session.

use std::num::NonZeroU64;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::refusal::replaced;
use super::{Limits, Recorded, Users, lock};
use crate::aws::settle;
use crate::error::{Error, ErrorKind};
use crate::ids::{Path, UserName};
use crate::password::PasswordPolicy;
use crate::session::{Access, Target};
use crate::user::observe::{self, Expected, Place, UserPage, UserSummary};
use crate::user::{Facets, ObservedUser, Quotas};

/// How long after its creation a user may still be invisible to reads.
pub(super) const YOUNG: Duration = Duration::from_mins(2);
/// How long a read waits for a young user.
const YOUNG_VISIBLE_WITHIN: Duration = Duration::from_secs(30);

impl Users {
    /// Reads a user with the read session, or nothing when it does not exist.
    ///
    pub async fn find(
        &self,
        target: &Target,
        name: &UserName,
        facets: Facets,
        expected: &Expected,
    ) -> Result<Option<ObservedUser>, Error> {
        let session = self.sessions.open(target, Access::Read).await?;
        let place = self.place(&session, target, expected, false);
        observe::observe(place, name, facets).await
    }

    /// Reads a user that is remembered, with the read session: nothing when it is gone.
    ///
    /// A user that was created within the last two minutes and cannot be seen is waited for. A user
    /// that was renamed by somebody else is found by its unique id.
    ///
    /// # Errors
    /// [`ErrorKind::Replaced`] when the name is held by another user than the remembered one.
    pub async fn read(
        &self,
        target: &Target,
        recorded: &Recorded,
        created: Option<Timestamp>,
        facets: Facets,
        expected: &Expected,
        limits: &Limits,
    ) -> Result<Option<ObservedUser>, Error> {
        let session = self.sessions.open(target, Access::Read).await?;
        let young = created
            .is_some_and(|created| self.clock.now().duration_since(created).unsigned_abs() < YOUNG);
        let patience = if young {
            YOUNG_VISIBLE_WITHIN
        } else {
            Duration::ZERO
        };
        let place = self.place(&session, target, expected, false);
        let read = || async {
            observe::observe(place, &recorded.name, facets)
                .await?
                .ok_or_else(|| Error::new(ErrorKind::NotFound, "the user is not visible"))
        };
        let waits = |error: &Error| young && error.kind() == ErrorKind::NotFound;
        match settle(&limits.settle(patience), waits, read).await {
            Ok(user) if user.unique_id == recorded.unique_id => Ok(Some(user)),
            Ok(user) => Err(replaced(target, recorded, &user)),
            Err(error) if error.kind() == ErrorKind::NotFound => {
                self.find_renamed(place, recorded, facets).await
            }
            Err(error) => Err(error),
        }
    }

    /// Looks for a user by its unique id. Costs a list of the account, but only when a user is gone.
    async fn find_renamed(
        &self,
        place: Place<'_>,
        recorded: &Recorded,
        facets: Facets,
    ) -> Result<Option<ObservedUser>, Error> {
        let users = match observe::list_users(place.session, &Path::default()).await {
            Ok(users) => users,
            // A member role that is limited to a path may not list the whole account.
            Err(error) if error.kind() == ErrorKind::AccessDenied => return Ok(None),
            Err(error) => return Err(error),
        };
        match users
            .into_iter()
            .find(|user| user.unique_id == recorded.unique_id)
        {
            Some(user) => observe::observe(place, &user.name, facets).await,
            None => Ok(None),
        }
    }

    /// Lists the users of an account under a path, with the read session.
    pub async fn list(
        &self,
        target: &Target,
        path_prefix: &Path,
    ) -> Result<Vec<UserSummary>, Error> {
        let session = self.sessions.open(target, Access::Read).await?;
        observe::list_users(&session, path_prefix).await
    }

    /// One page of the users of an account under a path, with the read session: at most `most` of them, from
    /// where the last page ended.
    pub async fn list_page(
        &self,
        target: &Target,
        path_prefix: &Path,
        after: Option<String>,
        most: Option<NonZeroU64>,
    ) -> Result<UserPage, Error> {
        let session = self.sessions.open(target, Access::Read).await?;
        let most = most.and_then(|most| i32::try_from(most.get()).ok());
        observe::users_page(&session, path_prefix, after, most.unwrap_or(i32::MAX)).await
    }

    /// The live quotas of an account: read once, with the read session.
    pub async fn quotas(&self, target: &Target) -> Result<Arc<Quotas>, Error> {
        let cell = Arc::clone(lock(&self.quotas).entry(target.clone()).or_default());
        let quotas = cell
            .get_or_try_init(|| async {
                let session = self.sessions.open(target, Access::Read).await?;
                observe::quotas(&session).await.map(Arc::new)
            })
            .await?;
        Ok(Arc::clone(quotas))
    }

    /// The password policy of an account: read once, with the read session.
    pub async fn password_policy(&self, target: &Target) -> Result<Arc<PasswordPolicy>, Error> {
        let session = self.sessions.open(target, Access::Read).await?;
        self.password_policies.of(&session).await
    }
}
