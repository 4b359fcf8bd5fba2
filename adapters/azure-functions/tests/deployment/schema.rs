//! As much of JSON Schema as the published schemas use. A keyword that is not known here fails.

use regex_lite::Regex;
use serde_json::Value;

/// Keywords that allow anything.
const SILENT: [&str; 13] = [
    "$schema",
    "$id",
    "id",
    "definitions",
    "description",
    "default",
    "title",
    "examples",
    "markdownDescription",
    "enumDescriptions",
    "markdownEnumDescriptions",
    "defaultSnippets",
    "deprecated",
];

/// What is wrong with a value by a schema; nothing where it is valid.
pub(crate) fn faults(root: &Value, value: &Value) -> Vec<String> {
    let mut faults = Vec::new();
    check(root, root, value, "", &mut faults);
    faults
}

fn check(root: &Value, schema: &Value, value: &Value, at: &str, faults: &mut Vec<String>) {
    if let Some(allowed) = schema.as_bool() {
        if !allowed {
            faults.push(format!("{at} is not allowed"));
        }
        return;
    }
    for (keyword, said) in schema.as_object().expect("a schema") {
        match keyword.as_str() {
            "properties" | "additionalProperties" | "items" | "required" | "uniqueItems" => {}
            keyword if SILENT.contains(&keyword) => {}
            keyword => {
                if let Some(fault) = broken(root, keyword, said, value) {
                    faults.push(format!("{at}: {fault}"));
                }
            }
        }
    }
    if let Some(object) = value.as_object() {
        for required in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            if !object.contains_key(required) {
                faults.push(format!("{at} has no {required}"));
            }
        }
        for (name, value) in object {
            let one = schema["properties"].get(name).or_else(|| schema.get("additionalProperties"));
            if let Some(one) = one {
                check(root, one, value, &format!("{at}/{name}"), faults);
            }
        }
    }
    if let Some(items) = value.as_array() {
        assert!(
            schema["uniqueItems"] != true
                || items.iter().enumerate().all(|(n, item)| !items[..n].contains(item))
        );
        for (index, item) in items.iter().enumerate() {
            let one = match &schema["items"] {
                Value::Null => continue,
                Value::Array(each) => each.get(index),
                all => Some(all),
            };
            if let Some(one) = one {
                check(root, one, item, &format!("{at}/{index}"), faults);
            }
        }
    }
}

/// What a keyword that looks at the whole value has against it.
fn broken(root: &Value, keyword: &str, said: &Value, value: &Value) -> Option<String> {
    let of = |schema: &Value| {
        let mut faults = Vec::new();
        check(root, schema, value, "", &mut faults);
        faults
    };
    let each = || said.as_array().expect("schemas").iter().map(of).collect::<Vec<_>>();
    let fits = match keyword {
        "$ref" => {
            let pointer = said.as_str().and_then(|path| path.strip_prefix('#')).expect("a local reference");
            let faults = of(root.pointer(pointer).expect("a definition"));
            return (!faults.is_empty()).then(|| faults.join("; "));
        }
        "oneOf" => {
            let all = each();
            let valid = all.iter().filter(|faults| faults.is_empty()).count();
            return (valid != 1).then(|| format!("fits {valid} of {all:?}"));
        }
        "allOf" => each().iter().all(Vec::is_empty),
        "anyOf" => each().iter().any(Vec::is_empty),
        "not" => !of(said).is_empty(),
        "enum" => said.as_array().expect("values").contains(value),
        "const" => said == value,
        "type" => said.as_str().map_or_else(
            || said.as_array().expect("types").iter().any(|one| is_of(one.as_str().expect("a type"), value)),
            |one| is_of(one, value),
        ),
        "minimum" => value.as_f64().is_none_or(|number| number >= said.as_f64().expect("a number")),
        "maximum" => value.as_f64().is_none_or(|number| number <= said.as_f64().expect("a number")),
        "minLength" => {
            value.as_str().is_none_or(|text| text.chars().count() as u64 >= said.as_u64().expect("a number"))
        }
        "pattern" => {
            let pattern = Regex::new(said.as_str().expect("a pattern")).expect("a pattern");
            value.as_str().is_none_or(|text| pattern.is_match(text))
        }
        other => panic!("the keyword `{other}` is not known"),
    };
    (!fits).then(|| format!("{value} breaks `{keyword}`: {said}"))
}

fn is_of(kind: &str, value: &Value) -> bool {
    match kind {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "number" => value.is_number(),
        "integer" => value.is_i64() || value.is_u64(),
        "null" => value.is_null(),
        other => panic!("the type `{other}` is not known"),
    }
}

#[test]
fn a_schema_finds_what_is_wrong() {
    use serde_json::json;
    let schema = json!({
        "type": "object",
        "required": ["a"],
        "properties": {"a": {"$ref": "#/definitions/time"}, "b": {"items": {"enum": [1, 2]}}},
        "additionalProperties": false,
        "definitions": {"time": {"oneOf": [{"type": "string", "pattern": "^\\d+$"}, {"const": null}]}},
    });
    for valid in [json!({"a": "12"}), json!({"a": null, "b": [1, 2, 1]})] {
        assert_eq!(faults(&schema, &valid), [""; 0]);
    }
    for invalid in
        [json!([]), json!({}), json!({"a": "x"}), json!({"a": null, "b": [3]}), json!({"a": null, "c": 1})]
    {
        assert!(!faults(&schema, &invalid).is_empty(), "{invalid}");
    }
}
