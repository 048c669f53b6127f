//! The attributes of a user's credentials, beside their typed form, and the way to what the core wants.

use crossaccount_core::secret::Secret;
use crossaccount_core::user::{
    ConsoleAccess, GivenPassword, KeyIntervals, KeyPolicy, KeyPolicyProblem, KeyStatus,
    LONGEST_PASSWORD, LONGEST_TRIGGER, MOST_DAYS, PasswordSource, SHORTEST_PASSWORD, TriggerHash,
};

use super::IamUserModel;
use crate::model;
use crate::schema::validators::{integer_between, length_between, one_of};
use crate::schema::{
    Attribute, Diagnostic, Diagnostics, Field, FromValue, IntoValue, ModelError, Typed,
};
use crate::value::{Path, Type, Value};

model! {
    /// `console_access`.
    #[derive(Default)]
    pub(in crate::crossaccount) struct ConsoleAccessModel {
        pub(super) password_length: Field<i64>,
        pub(super) password_reset_required: Field<bool>,
        pub(super) password_reset_trigger: Field<String>,
        pub(super) password: Field<WriteOnly>,
        pub(super) password_version: Field<i64>,
        pub(super) password_parameter: Field<String>,
        pub(super) last_password_change: Field<String>,
    }
}
model! {
    /// `access_key`.
    #[derive(Default)]
    pub(in crate::crossaccount) struct AccessKeyModel {
        pub(super) rotate_after_days: Field<i64>,
        pub(super) disable_after_days: Field<i64>,
        pub(super) delete_after_days: Field<i64>,
        pub(super) keep_if_used_within_days: Field<i64>,
        pub(super) status: Field<String>,
        pub(super) rotation_trigger: Field<String>,
    }
}
model! {
    /// One element of `access_keys`.
    #[derive(Default)]
    pub(in crate::crossaccount) struct ShownKey {
        pub(super) id: Field<String>,
        pub(super) status: Field<String>,
        pub(super) phase: Field<String>,
        pub(super) create_date: Field<String>,
        pub(super) last_used_date: Field<String>,
        pub(super) last_used_service: Field<String>,
        pub(super) secret_parameter: Field<String>,
        pub(super) next_action: Field<String>,
        pub(super) next_action_at: Field<String>,
        pub(super) blocked: Field<String>,
    }
}

/// A write-only value: only a configuration has it, and it is never written anywhere.
#[derive(Debug, Clone)]
pub(in crate::crossaccount) struct WriteOnly(Secret);

/// Secrets are not compared: for Terraform a write-only value never changes.
impl PartialEq for WriteOnly {
    fn eq(&self, _other: &Self) -> bool {
        true
    }
}

impl Typed for WriteOnly {
    fn ty() -> Type {
        Type::String
    }
}

impl FromValue for WriteOnly {
    fn from_value(value: &Value, path: &Path) -> Result<Self, ModelError> {
        String::from_value(value, path).map(|text| Self(Secret::new(text)))
    }
}

impl IntoValue for WriteOnly {
    fn into_value(self) -> Value {
        Value::Null
    }
}

/// The attributes that people write.
pub(super) fn attributes() -> Vec<Attribute> {
    vec![
        Attribute::single_nested("console_access", console_access())
            .optional()
            .describe(
                "Console access: a password in the account's own password policy, kept in the secret store of the \
                 provider's `secrets`. Without this attribute a password that was made here is deleted, and one \
                 that somebody else set is left alone. A password that somebody else set is only replaced with \
                 `adoption_policy = \"adopt\"`.",
            ),
        Attribute::single_nested("access_key", access_key())
            .optional()
            .describe(
                "An access key that is made, kept in the secret store of the provider's `secrets`, replaced in time and \
                 deleted; `{}` takes all defaults. Whoever uses the key reads it from the store. A plan shows what is \
                 due and why, by the age that keys had at the last refresh, and an apply does it. Keys that somebody \
                 else made are shown in `access_keys` and left alone. Without this attribute the keys that were made \
                 here are deleted.",
            ),
    ]
}

