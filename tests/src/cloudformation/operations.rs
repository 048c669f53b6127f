//! What a stack does when it is created, updated, rolled back and deleted.
//!
//! The requests are those of the documentation of custom resources and of what is known beyond it: a failed creation
//! is deleted with the id of the failed answer, or with an invented one when there was no answer; a roll-back swaps
//! properties and old properties; a clean-up tries three times to delete and then forgets.

use std::collections::BTreeMap;

use anyhow::Result;
use serde_json::Value;

use super::request::RequestKind;
use super::stack::{Declared, Deployed, End, OnFailure, Orphan, Replaced, Stack, StackTemplate};
use super::status::Status;

/// How often a clean-up tries to delete one thing.
const CLEANUP_ATTEMPTS: u32 = 3;

/// Where a stack can be updated from.
const UPDATABLE: [Status; 3] = [
    Status::CreateComplete,
    Status::UpdateComplete,
    Status::UpdateRollbackComplete,
];

/// A resource that an update has changed, or tried to.
#[derive(Debug, Clone)]
struct Change {
    logical_resource_id: String,
    old: Deployed,
    new: Deployed,
    succeeded: bool,
}

impl Change {
    fn replaced(&self) -> bool {
        self.old.physical_id != self.new.physical_id
    }
}

/// Something that is to be deleted.
#[derive(Debug, Clone)]
struct Doomed {
    logical_resource_id: String,
    physical_id: String,
    properties: Value,
}

impl Doomed {
    fn new(logical_resource_id: &str, deployed: &Deployed) -> Self {
        Self {
            logical_resource_id: logical_resource_id.to_owned(),
            physical_id: deployed.physical_id.clone(),
            properties: deployed.properties.clone(),
        }
    }
}

/// A roll-back of an update that has not come to its end.
#[derive(Debug, Clone, Default)]
pub(super) struct Rollback {
    changes: Vec<Change>,
    doomed: Vec<Doomed>,
}

impl Stack {
    /// Creates the stack. Returns its state: `CREATE_COMPLETE`, or after a failure `ROLLBACK_COMPLETE`,
    /// `ROLLBACK_FAILED`, or `CREATE_FAILED` without roll-back.
    ///
    /// # Errors
    /// When it was created before, or the function cannot be started.
    pub async fn create(&mut self, template: &StackTemplate) -> Result<Status> {
        self.expect_status("creation", &[Status::NotCreated])?;
        let mut pending = Vec::new();
        for (logical, declared) in &template.resources {
            let properties = &declared.properties;
            pending.push(self.issue(RequestKind::Create, logical, None, properties, None)?);
        }
        let sibling = template.sibling.as_ref();
        let (ends, all_well) = self.gather(pending, sibling, OnFailure::Cancel).await;
        for (logical, declared) in &template.resources {
            let deployed = self.created(logical, declared, ends.get(logical));
            self.resources.insert(logical.clone(), deployed);
        }
        self.status = if all_well {
            Status::CreateComplete
        } else if self.options.disable_rollback {
            Status::CreateFailed
        } else if self.delete_all(&[]).await? {
            Status::RollbackComplete
        } else {
            Status::RollbackFailed
        };
        Ok(self.status)
    }

