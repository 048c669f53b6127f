//! What a step does to a user, as a pure function: the model of IAM that the state after an
//! operation is computed from, and that the properties of [`super::diff`] are proven against.
//!
//! The result of an operation is computed and not read back: IAM is eventually consistent, and a
//! read right after a write may answer with the past.

use std::collections::{BTreeMap, BTreeSet};

use super::{ObservedConsole, ObservedKeys, ObservedUser, Step, StoredKey, StoredPassword};
use crate::ids::{Path, UserArn, UserName};

impl ObservedUser {
    /// Changes the user as a step does that IAM carried out.
    ///
    /// Steps on children that this type does not show (keys, devices) change nothing, and the steps
    /// that create or delete the whole user are the caller's to interpret.
    pub(crate) fn after(&mut self, step: &Step) {
        match step {
            Step::UpdateUser { new_name, new_path } => {
                self.relocate(new_name.as_ref(), new_path.as_ref());
            }
            Step::PutPermissionsBoundary(arn) => self.permissions_boundary = Some(arn.clone()),
            Step::DeletePermissionsBoundary => self.permissions_boundary = None,
            Step::UntagUser(keys) => self.tags.retain(|key, _| !keys.contains(key)),
            Step::TagUser(tags) => self.tags.extend(tags.clone()),
            Step::AttachPolicy(arn) => {
                if let Some(set) = &mut self.managed_policy_arns {
                    set.insert(arn.clone());
                }
            }
            Step::DetachPolicy(arn) => {
                if let Some(set) = &mut self.managed_policy_arns {
                    set.remove(arn);
                }
            }
            Step::PutInlinePolicy(name, document) => {
                if let Some(policies) = &mut self.inline_policies {
                    policies.insert(name.clone(), document.clone());
                }
            }
            Step::DeleteInlinePolicy(name) => {
                if let Some(policies) = &mut self.inline_policies {
                    policies.remove(name);
                }
            }
            Step::AddToGroup(name) => {
                if let Some(set) = &mut self.groups {
                    set.insert(name.clone());
                }
            }
            Step::RemoveFromGroup(name) => {
                if let Some(set) = &mut self.groups {
                    set.remove(name);
                }
            }
            // Credentials are kept by whoever carries the steps out: only there a new key has an id.
            Step::Key(_)
            | Step::Console(_)
            | Step::MoveSecret { .. }
            | Step::DeleteSecret(_)
            | Step::CreateUser { .. }
            | Step::DeleteUser
            | Step::DeleteLoginProfile
            | Step::DeactivateAccessKey(_)
            | Step::DeleteAccessKey(_)
            | Step::DeactivateServiceSpecificCredential(_)
            | Step::DeleteServiceSpecificCredential(_)
            | Step::DeactivateMfaDevice(_)
            | Step::DeleteVirtualMfaDevice(_)
            | Step::DeactivateSigningCertificate(_)
            | Step::DeleteSigningCertificate(_)
            | Step::DeactivateSshPublicKey(_)
            | Step::DeleteSshPublicKey(_) => {}
        }
    }

    /// Renames or moves the user; its ARN follows, its unique id stays.
    fn relocate(&mut self, new_name: Option<&UserName>, new_path: Option<&Path>) {
        if let Some(name) = new_name {
            self.name = name.clone();
        }
        if let Some(path) = new_path {
            self.path = path.clone();
        }
        if let Ok(arn) = self.arn.parse::<UserArn>() {
            self.arn = arn.relocated(&self.path, &self.name).to_string();
        }
    }

