//! The raw side, as a good engineer would write it by hand: nothing but the calls.

pub mod firestore;
mod grpc;
pub mod pubsub;
pub mod storage;