fn console_access() -> Vec<Attribute> {
    vec![
        Attribute::integer("password_length")
            .optional()
            .validate(integer_between(i64::from(SHORTEST_PASSWORD)..=i64::from(LONGEST_PASSWORD)))
            .describe(
                "Number of characters of the generated password. A change sets a new password. Default: 24, or more when \
                 the account's password policy asks for it.",
            ),
        Attribute::bool("password_reset_required").default(true).describe(
            "Whether the user has to choose a new password at the next sign-in. Counts when a password is set; what the \
             user does later is no change. Default: `true`.",
        ),
        Attribute::string("password_reset_trigger")
            .optional()
            .validate(length_between(1, LONGEST_TRIGGER))
            .describe("Any text. A change sets a new generated password."),
        Attribute::string("password")
            .optional()
            .sensitive()
            .write_only()
            .validate(length_between(1, 128))
            .describe(
                "A password of your own in place of a generated one, best from an ephemeral resource. It is kept neither in \
                 the state nor in the secret store. Needs `password_version`, and Terraform or OpenTofu 1.11 or later.",
            ),
        Attribute::integer("password_version").optional().describe(
            "Version of `password`. A change sets the password again.",
        ),
        Attribute::string("password_parameter").computed().describe(
            "Name of the SSM parameter that holds the generated password; null with a password of your own.",
        ),
        Attribute::string("last_password_change").computed().describe(
            "Why the password was last set, as the plan announced it.",
        ),
    ]
}

fn access_key() -> Vec<Attribute> {
    let defaults = KeyIntervals::default();
    let days =
        |name: &str| Attribute::integer(name).validate(integer_between(1..=i64::from(MOST_DAYS)));
    vec![
        days("rotate_after_days")
            .default(i64::from(defaults.rotate_after_days))
            .describe("Age in days at which a key is replaced by a new one. Default: `15`."),
        days("disable_after_days").optional().describe(
            "Age in days at which a replaced key is made inactive. Default: halfway between `rotate_after_days` and \
             `delete_after_days`.",
        ),
        days("delete_after_days")
            .default(i64::from(defaults.delete_after_days))
            .describe(
                "Age in days at which a replaced key is deleted: more than `rotate_after_days`, and at most twice as much, \
                 because IAM allows two keys for a user. A late rotation does not shorten the time between. Default: `30`.",
            ),
        Attribute::integer("keep_if_used_within_days")
            .default(i64::from(defaults.keep_if_used_within_days))
            .validate(integer_between(0..=i64::from(MOST_DAYS)))
            .describe(
                "A replaced key that was used within so many days is neither made inactive nor deleted; the plan warns. \
                 Default: `7`.",
            ),
        Attribute::string("status")
            .default(KeyStatus::Active.as_str())
            .validate(one_of(&["Active", "Inactive"]))
            .describe(
                "Whether the keys that were made here work. `Inactive` turns all of them off, and none is replaced. \
                 Default: `Active`.",
            ),
        Attribute::string("rotation_trigger")
            .optional()
            .validate(length_between(1, LONGEST_TRIGGER))
            .describe("Any text. A change replaces the key now, whatever its age."),
    ]
}

/// The attributes that only the provider fills in.
pub(super) fn computed() -> Vec<Attribute> {
    let text = |name: &str, text: &str| Attribute::string(name).computed().describe(text);
    vec![
        Attribute::list_nested(
            "access_keys",
            [
                text("id", "The access key id."),
                text("status", "`Active` or `Inactive`."),
                text(
                    "phase",
                    "`current`; `retiring`: replaced, and works; `disabled`: replaced, and inactive; `interrupted`: left by a \
                     rotation that did not end; `foreign`: made by somebody else.",
                ),
                text("create_date", "When it was made (RFC 3339)."),
                text("last_used_date", "When it was last used (RFC 3339); null when it never was."),
                text("last_used_service", "The service that it was last used with."),
                text(
                    "secret_parameter",
                    "Name of the SSM parameter that holds the key with its secret; of the current key only.",
                ),
                text("next_action", "What happens to it next: `rotate`, `disable` or `delete`."),
                text("next_action_at", "When that is due (RFC 3339)."),
                text("blocked", "Why what is due cannot be done."),
            ],
        )
        .computed()
        .describe(
            "The access keys of the user, also those that somebody else made; null when keys are not managed. Never a \
             secret.",
        ),
        text(
            "last_key_change",
            "Why the access keys were last changed, as the plan announced it.",
        ),
    ]
}

/// Why a wish cannot be decided on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Unsettled {
    /// A part of it is only known after apply.
    NotKnownYet,
    /// It contradicts itself.
    Contradicts(KeyPolicyProblem),
}

impl AccessKeyModel {
    fn intervals(&self) -> Result<KeyIntervals, Unsettled> {
        let defaults = KeyIntervals::default();
        Ok(KeyIntervals {
            rotate_after_days: days(&self.rotate_after_days)?.unwrap_or(defaults.rotate_after_days),
            disable_after_days: days(&self.disable_after_days)?,
            delete_after_days: days(&self.delete_after_days)?.unwrap_or(defaults.delete_after_days),
            keep_if_used_within_days: days(&self.keep_if_used_within_days)?
                .unwrap_or(defaults.keep_if_used_within_days),
        })
    }

