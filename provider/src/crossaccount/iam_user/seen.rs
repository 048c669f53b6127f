//! What the last look at a user showed of its credentials, and what a plan decided about them: kept in private data.
//!
//! Terraform plans a change twice: for the reviewer, and again in the process that applies it, where the known values of
//! both plans must be the same. What is due depends on the time and on what IAM has, so both plans decide on the same
//! look at the same moment: that of the refresh. It travels with the state, holds no secret, and saves each plan from
//! reading the user again.

use std::collections::BTreeMap;

use crossaccount_core::user::{
    Facets, KeyStatus, LastUsed, LoginProfile, ObservedConsole, ObservedKey, ObservedKeys,
    ObservedUser, Scope, StoredKey, StoredPassword, is_reserved_tag,
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::framework::Private;

/// The key of the last look in private data.
const SEEN: &str = "credentials";
/// The key of the decision of a plan in private data.
const PLANNED: &str = "planned_credentials";

/// The credentials of a user at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Seen {
    /// The moment.
    pub(super) at: Timestamp,
    name: String,
    /// The tags of crossaccount itself: they say which keys are ours.
    tags: BTreeMap<String, String>,
    access_keys: Option<SeenKeys>,
    console_access: Option<SeenConsole>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct SeenKeys {
    keys: Vec<SeenKey>,
    stored: Stored,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct SeenKey {
    id: String,
    active: bool,
    created: Timestamp,
    used: Used,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Used {
    Unknown(String),
    Never,
    At(Timestamp, Option<String>, Option<String>),
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct SeenConsole {
    /// Whether there is a login profile, and whether a new password has to be chosen.
    profile: Option<bool>,
    stored: Stored,
}

/// What the secret store holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Stored {
    Unknown,
    Absent,
    Ours,
    Key(String),
    Foreign(Option<String>),
}

impl Seen {
    /// The credentials of a user, unless none were looked at.
    pub(super) fn of(user: &ObservedUser, at: Timestamp) -> Option<Self> {
        if user.access_keys.is_none() && user.console_access.is_none() {
            return None;
        }
        let tags = user.tags.iter().filter(|(key, _)| is_reserved_tag(key));
        Some(Self {
            at,
            name: user.name.to_string(),
            tags: tags
                .map(|(key, value)| (key.clone(), value.clone()))
                .collect(),
            access_keys: user.access_keys.as_ref().map(SeenKeys::from),
            console_access: user.console_access.as_ref().map(SeenConsole::from),
        })
    }

    /// Whether everything was looked at that is asked for.
    pub(super) fn covers(&self, facets: Facets) -> bool {
        (self.access_keys.is_some() || !facets.access_keys)
            && (self.console_access.is_some() || !facets.console_access)
    }

    /// The user as far as decisions about credentials need it.
    pub(super) fn user(&self, unique_id: &str) -> Option<ObservedUser> {
        Some(ObservedUser {
            name: self.name.parse().ok()?,
            path: crossaccount_core::ids::Path::default(),
            arn: String::new(),
            unique_id: unique_id.to_owned(),
            create_date: None,
            password_last_used: None,
            permissions_boundary: None,
            tags: self.tags.clone(),
            managed_policy_arns: None,
            inline_policies: None,
            groups: None,
            access_keys: self.access_keys.clone().map(ObservedKeys::from),
            console_access: self.console_access.clone().map(ObservedConsole::from),
        })
    }

    /// Reads what was kept. What another version wrote differently counts as nothing.
    pub(super) fn read(private: &Private) -> Option<Self> {
        serde_json::from_value(private.get(SEEN)?.clone()).ok()
    }

    /// Keeps the last look, and nothing of an earlier one or of a plan.
    pub(super) fn keep(seen: Option<&Self>, private: &mut Private) {
        private.remove(PLANNED);
        match seen.map(serde_json::to_value) {
            Some(Ok(value)) => private.set(SEEN, value),
            Some(Err(_)) | None => drop(private.remove(SEEN)),
        }
    }
}

/// What a plan decided, for the apply.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Planned {
    /// The moment that the plan decided for.
    pub(super) at: Timestamp,
    /// Whether access keys change.
    pub(super) access_keys: bool,
    /// Whether the console access changes.
    pub(super) console_access: bool,
    /// What the plan said to be due and impossible.
    pub(super) blocked: Vec<String>,
}

impl Planned {
    /// What the apply may do.
    pub(super) fn scope(&self) -> Scope {
        Scope {
            at: self.at,
            access_keys: self.access_keys,
            console_access: self.console_access,
        }
    }

    /// Reads the decision of the plan.
    pub(super) fn read(private: &Private) -> Option<Self> {
        serde_json::from_value(private.get(PLANNED)?.clone()).ok()
    }

    /// Hands the decision over to the apply, in place of that of an earlier plan.
    pub(super) fn keep(planned: Option<&Self>, private: &mut Private) {
        match planned.map(serde_json::to_value) {
            Some(Ok(value)) => private.set(PLANNED, value),
            Some(Err(_)) | None => drop(private.remove(PLANNED)),
        }
    }
}

impl From<&ObservedKeys> for SeenKeys {
    fn from(observed: &ObservedKeys) -> Self {
        let keys = observed.keys.iter().map(|key| SeenKey {
            id: key.id.clone(),
            active: key.status == KeyStatus::Active,
            created: key.create_date,
            used: match &key.last_used {
                LastUsed::Unknown { why } => Used::Unknown(why.clone()),
                LastUsed::Never => Used::Never,
                LastUsed::At {
                    time,
                    service,
                    region,
                } => Used::At(*time, service.clone(), region.clone()),
            },
        });
        Self {
            keys: keys.collect(),
            stored: match &observed.stored {
                StoredKey::Unknown => Stored::Unknown,
                StoredKey::Absent => Stored::Absent,
                StoredKey::Holds(id) => Stored::Key(id.clone()),
                StoredKey::Foreign(owner) => Stored::Foreign(owner.clone()),
            },
        }
    }
}

impl From<SeenKeys> for ObservedKeys {
    fn from(seen: SeenKeys) -> Self {
        let keys = seen.keys.into_iter().map(|key| ObservedKey {
            id: key.id,
            status: if key.active {
                KeyStatus::Active
            } else {
                KeyStatus::Inactive
            },
            create_date: key.created,
            last_used: match key.used {
                Used::Unknown(why) => LastUsed::Unknown { why },
                Used::Never => LastUsed::Never,
                Used::At(time, service, region) => LastUsed::At {
                    time,
                    service,
                    region,
                },
            },
        });
        Self {
            keys: keys.collect(),
            stored: match seen.stored {
                Stored::Key(id) => StoredKey::Holds(id),
                Stored::Absent => StoredKey::Absent,
                Stored::Foreign(owner) => StoredKey::Foreign(owner),
                Stored::Unknown | Stored::Ours => StoredKey::Unknown,
            },
        }
    }
}

impl From<&ObservedConsole> for SeenConsole {
    fn from(observed: &ObservedConsole) -> Self {
        Self {
            profile: observed
                .profile
                .as_ref()
                .map(|profile| profile.password_reset_required),
            stored: match &observed.stored {
                StoredPassword::Unknown => Stored::Unknown,
                StoredPassword::Absent => Stored::Absent,
                StoredPassword::Ours => Stored::Ours,
                StoredPassword::Foreign(owner) => Stored::Foreign(owner.clone()),
            },
        }
    }
}

impl From<SeenConsole> for ObservedConsole {
    fn from(seen: SeenConsole) -> Self {
        Self {
            profile: seen.profile.map(|password_reset_required| LoginProfile {
                create_date: None,
                password_reset_required,
            }),
            stored: match seen.stored {
                Stored::Ours => StoredPassword::Ours,
                Stored::Absent => StoredPassword::Absent,
                Stored::Foreign(owner) => StoredPassword::Foreign(owner),
                Stored::Unknown | Stored::Key(_) => StoredPassword::Unknown,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use crossaccount_core::user::{
        Facets, KeyStatus, LastUsed, LoginProfile, ObservedConsole, ObservedKey, ObservedKeys,
        ObservedUser, StoredKey, StoredPassword,
    };
    use jiff::Timestamp;

    use super::{Planned, Seen};
    use crate::framework::Private;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn key(id: &str, last_used: LastUsed) -> ObservedKey {
        ObservedKey {
            id: id.to_owned(),
            status: KeyStatus::Inactive,
            create_date: at("2026-01-02T03:04:05Z"),
            last_used,
        }
    }

    fn user(keys: Option<ObservedKeys>, console: Option<ObservedConsole>) -> ObservedUser {
        let nothing = Seen {
            at: at("2026-01-02T03:04:05Z"),
            name: "alice".to_owned(),
            tags: BTreeMap::from([("crossaccount:current-key".to_owned(), "AKIA1".to_owned())]),
            access_keys: None,
            console_access: None,
        };
        ObservedUser {
            access_keys: keys,
            console_access: console,
            ..nothing.user("AIDA1").unwrap()
        }
    }

    fn kept(seen: Option<&Seen>) -> Option<Seen> {
        let mut private = Private::new();
        Seen::keep(seen, &mut private);
        Seen::read(&Private::from_bytes(&private.to_bytes()))
    }

    #[rstest::rstest]
    #[case(StoredKey::Unknown, StoredPassword::Unknown)]
    #[case(StoredKey::Absent, StoredPassword::Absent)]
    #[case(StoredKey::Holds("AKIA1".to_owned()), StoredPassword::Ours)]
    #[case(StoredKey::Foreign(Some("x".to_owned())), StoredPassword::Foreign(None))]
    fn a_look_comes_back_as_it_was(#[case] stored: StoredKey, #[case] password: StoredPassword) {
        let used = LastUsed::At {
            time: at("2026-11-20T10:00:00.123456789Z"),
            service: Some("s3".to_owned()),
            region: None,
        };
        let unread = LastUsed::Unknown {
            why: "denied".to_owned(),
        };
        let keys = vec![
            key("AKIA1", used),
            key("AKIA2", LastUsed::Never),
            key("AKIA3", unread),
        ];
        let user = user(
            Some(ObservedKeys { keys, stored }),
            Some(ObservedConsole {
                profile: Some(LoginProfile {
                    create_date: None,
                    password_reset_required: true,
                }),
                stored: password,
            }),
        );
        let seen = Seen::of(&user, at("2026-11-21T05:00:00Z"));
        let back = kept(seen.as_ref()).unwrap();
        assert_eq!(back.at, at("2026-11-21T05:00:00Z"));
        assert_eq!(back.user("AIDA1").unwrap(), user);
    }

    #[test]
    fn a_user_without_a_look_at_credentials_keeps_nothing() {
        assert_eq!(Seen::of(&user(None, None), Timestamp::UNIX_EPOCH), None);
        assert_eq!(kept(None), None);
    }

    #[test]
    fn a_look_covers_what_it_saw() {
        let keys = ObservedKeys {
            keys: Vec::new(),
            stored: StoredKey::Absent,
        };
        let seen = Seen::of(&user(Some(keys), None), Timestamp::UNIX_EPOCH).unwrap();
        let keys = Facets {
            access_keys: true,
            ..Facets::NONE
        };
        assert!(seen.covers(keys));
        assert!(seen.covers(Facets::NONE));
        assert!(!seen.covers(Facets {
            console_access: true,
            ..keys
        }));
    }

    #[test]
    fn tags_of_people_are_not_kept() {
        let mut user = user(
            None,
            Some(ObservedConsole {
                profile: None,
                stored: StoredPassword::Absent,
            }),
        );
        user.tags.insert("team".to_owned(), "core".to_owned());
        let kept = Seen::of(&user, Timestamp::UNIX_EPOCH).unwrap();
        assert!(!serde_json::to_string(&kept).unwrap().contains("team"));
    }

    #[test]
    fn a_new_look_forgets_the_plan_and_rubbish_reads_as_nothing() {
        let planned = Planned {
            at: Timestamp::UNIX_EPOCH,
            access_keys: true,
            console_access: false,
            blocked: vec!["because".to_owned()],
        };
        let mut private = Private::new();
        Planned::keep(Some(&planned), &mut private);
        assert_eq!(Planned::read(&private), Some(planned));
        Seen::keep(None, &mut private);
        assert_eq!(Planned::read(&private), None);
        private.set(super::SEEN, "rubbish");
        assert_eq!(Seen::read(&private), None);
    }
}
