//! Blob storage: 1 KiB each, 16,384 keys in 128 directories.

use std::future::Future;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use tokio::runtime::Runtime;

use skyport_measure::Outcome;
use crate::measure::{ROUNDS, best, per_operation};

mod floor;
mod opendal_memory;
mod skyport;
mod store_in_memory;

pub use floor::Floor;
pub use opendal_memory::OpenDal;
pub use skyport::{Handle, Port};
pub use store_in_memory::InMemory;

/// How many directories there are.
pub const DIRECTORIES: usize = 128;
/// How many objects there are.
pub const OBJECTS: usize = 16_384;
/// How many bytes an object has.
pub const OBJECT_BYTES: usize = 1_024;

/// A store that is measured. Keys are made beforehand, in whatever form the store wants.
pub trait Blobs: Send + Sync + Sized + 'static {
    /// The form of a key.
    type Key: Send + Sync + 'static;

    /// A key of this text.
    fn key(text: String) -> Outcome<Self::Key>;
    /// Writes an object.
    fn put(&self, key: &Self::Key, body: Bytes) -> impl Future<Output = Outcome> + Send;
    /// Reads an object; how many bytes it has.
    fn get(&self, key: &Self::Key) -> impl Future<Output = Outcome<usize>> + Send;
    /// Tells of an object; how many bytes it has.
    fn head(&self, key: &Self::Key) -> impl Future<Output = Outcome<usize>> + Send;
    /// Lists every object; how many there are.
    fn list(&self) -> impl Future<Output = Outcome<usize>> + Send;
    /// Lists the directories at the root; how many there are.
    fn directories(&self) -> impl Future<Output = Outcome<usize>> + Send;
    /// Deletes an object.
    fn delete(&self, key: &Self::Key) -> impl Future<Output = Outcome> + Send;
}

/// What is measured, in this order: the store is empty before, and after.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    PutNew,
    PutOver,
    Get,
    Head,
    List,
    Directories,
    Delete,
}

impl Step {
    /// How often it is measured in a round: what changes nothing can be tried more often for an undisturbed moment.
    fn times(self) -> usize {
        match self {
            Self::Get | Self::Head | Self::List => 4,
            Self::PutNew | Self::PutOver | Self::Directories | Self::Delete => 1,
        }
    }
}

const STEPS: [(Step, &str); 7] = [
    (Step::PutNew, "put new"),
    (Step::PutOver, "put over"),
    (Step::Get, "get"),
    (Step::Head, "head"),
    (Step::List, "list, an entry"),
    (Step::Directories, "list 128 directories"),
    (Step::Delete, "delete"),
];

/// Measures a store with so many tasks at once: nanoseconds by the step's name.
///
/// # Errors
/// What the store fails with, or that it gave a wrong answer.
pub fn measure<S: Blobs>(runtime: &Runtime, tasks: usize, store: S) -> Outcome<Vec<(String, f64)>> {
    let store = Arc::new(store);
    let keys = Arc::new(keys::<S>()?);
    let mut values = vec![Vec::with_capacity(ROUNDS); STEPS.len()];
    for _ in 0..ROUNDS {
        for ((step, _), values) in STEPS.iter().zip(&mut values) {
            for _ in 0..step.times() {
                values.push(runtime.block_on(time(*step, &store, &keys, tasks))?);
            }
        }
    }
    let named = STEPS.iter().zip(values);
    Ok(named.map(|((_, name), values)| (format!("{name}, {tasks}t"), best(values))).collect())
}

/// The keys in an order that is not theirs, the same each time.
fn keys<S: Blobs>() -> Outcome<Vec<S::Key>> {
    let in_directory = OBJECTS / DIRECTORIES;
    (0..OBJECTS)
        // An odd factor visits every number once.
        .map(|index| index * 7_919 % OBJECTS)
        .map(|index| format!("directory-{:03}/object-{:04}", index / in_directory, index % in_directory))
        .map(S::key)
        .collect()
}

async fn time<S: Blobs>(step: Step, store: &Arc<S>, keys: &Arc<Vec<S::Key>>, tasks: usize) -> Outcome<f64> {
    let share = OBJECTS / tasks;
    let began = Instant::now();
    let running: Vec<_> = (0..tasks)
        .map(|task| {
            let (store, keys) = (Arc::clone(store), Arc::clone(keys));
            let mine = task * share..(task + 1) * share;
            tokio::spawn(async move { run(step, &*store, keys.get(mine).unwrap_or_default()).await })
        })
        .collect();
    for task in running {
        task.await??;
    }
    let count = match step {
        Step::List => OBJECTS * tasks,
        Step::Directories => tasks,
        _ => OBJECTS,
    };
    Ok(per_operation(began.elapsed(), count))
}

async fn run<S: Blobs>(step: Step, store: &S, keys: &[S::Key]) -> Outcome {
    static BODY: [u8; OBJECT_BYTES] = [7; OBJECT_BYTES];
    match step {
        Step::PutNew | Step::PutOver => {
            for key in keys {
                store.put(key, Bytes::from_static(&BODY)).await?;
            }
        }
        Step::Get => {
            for key in keys {
                expect(store.get(key).await?, OBJECT_BYTES)?;
            }
        }
        Step::Head => {
            for key in keys {
                expect(store.head(key).await?, OBJECT_BYTES)?;
            }
        }
        Step::List => expect(store.list().await?, OBJECTS)?,
        Step::Directories => expect(store.directories().await?, DIRECTORIES)?,
        Step::Delete => {
            for key in keys {
                store.delete(key).await?;
            }
        }
    }
    Ok(())
}

fn expect(found: usize, expected: usize) -> Outcome {
    if found == expected {
        Ok(())
    } else {
        Err(format!("a store answered {found} where {expected} was right").into())
    }
}
