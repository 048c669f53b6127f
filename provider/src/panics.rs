//! Panics, in the form that hosts recognise as the crash of a plugin and show to their user.
//!
//! The process goes on after a panic: only the call that panicked is lost. A text that was formatted at run time may
//! quote the data that caused the panic, and data may be secret: no such text leaves the process, neither on stderr nor
//! in a diagnostic. The place and the backtrace say where to look.

use std::any::Any;
use std::backtrace::Backtrace;
use std::io::{self, Write as _};
use std::panic::{self, PanicHookInfo};

/// Reports every panic of this process on stderr from now on.
pub(crate) fn install() {
    panic::set_hook(Box::new(|info| {
        // One write, so that lines of other threads do not come between.
        let _ = io::stderr().lock().write_all(report(info).as_bytes());
    }));
}

/// What a panic says, as far as it is part of the program text and so holds no data.
pub(crate) fn text(payload: &(dyn Any + Send)) -> &'static str {
    match payload.downcast_ref::<&'static str>() {
        Some(literal) => literal,
        None => "a message that may quote a secret and is not shown",
    }
}

fn report(info: &PanicHookInfo<'_>) -> String {
    let place = info
        .location()
        .map_or_else(|| "an unknown place".to_owned(), ToString::to_string);
    format!(
        "panic: {}\n\nterraform-provider-crossaccount {} panicked at {place}\n{}\n",
        // Hosts show the first line as the reason.
        text(info.payload()).replace('\n', " "),
        env!("CARGO_PKG_VERSION"),
        Backtrace::force_capture(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_literal_messages_are_shown() {
        let shown = |work: fn()| {
            let payload = panic::catch_unwind(work).unwrap_err();
            text(&*payload).to_owned()
        };
        assert_eq!(shown(|| panic!("a \"literal\"")), "a \"literal\"");
        let nothing: fn() = || {
            std::hint::black_box(None::<u8>).unwrap();
        };
        assert_eq!(
            shown(nothing),
            "called `Option::unwrap()` on a `None` value"
        );
        let withheld = "a message that may quote a secret and is not shown";
        let quoting: [fn(); 4] = [
            || panic!("no user {}", std::hint::black_box("SECRET")),
            || {
                std::hint::black_box(Err::<(), _>("SECRET")).unwrap();
            },
            // Such a message quotes the whole text.
            || drop(std::hint::black_box("SÉCRET")[..2].to_owned()),
            || panic::panic_any(7),
        ];
        for work in quoting {
            assert_eq!(shown(work), withheld);
        }
    }

    /// Runs itself in a process of its own, because the hook counts for a whole process.
    #[test]
    fn a_panic_is_written_the_way_hosts_recognise_a_crash() {
        const CHILD: &str = "CROSSACCOUNT_TEST_PANICS";
        if std::env::var_os(CHILD).is_some() {
            install();
            let secret = "SECRET".to_owned();
            let failed = std::thread::spawn(move || panic!("no user {secret}")).join();
            assert!(failed.is_err());
            return;
        }
        let name = "panics::tests::a_panic_is_written_the_way_hosts_recognise_a_crash";
        let output = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", name, "--nocapture"])
            .env(CHILD, "1")
            .output()
            .unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        let lines: Vec<_> = stderr.lines().collect();
        // The process goes on: the test in it passes after the panic.
        assert!(output.status.success(), "{stderr}");
        assert_eq!(
            lines[0],
            "panic: a message that may quote a secret and is not shown"
        );
        assert!(
            lines[2].contains("panicked at provider/src/panics.rs:"),
            "{stderr}"
        );
        assert!(lines.len() > 4, "no backtrace in {stderr}");
        assert!(!stderr.contains("SECRET"), "{stderr}");
    }
}
