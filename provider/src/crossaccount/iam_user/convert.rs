//! Between the Terraform model of a user and the core's types.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;
use std::str::FromStr;

use crossaccount_core::ids::{
    GroupName, InvalidId, PolicyArn, PolicyName, TagKey, TagValue, UserName,
};
use crossaccount_core::session::Target;
use crossaccount_core::user::{
    DeletionPolicy, Expected, Facets, ObservedUser, PolicyDocument, Proof, Recorded, UserSpec,
};
use jiff::Timestamp;

use super::IamUserModel;
use super::credentials::{Unsettled, contradicting_intervals, give_password};
use super::shown::{self, Credentials, known_or_null};
use crate::crossaccount::ProviderState;
use crate::schema::{Diagnostic, Diagnostics, Field, ModelError};
use crate::value::{Object, Path};

/// Reads the text of one attribute into a type of the core.
fn parse<T>(path: &Path, text: &str) -> Result<T, Diagnostics>
where
    T: FromStr,
    T::Err: Display,
{
    text.parse().map_err(|error| {
        Diagnostic::error("Invalid value", format!("{path}: {error}"))
            .at(path.clone())
            .into()
    })
}

fn parse_field<T>(name: &str, field: &Field<String>) -> Result<Option<T>, Diagnostics>
where
    T: FromStr,
    T::Err: Display,
{
    field
        .known()
        .map(|text| parse(&Path::attribute(name), text))
        .transpose()
}

fn required<T>(name: &str, field: &Field<String>) -> Result<T, Diagnostics>
where
    T: FromStr,
    T::Err: Display,
{
    parse_field(name, field)?.ok_or_else(|| {
        Diagnostic::bug(format!("{name} has no value although it must have one"))
            .at(Path::attribute(name))
            .into()
    })
}

fn parse_set<T>(
    name: &str,
    field: &Field<BTreeSet<String>>,
) -> Result<Option<BTreeSet<T>>, Diagnostics>
where
    T: FromStr + Ord,
    T::Err: Display,
{
    let path = Path::attribute(name);
    field
        .known()
        .map(|texts| texts.iter().map(|text| parse(&path, text)).collect())
        .transpose()
}

/// The tags of a user: those of the provider, and those of the resource, which win.
pub(super) fn merged_tags(
    default_tags: &BTreeMap<String, String>,
    tags: Option<&BTreeMap<String, String>>,
) -> BTreeMap<String, String> {
    let mut merged = default_tags.clone();
    merged.extend(
        tags.into_iter()
            .flatten()
            .map(|(key, value)| (key.clone(), value.clone())),
    );
    merged
}

impl IamUserModel {
    /// The account and the role to assume there.
    pub(in crate::crossaccount) fn target(&self) -> Result<Target, Diagnostics> {
        Ok(Target {
            account_id: required("account_id", &self.account_id)?,
            role_arn: parse_field("role_arn", &self.role_arn)?,
        })
    }

    pub(super) fn user_name(&self) -> Result<UserName, Diagnostics> {
        required("name", &self.name)
    }

    /// The user that the state remembers.
    pub(super) fn recorded(&self) -> Result<Recorded, Diagnostics> {
        Ok(Recorded {
            name: self.user_name()?,
            unique_id: required("unique_id", &self.unique_id)?,
            proof: Proof::Remembered,
            parameters: self.parameters(),
            access_keys: self.key_ids().collect(),
        })
    }

    /// When the user was created, as the state remembers it.
    pub(super) fn created(&self) -> Option<Timestamp> {
        self.create_date.known()?.parse().ok()
    }

    pub(super) fn deletion_policy(&self) -> DeletionPolicy {
        match self.deletion_policy.known().map(String::as_str) {
            Some("retain") => DeletionPolicy::Retain,
            Some("quarantine") => DeletionPolicy::Quarantine,
            _ => DeletionPolicy::Delete,
        }
    }

    /// The sets to read: those that are managed, or all when nothing has said yet what is.
    pub(super) fn facets(&self, all: bool) -> Facets {
        if all {
            return Facets::ALL;
        }
        Facets {
            managed_policies: !self.managed_policy_arns.is_null(),
            inline_policies: !self.inline_policies.is_null(),
            groups: !self.groups.is_null(),
            ..self.credential_facets()
        }
    }

