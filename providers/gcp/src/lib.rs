//! Skyport on Google Cloud: Cloud Storage as blob storage, Pub/Sub as queues, Firestore as tables.
//!
//! ```no_run
//! # async fn example() -> skyport_core::Result<()> {
//! use skyport_core::provider::{Provider, ResourceUrl};
//! use skyport_gcp::Gcp;
//!
//! let gcp = Gcp::new();
//! let photos: ResourceUrl = "gs://my-photos".parse()?;
//! let bucket = gcp.bucket(&photos)?; // no I/O yet
//! assert_eq!(bucket.head("cat.jpg").await?.size, 4);
//! # Ok(()) }
//! ```
//!
//! # URLs
//! | URL | resource |
//! |---|---|
//! | `gs://bucket` | a bucket of Cloud Storage |
//! | `pubsub://topic?subscription=name` | a topic of Pub/Sub, sent to, and a subscription, received from; without the parameter, the one that is called like the topic |
//! | `firestore://project/collection` or `firestore://collection` | a collection of Firestore, in the database `(default)` unless `database` names another |
//!
//! Each takes `project` and `endpoint`; what they do not say comes from [`GcpConfig`], and then from the environment as for
//! every tool of Google's. `location`, of buckets alone, says where [`create`](skyport_core::provider::Provider::create) makes one.
//!
//! # Project, endpoint, credentials
//! The project is that of the URL, of [`GcpConfig`], of `GOOGLE_CLOUD_PROJECT`, of the credentials' file, or, on Cloud Run, of the
//! metadata server. `STORAGE_EMULATOR_HOST`, `PUBSUB_EMULATOR_HOST` and `FIRESTORE_EMULATOR_HOST` are obeyed; an endpoint
//! without TLS gets no credentials. Credentials are Application Default Credentials: the file of `GOOGLE_APPLICATION_CREDENTIALS` (a key, an
//! impersonation, a workload's identity), that of `gcloud auth application-default login`, or, where there is neither, the metadata server.
//!
//! # Connections
//! Opening does no I/O. Clients are made at their first use, those of Pub/Sub and Firestore for each runtime of tokio that uses
//! them. TLS is rustls with ring, and with the roots that come with the program: with the metadata server's credentials, as on Cloud
//! Run, or with a service account's key an image needs no CA certificates. Other credentials from a file are exchanged by Google's
//! own library, which needs those of the machine; without them every call is `Unauthenticated`.
//!
//! # Buckets
//! - An object's etag is its generation, which no two writes share. Every condition of the port is one on generations, on every write, copy
//!   and deletion; an etag that is no number is that of no object, and is refused without a request.
//! - A small write is one request of the JSON API, a read one of the XML API, which alone tells a user's metadata beside the
//!   bytes. One more follows a read of what others wrote, precedes `if_none_match`, and follows what finds nothing: it asks whether
//!   the bucket is there.
//! - A writer, and a stream of over 8 MiB, go up in a resumable session, part after part, since a session takes bytes in their order only.
//!   What became of a part or a completion whose answer was lost is asked for. The newest part waits in memory for the next, so two
//!   are held at a time. An object has up to 5 TiB. A session that a killed process leaves ends by itself after a week: no rule of the
//!   bucket is needed.
//! - A copy is one of Google's own rewrites, from any bucket that the credentials may read, and of any size. Within a place it moves no bytes;
//!   to another place or class it takes calls until it is done, within the 5 minutes that the layer `Retry` gives it; one that fails
//!   for a moment goes on where it was.
//! - A download that gets no byte for 20 seconds goes on where it was, on another connection.
//! - Cloud Storage takes about one write a second of one object; more are `Throttled`, and wait where they are repeated.
//! - `delete_many` sends single deletions, 32 at once, and 500 within one limit of time. Google's batches carry out the same, one after the other.
//! - Values of metadata are stored percent-encoded where they are not plain ASCII, so that they can be headers, too. An object
//!   without a content type is stored as `binary/octet-stream`, and read as having none. Beside a user's own metadata stand `skyport_w`, the
//!   write's token, and marks for what downloads cannot tell: `skyport_identity`, `skyport_cache` and `skyport_foreign`.
//! - `head` and listings tell the time of writing in milliseconds, a read in whole seconds.
//! - Signed URLs are of version 4. With the key of a service account they are made without I/O. Elsewhere, as on Cloud Run, or where an account is
//!   impersonated, IAM signs each with one call, which has 8 seconds: its API has to be enabled, the account needs
//!   `roles/iam.serviceAccountTokenCreator` on itself, and such a URL is good for 12 hours at most, since Google may change the key then:
//!   its `expires` says so. Requests by URL know objects by an etag of their own, and a signed PUT obeys no `If-Match`. A key with `.` or `..`
//!   between its slashes is not signed, since clients take it for the way back.
//! - Events, with the feature `events`: the bucket notifies a topic of its own in Pub/Sub, and each subscriber has a subscription to it, with dead
//!   letters. What is new takes Google up to half a minute: what happens to the bucket within the first one after its first subscription
//!   may not be told. A deletion is told where no object is left, which is asked for.
//! - Creating a bucket gives it uniform access without ACLs, closes it to the public, and turns off the retention of what was deleted (soft delete),
//!   which would be paid for. Removing it deletes every generation of every object, and the subscriptions. A bucket that is there
//!   already is left as it is.
//! - What has to be permitted on the bucket: `storage.objects.get` and `.list` to read and to list, `.create` to write and also `.delete` to
//!   overwrite and delete, all of which `roles/storage.objectUser` has. Without `.list` Google says of a missing object that it is
//!   forbidden: `PermissionDenied`. Without `storage.buckets.get`, what finds nothing is taken for a missing object. Creating and removing
//!   need `roles/storage.admin`.
//! - Each subscriber's first subscription needs `roles/storage.admin` on the bucket and `roles/pubsub.admin`: it makes topics and subscriptions,
//!   and lets the account by which Cloud Storage publishes do so, that of the project which owns the bucket. Google takes up to some
//!   minutes to know that: it is waited for some seconds, then the subscription is `Unavailable`, and is to be repeated. Every later start only
//!   looks: `pubsub.subscriptions.get` on the subscription is enough, beside what a queue's receiver needs; and where
//!   `storage.buckets.get` is granted, too, a bucket that no longer notifies is noticed.
//!
//! # Queues
//! - `pubsub://jobs` is the topic `jobs` and the subscription `jobs`, with the dead letters in the topic and the subscription `jobs-dead`.
//!   With `?subscription=billing` the letters are in `billing-dead`: two queues on one topic each get every message, and have
//!   letters of their own. A redrive sends to the topic, and so to both. Removing a queue leaves a topic that others subscribe to.
//! - Creating a queue keeps unread messages 7 days and dead letters 14, and lets no subscription expire because nobody receives. What is
//!   there already is changed where it falls short; an order is fixed.
//! - A body is up to 9,500 KiB of any bytes, and travels as it is. `dedupe_id` is `Unsupported`: Pub/Sub tells no duplicates, so a send
//!   whose answer was lost and that is repeated may come twice. `depth()` is `Unsupported`, too: Pub/Sub does not count; Cloud
//!   Monitoring does (`num_undelivered_messages`), some minutes late.
//! - Pub/Sub delays nothing. A message that is not due is held by the process that pulled it, up to 1,000 messages and 32 MiB of a queue, and
//!   handed out when it is. This costs no attempt, unless that process ends, has no room, or receives no more. The time is the sender's, and
//!   the receiver compares it with its own: where the two clocks differ, a delay differs as much.
//! - An ordered queue is received from one message at a time, and what is retried there comes again after a second at the soonest.
//!   So a message that fails spends no attempts of those behind it, and none overtakes another. Pub/Sub keeps the order of
//!   what is sent in one region: name its endpoint, `https://europe-west1-pubsub.googleapis.com` say, where senders are in several.
//! - Pub/Sub counts attempts from 5 to 100. Fewer are counted by who receives; what may have more is sent anew before Pub/Sub takes it for
//!   dead, with a new id, and counted on. Not in an ordered queue, where it would lose its place, nor
//!   where a topic has other subscriptions, which would get it again: there it has 100 at most. A retry of a last attempt
//!   goes to the dead letters at once where this process received the message; one that is delivered once too often is moved
//!   before anybody sees it. What the subscription says wins over what is declared; it is read where a message may be at its
//!   end, and without the permission to read it the declared number counts.
//! - Pub/Sub counts what it hands out. What a process gives back unseen, since nobody received any more, it does not count itself, but
//!   another process does: with `max_attempts` 1 a message may die unseen.
//! - A dropped receive lives on in the background for up to 90 seconds: the next one takes it over, and what arrives before that goes
//!   back at once. It ends with the last handle of its queue: what it was just being given comes again after 30 seconds. What waits has
//!   connections of its own, 80 receives on each, and is in the way of nothing else. A receive that does not wait may overlook what is there; one that waits a second does not.
//! - A retry of more than 10 minutes is prolonged by this process after 9: if it ends before, the message comes after 10.
//! - The process that received a message refuses to settle it twice or after its lease. Pub/Sub itself accepts both from another process,
//!   unless the subscription delivers exactly once.
//! - A retry pauses as it says. A subscription's own retry policy would pause each of them for its least time: a queue that is received
//!   from has none.
//! - What has to be permitted: `pubsub.topics.publish` on the topic and on that of the dead letters (`roles/pubsub.publisher`),
//!   `pubsub.subscriptions.consume` (`roles/pubsub.subscriber`) and, to read the limit of attempts, `pubsub.subscriptions.get`
//!   (`roles/pubsub.viewer`) on the subscription. Creating and removing need `roles/pubsub.editor`; creating what is there as it is to be,
//!   `roles/pubsub.viewer` on both subscriptions.
//! - Where a handler dies rather than fails, it is Pub/Sub that moves the message. Its own account,
//!   `service-{project number}@gcp-sa-pubsub.iam.gserviceaccount.com`, needs `roles/pubsub.publisher` on the dead letters' topic and
//!   `roles/pubsub.subscriber` on the queue's subscription; without them the next receive moves it.
//! - What others send arrives as it is; what Pub/Sub adds to the letters that it moved becomes their reason, `attempts`.
//!
//! # Tables
//! A table is a collection of Firestore in Native mode, and an item the document `{collection}/{partition}/{collection}_items/{sort}`. The two
//! ids of documents are `=` and the key, with `/`, `%` and control characters in percent encoding; what stands for a partition is
//! not there itself. An item has the fields `k`, the sort key, by which it is ordered; `v`, the value, an integer where
//! it is one of 64 bits in JSON, and bytes otherwise; `w`, which names its last write; `exp`, a timestamp, where it expires; and
//! `i`, where it is a counter. Others may read them; who writes there, too, gives an item all that it needs.
//!
//! - Firestore has no tables. [`create`](skyport_core::provider::Provider::create) writes the document `{collection}/skyport`, which stands for the table, sets a time to live on
//!   `exp`, and takes the indexes of `v`, `w`, `i` and `exp` away, for the items' collection group `{collection}_items`. The database has to be there. The
//!   first use of an opened table looks for that document, a read together with what it reads anyway; where it is missing, that
//!   is `NotFound`.
//! - A read, a write, and a transaction without checks are one request each, and take no locks: a version tells Firestore's time of the
//!   write, which Firestore compares. What fails a condition costs a read more, to tell which. A transaction with checks reads
//!   them in a transaction of Firestore's. An increment is a read and a write.
//! - A value has up to 1,000 KiB. Firestore sustains one write a second of one document, and more for a while; a write that
//!   others are in the way of for 8 seconds is a `Conflict`.
//! - Firestore deletes what has expired within a day, and charges each as a deletion. `sweep` only makes sure that it does; where it does
//!   not, as on the emulator, it looks for what has expired and deletes it.
//! - Removing a table deletes document by document, and gives the settings of its fields back. That takes Firestore some minutes; a table that
//!   is made again, or removed, while it is at it may be a `Conflict`, to be tried again.
//! - Of an increment that is repeated, Firestore's time of the last write counts where the clock of whoever wrote is behind it.
//! - What has to be permitted: `datastore.databases.get`, `datastore.entities.get`, `list`, `create`, `update` and `delete`, all in the role
//!   `roles/datastore.user`; `sweep` needs `datastore.indexes.get`, `create` and `remove` `datastore.indexes.update`, too, both in
//!   `roles/datastore.indexAdmin`.
//!
//! # Retries
//! The layer [`Retry`](skyport_core::layers::Retry) repeats, since only it can tell whether a write whose answer was lost has been
//! applied. Without that layer a call is tried once.

// The server of HTTP that the tests in `tests` have, too.
#[cfg(all(test, feature = "blob"))]
extern crate self as skyport_gcp;
#[cfg(all(test, feature = "blob"))]
#[allow(dead_code, reason = "each test binary uses a part of it")]
#[allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::field_reassign_with_default,
    reason = "it is a test's"
)]
#[path = "../tests/stub/http.rs"]
mod stub;

#[cfg(feature = "blob")]
mod blob;
mod config;
mod error;
#[cfg(all(feature = "fuzzing", feature = "kv"))]
#[doc(hidden)]
pub mod fuzzing;
#[cfg(feature = "grpc")]
mod grpc;
#[cfg(feature = "kv")]
mod kv;
#[cfg(feature = "grpc")]
mod proto;
mod provision;
#[cfg(feature = "queue")]
mod queue;
#[cfg(any(feature = "blob", feature = "queue", feature = "kv"))]
mod support;

pub use config::{Gcp, GcpConfig};
