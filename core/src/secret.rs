//! Text that must not be seen: external ids, passwords, secret access keys.
//!
//! A [`Secret`] has no `Display` and no `Serialize`, its `Debug` is redacted, and its memory is
//! overwritten when it is dropped. It cannot overwrite the copies that HTTP and TLS buffers hold.

use zeroize::Zeroizing;

/// Text that is shown to nobody by accident.
#[derive(Clone)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Takes the text over.
    pub fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    /// The text itself, for the one place that must hand it over.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self::new(text)
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Not even the length: it narrows down a short password.
        formatter.write_str("Secret(redacted)")
    }
}

#[cfg(test)]
mod tests {
    use super::Secret;

    #[test]
    fn debug_output_shows_neither_text_nor_length() {
        #[derive(Debug)]
        struct Holder {
            #[expect(dead_code, reason = "only its debug output is looked at")]
            secret: Secret,
        }
        let text = format!(
            "{:?}",
            Holder {
                secret: Secret::new("hunter2".to_owned())
            }
        );
        assert_eq!(text, "Holder { secret: Secret(redacted) }");
    }

    #[test]
    fn the_text_is_there_for_the_one_who_asks() {
        assert_eq!(Secret::new("hunter2".to_owned()).expose(), "hunter2");
    }
}
