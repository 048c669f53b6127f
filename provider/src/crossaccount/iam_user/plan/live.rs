//! What only the account itself can tell, through the read session.

use crossaccount_core::Error;
use crossaccount_core::ids::UserName;
use crossaccount_core::session::Target;
use crossaccount_core::user::{
    Expected, Facets, ObservedUser, Ownership, Quota, QuotaProblem, UserSpec, existing_user_warning,
};

use jiff::Timestamp;

use super::credentials::{self, Decision, Outlook};
use super::{IamUserModel, plan_deletion};
use crate::crossaccount::ProviderState;
use crate::crossaccount::errors::unchecked;
use crate::crossaccount::iam_user::seen::Seen;
use crate::schema::{Diagnostic, Diagnostics};
use crate::value::Path;

/// What a look at the account showed.
#[derive(Default)]
pub(super) struct Look {
    pub(super) diagnostics: Diagnostics,
    /// What happens to the credentials.
    pub(super) outlook: Outlook,
}

/// Asks the account, and decides what happens to the credentials.
pub(super) async fn look(
    provider: &ProviderState,
    seen: Option<Seen>,
    prior: Option<&IamUserModel>,
    planned: &IamUserModel,
) -> Look {
    let mut look = Look::default();
    if planned.role_arn.is_unknown() || planned.name.is_unknown() {
        return look;
    }
    let (Ok(target), Ok(spec)) = (planned.target(), planned.spec(provider)) else {
        return look;
    };
    // A replacement is planned a second time as a creation.
    if let Some(prior) = prior.filter(|prior| prior.account_id != planned.account_id) {
        plan_deletion(provider, prior, &mut look.diagnostics);
        return look;
    }
    let takes_name = prior.is_none_or(|prior| prior.name != planned.name);
    if takes_name && !provider.plan_name(&target.account_id, &spec.name) {
        look.diagnostics.error_at(
            Path::attribute("name"),
            "Two users of one name",
            format!(
                "Account {} would get two users named {}, or two whose names differ by case alone. IAM does not tell such \
                 names apart.",
                target.account_id, spec.name
            ),
        );
        return look;
    }
    let subject = Subject {
        provider,
        target: &target,
        spec: &spec,
        planned,
    };
    let quotas = async {
        if prior.is_none_or(|prior| sets_changed(prior, planned)) {
            subject.quota_problems(prior.is_none()).await
        } else {
            Diagnostics::new()
        }
    };
    let taken = async {
        if prior.is_some() && takes_name {
            subject.taken_name().await
        } else {
            Diagnostics::new()
        }
    };
    let others = async {
        match prior {
            None => subject.creation().await,
            Some(prior) => subject.change(seen, prior).await,
        }
    };
    let (quotas, taken, others) = tokio::join!(quotas, taken, others);
    // One account that cannot be reached is told once for a user, however many questions fail.
    look.diagnostics
        .append(merged([quotas, others.diagnostics, taken]));
    if let Outlook::Decided(decision) = &others.outlook {
        let found = credentials::check(&subject, decision).await;
        look.diagnostics.append(found);
    }
    look.outlook = others.outlook;
    look
}

/// The user that is planned.
pub(super) struct Subject<'a> {
    pub(super) provider: &'a ProviderState,
    pub(super) target: &'a Target,
    pub(super) spec: &'a UserSpec,
    pub(super) planned: &'a IamUserModel,
}

/// All lists without a second warning about the same failure.
fn merged(lists: [Diagnostics; 3]) -> Diagnostics {
    let mut all: Vec<Diagnostic> = Vec::new();
    for diagnostic in lists.into_iter().flatten() {
        if !all.iter().any(|seen| seen.detail == diagnostic.detail) {
            all.push(diagnostic);
        }
    }
    all.into_iter().collect()
}

fn sets_changed(prior: &IamUserModel, planned: &IamUserModel) -> bool {
    prior.managed_policy_arns != planned.managed_policy_arns
        || prior.inline_policies != planned.inline_policies
        || prior.groups != planned.groups
        || prior.tags != planned.tags
        || prior.deletion_policy != planned.deletion_policy
}

