//! Diagnostics and paths as messages.

use crossaccount_proto::tfplugin6;
use tfplugin6::attribute_path::{Step as ProtoStep, step::Selector};
use tfplugin6::diagnostic::Severity as ProtoSeverity;

use crate::schema::{Diagnostic, Diagnostics, Severity};
use crate::value::{Path, Step};

/// All diagnostics of an answer.
pub(in crate::framework) fn to_proto(diagnostics: Diagnostics) -> Vec<tfplugin6::Diagnostic> {
    diagnostics.into_iter().map(one).collect()
}

fn one(diagnostic: Diagnostic) -> tfplugin6::Diagnostic {
    let severity = match diagnostic.severity {
        Severity::Error => ProtoSeverity::Error,
        Severity::Warning => ProtoSeverity::Warning,
    };
    tfplugin6::Diagnostic {
        severity: severity.into(),
        summary: diagnostic.summary,
        detail: diagnostic.detail,
        // An empty path means the object as a whole, which is what no path means.
        attribute: diagnostic
            .attribute
            .filter(|path| !path.is_root())
            .map(|path| to_path(&path)),
    }
}

/// A path as a message.
pub(in crate::framework) fn to_path(path: &Path) -> tfplugin6::AttributePath {
    let steps = path
        .steps()
        .iter()
        .map(|step| {
            let selector = match step {
                Step::Attribute(name) => Selector::AttributeName(name.clone()),
                Step::Key(key) => Selector::ElementKeyString(key.clone()),
                Step::Index(index) => Selector::ElementKeyInt(*index),
            };
            ProtoStep {
                selector: Some(selector),
            }
        })
        .collect();
    tfplugin6::AttributePath { steps }
}
