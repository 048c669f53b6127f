//! Numbers and names are the interface with Terraform, so they are counted and spot-checked here.

use std::collections::BTreeMap;

use prost::Message as _;
use prost_types::field_descriptor_proto::{Label, Type};
use prost_types::{
    DescriptorProto, EnumDescriptorProto, FieldDescriptorProto, FileDescriptorProto,
    FileDescriptorSet,
};

fn files() -> Vec<FileDescriptorProto> {
    let bytes = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));
    FileDescriptorSet::decode(bytes.as_slice()).unwrap().file
}

fn provider_file() -> FileDescriptorProto {
    files()
        .into_iter()
        .find(|file| file.package() == "tfplugin6")
        .unwrap()
}

/// All messages and enums by their name relative to the package, without the entries of maps.
#[derive(Default)]
struct Types {
    messages: BTreeMap<String, DescriptorProto>,
    enums: BTreeMap<String, EnumDescriptorProto>,
}

impl Types {
    fn of(file: &FileDescriptorProto) -> Self {
        let mut types = Self::default();
        for item in &file.enum_type {
            types.enums.insert(item.name().to_owned(), item.clone());
        }
        for message in &file.message_type {
            types.add(message, "");
        }
        types
    }

    fn add(&mut self, message: &DescriptorProto, prefix: &str) {
        if message
            .options
            .as_ref()
            .is_some_and(prost_types::MessageOptions::map_entry)
        {
            return;
        }
        let name = format!("{prefix}{}", message.name());
        for item in &message.enum_type {
            self.enums
                .insert(format!("{name}.{}", item.name()), item.clone());
        }
        for nested in &message.nested_type {
            self.add(nested, &format!("{name}."));
        }
        self.messages.insert(name, message.clone());
    }

    fn field(&self, message: &str, field: &str) -> &FieldDescriptorProto {
        let fields = &self.messages[message].field;
        fields
            .iter()
            .find(|candidate| candidate.name() == field)
            .unwrap()
    }
}

#[test]
fn the_provider_service_has_36_rpcs_and_four_of_them_stream() {
    let file = provider_file();
    assert_eq!(file.service.len(), 1);
    let service = &file.service[0];
    assert_eq!(service.name(), "Provider");
    assert_eq!(service.method.len(), 36);

    let names = |wanted: fn(&prost_types::MethodDescriptorProto) -> bool| {
        let mut names: Vec<_> = service
            .method
            .iter()
            .filter(|m| wanted(m))
            .map(|m| m.name().to_owned())
            .collect();
        names.sort();
        names
    };
    assert_eq!(
        names(prost_types::MethodDescriptorProto::server_streaming),
        ["InvokeAction", "ListResource", "ReadStateBytes"]
    );
    assert_eq!(
        names(prost_types::MethodDescriptorProto::client_streaming),
        ["WriteStateBytes"]
    );
}

#[test]
fn requests_and_responses_carry_the_name_of_their_rpc() {
    for method in &provider_file().service[0].method {
        // The one rpc whose messages are named differently.
        let name = match method.name() {
            "ValidateStateStoreConfig" => "ValidateStateStore",
            name => name,
        };
        let prefix = format!(".tfplugin6.{name}.");
        assert!(
            method.input_type().starts_with(&prefix),
            "{}",
            method.input_type()
        );
        assert!(
            method.output_type().starts_with(&prefix),
            "{}",
            method.output_type()
        );
    }
}

#[test]
fn there_are_148_messages_and_enums_and_nothing_is_reserved() {
    let types = Types::of(&provider_file());
    assert_eq!(types.messages.len() + types.enums.len(), 148);
    assert_eq!(types.enums.len(), 5);
    for (name, message) in &types.messages {
        assert!(message.reserved_range.is_empty(), "{name}");
        assert!(message.reserved_name.is_empty(), "{name}");
        assert!(message.extension_range.is_empty(), "{name}");
    }
}

