//! Schemas as messages.

use crossaccount_proto::tfplugin6::{self, StringKind};
use tfplugin6::schema::object::NestingMode;

use crate::schema::Schema;
use crate::schema::attribute::{Attribute, Nesting, Presence, Shape};

/// A schema as a message. The block is always there: Terraform crashes without it.
pub(in crate::framework) fn to_proto(schema: &Schema) -> tfplugin6::Schema {
    tfplugin6::Schema {
        version: schema.state_version(),
        block: Some(tfplugin6::schema::Block {
            attributes: attributes(schema.attributes()),
            description: schema.description().to_owned(),
            description_kind: StringKind::Markdown.into(),
            deprecated: schema.deprecation().is_some(),
            deprecation_message: schema.deprecation().unwrap_or_default().to_owned(),
            ..Default::default()
        }),
    }
}

fn attributes(attributes: &[Attribute]) -> Vec<tfplugin6::schema::Attribute> {
    attributes.iter().map(attribute).collect()
}

fn attribute(attribute: &Attribute) -> tfplugin6::schema::Attribute {
    let presence = attribute.presence;
    let (ty, nested_type) = match &attribute.shape {
        Shape::Plain(ty) => (ty.to_json(), None),
        Shape::Nested(nesting, nested) => {
            let nesting = match nesting {
                Nesting::Single => NestingMode::Single,
                Nesting::List => NestingMode::List,
                Nesting::Set => NestingMode::Set,
                Nesting::Map => NestingMode::Map,
            };
            let object = tfplugin6::schema::Object {
                attributes: attributes(nested),
                nesting: nesting.into(),
                ..Default::default()
            };
            (Vec::new(), Some(object))
        }
    };
    tfplugin6::schema::Attribute {
        name: attribute.name.clone(),
        r#type: ty,
        nested_type,
        description: attribute.description.clone(),
        description_kind: StringKind::Markdown.into(),
        required: presence == Some(Presence::Required),
        optional: matches!(
            presence,
            Some(Presence::Optional | Presence::OptionalComputed)
        ),
        computed: attribute.is_computed(),
        sensitive: attribute.sensitive,
        write_only: attribute.write_only,
        deprecated: attribute.deprecation.is_some(),
        deprecation_message: attribute.deprecation.clone().unwrap_or_default(),
    }
}
