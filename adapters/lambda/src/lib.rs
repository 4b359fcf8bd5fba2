//! Skyport on AWS Lambda: an application as one function, or each of its functions as one of its own.
//!
//! ```no_run
//! # async fn example(functions: std::sync::Arc<skyport_core::app::Functions>) -> skyport_core::Result<()> {
//! use skyport_lambda::LambdaConfig;
//!
//! let config = LambdaConfig::from_env(|name| std::env::var(name).ok())?;
//! skyport_lambda::run(functions, config).await
//! # }
//! ```
//!
//! # Environment
//! | variable | meaning | default |
//! |---|---|---|
//! | `SKYPORT_FUNCTION` | the one function that this deployment is | the event's source decides |
//! | `SKYPORT_RESPONSE_STREAMING` | `true`: HTTP responses go out as streams | `false` |
//!
//! Lambda itself sets the rest, `AWS_LAMBDA_RUNTIME_API` among it: outside of Lambda [`run`] is `Unsupported`.
//!
//! # Which function an event is for
//! | event | function |
//! |---|---|
//! | a request through a REST API, an HTTP API (both formats), a Function URL or a load balancer | by its route, as everywhere |
//! | messages of SQS | the one for the queue of that name |
//! | S3: directly, through SNS, through EventBridge, or one of these in SQS | every one for that bucket and change |
//! | a schedule of EventBridge (a rule, or Scheduler without an input) | the one that the rule is called after: `<function>` or `<application>-<function>`; else the only one with a schedule |
//! | a schedule of EventBridge Scheduler with an input | the one that the input names |
//!
//! `SKYPORT_FUNCTION` decides before all of this; requests go by their routes even so. Such an input is:
//!
//! ```json
//! {"skyport": {"schedule": "<function>", "scheduled": "<aws.scheduler.scheduled-time>"}}
//! ```
//!
//! Messages of a queue that the application declares go to its function, whatever is in them. Everything else (authorizers,
//! websockets, DynamoDB, Kinesis..) is answered with an error that says what came and what to do. `s3:TestEvent` is passed over.
//!
//! # Requests
//! Bodies come whole; [`Request::fidelity`](skyport_core::http::Request::fidelity) says what the gateway did before:
//!
//! | gateway | path | query | repeated headers |
//! |---|---|---|---|
//! | Function URL | as sent | as sent | joined by commas |
//! | HTTP API 2.0 | decoded; its stage is taken off | as sent | joined by commas |
//! | HTTP API 1.0 | decoded; its stage is taken off | decoded, encoded again; in another order | as sent |
//! | REST API | as sent | decoded, encoded again; in another order | as sent |
//! | load balancer | as sent | as sent; in another order | as sent with multi-value headers, else the last |
//!
//! A response is base64 where it is not UTF-8 or has a content encoding; a REST API needs `binaryMediaTypes` for that. A response
//! over 6 MB (1 MB through a load balancer) becomes a 500: stream it, or hand out a signed URL. With
//! `SKYPORT_RESPONSE_STREAMING` it has no limit; where its body fails, the stream's trailers say so.
//!
//! # Messages
//! The event source mapping must have `ReportBatchItemFailures`: **without it Lambda takes every message of a batch for done as
//! soon as one call returns**. What is done, Lambda deletes. What failed comes again after its backoff, for its visibility is set
//! to that, and what failed for good is sent to the dead letters with its reason; both through the function's own queue, so
//! that its role needs `sqs:ChangeMessageVisibility`, `sqs:DeleteMessage` and `sqs:SendMessage` there. Of an ordered group what
//! stands behind a failure comes again, too.
//!
//! A queue that carries a bucket's events is opened by [`LambdaConfig::queues`].
//!
//! # Events that nobody waits for
//! S3 without a queue, SNS, EventBridge and schedules call asynchronously. A call that failed is answered with an error, and
//! Lambda repeats it, twice by default, and then gives the event to the function's own dead-letter queue or destination. One that
//! failed for good is told in the log at the level of errors, and is not repeated: it has no dead letters. Let events that must
//! not be lost come through a queue.
//!
//! An event of one version of an object that was removed is told as a deletion only where no object lives on under its key,
//! which the function's role must be allowed to ask (`s3:GetObject`, `s3:ListBucket`); where it is not, it is told.
//!
//! # Start and end
//! Connections are made beside the first event, or before it with provisioned concurrency
//! ([`LambdaConfig::ports`]). Handlers see the deadline of Lambda, less up to half a second in which to report. On SIGTERM
//! nothing new is taken; what runs has 300 ms, and is then cancelled and comes again.
//!
//! # Logs and traces
//! [`run`] installs no subscriber: what is written, and as what, is the application's to say. [`log_by_default`] is for those that
//! say nothing, and `skyport::run` calls it: as the function's `AWS_LAMBDA_LOG_FORMAT` and `AWS_LAMBDA_LOG_LEVEL` say. All of an invocation is in a
//! span `lambda` with `request_id` and `xray_trace_id`, and the handler's own in a span `function` within it. A trace comes from
//! the request's `traceparent`, from the message, or from X-Ray, in this order.

mod answer;
mod batch;
mod blob;
mod config;
mod event;
mod failure;
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzzing;
mod logs;
mod reply;
mod serve;
mod served;
mod settle;
mod signal;
mod warm;

pub use config::{LambdaConfig, QueueOpener};
pub use logs::log_by_default;
pub use serve::{refuse, run};
pub use warm::{Ports, Remembering};
