//! Which identity goes with which answer, as pure functions. An identity is always taken from the
//! attributes of the object, so it cannot contradict them.

use crate::schema::{Diagnostic, Diagnostics, Identity};
use crate::value::{Object, Path};

/// The identity in a plan. It may hold unknown values only when the object is to be created.
pub(super) fn planned(
    identity: &Identity,
    earlier: Option<Object>,
    prior: Option<&Object>,
    planned: Option<&Object>,
) -> Option<Object> {
    let now = || earlier.or_else(|| identity.complete(prior?));
    match (prior, planned) {
        (None, planned) => planned.map(|planned| identity.of(planned)),
        (Some(_), Some(planned)) if identity.is_changeable() => {
            identity.complete(planned).or_else(now)
        }
        (Some(_), _) => now(),
    }
}

/// The identity of an object that exists after a call. `earlier` is the identity that the same
/// object had before. Faults of the provider are added, but not when the call failed: what exists
/// then may be half of an object.
pub(super) fn existing(
    identity: &Identity,
    earlier: Option<&Object>,
    state: &Object,
    found: &mut Diagnostics,
) -> Option<Object> {
    let Some(now) = identity.complete(state) else {
        if !found.has_errors() {
            let object = identity.of(state);
            for name in identity.missing(&object) {
                let detail =
                    format!("The object exists and {name}, a part of its identity, is null.");
                found.push(Diagnostic::bug(detail).at(Path::attribute(name)));
            }
        }
        return earlier.cloned();
    };
    if let Some(earlier) = earlier.filter(|_| !identity.is_changeable() && !found.has_errors()) {
        for name in identity.differences(earlier, &now) {
            let detail = format!(
                "{name} is a part of the identity of the object, which can never change, and it \
                 has changed."
            );
            found.push(Diagnostic::bug(detail).at(Path::attribute(name)));
        }
    }
    Some(now)
}

/// The identity of an imported object. `asked` is the one that the user wrote. The state may lack a
/// part of it, which the read that follows fills in.
pub(super) fn imported(
    identity: &Identity,
    asked: Option<Object>,
    state: &Object,
    found: &mut Diagnostics,
) -> Option<Object> {
    let Some(known) = identity.complete(state) else {
        return asked;
    };
    for name in asked
        .iter()
        .flat_map(|asked| identity.differences(asked, &known))
    {
        let detail = format!("Another object was imported than asked for: its {name} is another.");
        found.push(Diagnostic::bug(detail).at(Path::attribute(name)));
    }
    Some(known)
}
