//! Skyport on Azure Functions: HTTP, queues, timers and Event Grid, by the protocol of custom handlers.
//!
//! ```no_run
//! # async fn example(functions: std::sync::Arc<skyport_core::app::Functions>) -> skyport_core::Result<()> {
//! use skyport_azure_functions::AzureFunctionsConfig;
//!
//! let config = AzureFunctionsConfig::from_env(|name| std::env::var(name).ok())?;
//! skyport_azure_functions::run(functions, config).await
//! # }
//! ```
//!
//! A custom handler is a program that the host of Functions starts, and calls over HTTP on 127.0.0.1. So this is the server adapter
//! ([`skyport_server`]); before its routes, the host's calls are taken out of the requests. Nothing is received from a queue and no schedule is
//! fired here: the host does that, as the function.json of each function says. One program is all functions of an application.
//!
//! # Environment
//! | variable | meaning | default |
//! |---|---|---|
//! | `FUNCTIONS_CUSTOMHANDLER_PORT` | the port; the host sets it | `PORT`, else 8080 |
//! | `AzureFunctionsJobHost__functionTimeout` | how long the host lets a call run: `00:10:00`, `-1` | `functionTimeout` in host.json, else by the plan |
//! | `WEBSITE_SKU` | the plan; Azure sets it. The host waits 5 min for a call on `Dynamic` (Consumption), 30 min elsewhere | 30 min |
//! | `SKYPORT_DEADLINE` | a shorter longest time for every call: `30s`, `2m` | 5 s less than the host waits; 225 s for a request |
//! | `SKYPORT_GRACE` | how long running work may go on after SIGTERM | `7s` |
//!
//! The address is always 127.0.0.1; `HOST` is not looked at. A host that has waited too long for one call ends the program, and with it all other calls.
//! So host.json is read in the working folder, where the host starts a program; where it is elsewhere, say its `functionTimeout` in the setting.
//!
//! # What a request is
//! | what tells | what it is |
//! |---|---|
//! | header `x-ms-invocation-id` | a client's request, proxied: to its route, streaming both ways |
//! | no `X-Azure-Functions-InvocationId`, and `GET /` to 127.0.0.1 | the host asks whether the handler is ready: 204 |
//! | neither header | somebody on this machine: to its route |
//! | `POST /<name>` to 127.0.0.1, one id, a body of untold length | the host calls: the function of that name, or with a request in the wrapped form |
//! | anything else with `X-Azure-Functions-InvocationId` | a client's request, forwarded: to its route |
//!
//! # Why no client can pose as the host
//! A call of the host is a POST with JSON, and so may a client's request be, to the same path. Its body is therefore never asked what it
//! is. What tells is what the host itself does (`DefaultHttpWorkerService` and `DefaultHttpProxyService` in its source):
//!
//! - **Proxied** (`enableProxyingHttpRequest`): the host sets `x-ms-invocation-id` on the client's request, over what stood there. It
//!   has no such header on its own calls. So a request that has it is a client's, whatever else it has, and no client can be without it.
//! - **Forwarded** (`enableForwardingHttpRequest`): the host copies the client's headers, among them `Host`, and adds its id behind one that the
//!   client had sent. It copies a body only where its length was told, and tells it, too; one that comes in chunks it drops. Its own calls are
//!   always in chunks, to 127.0.0.1, with one id. A client whose body arrives has therefore a `content-length`, and is no call; one
//!   that leaves the length out loses its body.
//! - **Wrapped** (neither): the host calls by the function's name, and the client's request stands inside. Nothing of it becomes a path
//!   or a header.
//!
//! So a route may have the very path of a queue's function. What else runs on this machine can call as the host can; nobody else
//! reaches 127.0.0.1.
//!
//! # Requests
//! Set `enableProxyingHttpRequest` to true: it loses least. [`Request::fidelity`](skyport_core::http::Request::fidelity) tells
//! what is lost. Whichever it is, the path is the whole one: `routePrefix` is to be empty in host.json, as it is in the one that goes with a program.
//!
//! | | proxied | forwarded | wrapped |
//! |---|---|---|---|
//! | path | decoded and encoded anew by the host | the same | the same |
//! | query | as it was sent | repeated names joined | as it was sent |
//! | repeated headers | joined, as the host's HTTP client writes them | the same | as they were sent |
//! | request body | a stream | a stream, where its length was told | whole, at most 32 MiB; text that is no UTF-8 is spoilt, octets and multipart are not |
//! | response body | a stream | a stream | whole, at most 32 MiB, and text: all else is a 500, which the log explains |
//! | response headers | as they are | as they are | one value each: one cookie |
//!
//! In the wrapped form the response is `Outputs.res`: the function's `http` binding is to be called `res`.
//!
//! # Calls
//! The host writes texts and numbers into its JSON as JSON once more; its documentation shows them written once. Both are read. A body has at
//! most 32 MiB. Every answer is an object of JSON, since the host takes other successes for failures, or waits for ever.
//!
//! | status | when | what the host does |
//! |---|---|---|
//! | 200 | it is done | deletes the message, counts a success |
//! | 400, 413 | the call is not what it claims to be | counts a failure, as below |
//! | 404 | no function of this program is called so: the log says which there are | the same |
//! | 500 | it failed, and is to come again | a message: gives it back, see below; an event: Event Grid repeats it, for a day by default; a schedule: the host repeats it as function.json says, in the ones that are written here up to four times |
//!
//! A function's name is its folder's name. [`AzureFunctions::bind`] refuses names that the host does not take.
//!
//! # Messages
//! A message goes to its queue's function as if it had been received. What is done is acknowledged by the answer. What failed is given back
//! here, with the pause that the handler asked for or its own backoff, which changes the receipt; the host finds the one that it holds no longer
//! good, and leaves the message alone. Where the host has renewed its lease meanwhile (after 5 min), or cannot say truly which message it is, the
//! message is sent anew with its pause and with the count of its attempts, and the old one is acknowledged: it has another id then. Where it cannot be sent either, which the
//! log tells, the host gives it back, by `extensions.queues.visibilityTimeout` in host.json.
//!
//! All of this ends a second before the host's time for the call does: what a queue has not answered by then comes again.
//!
//! What failed for good, what cannot be decoded, and what has failed in its last attempt is sent to the queue's dead letters with its
//! reason, and is then acknowledged; where it cannot be sent, the host gives it back, or puts it among the dead letters itself. So the application needs the right to send there. **Let
//! `maxDequeueCount` in host.json be at least the queue's attempts**: a message that has failed as often as that, the host puts among the dead letters without a
//! reason, and it may then stand in both queues.
//!
//! Let `messageEncoding` be `none`. The default, `base64`, is borne: such a host has decoded what Skyport sent.
//!
//! The host puts the fields of a message that is an object of JSON over what it tells of the message: its sender may write its own id,
//! count and receipt. Skyport's messages are none, and are believed. Of others it is looked which fields they have, and what those overwrite is
//! not believed: such a message goes by the call's id, or counts as a first attempt. Once it was sent anew, it is counted as Skyport's are.
//!
//! A batch handler gets batches of one: the host calls once for each message.
//!
//! # Events of buckets
//! They come by `eventGridTrigger`, in Event Grid's schema or as CloudEvents, one or several. An event of another container or account is
//! passed over; let the subscription's filter say the container. Whether an object still lives under a deleted key is asked of the bucket; where that may not
//! be asked, the deletion is told. Directories are passed over. What failed for good, and what is no event that can be read, is told in the log at the level of
//! errors, and is not repeated. Which delivery it is nobody tells: [`Invocation::attempt`](skyport_core::app::Invocation::attempt) is always 1.
//!
//! # Schedules
//! The instant is the one that the host keeps, or, where it keeps none or is late, the function's own last one before the time that the host tells, at
//! most 5 s after it. Somebody who has the host call by hand repeats the last one, which is then told under the same name. The host does not tell a custom handler that it repeats a call: the
//! attempt is always 1.
//!
//! # Start and end
//! The port is open once [`AzureFunctions::bind`] returns, and the host is answered at once. Before it ends a program, the host
//! waits for what it has begun. On SIGTERM nothing new is taken; what runs has the grace period, is then cancelled and answered with a
//! 503, and comes again.
//!
//! # Logs and traces
//! [`run`] installs no subscriber: what is written, and as what, is the application's to say. [`log_by_default`] is for those that say
//! nothing. A trace comes from the call's `traceparent`; a message's own envelope wins over it.

mod blob;
mod config;
mod event;
mod front;
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzzing;
mod logs;
mod message;
pub mod metadata;
mod names;
mod reply;
mod serve;
mod settle;

pub use config::AzureFunctionsConfig;
pub use logs::log_by_default;
pub use serve::{AzureFunctions, run};
/// A handler that has its address.
pub use skyport_server::Bound;
