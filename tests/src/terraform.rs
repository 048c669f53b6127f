//! Runs the real Terraform (or `OpenTofu`) with the provider of this workspace.
//!
//! Each [`Terraform`] has a directory of its own and sees nothing of the machine's configuration.
//! The provider comes in through `dev_overrides`, so `init` is only needed when a configuration uses
//! something else from a registry.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::Value;
use tempfile::TempDir;

use crate::{StubProvider, cargo};

/// The address under which configurations name the provider.
pub const PROVIDER_SOURCE: &str = "registry.terraform.io/crossaccount/crossaccount";
const HELP: &str = "the end-to-end tests drive the real CLI, and neither `terraform` nor `tofu` is in \
     PATH: install Terraform (https://developer.hashicorp.com/terraform/install) or OpenTofu \
     (https://opentofu.org/docs/intro/install/), then run the command again";

/// A working directory with a configuration, and the environment to run the CLI in.
#[derive(Debug)]
pub struct Terraform {
    directory: TempDir,
    binary: PathBuf,
    environment: BTreeMap<OsString, OsString>,
}

/// What one run printed and how it ended.
#[derive(Debug, Clone)]
pub struct TerraformOutput {
    /// The arguments.
    pub arguments: Vec<String>,
    /// How it ended.
    pub status: ExitStatus,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

/// A run that has not ended: can be interrupted, must be waited for.
#[derive(Debug)]
pub struct RunningTerraform {
    arguments: Vec<String>,
    child: Child,
    stdout: PathBuf,
    stderr: PathBuf,
}

impl Terraform {
    /// An empty directory with `environment` on top of a scrubbed one (`World::env`).
    ///
    /// # Errors
    /// When there is no CLI, or the provider does not build.
    pub fn new(environment: impl IntoIterator<Item = (String, String)>) -> Result<Self> {
        let provider = cargo::provider_directory()?;
        Self::with_provider(environment, |_| {
            Ok(overrides([(PROVIDER_SOURCE, provider)]))
        })
    }

    /// As [`Terraform::new`], with the provider in a filesystem mirror: the way that users install it, for which
    /// `init` is needed.
    ///
    /// # Errors
    /// As [`Terraform::new`].
    pub fn with_mirror(environment: impl IntoIterator<Item = (String, String)>) -> Result<Self> {
        let provider = cargo::provider_directory()?;
        Self::with_provider(environment, |directory| {
            let mirror = directory.join("mirror");
            fill_mirror(&mirror, provider)?;
            let path = quoted(&mirror.to_string_lossy());
            Ok(format!("  filesystem_mirror {{\n    path = {path}\n  }}\n"))
        })
    }

