//! What is said to Pub/Sub and Firestore, and what is read of their answers: Google's messages, with the fields that are used here and no
//! others. What else an answer has is passed over, as every reader of Protocol Buffers does with fields that it does not know.
//!
//! - Bytes, and texts that are there already, are [`Bytes`](bytes::Bytes): what is sent is not copied before it is written, what comes is
//!   a part of the answer's own buffer. On the wire a text is bytes, too.
//! - A map is a list of entries, which on the wire it is: nobody looks up more than a handful of names in it.
//! - A message that is sent and read with different fields is two types.
//!
//! The tests in `against` hold each of them against the types that are generated from Google's files.

pub(crate) mod known;
pub(crate) mod rpc;

#[cfg(feature = "kv")]
pub(crate) mod admin;
#[cfg(feature = "kv")]
pub(crate) mod firestore;
#[cfg(feature = "queue")]
pub(crate) mod pubsub;
#[cfg(feature = "kv")]
pub(crate) mod query;
#[cfg(feature = "queue")]
pub(crate) mod subscription;

#[cfg(test)]
mod against;
