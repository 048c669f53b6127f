//! A job in a shell: one event from a file, a progress bar on a terminal, and a table of what became of the users.

mod table;

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::io::{self, IsTerminal as _, Read as _, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, anyhow, bail};
use indicatif::{ProgressBar, ProgressStyle};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::function::{Done, Job};
use crate::rows::Outcome;

/// How long a run in a shell may take: there is no Lambda that ends it.
const LONGEST: Duration = Duration::from_hours(12);
/// The exit code when some users are not as wanted.
const NOT_ALL: u8 = 2;

/// What was asked for on the command line.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Asked {
    Help,
    Run { event: PathBuf, json: bool },
}

/// Runs a job once. 0: every user is as wanted; 2: some are not; 1: nothing was done.
pub fn enter<J: Job>(environment: &BTreeMap<String, String>) -> ExitCode {
    let result = match asked(env::args().skip(1)) {
        Ok(Asked::Help) => return print(&help::<J>()),
        Ok(Asked::Run { event, json }) => work::<J>(environment, &event, json),
        Err(error) => Err(error.context(help::<J>())),
    };
    match result {
        Ok(Outcome::Succeeded) => ExitCode::SUCCESS,
        Ok(Outcome::PartlyFailed | Outcome::Failed) => ExitCode::from(NOT_ALL),
        Err(error) => {
            // A terminal that is gone is no reason for another failure.
            let _ = writeln!(io::stderr(), "{error:#}");
            ExitCode::FAILURE
        }
    }
}

fn help<J: Job>() -> String {
    format!(
        "{name} --event FILE [--json]\n\nWorks off one event, as the function does in AWS Lambda, with the same environment \
         variables.\n\n  --event FILE  the event as JSON; - reads it from standard input\n  --json        print the answer as \
         JSON in place of a table\n",
        name = J::NAME
    )
}

fn asked(mut arguments: impl Iterator<Item = String>) -> anyhow::Result<Asked> {
    let (mut event, mut json) = (None, false);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--help" | "-h" => return Ok(Asked::Help),
            "--json" => json = true,
            "--event" => {
                let file = arguments.next().context("--event needs a file")?;
                event = Some(PathBuf::from(file));
            }
            other => match other.strip_prefix("--event=") {
                Some(file) => event = Some(PathBuf::from(file)),
                None => bail!("{other:?} means nothing here"),
            },
        }
    }
    let event = event.context("there is no --event")?;
    Ok(Asked::Run { event, json })
}

fn work<J: Job>(
    environment: &BTreeMap<String, String>,
    event: &PathBuf,
    json: bool,
) -> anyhow::Result<Outcome> {
    let event = if event.as_os_str() == "-" {
        let mut text = String::new();
        io::stdin()
            .read_to_string(&mut text)
            .context("cannot read the event from standard input")?;
        text
    } else {
        fs::read_to_string(event).with_context(|| format!("cannot read {}", event.display()))?
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("cannot start threads")?;
    let done = runtime.block_on(run::<J>(environment, &event))?;
    let text = if json {
        done.answer.get().to_owned()
    } else {
        table::of(&done)
    };
    print(&format!("{text}\n"));
    Ok(done.outcome)
}

async fn run<J: Job>(environment: &BTreeMap<String, String>, event: &str) -> anyhow::Result<Done> {
    let job = J::start(environment)
        .await
        .map_err(|problems| anyhow!(problems))?;
    let progress = progress();
    let cancelled = CancellationToken::new();
    let work = job.run(
        event,
        Instant::now() + LONGEST,
        cancelled.clone(),
        &progress,
    );
    let mut work = std::pin::pin!(work);
    let done = tokio::select! {
        done = &mut work => done,
        // What has begun comes to its end; nothing else is begun. A second time ends the process at once.
        _ = tokio::signal::ctrl_c() => {
            cancelled.cancel();
            tracing::warn!("interrupted: what has begun comes to its end");
            tokio::select! {
                done = &mut work => done,
                _ = tokio::signal::ctrl_c() => bail!("interrupted twice: what was begun may be half done; run again"),
            }
        }
    };
    progress.finish_and_clear();
    done.map_err(|reason| anyhow!(reason))
}

/// A bar where somebody can see it.
fn progress() -> ProgressBar {
    if !io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(0);
    if let Ok(style) = ProgressStyle::with_template("{bar:40} {pos}/{len} users, {elapsed}") {
        bar.set_style(style);
    }
    bar
}

fn print(text: &str) -> ExitCode {
    match io::stdout().lock().write_all(text.as_bytes()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

#[cfg(test)]
mod tests {
    use super::{Asked, asked};

    fn given(words: &[&str]) -> Result<Asked, String> {
        let words = words.iter().map(|word| (*word).to_owned());
        asked(words).map_err(|error| error.to_string())
    }

    #[test]
    fn an_event_is_named_by_its_file() {
        let run = |json| Asked::Run {
            event: "event.json".into(),
            json,
        };
        assert_eq!(given(&["--event", "event.json"]), Ok(run(false)));
        assert_eq!(given(&["--json", "--event=event.json"]), Ok(run(true)));
        assert_eq!(given(&["--help"]), Ok(Asked::Help));
    }

    #[rstest::rstest]
    #[case(&[], "there is no --event")]
    #[case(&["--event"], "needs a file")]
    #[case(&["event.json"], "means nothing here")]
    fn a_wrong_command_line_is_refused(#[case] words: &[&str], #[case] reason: &str) {
        let refused = given(words).unwrap_err();
        assert!(refused.contains(reason), "{refused}");
    }
}
