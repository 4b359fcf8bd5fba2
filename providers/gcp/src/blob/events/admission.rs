//! Letting Cloud Storage publish to a topic: it does so as a service account of the project's own.

use std::sync::Arc;

use http::{Method, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};
use skyport_core::{Error, ErrorKind, Result};

use crate::blob::API;
use crate::blob::call::{Call, malformed};
use crate::config::Connection;
use crate::provision::NAME;

/// What it takes to publish.
const ROLE: &str = "roles/pubsub.publisher";

/// How often a policy is written, should somebody else write it at the same moment.
const ROUNDS: u32 = 5;

#[derive(Deserialize)]
struct Agent {
    email_address: Option<String>,
}

/// Admits the service agent of Cloud Storage to the topic, where it is not. An emulator asks nobody who publishes.
pub(super) async fn admit(storage: &Arc<Connection>, pubsub: &Arc<Connection>, topic: &str) -> Result<()> {
    if pubsub.endpoint().starts_with("http://") {
        return Ok(());
    }
    let project = storage.project().await?;
    let agent = Call::new(storage, Method::GET, API, &["projects", project, "serviceAccount"]);
    let agent: Agent = agent.read().await?;
    let email = agent.email_address.ok_or_else(|| malformed("Cloud Storage has no service account here"))?;
    let member = format!("serviceAccount:{email}");
    for _ in 0..ROUNDS {
        let mut policy: Value = policy_call(pubsub, Method::GET, topic, "getIamPolicy").read().await?;
        if !add(&mut policy, &member)? {
            return Ok(());
        }
        let write =
            policy_call(pubsub, Method::POST, topic, "setIamPolicy").json(&json!({ "policy": policy }));
        match write.done().await {
            // The policy has an etag, and somebody was quicker: it is read again.
            Err(refused) if refused.is(StatusCode::CONFLICT) => {}
            other => return Ok(other?),
        }
    }
    let text = "the topic's policy is being changed by others all the time: subscribe again later";
    Err(Error::new(ErrorKind::Conflict, text).with_provider(NAME))
}

/// A call on the policy of a topic, `projects/../topics/..`.
fn policy_call<'c>(pubsub: &'c Connection, method: Method, topic: &str, verb: &str) -> Call<'c> {
    // Names of projects and topics have no letter that a path would not hold.
    Call::new(pubsub, method, &format!("/v1/{topic}:{verb}"), &[])
}

/// Adds the member to those who may publish; whether it was missing.
fn add(policy: &mut Value, member: &str) -> Result<bool> {
    if !policy.is_object() {
        return Err(malformed("Pub/Sub answered with something that is no policy"));
    }
    if policy["bindings"].is_null() {
        policy["bindings"] = json!([]);
    }
    let bindings = policy["bindings"].as_array_mut();
    let bindings = bindings.ok_or_else(|| malformed("Pub/Sub answered with something that is no policy"))?;
    // One with a condition holds at times only.
    let ours = bindings.iter_mut().find(|one| one["role"] == ROLE && one["condition"].is_null());
    match ours.and_then(|one| one["members"].as_array_mut()) {
        Some(members) if members.iter().any(|known| known == member) => return Ok(false),
        Some(members) => members.push(member.into()),
        None => bindings.push(json!({ "role": ROLE, "members": [member] })),
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_is_added_once_and_nothing_else_changes() {
        let owner = json!({ "role": "roles/owner", "members": ["user:a@b.c"] });
        let mut policy = json!({ "etag": "e", "bindings": [owner.clone()] });
        assert!(add(&mut policy, "serviceAccount:x").expect("a policy"));
        assert!(!add(&mut policy, "serviceAccount:x").expect("a policy"));
        assert!(add(&mut policy, "serviceAccount:y").expect("a policy"));
        let publishers = json!({ "role": ROLE, "members": ["serviceAccount:x", "serviceAccount:y"] });
        assert_eq!(policy, json!({ "etag": "e", "bindings": [owner, publishers] }));
        let mut empty = json!({ "etag": "ACAB" });
        assert!(add(&mut empty, "serviceAccount:x").expect("a policy"));
        for odd in [json!([]), json!({ "bindings": 7 }), json!("x")] {
            assert!(add(&mut odd.clone(), "serviceAccount:x").is_err(), "{odd}");
        }
    }
}