    /// As [`Terraform::new`], for configurations that do not use the provider of this workspace: it is not built.
    ///
    /// # Errors
    /// When there is no CLI.
    pub fn without_provider(
        environment: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self> {
        // An empty mirror: nothing is ever asked of a registry.
        Self::with_provider(environment, |directory| {
            let mirror = directory.join("mirror");
            fs::create_dir(&mirror)
                .with_context(|| format!("cannot create {}", mirror.display()))?;
            let path = quoted(&mirror.to_string_lossy());
            Ok(format!("  filesystem_mirror {{\n    path = {path}\n  }}\n"))
        })
    }

    /// As [`Terraform::new`], with a stub in the place of the provider. `binary` is the one that all stubs are.
    ///
    /// # Errors
    /// When there is no CLI.
    pub fn with_stub(stub: StubProvider, binary: &Path) -> Result<Self> {
        Self::with_provider([], |directory| {
            let home = stub_home(stub, binary, directory)?;
            Ok(overrides([(stub.source(), &home)]))
        })
    }

    /// As [`Terraform::new`], with a stub beside the provider.
    ///
    /// # Errors
    /// As [`Terraform::new`].
    pub fn with_stub_beside(
        environment: impl IntoIterator<Item = (String, String)>,
        stub: StubProvider,
        binary: &Path,
    ) -> Result<Self> {
        let provider = cargo::provider_directory()?;
        Self::with_provider(environment, |directory| {
            let home = stub_home(stub, binary, directory)?;
            Ok(overrides([
                (PROVIDER_SOURCE, provider),
                (stub.source(), &home),
            ]))
        })
    }

    fn with_provider(
        environment: impl IntoIterator<Item = (String, String)>,
        installation: impl FnOnce(&Path) -> Result<String>,
    ) -> Result<Self> {
        let directory = TempDir::with_prefix("crossaccount-").context("cannot make a directory")?;
        let configuration = directory.path().join("cli.tfrc");
        let text = format!(
            "provider_installation {{\n{}}}\n",
            installation(directory.path())?
        );
        fs::write(&configuration, text)
            .with_context(|| format!("cannot write {}", configuration.display()))?;
        let work = directory.path().join("work");
        fs::create_dir(&work).with_context(|| format!("cannot create {}", work.display()))?;

        let mut terraform = Self {
            directory,
            binary: find_cli()?.to_owned(),
            environment: BTreeMap::new(),
        };
        for name in ["PATH", "TMPDIR", "SYSTEMROOT", "TEMP", "TMP"] {
            if let Some(value) = std::env::var_os(name) {
                terraform.environment.insert(name.into(), value);
            }
        }
        let home = terraform.directory.path().to_string_lossy().into_owned();
        for (name, value) in [
            ("HOME", home.as_str()),
            ("TF_CLI_CONFIG_FILE", &configuration.to_string_lossy()),
            ("TF_IN_AUTOMATION", "1"),
            ("TF_INPUT", "0"),
            ("CHECKPOINT_DISABLE", "1"),
        ] {
            terraform.set_env(name, value);
        }
        for (name, value) in environment {
            terraform.set_env(&name, &value);
        }
        Ok(terraform)
    }

    /// Adds or replaces a variable of the environment, for example `TF_LOG`.
    pub fn set_env(&mut self, name: &str, value: &str) -> &mut Self {
        self.environment.insert(name.into(), value.into());
        self
    }

    /// The environment that the CLI runs in.
    pub fn environment(&self) -> impl Iterator<Item = (String, String)> {
        self.environment.iter().map(|(name, value)| {
            (
                name.to_string_lossy().into_owned(),
                value.to_string_lossy().into_owned(),
            )
        })
    }

    /// The directory of the configuration and of the state.
    pub fn path(&self) -> PathBuf {
        self.directory.path().join("work")
    }

    /// Writes a file of the configuration.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(&self, name: &str, text: &str) -> Result<()> {
        let path = self.path().join(name);
        fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))
    }

    /// Copies the files of a directory (not those of its subdirectories), as for an example.
    ///
    /// # Errors
    /// When something cannot be read or written.
    pub fn copy_from(&self, directory: &Path) -> Result<()> {
        let entries = fs::read_dir(directory)
            .with_context(|| format!("cannot read {}", directory.display()))?;
        for entry in entries {
            let entry = entry?;
            if entry.file_type()?.is_file() {
                fs::copy(entry.path(), self.path().join(entry.file_name()))
                    .with_context(|| format!("cannot copy {}", entry.path().display()))?;
            }
        }
        Ok(())
    }

    /// Runs any subcommand to its end, whatever the outcome.
    ///
    /// # Errors
    /// Only when the CLI cannot be started.
    pub fn run(&self, arguments: &[&str]) -> Result<TerraformOutput> {
        let output = self
            .command(arguments)
            .stdin(Stdio::null())
            .output()
            .with_context(|| format!("cannot start {}", self.binary.display()))?;
        Ok(TerraformOutput {
            arguments: arguments
                .iter()
                .map(|&argument| argument.to_owned())
                .collect(),
            status: output.status,
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        })
    }

    /// Starts a subcommand without waiting; the output goes to files, so it never blocks.
    ///
    /// # Errors
    /// When the CLI cannot be started.
    pub fn spawn(&self, arguments: &[&str]) -> Result<RunningTerraform> {
        let number = uuid::Uuid::new_v4().simple();
        let stdout = self.directory.path().join(format!("{number}.out"));
        let stderr = self.directory.path().join(format!("{number}.err"));
        let mut command = self.command(arguments);
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let child = command
            .stdin(Stdio::null())
            .stdout(fs::File::create(&stdout).context("cannot create a file for the output")?)
            .stderr(fs::File::create(&stderr).context("cannot create a file for the output")?)
            .spawn()
            .with_context(|| format!("cannot start {}", self.binary.display()))?;
        Ok(RunningTerraform {
            arguments: arguments
                .iter()
                .map(|&argument| argument.to_owned())
                .collect(),
            child,
            stdout,
            stderr,
        })
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.binary);
        command
            .current_dir(self.path())
            .env_clear()
            .envs(&self.environment)
            .args(arguments);
        command
    }

    /// `init`: only needed with modules or other providers.
    pub fn init(&self) -> Result<TerraformOutput> {
        self.run(&["init", "-no-color"])
    }

    /// `validate`.
    pub fn validate(&self) -> Result<TerraformOutput> {
        self.run(&["validate", "-no-color"])
    }

    /// `plan` with its exit code: 0 without changes, 2 with changes, 1 after an error.
    pub fn plan(&self) -> Result<TerraformOutput> {
        self.run(&["plan", "-no-color", "-detailed-exitcode"])
    }

    /// The plan as JSON (`terraform show -json` of a saved plan).
    ///
    /// # Errors
    /// When the plan fails.
    pub fn plan_json(&self) -> Result<Value> {
        self.plan_json_with(&[])
    }

    /// As [`Terraform::plan_json`], with more arguments such as `-destroy`.
    ///
    /// # Errors
    /// When the plan fails.
    pub fn plan_json_with(&self, arguments: &[&str]) -> Result<Value> {
        let mut all = vec!["plan", "-no-color", "-out=saved.tfplan"];
        all.extend(arguments);
        self.run(&all)?.expect_success()?;
        self.run(&["show", "-json", "saved.tfplan"])?.json()
    }

    /// `apply` without questions.
    pub fn apply(&self) -> Result<TerraformOutput> {
        self.run(&["apply", "-no-color", "-auto-approve"])
    }

    /// `destroy` without questions.
    pub fn destroy(&self) -> Result<TerraformOutput> {
        self.run(&["destroy", "-no-color", "-auto-approve"])
    }

    /// `import` of an existing object.
    pub fn import(&self, address: &str, id: &str) -> Result<TerraformOutput> {
        self.run(&["import", "-no-color", address, id])
    }

    /// The state as `terraform show -json` prints it.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn show_json(&self) -> Result<Value> {
        self.run(&["show", "-json"])?.json()
    }

    /// The addresses in the state, sorted.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn state(&self) -> Result<Vec<String>> {
        let output = self.run(&["state", "list"])?.expect_success()?;
        let mut addresses: Vec<_> = output.stdout.lines().map(str::to_owned).collect();
        addresses.sort();
        Ok(addresses)
    }

    /// The attributes of one resource in the state.
    ///
    /// # Errors
    /// When the resource is not in the state of the root module.
    pub fn attributes(&self, address: &str) -> Result<Value> {
        let state = self.show_json()?;
        let resources = state
            .pointer("/values/root_module/resources")
            .and_then(Value::as_array);
        resources
            .into_iter()
            .flatten()
            .find(|resource| resource.get("address").and_then(Value::as_str) == Some(address))
            .and_then(|resource| resource.get("values").cloned())
            .with_context(|| format!("{address} is not in the state: {state}"))
    }

    /// The value of one output.
    ///
    /// # Errors
    /// When there is no such output.
    pub fn output(&self, name: &str) -> Result<Value> {
        self.run(&["output", "-json", name])?.json()
    }
}