    /// The key that is wanted.
    pub(super) fn policy(&self) -> Result<KeyPolicy, Unsettled> {
        let status =
            settled(&self.status)?.map_or(KeyStatus::Active, |text| KeyStatus::of_iam(text));
        let trigger = settled(&self.rotation_trigger)?;
        let trigger = trigger.map(|trigger| TriggerHash::of(trigger));
        KeyPolicy::new(self.intervals()?, status, trigger).map_err(Unsettled::Contradicts)
    }

    fn problem(&self) -> Option<KeyPolicyProblem> {
        // Status and trigger contradict nothing.
        let intervals = self.intervals().ok()?;
        KeyPolicy::new(intervals, KeyStatus::Active, None).err()
    }
}

/// The value of a field that is settled, null included.
fn settled<T>(field: &Field<T>) -> Result<Option<&T>, Unsettled> {
    match field {
        Field::Null => Ok(None),
        Field::Unknown => Err(Unsettled::NotKnownYet),
        Field::Known(value) => Ok(Some(value)),
    }
}

/// The validators have refused what is no number of days.
fn days(field: &Field<i64>) -> Result<Option<u32>, Unsettled> {
    Ok(settled(field)?.and_then(|days| u32::try_from(*days).ok()))
}

impl ConsoleAccessModel {
    /// The console access that is wanted. The password is not part of a plan or a state:
    /// [`given_password`] reads it from a configuration.
    pub(super) fn wanted(&self, adopt: bool) -> Result<ConsoleAccess, Unsettled> {
        let length = settled(&self.password_length)?.and_then(|length| u8::try_from(*length).ok());
        let source = match settled(&self.password_version)? {
            Some(version) => PasswordSource::Given(GivenPassword {
                password: None,
                version: *version,
            }),
            None => PasswordSource::Generated { length },
        };
        Ok(ConsoleAccess {
            source,
            password_reset_required: settled(&self.password_reset_required)?
                .copied()
                .unwrap_or(true),
            reset_trigger: settled(&self.password_reset_trigger)?.cloned(),
            adopt,
        })
    }
}

impl IamUserModel {
    /// The access key that is wanted.
    pub(super) fn wanted_key(&self) -> Result<Option<KeyPolicy>, Unsettled> {
        settled(&self.access_key)?
            .map(AccessKeyModel::policy)
            .transpose()
    }

    /// The console access that is wanted.
    pub(super) fn wanted_console(&self) -> Result<Option<ConsoleAccess>, Unsettled> {
        let adopt = settled(&self.adoption_policy)?.is_some_and(|policy| policy == "adopt");
        let console = settled(&self.console_access)?;
        console.map(|console| console.wanted(adopt)).transpose()
    }
}

/// Completes the wanted console access with the password of the configuration.
pub(super) fn give_password(wanted: &mut Option<ConsoleAccess>, config: &IamUserModel) {
    let configured = config.console_access.known();
    let password = configured.and_then(|configured| configured.password.known());
    if let Some(ConsoleAccess {
        source: PasswordSource::Given(given),
        ..
    }) = wanted
    {
        given.password = password.map(|WriteOnly(secret)| secret.clone());
    }
}

/// What contradicts itself in the credentials of a configuration.
pub(super) fn contradictions(config: &IamUserModel) -> Diagnostics {
    let mut found = Diagnostics::new();
    if let Some(problem) = config.access_key.known().and_then(AccessKeyModel::problem) {
        found.push(contradicting_intervals(&problem));
    }
    if let Some(console) = config.console_access.known() {
        found.append(password_contradictions(console));
    }
    found
}

pub(super) fn contradicting_intervals(problem: &KeyPolicyProblem) -> Diagnostic {
    let place = Path::attribute("access_key").with_attribute(problem.field);
    let detail = format!("{place}: {}.", problem.message);
    Diagnostic::error("Contradicting intervals", detail).at(place)
}

