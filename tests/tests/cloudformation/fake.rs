//! A custom resource in the place of the real one, to prove the emulators against: it makes files.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use harness::cloudformation::{ResponseEndpoint, Stack, StackOptions, StackTemplate, Status};
use harness::lambda::{DeadlineHeader, Function, FunctionOptions};
use serde_json::{Value, json};
use tempfile::TempDir;

/// Files that a stack makes.
pub(super) struct Things {
    directory: TempDir,
    pub(super) stack: Stack,
}

impl Things {
    pub(super) async fn new() -> Self {
        Self::with(|_| {}, Duration::from_mins(1), DeadlineHeader::True).await
    }

    pub(super) async fn with(
        change: impl FnOnce(&mut StackOptions),
        timeout: Duration,
        deadline: DeadlineHeader,
    ) -> Self {
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        let python = harness::python::environment(&here.join("standin/requirements.txt")).unwrap();
        let directory = TempDir::new().unwrap();
        let mut options = FunctionOptions::new(python);
        let program = here.join("tests/cloudformation/fake.py");
        options.arguments = vec![program.to_string_lossy().into_owned()];
        let things = directory.path().to_string_lossy().into_owned();
        options.environment.insert("THINGS".to_owned(), things);
        options.timeout = timeout;
        options.deadline = deadline;
        let function = Function::new(options).unwrap();
        let endpoint = Arc::new(ResponseEndpoint::start().await.unwrap());
        let mut options = StackOptions::new("111111111111");
        change(&mut options);
        Self {
            directory,
            stack: Stack::new(options, function, endpoint),
        }
    }

    /// The things that exist.
    pub(super) fn names(&self) -> Vec<String> {
        let entries = self.directory.path().read_dir().unwrap();
        let mut names: Vec<_> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter(|name| !name.starts_with('.'))
            .collect();
        names.sort();
        names
    }

    /// Creates a stack with one resource `Thing`.
    pub(super) async fn create(&mut self, name: &str, what: &str) -> Status {
        self.stack.create(&template(name, what)).await.unwrap()
    }

    /// Updates the stack with one resource `Thing`.
    pub(super) async fn update(&mut self, name: &str, what: &str) -> Status {
        self.stack.update(&template(name, what)).await.unwrap()
    }

    /// The requests so far: kind, physical id, and the name in the properties and in the old ones.
    pub(super) fn requests(&self) -> Vec<String> {
        let requests = self.stack.sent().iter().map(|sent| {
            let text = |pointer: &str| sent.event.pointer(pointer).and_then(Value::as_str);
            let mut words = vec![text("/RequestType").unwrap()];
            words.extend(text("/PhysicalResourceId"));
            words.push(text("/ResourceProperties/Name").unwrap());
            words.extend(text("/OldResourceProperties/Name"));
            words.join(" ")
        });
        requests.collect()
    }
}

/// A template with one resource that behaves like this.
pub(super) fn template(name: &str, what: &str) -> StackTemplate {
    StackTemplate::new()
        .with("Thing", &json!({"Name": name, "Do": what, "Flag": true}))
        .unwrap()
}
