//! The one place where the provider reads environment variables.
//!
//! Each variable is a field with its meaning, parsed here and nowhere else. The variables of the
//! AWS SDK (`AWS_PROFILE` and its siblings) are not listed: the SDK reads those by itself.

use std::env;
use std::ffi::OsString;
use std::ops::RangeInclusive;
use std::path::PathBuf;

use tracing::level_filters::LevelFilter;

/// Everything that the provider takes from its environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Environment {
    /// `TF_PLUGIN_MAGIC_COOKIE`: set by Terraform and OpenTofu to a fixed value. Its absence means
    /// that somebody started the program by hand.
    pub magic_cookie: Option<String>,
    /// `PLUGIN_PROTOCOL_VERSIONS`: major versions that the host speaks, in no order.
    pub protocol_versions: Vec<u32>,
    /// `PLUGIN_CLIENT_CERT`: the host's certificate as PEM. Set means that the connection must be
    /// mutual TLS with exactly this certificate; absent means plaintext.
    pub client_certificate: Option<String>,
    /// `PLUGIN_UNIX_SOCKET_DIR`: a directory that the host made for the socket.
    pub socket_directory: Option<PathBuf>,
    /// `PLUGIN_MIN_PORT` and `PLUGIN_MAX_PORT`: ports that may be used where there are no Unix
    /// sockets. Default 10000 to 25000.
    pub ports: RangeInclusive<u16>,
    /// `TF_LOG_PROVIDER_CROSSACCOUNT`, else `TF_LOG_PROVIDER`, else `TF_LOG`: how much is logged.
    /// `TRACE`, `DEBUG`, `INFO`, `WARN`, `ERROR`, `OFF` or `JSON` (everything). Nothing when unset.
    pub log_level: LevelFilter,
    /// `TMPDIR` (`TEMP` on Windows): where the socket is put when the host names no directory.
    pub temporary_directory: PathBuf,
}

impl Environment {
    /// Reads the environment of this process.
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that reads the environment"
    )]
    pub fn of_this_process() -> Self {
        Self::from_lookup(|name| env::var_os(name), env::temp_dir())
    }

    /// Whether the host speaks this major version. A host that says nothing is taken to.
    pub fn offers(&self, protocol_version: u32) -> bool {
        self.protocol_versions.is_empty() || self.protocol_versions.contains(&protocol_version)
    }

    /// Reads variables through a function, so that tests need not change their own process.
    pub fn from_lookup(
        variable: impl Fn(&str) -> Option<OsString>,
        temporary_directory: PathBuf,
    ) -> Self {
        // An empty variable counts as an absent one, as it does in Terraform.
        let raw = |name: &str| variable(name).filter(|value| !value.is_empty());
        let text = |name: &str| raw(name).map(|value| value.to_string_lossy().into_owned());
        let port = |name: &str, default| {
            text(name)
                .and_then(|value| value.trim().parse().ok())
                .unwrap_or(default)
        };

        let log_level = ["TF_LOG_PROVIDER_CROSSACCOUNT", "TF_LOG_PROVIDER", "TF_LOG"]
            .into_iter()
            .find_map(text)
            .map_or(LevelFilter::OFF, |value| log_level(&value));

        Self {
            magic_cookie: text("TF_PLUGIN_MAGIC_COOKIE"),
            protocol_versions: text("PLUGIN_PROTOCOL_VERSIONS")
                .map(|list| {
                    list.split(',')
                        .filter_map(|one| one.trim().parse().ok())
                        .collect()
                })
                .unwrap_or_default(),
            client_certificate: text("PLUGIN_CLIENT_CERT"),
            socket_directory: raw("PLUGIN_UNIX_SOCKET_DIR").map(PathBuf::from),
            ports: port("PLUGIN_MIN_PORT", 10_000)..=port("PLUGIN_MAX_PORT", 25_000),
            log_level,
            temporary_directory,
        }
    }
}