    /// What the user probably has.
    pub(super) fn expected(&self) -> Expected {
        let policies = self.inline_policies.known().into_iter().flatten();
        Expected {
            inline_policies: policies.filter_map(|(name, _)| name.parse().ok()).collect(),
            access_keys: self.key_ids().collect(),
            parameters: self.parameters(),
        }
    }

    /// What is wanted of the user. Sets, tags and credentials that are not known yet count as not managed
    /// and absent: only a plan has such values, and it checks what it knows.
    pub(super) fn spec(&self, provider: &ProviderState) -> Result<UserSpec, Diagnostics> {
        let inline_path = Path::attribute("inline_policies");
        let inline_policies = self.inline_policies.known().map(|policies| {
            policies
                .iter()
                .map(|(name, text)| {
                    let path = inline_path.with_key(name);
                    Ok((
                        parse::<PolicyName>(&path, name)?,
                        parse::<PolicyDocument>(&path, text)?,
                    ))
                })
                .collect::<Result<BTreeMap<_, _>, Diagnostics>>()
        });
        let tags_path = Path::attribute("tags");
        let tags = merged_tags(&provider.default_tags, self.tags.known())
            .iter()
            .map(|(key, value)| {
                let path = tags_path.with_key(key);
                Ok((
                    parse::<TagKey>(&path, key)?,
                    parse::<TagValue>(&path, value)?,
                ))
            })
            .collect::<Result<BTreeMap<_, _>, Diagnostics>>()?;
        Ok(UserSpec {
            name: self.user_name()?,
            path: parse_field("path", &self.path)?.unwrap_or_default(),
            permissions_boundary: parse_field("permissions_boundary", &self.permissions_boundary)?,
            managed_policy_arns: parse_set("managed_policy_arns", &self.managed_policy_arns)?,
            inline_policies: inline_policies.transpose()?,
            groups: parse_set("groups", &self.groups)?,
            tags,
            access_key: settled(self.wanted_key())?,
            console_access: settled(self.wanted_console())?,
        })
    }
}

impl IamUserModel {
    /// What is wanted, with the password that only the configuration holds.
    pub(super) fn spec_with_password(
        &self,
        provider: &ProviderState,
        config: &Object,
    ) -> Result<UserSpec, Diagnostics> {
        let config = Self::try_from(config).map_err(ModelError::into_diagnostic)?;
        let mut spec = self.spec(provider)?;
        give_password(&mut spec.console_access, &config);
        Ok(spec)
    }
}

fn settled<T>(wanted: Result<Option<T>, Unsettled>) -> Result<Option<T>, Diagnostics> {
    match wanted {
        Ok(wanted) => Ok(wanted),
        Err(Unsettled::NotKnownYet) => Ok(None),
        Err(Unsettled::Contradicts(problem)) => Err(contradicting_intervals(&problem).into()),
    }
}

