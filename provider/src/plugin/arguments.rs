//! What the program was asked to be: a plugin, a provider to attach to, or something that explains
//! itself to a person.

use std::ffi::OsString;

use super::{SOURCE_ADDRESS, handshake};

/// What to do with this process.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Invocation {
    /// Serve the host that started us, then end.
    Plugin,
    /// Serve whoever attaches, until somebody interrupts us.
    Reattach,
    /// Print this text to standard output and end well.
    Print(String),
    /// Print this text to standard error and end with exit code 1.
    Refuse(String),
}

impl Invocation {
    pub(super) fn parse(
        arguments: impl IntoIterator<Item = OsString>,
        magic_cookie: Option<&str>,
    ) -> Self {
        let mut arguments = arguments.into_iter();
        let first = arguments
            .next()
            .map(|argument| argument.to_string_lossy().into_owned());
        let further = arguments.next().is_some();

        match (first.as_deref(), further) {
            (Some("--version" | "-version" | "-V"), false) => Self::Print(version()),
            (Some("--help" | "-help" | "-h"), false) => Self::Print(explanation()),
            (Some("--debug" | "-debug"), false) => Self::Reattach,
            (None, _) if magic_cookie == Some(handshake::MAGIC_COOKIE) => Self::Plugin,
            (None, _) => Self::Refuse(explanation()),
            (Some(argument), _) => Self::Refuse(format!(
                "unknown arguments: {argument}\n\n{}",
                explanation()
            )),
        }
    }
}

fn version() -> String {
    format!(
        "terraform-provider-crossaccount {}\n",
        env!("CARGO_PKG_VERSION")
    )
}

fn explanation() -> String {
    format!(
        r#"{}
This is a Terraform provider: it manages IAM users in many AWS accounts.
Terraform or OpenTofu starts it; it does nothing when it is started by hand.

To use it, name it in your configuration and run "terraform init":

  terraform {{
    required_providers {{
      crossaccount = {{
        source = "{SOURCE_ADDRESS}"
      }}
    }}
  }}

To try a build of your own, name the directory of this program in ~/.terraformrc
(%APPDATA%\terraform.rc on Windows) and leave "terraform init" out:

  provider_installation {{
    dev_overrides {{
      "{SOURCE_ADDRESS}" = "/directory/of/this/program"
    }}
    direct {{}}
  }}

Options:
  --debug     serve until interrupted and print TF_REATTACH_PROVIDERS, so that
              a provider in a debugger can be attached to
  --version   print the version
  --help      print this text
"#,
        version()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(arguments: &[&str], cookie: Option<&str>) -> Invocation {
        Invocation::parse(arguments.iter().map(OsString::from), cookie)
    }

    #[test]
    fn only_a_host_that_knows_the_cookie_gets_a_plugin() {
        assert_eq!(
            parse(&[], Some(handshake::MAGIC_COOKIE)),
            Invocation::Plugin
        );
        for cookie in [None, Some(""), Some("wrong")] {
            let Invocation::Refuse(text) = parse(&[], cookie) else {
                panic!("{cookie:?} was accepted")
            };
            for part in ["Terraform provider", "required_providers", "dev_overrides"] {
                assert!(text.contains(part), "{part} is missing in {text}");
            }
        }
    }

    #[test]
    fn the_options_work_with_one_and_with_two_dashes_and_without_a_cookie() {
        for option in ["-debug", "--debug"] {
            assert_eq!(parse(&[option], None), Invocation::Reattach);
        }
        for option in ["-version", "--version", "-V"] {
            assert_eq!(parse(&[option], None), Invocation::Print(version()));
        }
        for option in ["-help", "--help", "-h"] {
            assert_eq!(parse(&[option], None), Invocation::Print(explanation()));
        }
    }

    #[test]
    fn unknown_arguments_are_named() {
        for arguments in [["--verbose"].as_slice(), &["serve", "--debug"]] {
            let Invocation::Refuse(text) = parse(arguments, Some(handshake::MAGIC_COOKIE)) else {
                panic!("{arguments:?} was accepted")
            };
            assert!(
                text.starts_with(&format!("unknown arguments: {}\n", arguments[0])),
                "{text}"
            );
        }
        // A second argument is never dropped in silence.
        assert!(matches!(
            parse(&["--debug", "x"], None),
            Invocation::Refuse(_)
        ));
    }
}
