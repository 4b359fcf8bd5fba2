//! Preconditions and generations, on every call that has them.

use crate::client::{JSON, ask, multipart, object, put, server};

#[test]
fn generations_only_grow_and_an_object_that_must_be_absent_is_written_once() {
    let server = server();
    let first = put(&server, "k", b"a", "&ifGenerationMatch=0").generation();
    let again = put(&server, "k", b"b", "&ifGenerationMatch=0");
    assert_eq!((again.status, again.reason().as_str()), (412, "conditionNotMet"));
    let second = put(&server, "k", b"b", &format!("&ifGenerationMatch={first}")).generation();
    assert!(second > first);
    assert_eq!(put(&server, "k", b"c", &format!("&ifGenerationMatch={first}")).status, 412);
    assert_eq!(put(&server, "k", b"c", &format!("&ifGenerationNotMatch={second}")).status, 412);
    assert_eq!(put(&server, "new", b"c", "&ifGenerationMatch=7").status, 412);
    assert_eq!(put(&server, "new", b"c", "&ifGenerationMatch=x").reason(), "invalid");
    assert_eq!(object(&server, "GET", "k", "?alt=media").body, b"b");
    object(&server, "DELETE", "k", "");
    assert!(put(&server, "k", b"d", "&ifGenerationMatch=0").generation() > second);
}

#[test]
fn a_read_on_condition_is_refused_or_not_modified() {
    let server = server();
    let generation = put(&server, "k", b"a", "").generation();
    for read in ["?alt=media", "?alt=json"] {
        let ask = |condition: &str| object(&server, "GET", "k", &format!("{read}&{condition}")).status;
        assert_eq!(ask(&format!("ifGenerationMatch={generation}")), 200);
        assert_eq!(ask("ifGenerationMatch=1"), 412);
        assert_eq!(ask("ifGenerationMatch=0"), 412);
        assert_eq!(ask(&format!("ifGenerationNotMatch={generation}")), 304);
        assert_eq!(ask("ifGenerationNotMatch=1"), 200);
        assert_eq!(ask("ifMetagenerationMatch=2"), 412);
        assert_eq!(ask("ifMetagenerationNotMatch=1"), 304);
        assert_eq!(ask(&format!("generation={generation}")), 200);
        assert_eq!(ask("generation=1"), 404);
    }
    let unmodified = object(&server, "GET", "k", &format!("?alt=media&ifGenerationNotMatch={generation}"));
    assert!(unmodified.body.is_empty());
}

#[test]
fn a_delete_holds_its_conditions() {
    let server = server();
    let generation = put(&server, "k", b"a", "").generation();
    assert_eq!(object(&server, "DELETE", "k", "?ifGenerationMatch=1").status, 412);
    assert_eq!(object(&server, "DELETE", "k", "?generation=1").status, 404);
    assert_eq!(object(&server, "GET", "k", "").status, 200);
    let deleted = object(&server, "DELETE", "k", &format!("?ifGenerationMatch={generation}"));
    assert_eq!((deleted.status, deleted.body.len()), (204, 0));
    let absent = object(&server, "DELETE", "k", "");
    assert_eq!((absent.status, absent.reason().as_str()), (404, "notFound"));
    assert!(absent.text().contains("No such object: bkt/k"));
}

