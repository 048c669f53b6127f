//! Pages of the reference.

use super::thing::TestProvider;
use crate::framework::docs;

fn page(path: &str) -> String {
    docs::pages(&TestProvider::default()).remove(path).unwrap()
}

#[test]
fn everything_offered_has_a_page() {
    let pages = docs::pages(&TestProvider::default());
    let paths: Vec<&str> = pages.keys().map(String::as_str).collect();
    assert_eq!(
        paths,
        [
            "actions/turn.md",
            "data-sources/lookup.md",
            "ephemeral-resources/lease.md",
            "ephemeral-resources/plain.md",
            "functions/broken.md",
            "functions/join.md",
            "index.md",
            "list-resources/place.md",
            "list-resources/thing.md",
            "resources/badge.md",
            "resources/place.md",
            "resources/thing.md"
        ]
    );
}

#[test]
fn the_index_describes_the_provider_block() {
    let expected = "---
page_title: \"Provider: test\"
description: \"A provider for tests.\"
---

# test provider

A provider for tests.

## Schema

### Optional

- `limit` (Number) How many at once. Default: `8`.
- `region` (String) Where.
";
    assert_eq!(page("index.md"), expected);
}

#[test]
fn a_resource_has_front_matter_examples_arguments_and_import() {
    let page = page("resources/thing.md");
    let beginning = "---
page_title: \"test_thing Resource\"
subcategory: \"Things\"
description: \"A thing.\"
---

# test_thing (Resource)

A thing.

## Example Usage

### A thing

```terraform
resource \"test_thing\" \"this\" {
  name = \"x\"
}
```

Mind the things.

## Schema

### Required

- `name` (String) The name.

### Optional

- `access` (Object) Access.
- `document` (String) Text in which spaces mean nothing.
";
    assert!(page.starts_with(beginning), "{page}");
    for line in [
        "- `secret` (String, Sensitive, Write-only) A secret.",
        "- `size` (Number) The size. Default: `3`.",
        "- `zone` (String, Forces replacement) The zone.",
        "- `tags` (Map of String) Tags.",
        "- `rules` (Set of Object) Rules.",
        "### Read-Only",
        "- `report` (List of Object) What happened.",
        "### Nested schema for `access`",
        "#### Required",
        "- `level` (String, Forces replacement) How much.",
        "- `mode` (String) Read or write. Default: `\"ro\"`.",
        "### Nested schema for `timeouts`",
        "- `create` (String) Time limit of `create`, such as `30s`, `5m` or `1h30m`. Default: `1m`.",
    ] {
        assert!(page.lines().any(|found| found == line), "{line}\n{page}");
    }
    let end = "## Import

By name.

```shell
terraform import test_thing.this thing/x
```
";
    assert!(page.ends_with(end), "{page}");
}

#[test]
fn a_function_has_its_signature_and_arguments() {
    let expected = "---
page_title: \"join Function\"
subcategory: \"\"
description: \"Joins texts.\"
---

# join (Function)

Joins texts with a separator.

## Example Usage

```terraform
provider::test::join(\"-\", \"a\", \"b\")
```

## Signature

```text
join(separator string, parts string...) string
```

## Arguments

1. `separator` (String, Nullable) Between two parts.
2. `parts` (String, Variadic) The parts.
";
    assert_eq!(page("functions/join.md"), expected);
}

#[test]
fn a_resource_with_an_identity_tells_how_to_import_by_it() {
    let page = page("resources/place.md");
    let end = "## Import

By name.

```shell
terraform import test_place.this 1/x
```

### Import by identity

Terraform 1.12 and OpenTofu 1.12, and later, also import by identity, in an `import` block.

```terraform
import {
  to = test_place.this
}
```

### Identity Schema

#### Required

- `account` (String) The account.
- `name` (String) The name.

#### Optional

- `zone` (String) The zone.
";
    assert!(page.ends_with(end), "{page}");
}

#[test]
fn an_ephemeral_resource_says_what_it_needs() {
    let expected = "---
page_title: \"test_lease Ephemeral Resource\"
subcategory: \"\"
description: \"A lease.\"
---

# test_lease (Ephemeral Resource)

A lease.

-> **Note:** Ephemeral resources need Terraform 1.10 or OpenTofu 1.11, or later. Their values are in no plan and no state.

Mind the lease.

## Schema

### Required

- `name` (String) The name.

### Optional

- `minutes` (Number) How long. Default: `5`.

### Read-Only

- `secret` (String, Sensitive) The secret.
";
    assert_eq!(page("ephemeral-resources/lease.md"), expected);
}

#[test]
fn an_action_and_a_list_say_where_their_attributes_belong() {
    let action = page("actions/turn.md");
    let beginning = "---
page_title: \"test_turn Action\"
subcategory: \"Things\"
description: \"Turns.\"
---

# test_turn (Action)

Turns.

-> **Note:** Actions need Terraform 1.14 or later. OpenTofu does not have them.

## Schema

The attributes of the `config` block of the action.

### Required
";
    assert!(action.starts_with(beginning), "{action}");
    let list = page("list-resources/place.md");
    let beginning = "---
page_title: \"test_place List Resource\"
subcategory: \"\"
description: \"Lists places.\"
---

# test_place (List Resource)

Lists places.

-> **Note:** List resources need `terraform query` of Terraform 1.14 or later. OpenTofu does not have it.

## Schema

The attributes of the `config` block.

### Optional
";
    assert!(list.starts_with(beginning), "{list}");
}