    /// Updates the stack. Returns its state: `UPDATE_COMPLETE`, or after a failure `UPDATE_ROLLBACK_COMPLETE` or
    /// `UPDATE_ROLLBACK_FAILED`. Resources whose properties did not change get no request.
    ///
    /// # Errors
    /// When the stack takes no update, or the function cannot be started.
    pub async fn update(&mut self, template: &StackTemplate) -> Result<Status> {
        self.expect_status("update", &UPDATABLE)?;
        let before = self.resources.clone();
        let mut pending = Vec::new();
        for (logical, declared) in &template.resources {
            let new = &declared.properties;
            match before.get(logical) {
                None => pending.push(self.issue(RequestKind::Create, logical, None, new, None)?),
                Some(old) if old.properties != *new => {
                    let id = Some(old.physical_id.as_str());
                    let old = Some(&old.properties);
                    pending.push(self.issue(RequestKind::Update, logical, id, new, old)?);
                }
                Some(_) => {}
            }
        }
        let sibling = template.sibling.as_ref();
        let (ends, all_well) = self.gather(pending, sibling, OnFailure::Cancel).await;
        let mut changes = Vec::new();
        let mut made = Vec::new();
        for (logical, declared) in &template.resources {
            match (before.get(logical), ends.get(logical)) {
                (Some(old), Some(end)) => changes.push(change(logical, old, declared, end)),
                (None, end) => made.push((logical.clone(), self.created(logical, declared, end))),
                (Some(_), None) => {}
            }
        }
        if !all_well {
            let doomed = made.iter().filter(|(_, it)| !it.retain);
            let doomed = doomed
                .map(|(logical, it)| Doomed::new(logical, it))
                .collect();
            return self.roll_back(Rollback { changes, doomed }).await;
        }
        let mut doomed = Vec::new();
        for (logical, old) in &before {
            if !template.resources.contains_key(logical) {
                self.resources.remove(logical);
                if !old.retain {
                    doomed.push(Doomed::new(logical, old));
                }
            }
        }
        for change in changes {
            if change.replaced() && !change.old.retain {
                doomed.push(Doomed::new(&change.logical_resource_id, &change.old));
            }
            self.resources
                .insert(change.logical_resource_id, change.new);
        }
        self.resources.extend(made);
        for (logical, declared) in &template.resources {
            if let Some(deployed) = self.resources.get_mut(logical) {
                deployed.retain = declared.retain;
            }
        }
        self.clean_up(doomed).await?;
        self.status = Status::UpdateComplete;
        Ok(self.status)
    }

    /// `ContinueUpdateRollback`: tries again what the roll-back could not do, but for the resources to skip, which are
    /// taken for rolled back.
    ///
    /// # Errors
    /// When the roll-back of an update has not failed, or the function cannot be started.
    pub async fn continue_update_rollback(&mut self, skip: &[&str]) -> Result<Status> {
        self.expect_status("roll-back", &[Status::UpdateRollbackFailed])?;
        let mut rollback = self.interrupted.take().unwrap_or_default();
        for change in &rollback.changes {
            if skip.contains(&change.logical_resource_id.as_str()) {
                self.resources
                    .insert(change.logical_resource_id.clone(), change.old.clone());
            }
        }
        rollback
            .changes
            .retain(|change| !skip.contains(&change.logical_resource_id.as_str()));
        self.roll_back(rollback).await
    }

    /// Deletes the stack. Returns its state: `DELETE_COMPLETE` or `DELETE_FAILED`, after which it can be tried again.
    ///
    /// # Errors
    /// When it does not exist, or the function cannot be started.
    pub async fn delete(&mut self) -> Result<Status> {
        self.delete_retaining(&[]).await
    }

    /// As [`Stack::delete`], but for some resources, which the stack forgets.
    ///
    /// # Errors
    /// As [`Stack::delete`].
    pub async fn delete_retaining(&mut self, retained: &[&str]) -> Result<Status> {
        self.expect_status(
            "deletion",
            &[
                Status::CreateComplete,
                Status::CreateFailed,
                Status::RollbackComplete,
                Status::RollbackFailed,
                Status::UpdateComplete,
                Status::UpdateRollbackComplete,
                Status::UpdateRollbackFailed,
                Status::DeleteFailed,
            ],
        )?;
        self.status = if self.delete_all(retained).await? {
            Status::DeleteComplete
        } else {
            Status::DeleteFailed
        };
        Ok(self.status)
    }

    /// What the stack knows of a resource after its creation: with an invented id when there was no answer.
    fn created(&self, logical: &str, declared: &Declared, end: Option<&End>) -> Deployed {
        let told = end.and_then(End::physical_id);
        let answer = end.and_then(End::success);
        Deployed {
            properties: declared.properties.clone(),
            retain: declared.retain,
            physical_id: told.map_or_else(|| self.invented_id(logical), str::to_owned),
            data: answer.map(|it| it.data.clone()).unwrap_or_default(),
        }
    }