    /// A set that was not observed but is about to be managed counts as empty on a new user.
    pub(crate) fn with_empty_sets(mut self) -> Self {
        self.managed_policy_arns.get_or_insert_with(BTreeSet::new);
        self.inline_policies.get_or_insert_with(BTreeMap::new);
        self.groups.get_or_insert_with(BTreeSet::new);
        self.access_keys.get_or_insert_with(|| ObservedKeys {
            keys: Vec::new(),
            stored: StoredKey::Unknown,
        });
        self.console_access.get_or_insert(ObservedConsole {
            profile: None,
            stored: StoredPassword::Unknown,
        });
        self
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use proptest::prelude::*;

    use crate::user::ownership::{MANAGED_BY_TAG, QUARANTINE_POLICY, QUARANTINED_TAG};
    use crate::user::{ObservedUser, Owner, PolicyDocument, Step, UserSpec, diff};

    fn owner() -> Owner {
        "platform".parse().unwrap()
    }

    fn policy(number: u8) -> PolicyDocument {
        format!(r#"{{"Statement":[{{"Effect":"Deny","Action":"s3:{number}","Resource":"*"}}]}}"#)
            .parse()
            .unwrap()
    }

    prop_compose! {
        fn arns()(numbers in prop::collection::btree_set(0u8..5, 0..4)) -> BTreeSet<crate::ids::PolicyArn> {
            numbers.iter().map(|n| format!("arn:aws:iam::aws:policy/P{n}").parse().unwrap()).collect()
        }
    }
    prop_compose! {
        fn groups()(numbers in prop::collection::btree_set(0u8..5, 0..4)) -> BTreeSet<crate::ids::GroupName> {
            numbers.iter().map(|n| format!("g{n}").parse().unwrap()).collect()
        }
    }
    prop_compose! {
        fn inline()(policies in prop::collection::btree_map(0u8..4, 0u8..3, 0..4)) -> BTreeMap<crate::ids::PolicyName, PolicyDocument> {
            policies.iter().map(|(name, n)| (format!("i{name}").parse().unwrap(), policy(*n))).collect()
        }
    }
    prop_compose! {
        fn boundary()(number in prop::option::of(0u8..3)) -> Option<crate::ids::PolicyArn> {
            number.map(|n| format!("arn:aws:iam::222222222222:policy/B{n}").parse().unwrap())
        }
    }
    prop_compose! {
        fn spec()(
            name in 0u8..3, path in 0u8..3, permissions_boundary in boundary(),
            managed_policy_arns in prop::option::of(arns()), inline_policies in prop::option::of(inline()),
            groups in prop::option::of(groups()), tags in prop::collection::btree_map(0u8..4, 0u8..3, 0..4),
        ) -> UserSpec {
            UserSpec {
                name: format!("user{name}").parse().unwrap(),
                path: if path == 0 { "/".parse().unwrap() } else { format!("/p{path}/").parse().unwrap() },
                permissions_boundary, managed_policy_arns, inline_policies, groups,
                tags: tags.iter().map(|(k, v)| (format!("k{k}").parse().unwrap(), format!("v{v}").parse().unwrap())).collect(),
                access_key: None, console_access: None,
            }
        }
    }
    prop_compose! {
        fn observed()(
            base in spec(), managed in arns(), inline in inline(), groups in groups(),
            owner in prop::option::of(0u8..2), quarantined in any::<bool>(),
        ) -> ObservedUser {
            let mut tags: BTreeMap<String, String> =
                base.tags.iter().map(|(k, v)| (k.to_string(), v.to_string())).collect();
            if let Some(owner) = owner {
                tags.insert(MANAGED_BY_TAG.to_owned(), if owner == 0 { "platform" } else { "other" }.to_owned());
            }
            let mut inline = inline;
            if quarantined {
                tags.insert(QUARANTINED_TAG.to_owned(), "operation".to_owned());
                inline.insert(QUARANTINE_POLICY.parse().unwrap(), policy(9));
            }
            ObservedUser {
                arn: format!("arn:aws:iam::222222222222:user{}{}", base.path, base.name),
                name: base.name, path: base.path, unique_id: "AIDA1".to_owned(), create_date: None,
                password_last_used: None, permissions_boundary: base.permissions_boundary, tags,
                managed_policy_arns: Some(managed), inline_policies: Some(inline), groups: Some(groups),
                access_keys: None, console_access: None,
            }
        }
    }

    /// The user that IAM has after the steps, starting from nothing or from a user.
    fn applied(start: Option<&ObservedUser>, steps: &[Step], spec: &UserSpec) -> ObservedUser {
        let mut user = start.cloned();
        for step in steps {
            if let Step::CreateUser {
                path,
                permissions_boundary,
                tags,
            } = step
            {
                assert!(user.is_none(), "a user is created once");
                user = Some(ObservedUser {
                    name: spec.name.clone(),
                    path: path.clone(),
                    arn: format!("arn:aws:iam::222222222222:user{path}{}", spec.name),
                    unique_id: "AIDA2".to_owned(),
                    create_date: None,
                    password_last_used: None,
                    permissions_boundary: permissions_boundary.clone(),
                    tags: tags.clone(),
                    managed_policy_arns: Some(BTreeSet::new()),
                    inline_policies: Some(BTreeMap::new()),
                    groups: Some(BTreeSet::new()),
                    access_keys: None,
                    console_access: None,
                });
            } else {
                user.as_mut().expect("the user exists").after(step);
            }
        }
        user.expect("the user exists")
    }

    fn assert_reached(user: &ObservedUser, spec: &UserSpec) {
        assert_eq!((&user.name, &user.path), (&spec.name, &spec.path));
        assert_eq!(
            user.arn,
            format!("arn:aws:iam::222222222222:user{}{}", spec.path, spec.name)
        );
        assert_eq!(user.permissions_boundary, spec.permissions_boundary);
        assert_eq!(user.managed_by(), Some("platform"));
        assert!(!user.is_quarantined());
        let visible: BTreeMap<String, String> = spec
            .tags
            .iter()
            .map(|(k, v)| (k.to_string(), v.to_string()))
            .collect();
        assert_eq!(user.visible_tags(), visible);
        if spec.managed_policy_arns.is_some() {
            assert_eq!(user.managed_policy_arns, spec.managed_policy_arns);
        }
        if spec.inline_policies.is_some() {
            assert_eq!(user.inline_policies, spec.inline_policies);
        }
        if spec.groups.is_some() {
            assert_eq!(user.groups, spec.groups);
        }
    }

    proptest! {
        #[test]
        fn the_steps_lead_from_any_user_to_the_wanted_one(spec in spec(), start in observed()) {
            let steps = diff(&spec, &owner(), Some(&start));
            assert_reached(&applied(Some(&start), &steps, &spec), &spec);
        }

        #[test]
        fn the_steps_create_the_wanted_user(spec in spec()) {
            let steps = diff(&spec, &owner(), None);
            assert_reached(&applied(None, &steps, &spec), &spec);
        }

        #[test]
        fn nothing_is_left_to_do_after_the_steps(spec in spec(), start in prop::option::of(observed())) {
            let steps = diff(&spec, &owner(), start.as_ref());
            let reached = applied(start.as_ref(), &steps, &spec);
            prop_assert_eq!(diff(&spec, &owner(), Some(&reached)), vec![]);
        }

        #[test]
        fn a_run_that_dies_at_any_step_is_completed_by_the_next(
            spec in spec(), start in observed(), cut in any::<prop::sample::Index>(),
        ) {
            let steps = diff(&spec, &owner(), Some(&start));
            let done = &steps[..cut.index(steps.len() + 1)];
            let half = applied(Some(&start), done, &spec);
            let rest = diff(&spec, &owner(), Some(&half));
            assert_reached(&applied(Some(&half), &rest, &spec), &spec);
        }

        #[test]
        fn an_unmanaged_set_is_never_touched(spec in spec(), start in observed()) {
            let steps = diff(&spec, &owner(), Some(&start));
            let reached = applied(Some(&start), &steps, &spec);
            if spec.groups.is_none() {
                prop_assert_eq!(&reached.groups, &start.groups);
            }
            if spec.managed_policy_arns.is_none() {
                prop_assert_eq!(&reached.managed_policy_arns, &start.managed_policy_arns);
            }
        }

        #[test]
        fn no_permission_is_added_before_the_boundary_is_right(spec in spec(), start in observed()) {
            let steps = diff(&spec, &owner(), Some(&start));
            let boundary = steps.iter().position(|s| matches!(s, Step::PutPermissionsBoundary(_)));
            let added = steps.iter().position(|s| {
                matches!(s, Step::AttachPolicy(_) | Step::AddToGroup(_) | Step::PutInlinePolicy(..))
            });
            if let (Some(boundary), Some(added)) = (boundary, added) {
                prop_assert!(boundary < added);
            }
        }
    }
}
