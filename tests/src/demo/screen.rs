//! What the demo looks like on a terminal, and in a log file.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

/// A step that is being worked on.
pub(super) struct Progress {
    bar: ProgressBar,
    text: String,
}

/// A step that takes a while.
pub(super) fn step(text: &str) -> Progress {
    println!();
    let bar = ProgressBar::new_spinner();
    if let Ok(style) = ProgressStyle::with_template("{spinner} {msg} {elapsed}") {
        bar.set_style(style);
    }
    bar.set_message(text.to_owned());
    bar.enable_steady_tick(Duration::from_millis(100));
    Progress {
        bar,
        text: text.to_owned(),
    }
}

/// A headline.
pub(super) fn title(text: &str) {
    println!("\n{text}");
}

/// A command that is run.
pub(super) fn command(text: &str) {
    println!("\n$ {text}");
}

/// A line below the last step.
pub(super) fn note(text: &str) {
    println!("  {text}");
}

/// The lines of an output that hold one of the texts.
pub(super) fn excerpt(output: &str, texts: &[&str]) {
    for line in output
        .lines()
        .filter(|line| texts.iter().any(|text| line.contains(text)))
    {
        println!("  {}", line.trim_end());
    }
}

impl Progress {
    /// The step is done; what came of it.
    pub(super) fn done(self, result: &str) {
        self.bar.finish_and_clear();
        let separator = if result.is_empty() { "" } else { ": " };
        println!("✓ {}{separator}{result}", self.text);
    }
}