impl TerraformOutput {
    /// Whether the exit code was 0.
    pub fn success(&self) -> bool {
        self.status.success()
    }

    /// Everything that was printed, for messages and for searching.
    pub fn text(&self) -> String {
        format!("{}{}", self.stdout, self.stderr)
    }

    /// The run itself, or an error with everything it printed.
    ///
    /// # Errors
    /// When the run failed.
    pub fn expect_success(self) -> Result<Self> {
        if !self.success() {
            bail!("{}", self.report("failed"));
        }
        Ok(self)
    }

    /// The run itself, or an error when it did not fail as it should have.
    ///
    /// # Errors
    /// When the run succeeded.
    pub fn expect_failure(self) -> Result<Self> {
        if self.success() {
            bail!("{}", self.report("succeeded and should not have"));
        }
        Ok(self)
    }

    fn report(&self, what: &str) -> String {
        format!(
            "terraform {} {what} ({})\n--- stdout\n{}\n--- stderr\n{}",
            self.arguments.join(" "),
            self.status,
            self.stdout,
            self.stderr
        )
    }

    fn json(self) -> Result<Value> {
        let output = self.expect_success()?;
        serde_json::from_str(&output.stdout).with_context(|| output.report("printed no JSON"))
    }
}

impl RunningTerraform {
    /// The process id, for signals.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// What it has printed on standard output so far.
    pub fn stdout_so_far(&self) -> String {
        fs::read_to_string(&self.stdout).unwrap_or_default()
    }

