//! The reserved tags that hold the state of a user's access keys.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::TriggerHash;

/// `<key id>` or `<key id> <trigger hash>`: the key that the secret store holds.
pub const CURRENT_KEY_TAG: &str = "crossaccount:current-key";
/// `<key id> <since when>` or `none`: the key that was replaced.
pub const RETIRING_KEY_TAG: &str = "crossaccount:retiring-key";
/// `<time>`, `<time> <key id>` or `none`: a key is being made since then. The id is that of a key
/// which was there before and is not ours.
pub const KEY_INTENT_TAG: &str = "crossaccount:key-intent";
/// All three tags: what [`KeyStep::Forget`](super::KeyStep::Forget) removes.
pub const KEY_TAGS: [&str; 3] = [CURRENT_KEY_TAG, RETIRING_KEY_TAG, KEY_INTENT_TAG];

const NONE: &str = "none";

/// The current key, as its tag names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CurrentKey {
    /// The access key id.
    pub id: String,
    /// What rotation trigger it was made for.
    pub trigger: Option<TriggerHash>,
}

/// The replaced key, as its tag names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RetiringKey {
    /// The access key id.
    pub id: String,
    /// Since when it is replaced.
    pub since: Timestamp,
}

/// What the reserved tags say.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct KeyTags {
    /// The current key.
    pub current: Option<CurrentKey>,
    /// The replaced key.
    pub retiring: Option<RetiringKey>,
    /// Since when a key is being made.
    pub intent: Option<Timestamp>,
    /// Keys that were there when the intent was opened, and are not ours.
    pub beside: Vec<String>,
    /// Whether any of the three tags is there, whatever it says.
    pub present: bool,
}

impl KeyTags {
    /// Reads the tags of a user. What cannot be understood counts as absent, so that a key that no
    /// tag names clearly is left alone.
    pub fn read(tags: &BTreeMap<String, String>) -> Self {
        let words = |key: &str| {
            tags.get(key)
                .map(|value| value.split_whitespace().collect::<Vec<_>>())
                .unwrap_or_default()
        };
        let current = match words(CURRENT_KEY_TAG).as_slice() {
            [id] if is_key_id(id) => Some(CurrentKey {
                id: (*id).to_owned(),
                trigger: None,
            }),
            [id, trigger] if is_key_id(id) => Some(CurrentKey {
                id: (*id).to_owned(),
                trigger: TriggerHash::read(trigger),
            }),
            _ => None,
        };
        let retiring = match words(RETIRING_KEY_TAG).as_slice() {
            [id, since] if is_key_id(id) => since.parse().ok().map(|since| RetiringKey {
                id: (*id).to_owned(),
                since,
            }),
            _ => None,
        };
        let intent_words = words(KEY_INTENT_TAG);
        let intent = intent_words.first().and_then(|time| time.parse().ok());
        let beside = intent_words.into_iter().skip(1).map(str::to_owned);
        Self {
            current,
            retiring,
            intent,
            beside: beside.collect(),
            present: KEY_TAGS.iter().any(|key| tags.contains_key(*key)),
        }
    }

    /// The tags of [`KeyStep::OpenIntent`](super::KeyStep::OpenIntent). `at` is also what the process
    /// recognises its own intent by.
    pub fn open_intent(at: Timestamp, beside: &[String]) -> BTreeMap<String, String> {
        let mut value = at.to_string();
        for id in beside {
            value.push(' ');
            value.push_str(id);
        }
        [(KEY_INTENT_TAG.to_owned(), value)].into()
    }

    /// The tags that close an intent whose key was deleted again, or never made.
    pub fn close_intent() -> BTreeMap<String, String> {
        [(KEY_INTENT_TAG.to_owned(), NONE.to_owned())].into()
    }