#[test]
fn a_patch_changes_the_metageneration_alone() {
    let server = server();
    let made =
        multipart(&server, r#"{"name":"k","metadata":{"a":"1","b":"2"},"cacheControl":"no-store"}"#, b"x");
    let generation = made.generation();
    let patch = |query: &str, body: &str| {
        ask(&server, &format!("PATCH /storage/v1/b/bkt/o/k{query}"), &[JSON], body.as_bytes())
    };
    let body = r#"{"metadata":{"a":null,"c":"3"},"cacheControl":null,"contentLanguage":"de"}"#;
    assert_eq!(patch("?ifMetagenerationMatch=2", body).status, 412);
    let patched = patch("?ifMetagenerationMatch=1", body);
    assert_eq!(patched.generation(), generation);
    let resource = patched.json();
    assert_eq!(resource["metageneration"], "2");
    assert_eq!(resource["metadata"], serde_json::json!({ "b": "2", "c": "3" }));
    assert_eq!(resource.get("cacheControl"), None);
    assert_eq!(resource["contentLanguage"], "de");
    assert_ne!(resource["etag"], made.json()["etag"]);
    assert_eq!(patch("", r#"{"metadata":5}"#).reason(), "invalid");
    assert_eq!(patch("", "{").reason(), "parseError");
}

#[test]
fn a_bucket_is_made_once_for_a_project_and_deleted_when_it_is_empty() {
    let server = server();
    let make = |query: &str, body: &str| {
        ask(&server, &format!("POST /storage/v1/b{query}"), &[JSON], body.as_bytes())
    };
    assert_eq!(make("", r#"{"name":"abc"}"#).reason(), "required");
    assert_eq!(make("?project=p", r#"{}"#).reason(), "required");
    assert_eq!(make("?project=p", r#"{"name":"No"}"#).reason(), "invalid");
    let again = make("?project=p", r#"{"name":"bkt"}"#);
    assert_eq!((again.status, again.reason().as_str()), (409, "conflict"));
    put(&server, "k", b"a", "");
    let full = ask(&server, "DELETE /storage/v1/b/bkt", &[], b"");
    assert_eq!((full.status, full.reason().as_str()), (409, "conflict"));
    object(&server, "DELETE", "k", "");
    assert_eq!(ask(&server, "DELETE /storage/v1/b/bkt", &[], b"").status, 204);
    assert_eq!(ask(&server, "GET /storage/v1/b/bkt", &[], b"").reason(), "notFound");
    let absent = put(&server, "k", b"a", "");
    assert_eq!((absent.status, absent.reason().as_str()), (404, "notFound"));
    assert!(absent.text().contains("bucket does not exist"));
    let listed = ask(&server, "GET /storage/v1/b?project=p", &[], b"").json();
    assert_eq!(listed.get("items"), None);
}

#[test]
fn old_generations_are_kept_where_the_bucket_keeps_them() {
    let server = server();
    let on = br#"{"versioning":{"enabled":true}}"#;
    assert_eq!(ask(&server, "PATCH /storage/v1/b/bkt", &[JSON], on).status, 200);
    let first = put(&server, "k", b"a", "").generation();
    put(&server, "k", b"b", "");
    object(&server, "DELETE", "k", "");
    assert_eq!(object(&server, "GET", "k", "").status, 404);
    let old = object(&server, "GET", "k", &format!("?alt=media&generation={first}"));
    assert_eq!(old.body, b"a");
    let names = |query: &str| {
        let listed = ask(&server, &format!("GET /storage/v1/b/bkt/o{query}"), &[], b"").json();
        listed["items"].as_array().map_or(0, Vec::len)
    };
    assert_eq!((names(""), names("?versions=true")), (0, 2));
    assert_eq!(object(&server, "DELETE", "k", &format!("?generation={first}")).status, 204);
    assert_eq!(names("?versions=true"), 1);
}

#[test]
fn a_checksum_that_was_said_is_held() {
    let server = server();
    let wrong = multipart(&server, r#"{"name":"k","crc32c":"AAAAAA=="}"#, b"123456789");
    assert_eq!((wrong.status, wrong.reason().as_str()), (400, "invalid"));
    assert_eq!(multipart(&server, r#"{"name":"k","crc32c":"4waSgw=="}"#, b"123456789").status, 200);
    assert_eq!(multipart(&server, r#"{"name":"a\nb"}"#, b"").reason(), "invalid");
    assert_eq!(multipart(&server, r#"{}"#, b"").reason(), "required");
}
