//! Letting Cloud Storage publish to a topic: it does so as a service account of the project that the bucket belongs to.

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
#[serde(rename_all = "camelCase")]
struct Owned {
    project_number: Option<String>,
}

#[derive(Deserialize)]
struct Agent {
    email_address: Option<String>,
}

/// Admits the service agent of Cloud Storage to the topic, where it is not; whether it was not. An emulator asks nobody who publishes.
pub(super) async fn admit(
    storage: &Arc<Connection>,
    bucket: &str,
    pubsub: &Arc<Connection>,
    topic: &str,
) -> Result<bool> {
    if pubsub.endpoint().starts_with("http://") {
        return Ok(false);
    }
    let_publish(pubsub, topic, &agent(storage, bucket).await?).await
}

/// As whom a bucket's changes are published: the bucket may be in another project than the topic.
async fn agent(storage: &Connection, bucket: &str) -> Result<String> {
    let owned = Call::new(storage, Method::GET, API, &["b", bucket]).query("fields", "projectNumber");
    let owned: Owned = owned.read().await?;
    let project =
        owned.project_number.ok_or_else(|| malformed("Cloud Storage tells no project of the bucket"))?;
    let agent = Call::new(storage, Method::GET, API, &["projects", &project, "serviceAccount"]);
    let agent: Agent = agent.read().await?;
    let email = agent.email_address.ok_or_else(|| malformed("Cloud Storage has no service account here"))?;
    Ok(format!("serviceAccount:{email}"))
}

/// Adds the member to those who may publish to the topic; whether it was missing.
async fn let_publish(pubsub: &Connection, topic: &str, member: &str) -> Result<bool> {
    for _ in 0..ROUNDS {
        let read = policy_call(pubsub, Method::GET, topic, "getIamPolicy");
        // Of older versions conditions are not told, and would be lost.
        let mut policy: Value = read.query("options.requestedPolicyVersion", "3").read().await?;
        if !add(&mut policy, member)? {
            return Ok(false);
        }
        let write =
            policy_call(pubsub, Method::POST, topic, "setIamPolicy").json(&json!({ "policy": policy }));
        match write.done().await {
            // The policy has an etag, and somebody was quicker: it is read again.
            Err(refused) if refused.is(StatusCode::CONFLICT) => {}
            other => return Ok(other.map(|()| true)?),
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
    use crate::Gcp;
    use crate::config::endpoint::Service;
    use crate::stub::{Log, answer, served};

    const BUCKET: &str = "/storage/v1/b/bkt?fields=projectNumber";
    const AGENT: &str = "/storage/v1/projects/42/serviceAccount";
    const POLICY: &str = "/v1/projects/p/topics/t:getIamPolicy?options.requestedPolicyVersion=3";

    /// Admits the agent at a Google where the topic has this policy; whether that changed it.
    async fn admitted(policy: Value) -> (bool, Log) {
        let (url, log) = served(move |asked, _| match asked.target.as_str() {
            BUCKET => answer(200, r#"{"projectNumber":"42"}"#),
            AGENT => {
                answer(200, r#"{"email_address":"service-42@gs-project-accounts.iam.gserviceaccount.com"}"#)
            }
            POLICY => answer(200, policy.to_string()),
            "/v1/projects/p/topics/t:setIamPolicy" => answer(200, "{}"),
            _ => answer(404, ""),
        })
        .await;
        let connect = |service| {
            let url = skyport_core::provider::ResourceUrl::new("gs", "bkt").with_parameter("endpoint", &url);
            Gcp::new().connection(service, &url, &[]).expect("a connection")
        };
        let (storage, pubsub) = (connect(Service::Storage), connect(Service::PubSub));
        let member = agent(&storage, "bkt").await.expect("an agent");
        (let_publish(&pubsub, "projects/p/topics/t", &member).await.expect("admitted"), log)
    }

    #[tokio::test]
    async fn the_agent_of_the_project_that_owns_the_bucket_is_admitted() {
        let (changed, log) = admitted(json!({ "etag": "e", "version": 3 })).await;
        assert!(changed);
        let asked = log.all();
        let set: Value = serde_json::from_slice(&asked[3].body).expect("JSON");
        let member = "serviceAccount:service-42@gs-project-accounts.iam.gserviceaccount.com";
        assert_eq!(
            set["policy"],
            json!({ "etag": "e", "version": 3, "bindings": [{ "role": ROLE, "members": [member] }] })
        );
        let binding = json!({ "role": ROLE, "members": [member] });
        let (changed, log) = admitted(json!({ "bindings": [binding] })).await;
        assert_eq!((changed, log.all().len()), (false, 3), "it is admitted already");
    }

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