    /// Interrupts the CLI alone, as `kill -INT` does. A terminal would interrupt the provider too,
    /// because both are in its foreground process group.
    ///
    /// # Errors
    /// When the process has already ended.
    #[cfg(unix)]
    pub fn interrupt(&self) -> Result<()> {
        nix::sys::signal::kill(self.process()?, nix::sys::signal::Signal::SIGINT)
            .context("cannot interrupt terraform")
    }

    /// Interrupts the CLI and the providers that it has started, as Ctrl+C in a terminal does.
    ///
    /// # Errors
    /// When the process has already ended.
    #[cfg(unix)]
    pub fn interrupt_all(&self) -> Result<()> {
        nix::sys::signal::killpg(self.process()?, nix::sys::signal::Signal::SIGINT)
            .context("cannot interrupt terraform and its providers")
    }

    /// Kills the CLI without a chance to clean up.
    ///
    /// # Errors
    /// When the process has already ended.
    #[cfg(unix)]
    pub fn kill(&self) -> Result<()> {
        nix::sys::signal::kill(self.process()?, nix::sys::signal::Signal::SIGKILL)
            .context("cannot kill terraform")
    }

    #[cfg(unix)]
    fn process(&self) -> Result<nix::unistd::Pid> {
        let id = i32::try_from(self.child.id()).context("the process id is too large")?;
        Ok(nix::unistd::Pid::from_raw(id))
    }

    /// Waits for the end, but not longer than this.
    ///
    /// # Errors
    /// When it is still running by then (it is killed), or the output cannot be read.
    pub fn wait_within(mut self, limit: Duration) -> Result<TerraformOutput> {
        const PAUSE: Duration = Duration::from_millis(20);
        let begin = Instant::now();
        while self
            .child
            .try_wait()
            .context("cannot wait for terraform")?
            .is_none()
        {
            if begin.elapsed() > limit {
                let so_far = self.stdout_so_far();
                bail!(
                    "terraform {} runs longer than {limit:?}:\n{so_far}",
                    self.arguments.join(" ")
                );
            }
            std::thread::sleep(PAUSE);
        }
        self.wait()
    }