    /// Sends changed resources back to their old properties, and then deletes what the update has made.
    async fn roll_back(&mut self, rollback: Rollback) -> Result<Status> {
        let Rollback {
            changes,
            mut doomed,
        } = rollback;
        let mut pending = Vec::new();
        let mut sent = Vec::new();
        for change in changes {
            let logical = &change.logical_resource_id;
            let forgotten = self.options.replaced == Replaced::Forgotten;
            if forgotten && change.succeeded && change.replaced() {
                doomed.push(Doomed::new(logical, &change.new));
                continue;
            }
            let id = Some(change.new.physical_id.as_str());
            let (new, old) = (&change.new.properties, &change.old.properties);
            pending.push(self.issue(RequestKind::Update, logical, id, old, Some(new))?);
            sent.push(change);
        }
        let (ends, _) = self.gather(pending, None, OnFailure::Wait).await;
        let mut failed = Vec::new();
        for change in sent {
            let logical = change.logical_resource_id.clone();
            let Some(answer) = ends.get(&logical).and_then(End::success) else {
                failed.push(change);
                continue;
            };
            if answer.physical_resource_id != change.new.physical_id && !change.new.retain {
                doomed.push(Doomed::new(&logical, &change.new));
            }
            let mut back = change.old;
            back.physical_id.clone_from(&answer.physical_resource_id);
            back.data.clone_from(&answer.data);
            self.resources.insert(logical, back);
        }
        if !failed.is_empty() {
            // What failed is known under the id that its update had.
            for change in &failed {
                let logical = change.logical_resource_id.clone();
                self.resources.insert(logical, change.new.clone());
            }
            self.interrupted = Some(Rollback {
                changes: failed,
                doomed,
            });
            self.status = Status::UpdateRollbackFailed;
            return Ok(self.status);
        }
        self.clean_up(doomed).await?;
        self.status = Status::UpdateRollbackComplete;
        Ok(self.status)
    }

    /// Deletes what nobody needs any more. What cannot be deleted becomes an orphan, and the operation succeeds.
    async fn clean_up(&mut self, mut doomed: Vec<Doomed>) -> Result<()> {
        for _ in 0..CLEANUP_ATTEMPTS {
            let mut left = Vec::new();
            // One after the other: two of them may be about the same resource.
            for one in doomed {
                if !self.delete_one(&one).await? {
                    left.push(one);
                }
            }
            doomed = left;
        }
        self.orphans.extend(doomed.into_iter().map(|one| Orphan {
            logical_resource_id: one.logical_resource_id,
            physical_resource_id: one.physical_id,
        }));
        Ok(())
    }

    async fn delete_one(&mut self, one: &Doomed) -> Result<bool> {
        let id = Some(one.physical_id.as_str());
        let logical = &one.logical_resource_id;
        let pending = self.issue(RequestKind::Delete, logical, id, &one.properties, None)?;
        let (_, well) = self.gather(vec![pending], None, OnFailure::Wait).await;
        Ok(well)
    }

    /// Deletes all resources that are not to be retained, and forgets those that are gone. Whether all are.
    async fn delete_all(&mut self, retained: &[&str]) -> Result<bool> {
        let before: BTreeMap<_, _> = std::mem::take(&mut self.resources);
        let mut pending = Vec::new();
        for (logical, deployed) in &before {
            if deployed.retain || retained.contains(&logical.as_str()) {
                continue;
            }
            let id = Some(deployed.physical_id.as_str());
            let properties = &deployed.properties;
            pending.push(self.issue(RequestKind::Delete, logical, id, properties, None)?);
        }
        let (ends, well) = self.gather(pending, None, OnFailure::Wait).await;
        for (logical, deployed) in before {
            if ends
                .get(&logical)
                .is_some_and(|end| end.success().is_none())
            {
                self.resources.insert(logical, deployed);
            }
        }
        Ok(well)
    }
}

/// What an update has done to a resource. The id of a failed answer counts too, as it does in CloudFormation.
fn change(logical: &str, old: &Deployed, declared: &Declared, end: &End) -> Change {
    let answer = end.success();
    Change {
        logical_resource_id: logical.to_owned(),
        old: old.clone(),
        new: Deployed {
            properties: declared.properties.clone(),
            retain: old.retain,
            physical_id: end.physical_id().unwrap_or(&old.physical_id).to_owned(),
            data: answer.map(|it| it.data.clone()).unwrap_or_default(),
        },
        succeeded: answer.is_some(),
    }
}