    /// The tags of [`KeyStep::NameCurrent`](super::KeyStep::NameCurrent) and
    /// [`KeyStep::AdoptInterrupted`](super::KeyStep::AdoptInterrupted): one call, so that they change
    /// together.
    ///
    /// `retire` is the replaced key and since when: the `now` of the decision. Without it the tag of
    /// the retiring key stays as it is.
    pub fn name_current(
        id: &str,
        trigger: Option<&TriggerHash>,
        retire: Option<(&str, Timestamp)>,
    ) -> BTreeMap<String, String> {
        let current = match trigger {
            Some(trigger) => format!("{id} {}", trigger.as_str()),
            None => id.to_owned(),
        };
        let mut tags = Self::close_intent();
        tags.insert(CURRENT_KEY_TAG.to_owned(), current);
        if let Some((old, since)) = retire {
            tags.insert(RETIRING_KEY_TAG.to_owned(), format!("{old} {since}"));
        }
        tags
    }
}

/// IAM: 16 to 128 word characters; we only need to tell an id from rubbish.
fn is_key_id(word: &str) -> bool {
    word != NONE
        && word
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::{
        CURRENT_KEY_TAG, CurrentKey, KEY_INTENT_TAG, KeyTags, RETIRING_KEY_TAG, RetiringKey,
    };
    use crate::ids::TagValue;
    use crate::user::access_keys::TriggerHash;

    fn read(key: &str, value: &str) -> KeyTags {
        KeyTags::read(&[(key.to_owned(), value.to_owned())].into())
    }

    #[test]
    fn what_is_written_is_read_and_fits_into_tags_of_iam() {
        let time = "2026-11-21T12:00:00.123456789Z".parse().unwrap();
        let trigger = TriggerHash::of("again");
        let mut tags = KeyTags::name_current("AKIANEW", Some(&trigger), Some(("AKIAOLD", time)));
        assert_eq!(tags[KEY_INTENT_TAG], "none");
        tags.extend(KeyTags::open_intent(time, &["AKIAOTHER".to_owned()]));
        for value in tags.values() {
            assert!(value.parse::<TagValue>().is_ok(), "{value}");
        }
        let expected = KeyTags {
            current: Some(CurrentKey {
                id: "AKIANEW".to_owned(),
                trigger: Some(trigger),
            }),
            retiring: Some(RetiringKey {
                id: "AKIAOLD".to_owned(),
                since: time,
            }),
            intent: Some(time),
            beside: vec!["AKIAOTHER".to_owned()],
            present: true,
        };
        assert_eq!(KeyTags::read(&tags), expected);
        tags.extend(KeyTags::close_intent());
        assert_eq!(KeyTags::read(&tags).intent, None);
    }

    #[rstest::rstest]
    #[case(CURRENT_KEY_TAG, "none")]
    #[case(CURRENT_KEY_TAG, "")]
    #[case(CURRENT_KEY_TAG, "a:b")]
    #[case(CURRENT_KEY_TAG, "AKIA1 two three")]
    #[case(RETIRING_KEY_TAG, "none")]
    #[case(RETIRING_KEY_TAG, "AKIA1")]
    #[case(RETIRING_KEY_TAG, "AKIA1 yesterday")]
    #[case(KEY_INTENT_TAG, "none")]
    #[case(KEY_INTENT_TAG, "soon AKIA1")]
    fn rubbish_counts_as_absent_and_is_there_to_be_removed(#[case] key: &str, #[case] value: &str) {
        let tags = read(key, value);
        assert_eq!(
            (tags.current, tags.retiring, tags.intent),
            (None, None, None)
        );
        assert!(tags.present);
    }

    #[test]
    fn a_trigger_that_nobody_can_have_written_is_none_and_the_key_stays_ours() {
        let current = read(CURRENT_KEY_TAG, "AKIA1 XYZ").current.unwrap();
        assert_eq!((current.id.as_str(), current.trigger), ("AKIA1", None));
    }

    #[test]
    fn a_user_without_the_tags_has_none() {
        assert_eq!(KeyTags::read(&BTreeMap::new()), KeyTags::default());
    }
}
