//! What the demo looks like on a terminal, and in a log file.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

/// Prints steps; a spinner turns while one works, if somebody watches.
pub(super) struct Screen;

/// A step that is being worked on.
pub(super) struct Progress {
    bar: ProgressBar,
    text: String,
}

impl Screen {
    pub(super) fn new() -> Self {
        Self
    }

    /// A step that takes a while.
    pub(super) fn step(&self, text: &str) -> Progress {
        println!();
        let bar = ProgressBar::new_spinner();
        if let Ok(style) = ProgressStyle::with_template("{spinner} {msg} {elapsed}") {
            bar.set_style(style);
        }
        bar.set_message(text.to_owned());
        bar.enable_steady_tick(Duration::from_millis(100));
        Progress { bar, text: text.to_owned() }
    }

    /// A headline.
    pub(super) fn title(&self, text: &str) {
        println!("\n{text}");
    }

    /// A command that is run.
    pub(super) fn command(&self, text: &str) {
        println!("\n$ {text}");
    }

    /// A line below the last step.
    pub(super) fn note(&self, text: &str) {
        println!("  {text}");
    }

    /// The lines of an output that hold one of the texts.
    pub(super) fn excerpt(&self, output: &str, texts: &[&str]) {
        for line in output.lines().filter(|line| texts.iter().any(|text| line.contains(text))) {
            println!("  {}", line.trim_end());
        }
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