#[test]
fn field_numbers_and_types_are_those_of_the_protocol() {
    let types = Types::of(&provider_file());
    let table = [
        ("DynamicValue", "msgpack", 1, Type::Bytes),
        ("DynamicValue", "json", 2, Type::Bytes),
        ("Diagnostic", "attribute", 4, Type::Message),
        ("FunctionError", "function_argument", 2, Type::Int64),
        ("AttributePath.Step", "element_key_int", 3, Type::Int64),
        ("Schema.Block", "computed", 8, Type::Bool),
        ("Schema.Attribute", "nested_type", 10, Type::Message),
        ("Schema.Attribute", "deprecation_message", 12, Type::String),
        ("Schema.Object", "nesting", 3, Type::Enum),
        ("Function", "return", 3, Type::Message),
        (
            "ServerCapabilities",
            "generate_resource_config",
            4,
            Type::Bool,
        ),
        ("ClientCapabilities", "store_planned_private", 3, Type::Bool),
        (
            "ClientCapabilities",
            "computed_blocks_allowed",
            4,
            Type::Bool,
        ),
        (
            "GetProviderSchema.Response",
            "server_capabilities",
            6,
            Type::Message,
        ),
        (
            "GetProviderSchema.Response",
            "action_schemas",
            11,
            Type::Message,
        ),
        (
            "ValidateProviderConfig.Response",
            "diagnostics",
            2,
            Type::Message,
        ),
        ("StopProvider.Response", "Error", 1, Type::String),
        (
            "PlanResourceChange.Request",
            "planned_private",
            9,
            Type::Bytes,
        ),
        (
            "PlanResourceChange.Response",
            "planned_identity",
            7,
            Type::Message,
        ),
        (
            "ApplyResourceChange.Response",
            "new_identity",
            5,
            Type::Message,
        ),
        (
            "MoveResourceState.Request",
            "source_identity_schema_version",
            8,
            Type::Int64,
        ),
        ("OpenEphemeralResource.Response", "private", 4, Type::Bytes),
        ("ListResource.Event", "diagnostic", 4, Type::Message),
        ("ReadStateBytes.Response", "range", 3, Type::Message),
        ("GetStates.Response", "state_id", 1, Type::String),
    ];
    for (message, field, number, kind) in table {
        let found = types.field(message, field);
        assert_eq!(
            (found.number(), found.r#type()),
            (number, kind),
            "{message}.{field}"
        );
    }
}

#[test]
fn the_gap_in_nested_attributes_stays_open() {
    let types = Types::of(&provider_file());
    let numbers: Vec<_> = types.messages["Schema.Object"]
        .field
        .iter()
        .map(FieldDescriptorProto::number)
        .collect();
    assert_eq!(numbers, [1, 3, 4, 5]);
}

#[test]
fn labels_are_those_of_the_protocol() {
    let types = Types::of(&provider_file());
    let mut optional = Vec::new();
    for (name, message) in &types.messages {
        for field in message.field.iter().filter(|field| field.proto3_optional()) {
            optional.push(format!("{name}.{}", field.name()));
        }
    }
    assert_eq!(
        optional,
        [
            "CloseEphemeralResource.Request.private",
            "FunctionError.function_argument",
            "ListResource.Event.resource_object",
            "OpenEphemeralResource.Response.renew_at",
            "OpenEphemeralResource.Response.private",
            "RenewEphemeralResource.Request.private",
            "RenewEphemeralResource.Response.renew_at",
            "RenewEphemeralResource.Response.private",
            "WriteStateBytes.RequestChunk.meta",
        ]
    );
    for (message, field) in [
        ("AttributePath", "steps"),
        ("Schema.Block", "block_types"),
        ("PlanResourceChange.Response", "requires_replace"),
        ("ImportResourceState.Response", "imported_resources"),
        ("CallFunction.Request", "arguments"),
        ("GetStates.Response", "state_id"),
    ] {
        assert_eq!(
            types.field(message, field).label(),
            Label::Repeated,
            "{message}.{field}"
        );
    }
}

#[test]
fn only_two_fields_are_deprecated_and_only_two_messages_hold_a_choice() {
    let types = Types::of(&provider_file());
    let mut deprecated = Vec::new();
    let mut choices = Vec::new();
    for (name, message) in &types.messages {
        for field in &message.field {
            if field
                .options
                .as_ref()
                .is_some_and(prost_types::FieldOptions::deprecated)
            {
                deprecated.push(format!("{name}.{}", field.name()));
            }
        }
        // The compiler invents a choice of one for each optional field, with a leading underscore.
        for choice in message
            .oneof_decl
            .iter()
            .filter(|choice| !choice.name().starts_with('_'))
        {
            choices.push(format!("{name}.{}", choice.name()));
        }
    }
    assert_eq!(
        deprecated,
        ["Schema.Object.min_items", "Schema.Object.max_items"]
    );
    assert_eq!(
        choices,
        ["AttributePath.Step.selector", "InvokeAction.Event.type"]
    );
}

#[test]
fn values_of_enums_are_those_of_the_protocol() {
    let types = Types::of(&provider_file());
    let table: [(&str, &[&str]); 5] = [
        (
            "Deferred.Reason",
            &[
                "UNKNOWN",
                "RESOURCE_CONFIG_UNKNOWN",
                "PROVIDER_CONFIG_UNKNOWN",
                "ABSENT_PREREQ",
            ],
        ),
        ("Diagnostic.Severity", &["INVALID", "ERROR", "WARNING"]),
        (
            "Schema.NestedBlock.NestingMode",
            &["INVALID", "SINGLE", "LIST", "SET", "MAP", "GROUP"],
        ),
        (
            "Schema.Object.NestingMode",
            &["INVALID", "SINGLE", "LIST", "SET", "MAP"],
        ),
        ("StringKind", &["PLAIN", "MARKDOWN"]),
    ];
    for (name, values) in table {
        let found: Vec<_> = types.enums[name]
            .value
            .iter()
            .map(|value| (value.number(), value.name()))
            .collect();
        let wanted: Vec<_> = (0..).zip(values.iter().copied()).collect();
        assert_eq!(found, wanted, "{name}");
    }
}

#[test]
fn the_plugin_services_have_the_methods_that_hosts_call() {
    let mut methods = Vec::new();
    for file in files().iter().filter(|file| file.package() == "plugin") {
        for service in &file.service {
            for method in &service.method {
                methods.push(format!(
                    "{}/{}({}) -> {}",
                    service.name(),
                    method.name(),
                    method.input_type(),
                    method.output_type()
                ));
            }
        }
    }
    methods.sort();
    assert_eq!(
        methods,
        [
            "GRPCBroker/StartStream(.plugin.ConnInfo) -> .plugin.ConnInfo",
            "GRPCController/Shutdown(.plugin.Empty) -> .plugin.Empty",
            "GRPCStdio/StreamStdio(.google.protobuf.Empty) -> .plugin.StdioData",
        ]
    );
}
