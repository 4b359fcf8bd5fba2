//! Copies that take several calls.

use serde_json::Value;
use skyport_gcs::Server;

use crate::client::{JSON, ask, multipart, object, put, server};

const LINE: &str = "POST /storage/v1/b/bkt/o/from/rewriteTo/b/bkt/o/to";

fn rewrite(server: &Server, query: &str) -> Value {
    ask(server, &format!("{LINE}?{query}"), &[], b"").json()
}

#[test]
fn a_larger_object_takes_a_call_for_each_mib_and_shows_only_when_it_is_done() {
    let server = server();
    let bytes: Vec<u8> = (0..(5 << 19)).map(|at| (at % 251) as u8).collect();
    multipart(&server, r#"{"name":"from","contentType":"text/x","metadata":{"a":"1"}}"#, &bytes);
    let first = rewrite(&server, "");
    assert_eq!((&first["done"], &first["totalBytesRewritten"]), (&false.into(), &"1048576".into()));
    assert_eq!(first["objectSize"], bytes.len().to_string());
    let token = first["rewriteToken"].as_str().unwrap();
    assert_eq!(object(&server, "GET", "to", "").status, 404);
    let second = rewrite(&server, &format!("rewriteToken={token}"));
    // Whose answer was lost is asked again.
    assert_eq!(rewrite(&server, &format!("rewriteToken={token}"))["totalBytesRewritten"], "2097152");
    let token = second["rewriteToken"].as_str().unwrap();
    let last = rewrite(&server, &format!("rewriteToken={token}"));
    assert_eq!(last["done"], true);
    assert_eq!(last["resource"]["metadata"]["a"], "1");
    assert_eq!(last["resource"]["contentType"], "text/x");
    assert_eq!(object(&server, "GET", "to", "?alt=media").body, bytes);
}

#[test]
fn both_ends_have_conditions() {
    let server = server();
    let generation = put(&server, "from", b"a", "").generation();
    let code = |query: &str| ask(&server, &format!("{LINE}?{query}"), &[], b"").status;
    assert_eq!(code("ifSourceGenerationMatch=1"), 412);
    assert_eq!(code("ifSourceMetagenerationMatch=2"), 412);
    assert_eq!(code("sourceGeneration=1"), 404);
    assert_eq!(code("ifGenerationMatch=5"), 412);
    assert_eq!(code(&format!("ifSourceGenerationMatch={generation}&ifGenerationMatch=0")), 200);
    assert_eq!(code("ifGenerationMatch=0"), 412);
    assert_eq!(code("maxBytesRewrittenPerCall=1000"), 400);
    assert_eq!(code("rewriteToken=nonsense"), 400);
    assert_eq!(ask(&server, &LINE.replace("from", "none"), &[], b"").reason(), "notFound");
}

#[test]
fn what_is_said_of_the_copy_replaces_what_is_said_of_the_source() {
    let server = server();
    multipart(&server, r#"{"name":"from","contentType":"text/x","metadata":{"a":"1"}}"#, b"a");
    let copied = ask(&server, LINE, &[JSON], br#"{"metadata":{"b":"2"}}"#).json();
    assert_eq!(copied["resource"]["metadata"], serde_json::json!({ "b": "2" }));
    assert_eq!(copied["resource"].get("contentType"), None);
}