impl Subject<'_> {
    async fn quota_problems(&self, creates: bool) -> Diagnostics {
        let account_id = &self.target.account_id;
        let quotas = match self.provider.users.quotas(self.target).await {
            Ok(quotas) => quotas,
            Err(error) => return unchecked("Account", &error).into(),
        };
        let new_users = if creates {
            self.provider.planned_users(account_id)
        } else {
            0
        };
        quotas
            .check(self.spec, self.planned.deletion_policy(), new_users)
            .into_iter()
            .map(|QuotaProblem { quota, message }| {
                let name = match quota {
                    Quota::Users => "account_id",
                    Quota::Groups => "groups",
                    Quota::ManagedPolicies => "managed_policy_arns",
                    Quota::InlinePolicySize => "inline_policies",
                    Quota::Tags => "tags",
                };
                let detail = format!("Account {account_id}, user {}: {message}.", self.spec.name);
                Diagnostic::error("Quota exceeded", detail).at(Path::attribute(name))
            })
            .collect()
    }

    /// A user that is to be created, and may exist.
    async fn creation(&self) -> Look {
        let (user, nothing) = tokio::join!(
            self.existing(),
            credentials::nothing(self.provider, self.target, self.spec)
        );
        let (user, nothing) = match (user, nothing) {
            (Ok(user), Ok(nothing)) => (user, nothing),
            (Err(error), _) => return Look::unchecked("Account", &error),
            (_, Err(error)) => return Look::unchecked("Secret store", &error),
        };
        let decision = Decision::about_creation(self, user, &nothing);
        let diagnostics = match &decision.user {
            Some(user) => self.taken_over(user, &decision).into(),
            None => Diagnostics::new(),
        };
        Look {
            diagnostics,
            outlook: decided(decision),
        }
    }

    /// The user, should it exist already.
    async fn existing(&self) -> Result<Option<ObservedUser>, Error> {
        // Mostly there is no such user, and one call tells. Asking for its sets as well would cost more calls, and a
        // member role that is limited to a path denies them for a user that does not exist.
        let (users, name) = (&self.provider.users, &self.spec.name);
        let nothing = Expected::default();
        if users
            .find(self.target, name, Facets::NONE, &nothing)
            .await?
            .is_none()
        {
            return Ok(None);
        }
        let expected = self.planned.expected();
        users
            .find(self.target, name, self.spec.facets(), &expected)
            .await
    }

    /// What a plan says about a user that exists although it is to be created.
    fn taken_over(&self, user: &ObservedUser, decision: &Decision) -> Diagnostic {
        let owner = self.provider.users.owner();
        let place = Path::attribute("name");
        let adopts = self
            .planned
            .adoption_policy
            .known()
            .is_some_and(|policy| policy == "adopt");
        let account_id = &self.target.account_id;
        let diagnostic = match user.ownership(owner) {
            Ownership::Other(other) => Diagnostic::error(
                "User exists and belongs to somebody else",
                format!(
                    "Account {account_id}: user {} is managed by {other:?}. Remove it there first, or choose another \
                     name.",
                    user.name
                ),
            ),
            Ownership::Nobody if !adopts => Diagnostic::error(
                "User exists",
                format!(
                    "Account {account_id}: a user named {} exists and was not made by this deployment. Import it (id \
                     {account_id}/{}), or set adoption_policy = \"adopt\" to take it over.",
                    user.name, user.name
                ),
            ),
            Ownership::Ours | Ownership::Nobody => Diagnostic::warning(
                "User exists",
                format!(
                    "Account {account_id}: {}",
                    existing_user_warning(user, &decision.changes, owner)
                ),
            ),
        };
        diagnostic.at(place)
    }

    /// A user is to be renamed to a name that another user has now.
    async fn taken_name(&self) -> Diagnostics {
        let name: &UserName = &self.spec.name;
        let nothing = Expected::default();
        let found = self
            .provider
            .users
            .find(self.target, name, Facets::NONE, &nothing);
        match found.await {
            Ok(None) => Diagnostics::new(),
            // Another resource may free the name in the same run, so this is no error yet.
            Ok(Some(user)) => Diagnostic::warning(
                "Name is taken",
                format!(
                    "Account {}: a user named {} exists (unique id {}). The rename fails unless that user is renamed or \
                     deleted before.",
                    self.target.account_id, user.name, user.unique_id
                ),
            )
            .at(Path::attribute("name"))
            .into(),
            Err(error) => unchecked("Name", &error).into(),
        }
    }

    /// A user that exists. What the refresh saw of its credentials decides; what begins to be managed is read now,
    /// because the state does not show yet what the user has.
    async fn change(&self, seen: Option<Seen>, prior: &IamUserModel) -> Look {
        let wanted = self.spec.facets();
        let credentials_too = !match &seen {
            Some(seen) => seen.covers(wanted),
            None => !wanted.access_keys && !wanted.console_access,
        };
        let facets = Facets {
            managed_policies: wanted.managed_policies && prior.managed_policy_arns.is_null(),
            inline_policies: wanted.inline_policies && prior.inline_policies.is_null(),
            groups: wanted.groups && prior.groups.is_null(),
            access_keys: credentials_too && wanted.access_keys,
            console_access: credentials_too && wanted.console_access,
            own_credentials: false,
        };
        let Ok(recorded) = prior.recorded() else {
            return Look::default();
        };
        let at = seen
            .as_ref()
            .map_or_else(|| self.provider.clock.now(), |seen| seen.at);
        let seen_user = || {
            seen.as_ref()
                .and_then(|seen| seen.user(&recorded.unique_id))
        };
        if facets == Facets::NONE {
            return Look {
                diagnostics: Diagnostics::new(),
                outlook: self.outlook(prior, seen_user(), at),
            };
        }
        let expected = Expected {
            parameters: prior.parameters(),
            ..self.planned.expected()
        };
        let found = self
            .provider
            .users
            .find(self.target, &recorded.name, facets, &expected);
        let user = match found.await {
            Ok(Some(user)) => user,
            Ok(None) => return Look::default(),
            Err(error) => return Look::unchecked("User", &error),
        };
        let diagnostics = self.newly_managed(&user);
        let user = if credentials_too {
            Some(user)
        } else {
            seen_user()
        };
        Look {
            diagnostics,
            outlook: self.outlook(prior, user, at),
        }
    }

    fn outlook(&self, prior: &IamUserModel, user: Option<ObservedUser>, at: Timestamp) -> Outlook {
        match user {
            Some(user) => decided(Decision::about_change(self, prior, user, at)),
            None => Outlook::Untouched,
        }
    }

    /// What goes of the sets that begin to be managed.
    fn newly_managed(&self, user: &ObservedUser) -> Diagnostics {
        let mut found = Diagnostics::new();
        let mut warn = |attribute: &str, exist: Vec<String>, wanted: Vec<String>| {
            let surplus: Vec<String> = exist
                .into_iter()
                .filter(|name| !wanted.contains(name))
                .collect();
            if !surplus.is_empty() {
                found.push(
                    Diagnostic::warning(
                        "Existing entries will be removed",
                        format!(
                            "Account {}, user {}: {attribute} is managed from now on. These entries exist and are not in \
                             the configuration; they will be removed: {}.",
                            self.target.account_id,
                            user.name,
                            surplus.join(", ")
                        ),
                    )
                    .at(Path::attribute(attribute)),
                );
            }
        };
        warn(
            "managed_policy_arns",
            texts(user.managed_policy_arns.iter().flatten()),
            texts(self.spec.managed_policy_arns.iter().flatten()),
        );
        warn(
            "inline_policies",
            texts(user.inline_policies.iter().flatten().map(|(name, _)| name)),
            texts(
                self.spec
                    .inline_policies
                    .iter()
                    .flatten()
                    .map(|(name, _)| name),
            ),
        );
        warn(
            "groups",
            texts(user.groups.iter().flatten()),
            texts(self.spec.groups.iter().flatten()),
        );
        found
    }
}

impl Look {
    fn unchecked(what: &str, error: &Error) -> Self {
        Self {
            diagnostics: unchecked(what, error).into(),
            outlook: Outlook::Open,
        }
    }
}

fn decided(decision: Decision) -> Outlook {
    Outlook::Decided(Box::new(decision))
}

fn texts(items: impl Iterator<Item = impl ToString>) -> Vec<String> {
    items.map(|item| item.to_string()).collect()
}