/// What Terraform knew before the user was looked at.
#[derive(Clone, Copy)]
pub(in crate::crossaccount) enum Previous<'a> {
    /// The last state.
    State(&'a IamUserModel),
    /// The plan that was carried out.
    Plan(&'a IamUserModel),
    /// The id of an import: nothing has said yet what is managed.
    Import(&'a IamUserModel),
}

impl<'a> Previous<'a> {
    fn model(self) -> &'a IamUserModel {
        let (Self::State(model) | Self::Plan(model) | Self::Import(model)) = self;
        model
    }

    /// A set for the state: null when it is not managed. After an import an empty set is null too, so that a
    /// configuration which does not mention it shows no change.
    fn set<T, C: Default + PartialEq>(self, before: &Field<T>, found: Option<C>) -> Field<C> {
        match (self, found) {
            (Self::Import(_), Some(found)) if found != C::default() => Field::Known(found),
            (Self::State(_) | Self::Plan(_), Some(found)) if !before.is_null() => {
                Field::Known(found)
            }
            _ => Field::Null,
        }
    }
}

/// The state of a user as IAM has it, in the spelling that Terraform had before where both mean the same.
pub(in crate::crossaccount) fn state_of(
    user: &ObservedUser,
    previous: Previous<'_>,
    default_tags: &BTreeMap<String, String>,
    credentials: &Credentials,
) -> IamUserModel {
    let before = previous.model();
    let texts = |texts: Vec<&str>| {
        texts
            .into_iter()
            .map(str::to_owned)
            .collect::<BTreeSet<_>>()
    };
    let managed = user
        .managed_policy_arns
        .as_ref()
        .map(|arns| texts(arns.iter().map(PolicyArn::as_str).collect()));
    let groups = user
        .groups
        .as_ref()
        .map(|names| texts(names.iter().map(GroupName::as_str).collect()));
    let inline = user.inline_policies.as_ref().map(|policies| {
        policies
            .iter()
            .map(|(name, document)| {
                (
                    name.to_string(),
                    in_known_spelling(name, document, &before.inline_policies),
                )
            })
            .collect::<BTreeMap<_, _>>()
    });
    let or_default = |field: &Field<String>, default: &str| {
        Field::Known(field.known().cloned().unwrap_or_else(|| default.to_owned()))
    };
    let account_id = before.account_id.clone();
    IamUserModel {
        id: Field::Known(format!(
            "{}/{}",
            account_id.known().map(String::as_str).unwrap_or_default(),
            user.name
        )),
        account_id,
        name: Field::Known(user.name.to_string()),
        path: Field::Known(user.path.to_string()),
        role_arn: before.role_arn.clone(),
        permissions_boundary: user
            .permissions_boundary
            .as_ref()
            .map(ToString::to_string)
            .into(),
        managed_policy_arns: previous.set(&before.managed_policy_arns, managed),
        inline_policies: previous.set(&before.inline_policies, inline),
        groups: previous.set(&before.groups, groups),
        tags: own_tags(user, &before.tags, default_tags),
        console_access: shown::console_access(
            user,
            credentials.parameters.console_password.as_ref(),
            &before.console_access,
        ),
        access_key: before.access_key.clone(),
        adoption_policy: or_default(&before.adoption_policy, "fail"),
        deletion_policy: or_default(&before.deletion_policy, "delete"),
        force_destroy: Field::Known(before.force_destroy.known().copied().unwrap_or_default()),
        timeouts: before.timeouts.clone(),
        arn: Field::Known(user.arn.clone()),
        unique_id: Field::Known(user.unique_id.clone()),
        create_date: user.create_date.as_ref().map(ToString::to_string).into(),
        tags_all: Field::Known(user.visible_tags()),
        managed_by: user.managed_by().map(str::to_owned).into(),
        access_keys: shown::access_keys(user, credentials, before),
        last_key_change: known_or_null(&before.last_key_change),
    }
}

/// The document as Terraform wrote it, when IAM's means the same.
fn in_known_spelling(
    name: &PolicyName,
    document: &PolicyDocument,
    known: &Field<BTreeMap<String, String>>,
) -> String {
    let before = known
        .known()
        .and_then(|policies| policies.get(name.as_str()));
    match before {
        Some(text)
            if text
                .parse()
                .is_ok_and(|before: PolicyDocument| before == *document) =>
        {
            text.clone()
        }
        _ => document.as_str().to_owned(),
    }
}

/// The tags that are the resource's own: all but those that come from the provider unless the resource repeats them.
fn own_tags(
    user: &ObservedUser,
    before: &Field<BTreeMap<String, String>>,
    default_tags: &BTreeMap<String, String>,
) -> Field<BTreeMap<String, String>> {
    let mut tags = user.visible_tags();
    tags.retain(|key, value| {
        default_tags.get(key) != Some(value)
            || before
                .known()
                .is_some_and(|before| before.contains_key(key))
    });
    if tags.is_empty() && before.is_null() {
        Field::Null
    } else {
        Field::Known(tags)
    }
}

/// The name and account of an id `account_id/name`.
pub(super) fn from_id(id: &str) -> Result<IamUserModel, InvalidId> {
    let (account_id, name) = id.split_once('/').unwrap_or((id, ""));
    let account_id: crossaccount_core::ids::AccountId = account_id.parse()?;
    let name: UserName = name.parse()?;
    Ok(located(account_id.as_str(), &name))
}

pub(super) fn located(account_id: &str, name: &UserName) -> IamUserModel {
    IamUserModel {
        account_id: Field::Known(account_id.to_owned()),
        name: Field::Known(name.to_string()),
        id: Field::Known(format!("{account_id}/{name}")),
        ..IamUserModel::default()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use crossaccount_core::user::{MANAGED_BY_TAG, ObservedUser};

    use super::{Credentials, IamUserModel, Previous};
    use crate::schema::Field;

    fn map(entries: &[(&str, &str)]) -> BTreeMap<String, String> {
        entries
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect()
    }

    fn user() -> ObservedUser {
        ObservedUser {
            name: "alice".parse().unwrap(),
            path: "/engineering/".parse().unwrap(),
            arn: "arn:aws:iam::222222222222:user/engineering/alice".to_owned(),
            unique_id: "AIDA1".to_owned(),
            create_date: Some("2026-01-02T03:04:05Z".parse().unwrap()),
            password_last_used: None,
            permissions_boundary: None,
            tags: map(&[
                (MANAGED_BY_TAG, "platform"),
                ("team", "core"),
                ("cost", "42"),
            ]),
            managed_policy_arns: Some(
                ["arn:aws:iam::aws:policy/ReadOnlyAccess".parse().unwrap()].into(),
            ),
            inline_policies: Some(
                [("p".parse().unwrap(), r#"{"Statement":[]}"#.parse().unwrap())].into(),
            ),
            groups: Some(BTreeSet::new()),
            access_keys: None,
            console_access: None,
        }
    }

    fn state_of(
        user: &ObservedUser,
        previous: Previous<'_>,
        default_tags: &BTreeMap<String, String>,
    ) -> IamUserModel {
        super::state_of(user, previous, default_tags, &Credentials::default())
    }

    fn before() -> IamUserModel {
        super::located("222222222222", &"alice".parse().unwrap())
    }

    #[test]
    fn sets_that_are_not_managed_are_null() {
        let state = state_of(&user(), Previous::State(&before()), &BTreeMap::new());
        assert!(state.managed_policy_arns.is_null());
        assert!(state.inline_policies.is_null());
        assert!(state.groups.is_null());
    }

    #[test]
    fn an_import_shows_everything_that_is_there_and_nothing_that_is_empty() {
        let state = state_of(&user(), Previous::Import(&before()), &BTreeMap::new());
        assert_eq!(
            state.managed_policy_arns.known().map(BTreeSet::len),
            Some(1)
        );
        assert_eq!(state.inline_policies.known().map(BTreeMap::len), Some(1));
        assert!(state.groups.is_null());
        assert_eq!(state.deletion_policy, Field::Known("delete".to_owned()));
    }

    #[test]
    fn a_policy_that_means_the_same_keeps_its_spelling() {
        let spelling = "{ \"Statement\" : [ ] }";
        let before = IamUserModel {
            inline_policies: Field::Known(map(&[("p", spelling)])),
            ..before()
        };
        let state = state_of(&user(), Previous::State(&before), &BTreeMap::new());
        assert_eq!(state.inline_policies, Field::Known(map(&[("p", spelling)])));
    }

    #[test]
    fn reserved_tags_are_never_shown() {
        let state = state_of(&user(), Previous::State(&before()), &BTreeMap::new());
        assert_eq!(
            state.tags_all,
            Field::Known(map(&[("team", "core"), ("cost", "42")]))
        );
        assert_eq!(state.managed_by, Field::Known("platform".to_owned()));
    }

    #[rstest::rstest]
    #[case::default_tag_is_not_repeated(Field::Null, &[("cost", "42")], Some(vec![("team", "core")]))]
    #[case::all_tags_are_defaults(Field::Null, &[("cost", "42"), ("team", "core")], None)]
    #[case::repeated_on_purpose(Field::Known(map(&[("cost", "42")])), &[("cost", "42"), ("team", "core")], Some(vec![("cost", "42")]))]
    #[case::changed_by_hand(Field::Null, &[("cost", "7"), ("team", "core")], Some(vec![("cost", "42")]))]
    fn own_tags_are_those_that_the_provider_does_not_give(
        #[case] tags: Field<BTreeMap<String, String>>,
        #[case] defaults: &[(&str, &str)],
        #[case] expected: Option<Vec<(&str, &str)>>,
    ) {
        let before = IamUserModel { tags, ..before() };
        let state = state_of(&user(), Previous::State(&before), &map(defaults));
        assert_eq!(state.tags, expected.map(|tags| map(&tags)).into());
    }
}
