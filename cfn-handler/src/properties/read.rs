//! The strict way: properties of a Create or an Update.

use serde_json::{Map, Value};

use super::{Problems, UserProperties};

/// Reads the properties of a Create or an Update.
///
/// # Errors
/// Everything that is wrong, at once.
pub fn read(_properties: &Map<String, Value>) -> Result<UserProperties, Problems> {
    Err(Problems::default())
}
