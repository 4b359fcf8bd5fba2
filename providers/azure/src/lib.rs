//! Skyport on Azure: Blob Storage, Queue Storage as queues, Table Storage as tables.
//!
//! ```no_run
//! # async fn example() -> skyport_core::Result<()> {
//! use skyport_azure::Azure;
//! use skyport_core::provider::{Provider, ResourceUrl};
//!
//! let azure = Azure::new();
//! let photos: ResourceUrl = "azblob://my-photos?account=mystorage".parse()?;
//! let bucket = azure.bucket(&photos)?; // no I/O yet
//! assert_eq!(bucket.head("cat.jpg").await?.size, 4);
//! # Ok(()) }
//! ```
//!
//! # URLs
//! | URL | resource |
//! |---|---|
//! | `azblob://container` | a container of Blob Storage |
//! | `azqueue://queue` | a queue of Queue Storage; its dead letters are in `<queue>-poison` |
//! | `aztable://table` | a table of Table Storage |
//!
//! Each takes `account` and `endpoint`; what they do not say comes from [`AzureConfig`], and then from the environment.
//!
//! # Account, endpoint, credentials
//! The account is that of the URL, of [`AzureConfig`], or of the environment: `AZURE_STORAGE_CONNECTION_STRING`, `AZURE_STORAGE_ACCOUNT`,
//! and, on Azure Functions, `AzureWebJobsStorage`.
//!
//! # Queues
//! - `azqueue://jobs` is the queue `jobs`, with its dead letters in `jobs-poison`: the name that the host of Azure Functions chooses, too, so what
//!   either of them moves is found in one place. A letter that says no reason, as those that the host moved, has the reason `attempts`. A name has
//!   3 to 56 lower-case letters, digits and single hyphens.
//! - A message of Queue Storage is a text of 64 KiB. What is sent is wrapped: a literal, attributes and envelope in a line of JSON, and the body, all of it in
//!   base64; `skyport_azure_wire::message` documents it for writers in other languages. So a body has up to 43 KiB, of any bytes, with all the attributes
//!   that it may have. What is not wrapped so is a foreign text. What begins as a wrapped message and is none goes to the dead letters unseen,
//!   with what is wrong with it as its reason.
//! - Queue Storage holds no call open. A receive looks again with pauses that grow from 50 ms to 0.8 s while nothing comes, from one
//!   receive to the next: what is sent is received within a second, and what the same opened queue sends at once; an idle queue costs each of its receivers about 75 calls a minute, each of
//!   which is billed. A call brings up to 32 messages. What a dropped receive was being given goes back at once, and counts as no attempt in
//!   the process that dropped it.
//! - Ordered queues and `dedupe_id` are `Unsupported`, the former when the queue is opened: Queue Storage keeps no order and tells no duplicates. A send whose
//!   answer was lost and that is repeated may come twice.
//! - Sending and settling many are single calls, 16 at once: Queue Storage has no batches. One queue takes about 2,000 messages a second,
//!   and says `Throttled` to more.
//! - Delays and pauses are Queue Storage's own, in whole seconds, rounded up. Leases are counted from before the call.
//! - A receipt moves when its lease is extended: [`extend`](skyport_core::queue::MessageQueue::extend) gives the new one, which another process needs
//!   to settle the delivery; in the same process the old one leads to it. Where the answer to that is lost for good, nothing can settle the delivery any more, and it returns when its lease ends. A receipt for what the platform handed over
//!   is made of the message's id and pop receipt, by `skyport_azure_wire::message::receipt`.
//! - The process that received a message refuses to settle it twice or after its lease. From another process Queue Storage accepts a receipt until the
//!   message is received again, also after the lease.
//! - `max_attempts` is what is declared where the queue is opened: Queue Storage keeps no such number. A retry of a last attempt goes to the
//!   letters at once where this process received the message; one that was delivered too often is moved by whoever receives it, before anybody sees
//!   it. Both are a send and then a deletion, so a letter may be there twice, and never not at all. The host of Azure Functions goes by `maxDequeueCount` in
//!   its `host.json`.
//! - Unread messages are kept 7 days, from when they were sent, and dead letters 14; letters that the host moved 7. No lease and no pause can
//!   be set to end later than that: such a call is `InvalidArgument`, and the message is about to be gone.
//! - `depth()` tells all messages as ready: Queue Storage counts the leased and the delayed among them.
//! - Creating a queue creates its dead letters first, and waits up to a minute where one of the name is still being cleared away, which takes Azure at
//!   least 30 seconds. A queue without its dead letters is served as well: they are created with the first letter, and are empty until then.
//! - What has to be permitted: `Storage Queue Data Message Sender` to send, and on the dead letters for whoever receives. To receive and settle,
//!   `Storage Queue Data Contributor`, which may also create and remove queues: `Storage Queue Data Message Processor` is not enough, since who sets the end
//!   of a lease updates the message (`messages/write`). A SAS of the account needs `ss=q`, `srt=co` and `sp=raup`, and `cd` besides to create and remove.
//!
//! # Retries
//! The layer [`Retry`](skyport_core::layers::Retry) repeats, since only it can tell whether a write whose answer was lost has been
//! applied. Without that layer a call is tried once.

#[cfg(feature = "blob")]
mod blob;
mod config;
mod error;
mod http;
#[cfg(feature = "kv")]
mod kv;
mod provision;
#[cfg(feature = "queue")]
mod queue;

pub use config::{Azure, AzureConfig};
