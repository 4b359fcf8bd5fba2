//! Our messages against those that `gcloud-sdk` generates from Google's files: what the one writes the other reads, field by field. So every
//! tag and every type of ours is Google's.

use std::fmt::Debug;

use prost::Message;

#[cfg(feature = "kv")]
mod firestore;
#[cfg(feature = "queue")]
mod pubsub;
mod shared;

/// Each reads what the other writes as what it is itself.
#[track_caller]
fn same<O, T>(ours: &O, theirs: &T)
where
    O: Message + Default + PartialEq + Debug,
    T: Message + Default + PartialEq + Debug,
{
    assert_ne!(*ours, O::default(), "with nothing in it nothing is shown");
    assert_eq!(T::decode(&*ours.encode_to_vec()).as_ref(), Ok(theirs), "they read ours");
    read(ours, theirs);
}

/// Ours is what is read of theirs, which may have fields that ours passes over.
#[track_caller]
fn read<O, T>(ours: &O, theirs: &T)
where
    O: Message + Default + PartialEq + Debug,
    T: Message,
{
    assert_eq!(O::decode(&*theirs.encode_to_vec()).as_ref(), Ok(ours), "we read theirs");
}