/// Terraform's names of levels. Like Terraform itself, an unknown word turns everything on: the
/// user wanted a log and should not get silence because of a typing error.
fn log_level(value: &str) -> LevelFilter {
    match value.to_ascii_uppercase().as_str() {
        "OFF" => LevelFilter::OFF,
        "ERROR" => LevelFilter::ERROR,
        "WARN" => LevelFilter::WARN,
        "INFO" => LevelFilter::INFO,
        "DEBUG" => LevelFilter::DEBUG,
        _ => LevelFilter::TRACE,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(variables: &[(&str, &str)]) -> Environment {
        Environment::from_lookup(
            |name| {
                variables
                    .iter()
                    .find(|(key, _)| *key == name)
                    .map(|(_, value)| value.into())
            },
            PathBuf::from("/temporary"),
        )
    }

    #[test]
    fn an_empty_environment_has_safe_defaults() {
        assert_eq!(
            with(&[]),
            Environment {
                magic_cookie: None,
                protocol_versions: Vec::new(),
                client_certificate: None,
                socket_directory: None,
                ports: 10_000..=25_000,
                log_level: LevelFilter::OFF,
                temporary_directory: PathBuf::from("/temporary"),
            }
        );
    }

    #[test]
    fn everything_that_a_host_sets_is_read() {
        let environment = with(&[
            ("TF_PLUGIN_MAGIC_COOKIE", "cookie"),
            ("PLUGIN_PROTOCOL_VERSIONS", "6, 5,x"),
            ("PLUGIN_CLIENT_CERT", "pem"),
            ("PLUGIN_UNIX_SOCKET_DIR", "/sockets"),
            ("PLUGIN_MIN_PORT", "2000"),
            ("PLUGIN_MAX_PORT", "2010"),
        ]);
        assert_eq!(environment.magic_cookie.as_deref(), Some("cookie"));
        assert_eq!(environment.protocol_versions, [6, 5]);
        assert_eq!(environment.client_certificate.as_deref(), Some("pem"));
        assert_eq!(
            environment.socket_directory,
            Some(PathBuf::from("/sockets"))
        );
        assert_eq!(environment.ports, 2000..=2010);
    }

    #[test]
    fn an_empty_variable_counts_as_an_absent_one() {
        let environment = with(&[
            ("PLUGIN_CLIENT_CERT", ""),
            ("TF_LOG_PROVIDER", ""),
            ("TF_LOG", "info"),
            ("PLUGIN_MIN_PORT", "no number"),
        ]);
        assert_eq!(environment.client_certificate, None);
        assert_eq!(environment.log_level, LevelFilter::INFO);
        assert_eq!(environment.ports, 10_000..=25_000);
    }

    #[test]
    fn the_most_specific_variable_decides_the_log_level() {
        const OWN: &str = "TF_LOG_PROVIDER_CROSSACCOUNT";
        const PROVIDERS: &str = "TF_LOG_PROVIDER";
        const ALL: &str = "TF_LOG";
        let table: [(&[(&str, &str)], LevelFilter); 13] = [
            (&[], LevelFilter::OFF),
            (&[(ALL, "TRACE")], LevelFilter::TRACE),
            (&[(ALL, "DEBUG")], LevelFilter::DEBUG),
            (&[(ALL, "INFO")], LevelFilter::INFO),
            (&[(ALL, "WARN")], LevelFilter::WARN),
            (&[(ALL, "ERROR")], LevelFilter::ERROR),
            (&[(ALL, "OFF")], LevelFilter::OFF),
            (&[(ALL, "JSON")], LevelFilter::TRACE),
            (&[(ALL, "warn")], LevelFilter::WARN),
            (&[(ALL, "loud")], LevelFilter::TRACE),
            (&[(ALL, "TRACE"), (PROVIDERS, "ERROR")], LevelFilter::ERROR),
            (&[(PROVIDERS, "ERROR"), (OWN, "DEBUG")], LevelFilter::DEBUG),
            (
                &[(ALL, "TRACE"), (PROVIDERS, "TRACE"), (OWN, "OFF")],
                LevelFilter::OFF,
            ),
        ];
        for (variables, level) in table {
            assert_eq!(with(variables).log_level, level, "{variables:?}");
        }
    }
}
