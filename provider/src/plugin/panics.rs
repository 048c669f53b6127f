//! Panics, in the form that hosts recognise as the crash of a plugin and show to their user.
//!
//! The process goes on after a panic: only the call that panicked is lost. A panic message may
//! quote the data that caused it, and data may be secret, so quoted parts never leave the process.

use std::any::Any;
use std::backtrace::Backtrace;
use std::io::{self, Write as _};
use std::panic::{self, PanicHookInfo};

/// Longest message that is shown, in bytes.
const MESSAGE_LIMIT: usize = 1024;

/// Reports every panic of this process on stderr from now on.
pub(super) fn install() {
    panic::set_hook(Box::new(|info| {
        // One write, so that lines of other threads do not come between.
        let _ = io::stderr().lock().write_all(report(info).as_bytes());
    }));
}

fn report(info: &PanicHookInfo<'_>) -> String {
    let place = info
        .location()
        .map_or_else(|| "an unknown place".to_owned(), ToString::to_string);
    format!(
        "panic: {}\n\nterraform-provider-crossaccount {} panicked at {place}\n{}\n",
        message(info.payload()),
        env!("CARGO_PKG_VERSION"),
        Backtrace::force_capture(),
    )
}

fn message(payload: &(dyn Any + Send)) -> String {
    if let Some(literal) = payload.downcast_ref::<&'static str>() {
        // Part of the program text, so it holds no data.
        return (*literal).to_owned();
    }
    match payload.downcast_ref::<String>() {
        Some(formatted) => without_quotes(formatted),
        None => "no message".to_owned(),
    }
}

/// Replaces everything between double quotes or backticks, which is how Rust quotes data.
fn without_quotes(text: &str) -> String {
    let mut shown = String::new();
    let mut quote = None;
    let mut escaped = false;
    for character in text.chars() {
        match quote {
            None if matches!(character, '"' | '`') => {
                quote = Some(character);
                shown.push(character);
                shown.push_str("...");
            }
            // The first line is what hosts show as the reason.
            None if character == '\n' => shown.push(' '),
            None => shown.push(character),
            Some(_) if escaped => escaped = false,
            Some(_) if character == '\\' => escaped = true,
            Some(open) if character == open => {
                quote = None;
                shown.push(character);
            }
            Some(_) => {}
        }
    }
    shown.truncate(shown.floor_char_boundary(MESSAGE_LIMIT));
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quoted_data_is_left_out() {
        let table = [
            ("index 3 of 2", "index 3 of 2"),
            (
                r#"failed: Error { body: "SECRET" }"#,
                r#"failed: Error { body: "..." }"#,
            ),
            (r#"failed: "a \" SECRET" end"#, r#"failed: "..." end"#),
            (
                "byte index 1 of `SECRET` is no boundary",
                "byte index 1 of `...` is no boundary",
            ),
            (r#"cut "SECRET"#, r#"cut "..."#),
            ("two\nlines", "two lines"),
        ];
        for (text, shown) in table {
            assert_eq!(without_quotes(text), shown);
        }
        assert_eq!(
            without_quotes(&"é".repeat(MESSAGE_LIMIT)).len(),
            MESSAGE_LIMIT
        );
    }

    #[test]
    fn literal_messages_are_shown_as_they_are() {
        let payload: Box<dyn Any + Send> = Box::new("a \"literal\"");
        assert_eq!(message(&*payload), "a \"literal\"");
        let payload: Box<dyn Any + Send> = Box::new(7);
        assert_eq!(message(&*payload), "no message");
    }
}
