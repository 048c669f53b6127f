//! Rules that everything a provider offers must keep, for a test: Terraform refuses, or crashes on,
//! a provider that breaks them, and mostly not before somebody uses the part in question.

use std::collections::BTreeSet;

use super::Provider;
use crate::schema::check;

/// What is wrong; nothing when all is well.
pub fn problems<P: Provider>(provider: &P) -> Vec<String> {
    let mut found = Found {
        prefix: format!("{}_", provider.name()),
        names: BTreeSet::new(),
        problems: check::problems(&provider.schema()),
    };
    let mut identified = BTreeSet::new();
    for resource in provider.resources() {
        let (name, schema) = (resource.type_name(), resource.schema());
        found.add("resource", name, check::problems(&schema));
        if let Some(identity) = resource.identity() {
            identified.insert(name);
            let broken = check::identity_problems(&identity, &schema);
            found.extend("identity", name, broken);
        }
    }
    for source in provider.data_sources() {
        let broken = check::problems(&source.schema());
        found.add("data source", source.type_name(), broken);
    }
    for ephemeral in provider.ephemeral_resources() {
        let broken = check::ephemeral_problems(&ephemeral.schema());
        found.add("ephemeral resource", ephemeral.type_name(), broken);
    }
    for list in provider.list_resources() {
        let name = list.type_name();
        found.add(
            "list resource",
            name,
            check::config_problems(&list.schema()),
        );
        if !identified.contains(name) {
            let broken = "no managed resource of that name has an identity".to_owned();
            found.extend("list resource", name, vec![broken]);
        }
    }
    for action in provider.actions() {
        let broken = check::config_problems(&action.schema());
        found.add("action", action.type_name(), broken);
    }
    found.problems
}

struct Found {
    prefix: String,
    names: BTreeSet<(&'static str, &'static str)>,
    problems: Vec<String>,
}

impl Found {
    fn add(&mut self, kind: &'static str, name: &'static str, mut problems: Vec<String>) {
        if !name.starts_with(&self.prefix) {
            problems.push(format!("the name does not begin with {}", self.prefix));
        }
        if !self.names.insert((kind, name)) {
            problems.push("offered twice".to_owned());
        }
        self.extend(kind, name, problems);
    }

    fn extend(&mut self, kind: &str, name: &str, problems: Vec<String>) {
        let problems = problems.into_iter();
        self.problems
            .extend(problems.map(|problem| format!("{kind} {name}: {problem}")));
    }
}