fn password_contradictions(console: &ConsoleAccessModel) -> Diagnostics {
    let error = |name: &str, detail: &str| {
        Diagnostic::error("Contradicting password settings", detail)
            .at(Path::attribute("console_access").with_attribute(name))
    };
    let mut found = Diagnostics::new();
    if !console.password.is_null() && console.password_version.is_null() {
        found.push(error(
            "password_version",
            "A password of your own needs password_version: a change of the version is the only sign that the password \
             has changed, because Terraform keeps no write-only value.",
        ));
    }
    if console.password.is_null() && !console.password_version.is_null() {
        found.push(error(
            "password",
            "password_version is the version of password, and password is not set.",
        ));
    }
    // An unknown password may turn out to be null.
    if console.password.known().is_some() {
        let generated = [
            ("password_length", !console.password_length.is_null()),
            (
                "password_reset_trigger",
                !console.password_reset_trigger.is_null(),
            ),
        ];
        for (name, _) in generated.into_iter().filter(|(_, set)| *set) {
            found.push(error(
                name,
                &format!("{name} is about a generated password, and password brings one. Change password_version to set it again."),
            ));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use crossaccount_core::user::{ConsoleAccess, PasswordSource};

    use super::{
        AccessKeyModel, ConsoleAccessModel, Unsettled, WriteOnly, contradictions, give_password,
    };
    use crate::crossaccount::iam_user::IamUserModel;
    use crate::schema::{Field, IntoValue};
    use crate::value::{Path, Value};

    fn password() -> Field<WriteOnly> {
        use crate::schema::FromValue;
        Field::from_value(&Value::from("hunter2"), &Path::root()).unwrap()
    }

    fn places(access_key: AccessKeyModel, console_access: ConsoleAccessModel) -> Vec<String> {
        let config = IamUserModel {
            access_key: Field::Known(access_key),
            console_access: Field::Known(console_access),
            ..IamUserModel::default()
        };
        let found = contradictions(&config);
        assert!(found.iter().all(|found| !found.detail.contains("hunter2")));
        found
            .iter()
            .map(|found| found.attribute.as_ref().unwrap().to_string())
            .collect()
    }

    #[rstest::rstest]
    #[case::the_defaults(None, None, None, &[])]
    #[case::deleted_before_it_is_replaced(Some(30), None, Some(20), &["access_key.delete_after_days"])]
    #[case::the_default_is_too_late(Some(5), None, None, &["access_key.delete_after_days"])]
    #[case::disabled_too_early(None, Some(3), None, &["access_key.disable_after_days"])]
    #[case::all_of_them(Some(10), Some(12), Some(20), &[])]
    fn intervals_that_contradict_each_other_are_refused_on_their_attribute(
        #[case] rotate: Option<i64>,
        #[case] disable: Option<i64>,
        #[case] delete: Option<i64>,
        #[case] expected: &[&str],
    ) {
        let access_key = AccessKeyModel {
            rotate_after_days: rotate.into(),
            disable_after_days: disable.into(),
            delete_after_days: delete.into(),
            ..AccessKeyModel::default()
        };
        assert_eq!(places(access_key, ConsoleAccessModel::default()), expected);
    }

    #[test]
    fn an_interval_that_is_not_known_yet_contradicts_nothing() {
        let access_key = AccessKeyModel {
            rotate_after_days: Field::Unknown,
            delete_after_days: Field::Known(1),
            ..AccessKeyModel::default()
        };
        assert_eq!(access_key.policy(), Err(Unsettled::NotKnownYet));
        assert!(places(access_key, ConsoleAccessModel::default()).is_empty());
    }

    #[test]
    fn a_password_of_ones_own_needs_a_version_and_excludes_what_is_about_generated_ones() {
        let of = |console_access| places(AccessKeyModel::default(), console_access);
        let own = ConsoleAccessModel {
            password: password(),
            password_version: Field::Known(1),
            ..ConsoleAccessModel::default()
        };
        assert!(of(own.clone()).is_empty());
        assert_eq!(
            of(ConsoleAccessModel {
                password_version: Field::Null,
                ..own.clone()
            }),
            ["console_access.password_version"]
        );
        assert_eq!(
            of(ConsoleAccessModel {
                password: Field::Null,
                ..own.clone()
            }),
            ["console_access.password"]
        );
        assert_eq!(
            of(ConsoleAccessModel {
                password_length: Field::Known(20),
                password_reset_trigger: Field::Known("x".to_owned()),
                ..own.clone()
            }),
            [
                "console_access.password_length",
                "console_access.password_reset_trigger"
            ]
        );
        assert!(
            of(ConsoleAccessModel {
                password: Field::Unknown,
                password_version: Field::Unknown,
                ..own
            })
            .is_empty()
        );
    }

    #[test]
    fn a_password_goes_from_the_configuration_to_the_wish_and_nowhere_else() {
        let console = ConsoleAccessModel {
            password: password(),
            password_version: Field::Known(3),
            ..ConsoleAccessModel::default()
        };
        assert!(!format!("{console:?}").contains("hunter2"));
        assert_eq!(password().into_value(), Value::Null);
        let mut wanted = console.wanted(false).ok();
        let config = IamUserModel {
            console_access: Field::Known(console),
            ..IamUserModel::default()
        };
        give_password(&mut wanted, &config);
        let Some(ConsoleAccess {
            source: PasswordSource::Given(given),
            ..
        }) = wanted
        else {
            panic!("a password is given");
        };
        assert_eq!(given.version, 3);
        assert_eq!(given.password.unwrap().expose(), "hunter2");
    }
}