    /// Waits for the end.
    ///
    /// # Errors
    /// When waiting or reading the output fails.
    pub fn wait(mut self) -> Result<TerraformOutput> {
        let status = self.child.wait().context("cannot wait for terraform")?;
        Ok(TerraformOutput {
            arguments: std::mem::take(&mut self.arguments),
            status,
            stdout: fs::read_to_string(&self.stdout).context("cannot read the output")?,
            stderr: fs::read_to_string(&self.stderr).context("cannot read the output")?,
        })
    }
}

impl Drop for RunningTerraform {
    fn drop(&mut self) {
        // A test that fails must not leave a process behind; after `wait` this does nothing.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The CLI in PATH: `terraform`, else `tofu`.
///
/// # Errors
/// When there is neither; the message says how to get one.
pub fn find_cli() -> Result<&'static Path> {
    static FOUND: OnceLock<Option<PathBuf>> = OnceLock::new();
    FOUND
        .get_or_init(|| {
            let path = std::env::var_os("PATH")?;
            ["terraform", "tofu"].iter().find_map(|name| {
                let file = format!("{name}{}", std::env::consts::EXE_SUFFIX);
                std::env::split_paths(&path)
                    .map(|entry| entry.join(&file))
                    .find(|one| one.is_file())
            })
        })
        .as_deref()
        .context(HELP)
}

/// A directory with a stub under its own name.
fn stub_home(stub: StubProvider, binary: &Path, directory: &Path) -> Result<PathBuf> {
    let home = directory.join("stub");
    fs::create_dir(&home).with_context(|| format!("cannot create {}", home.display()))?;
    let file = home.join(cargo::file_name(stub.file()));
    fs::copy(binary, &file).with_context(|| format!("cannot copy {}", binary.display()))?;
    Ok(home)
}

/// Says in which directories providers are.
fn overrides<const N: usize>(providers: [(&str, &Path); N]) -> String {
    let lines = providers.map(|(source, directory)| {
        let directory = quoted(&directory.to_string_lossy());
        format!("    {} = {directory}\n", quoted(source))
    });
    format!(
        "  dev_overrides {{\n{}  }}\n  direct {{}}\n",
        lines.concat()
    )
}

/// A string of the configuration language.
fn quoted(text: &str) -> String {
    format!(
        "\"{}\"",
        text.replace('\\', "\\\\")
            .replace('"', "\\\"")
            .replace("${", "$${")
    )
}

/// Lays the provider out as a mirror for the registries of Terraform and of `OpenTofu`.
fn fill_mirror(mirror: &Path, provider: &Path) -> Result<()> {
    let binary = format!(
        "terraform-provider-crossaccount{}",
        std::env::consts::EXE_SUFFIX
    );
    let platform = format!("{}_{}", os_of_registry(), architecture_of_registry());
    let version = env!("CARGO_PKG_VERSION");
    for host in ["registry.terraform.io", "registry.opentofu.org"] {
        let directory = mirror
            .join(host)
            .join("crossaccount/crossaccount")
            .join(version)
            .join(&platform);
        fs::create_dir_all(&directory)
            .with_context(|| format!("cannot create {}", directory.display()))?;
        let (from, to) = (provider.join(&binary), directory.join(&binary));
        // A link costs nothing; another file system needs a copy.
        if fs::hard_link(&from, &to).is_err() {
            fs::copy(&from, &to).with_context(|| format!("cannot copy {}", from.display()))?;
        }
    }
    Ok(())
}

/// Registries use the names of Go for operating systems and processors.
fn os_of_registry() -> &'static str {
    match std::env::consts::OS {
        "macos" => "darwin",
        other => other,
    }
}

fn architecture_of_registry() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        "x86" => "386",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn text_is_quoted_for_the_configuration_language() {
        assert_eq!(quoted(r"C:\a"), r#""C:\\a""#);
        assert_eq!(quoted("${x}"), "\"$${x}\"");
    }
}
