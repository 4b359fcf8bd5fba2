//! Skyport on Cloud Run and Cloud Run functions: HTTP, pushes of Pub/Sub, events of Eventarc, Cloud Scheduler.
//!
//! ```no_run
//! # async fn example(functions: std::sync::Arc<skyport_core::app::Functions>) -> skyport_core::Result<()> {
//! use skyport_cloud_run::CloudRunConfig;
//!
//! let config = CloudRunConfig::from_env(|name| std::env::var(name).ok())?;
//! skyport_cloud_run::run(functions, config).await
//! # }
//! ```
//!
//! Cloud Run calls a container by HTTP, whatever starts it. So this is the server adapter ([`skyport_server`]), which serves HTTP/1.1
//! and HTTP/2 with streams both ways, bears hostile clients and ends gracefully; before its routes, events are taken out of the
//! requests. Nothing is pulled and no schedule is fired here: deploy with push subscriptions, Eventarc triggers and jobs.
//!
//! # Environment
//! | variable | meaning | default |
//! |---|---|---|
//! | `PORT` | the port; Cloud Run sets it | 8080 |
//! | `HOST` | the address to listen on | `0.0.0.0` |
//! | `SKYPORT_FUNCTION`, else `FUNCTION_TARGET` | the one function that this deployment is | what comes decides |
//! | `FUNCTION_SIGNATURE_TYPE` | `http`: requests only; `cloudevent`: events only, so that no path is a route's | both |
//! | `SKYPORT_EVENTS_PATH` | a path where wrapped pushes are looked for although the application has a route there | none |
//! | `SKYPORT_PUSH_AUDIENCE` | tokens of pushes and events are checked, and are to be for this audience; several with commas | they are not |
//! | `SKYPORT_PUSH_ACCOUNT` | the service account that they are to be of; `*`: any of Google's | none: has to be set with the audience |
//! | `SKYPORT_DEADLINE` | the longest time for a call: `30s`, `2m` | none |
//! | `SKYPORT_GRACE` | how long running work may go on after SIGTERM | `7s` |
//!
//! # What a request is
//! Only a POST can be an event. In this order:
//!
//! | what tells | what it is | function |
//! |---|---|---|
//! | headers `x-goog-pubsub-message-id` and `x-goog-pubsub-subscription-name` | a push without its wrapper, with metadata | the one for the queue of the subscription's name |
//! | `content-type: application/cloudevents+json` or `-batch+json` | CloudEvents as JSON | by the event |
//! | header `ce-specversion` | a CloudEvent in headers and body, as Eventarc sends it | by the event |
//! | header `x-goog-pubsub-message-id` alone | the same, which does not tell its subscription | the one that the deployment is |
//! | header `X-CloudScheduler-JobName` | a schedule | the one that the job is called after: `<function>` or `<application>-<function>`; else the only one with a schedule |
//! | JSON with `message` and `subscription`, without `context` | a push | as above |
//! | nothing of this | a request | by its route, as everywhere |
//!
//! A push without its wrapper comes first, because its message's attributes and content type are headers beside Pub/Sub's own: they may
//! be a CloudEvent's, which then is what the message holds, and whoever may publish could make them look like a bucket's event.
//!
//! Headers tell on every path. Of a wrapped push only the body tells: it is looked into where the application has no route for the
//! request, and at `SKYPORT_EVENTS_PATH`. **An application with a route for `POST /` has to set that, or let its subscriptions push to
//! another path**: else its pushes are that route's. All other bodies go to their routes as streams, unread.
//!
//! An event that no function is for goes to the application's route, where it has one: a webhook may take CloudEvents of its own, and
//! a job may call a route. Its body is whole then where it had to be read
//! ([`Request::fidelity`](skyport_core::http::Request::fidelity)); events in binary mode whose type is none of those below, and bodies
//! over 32 MiB, go there as streams. Of a bucket's events it has no function where it has none for any bucket. A batch goes there
//! as a whole, and only where no function is for any of it: where one is for some, the others are not the route's, and are answered for
//! as the tables say.
//!
//! Where the deployment is one function, that one decides before the tables; requests go by their routes even so.
//!
//! CloudEvents are read as version 1.0 of the specification says. An event has at most 32 MiB, and a batch at most 1,000 events; it is read
//! no further than that.
//!
//! | CloudEvent | what it is |
//! |---|---|
//! | `google.cloud.storage.object.v1.finalized` | an object was created or overwritten: every function for that bucket |
//! | `..deleted`, `..archived` | it was deleted, if no object remains; in a bucket with versions the live one is archived |
//! | `..metadataUpdated` | nothing that a function could ask for: done |
//! | `google.cloud.pubsub.topic.v1.messagePublished` | a message: for the queue of the subscription's name, else of the topic's |
//! | any other | passed over |
//!
//! A bucket's own notifications to Pub/Sub are taken from pushes too, with and without their wrapper, where no function is for the subscription.
//!
//! # What an event is answered with
//! | status | when | what the senders do |
//! |---|---|---|
//! | 204 | it is done | nothing more |
//! | 202 | no function could ever be for it; the log says what came | nothing more |
//! | 400, 413, 415 | it is not what it claims to be | Pub/Sub and Eventarc send it again, until it expires |
//! | 401, 403 | its token is missing or not good, or not of whom it should be | the same |
//! | 404 | no function of this deployment is for it: the log says what to do | the same: another deployment may have one, and nothing is lost |
//! | 503 | it failed, and is to come again | Pub/Sub: by the subscription's backoff; Eventarc: the same, for a day; Scheduler: as its job says |
//!
//! Senders know one status for a request: of a batch of CloudEvents the worst is told, so that what was done may come again with what was
//! not. One of a batch that is malformed keeps none of the others from running. Eventarc Advanced takes a 4xx for the last word; Cloud Scheduler does not repeat at all unless its job says so.
//!
//! # Messages
//! A message goes to its queue's function as if it had been received. Pub/Sub settles it by the status: what is done is acknowledged;
//! what failed comes again by the subscription's backoff, whatever pause the handler asked for. What failed for good, what cannot
//! be decoded, and what has failed in its last attempt is sent to the queue's dead letters with its reason, and is then
//! acknowledged; where it cannot be sent, it comes again. So the service's account publishes to the topic of the dead letters.
//!
//! The attempts are those that the queue is declared with: what the subscription itself allows is not asked for. Keep the two alike, as
//! creating the queue does; Pub/Sub takes 5 to 100, so of fewer than 5 the declared number decides, and a subscription that allows less than
//! is declared sends a message to the dead letters by itself, without a reason.
//!
//! **Attempts are counted only where the subscription has a dead-letter policy**; without one a message that fails comes again
//! until it expires. A batch handler gets batches of one. The order of a subscription with ordering keys is Pub/Sub's own. Pub/Sub waits
//! for an answer as long as the subscription's acknowledgement deadline (10 s by default, 600 at most), and then sends the message
//! again beside the one that runs: set it to more than the function's timeout.
//!
//! Where a queue allows more attempts than the 100 to which Pub/Sub counts, a message that fails is sent anew shortly before, and is
//! counted on: such a queue must have its topic for itself, or its other subscribers get the message again.
//!
//! A message with a delay is never delivered early. Where up to 5 s are left, its push waits here; else it is answered with a 503, which
//! counts as an attempt, and before the attempts are spent (never before the fifth) it is sent anew with what is left of its delay.
//!
//! A push without its wrapper tells its attributes as headers: their names arrive in lower case, and such as HTTP itself uses are lost. Prefer the
//! wrapper.
//!
//! # Events that nobody waits for
//! A bucket's event and a schedule have no dead letters: one that failed for good is told in the log at the level of errors, and is not repeated. A
//! bucket's notification that came by a push goes to the dead letters of its subscription's queue, where that can be opened
//! ([`CloudRunConfig::queues`]); where there are none, or the service may not publish to them, the log is told instead. Whether an object still lives under a deleted key is asked of the bucket, which the service's
//! account must be allowed to (`storage.objects.get`); where it is not, the deletion is told.
//!
//! # Who may send events
//! Cloud Run checks the tokens of pushes, of Eventarc and of Scheduler itself where the service requires authentication: then nothing is to be set here, and
//! the tokens come without their signatures. A service that is open to everybody sets `SKYPORT_PUSH_AUDIENCE` and
//! `SKYPORT_PUSH_ACCOUNT`, which needs the feature `oidc`: an event without a token of Google's for that audience, of that
//! account, starts nothing. Both: anybody can have a token made for any audience, and `*` as the account lets them all in. The token is
//! looked at before the body is read; of JSON alone the body has to tell first that it is a push. Requests that are no events are never
//! asked for a token: where the application has a route, what has no good one is a request like others, and goes to the route as a
//! stream; a 503 answers it only where Google's keys cannot be had. Google's keys are kept for an hour, and not asked for
//! more than once in 30 s, whatever tokens come.
//!
//! # Start and end
//! The port is open once [`CloudRun::bind`] returns. On SIGTERM nothing new is taken; what runs has the grace period, is then
//! cancelled and answered with a 503, and its events come again: all within the 10 s that Cloud Run leaves. Cloud Run's limit for a
//! request (300 s unless the service says otherwise) is told to nobody: say it in `SKYPORT_DEADLINE`, so that handlers see it. How
//! many requests come at once is the service's `--concurrency`; a function's own limit is not looked at.
//!
//! # Logs and traces
//! [`run`] installs no subscriber: what is written, and as what, is the application's to say. [`log_by_default`] is for those that say
//! nothing. Cloud Run does not set `GOOGLE_CLOUD_PROJECT`: deploy with it, else a line holds the trace's bare id, and Cloud Logging does
//! not show it beside its request.
//!
//! A trace comes from the request's `traceparent`, else from `X-Cloud-Trace-Context`; a CloudEvent's extension `traceparent` wins over both,
//! and a message's own envelope over all. One that cannot be read is as good as none.

mod blob;
mod config;
mod event;
mod front;
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzzing;
mod guard;
mod logs;
mod message;
#[cfg(feature = "oidc")]
mod oidc;
mod plan;
mod reply;
mod serve;
mod served;
mod settle;

pub use config::{CloudRunConfig, PushIdentity, QueueOpener, Signature};
pub use logs::log_by_default;
pub use serve::{CloudRun, run};
/// A server that has its address.
pub use skyport_server::Bound;
