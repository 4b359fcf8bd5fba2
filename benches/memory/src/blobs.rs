//! Objects: seven operations, of small and of large ones, by one task and by several.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use skyport_measure::{Contender, Group, Metric, Outcome, Target};
use tokio::runtime::Runtime;

use crate::timing::{Watch, expect, names, per_operation, runtime, scattered};

mod opendal_memory;
mod skyport;
mod store_in_memory;

pub use opendal_memory::OpenDal;
pub use skyport::Handle;
pub use store_in_memory::InMemory;

/// The body of every object: what a store takes is shared, and copied by none.
static BODY: [u8; 1 << 20] = [7; 1 << 20];

/// A store that is measured. Keys are made beforehand, in whatever form the store wants.
pub trait Blobs: Send + Sync + Sized + 'static {
    /// The form of a key.
    type Key: Send + Sync + 'static;

    /// A key of this text.
    fn key(text: String) -> Outcome<Self::Key>;
    /// Writes an object.
    fn put(&self, key: &Self::Key, body: Bytes) -> impl Future<Output = Outcome> + Send;
    /// Reads an object.
    fn get(&self, key: &Self::Key) -> impl Future<Output = Outcome<Bytes>> + Send;
    /// Tells of an object; how many bytes it has.
    fn head(&self, key: &Self::Key) -> impl Future<Output = Outcome<usize>> + Send;
    /// Lists every object; how many there are.
    fn list(&self) -> impl Future<Output = Outcome<usize>> + Send;
    /// Lists the directories at the root; how many there are.
    fn directories(&self) -> impl Future<Output = Outcome<usize>> + Send;
    /// Deletes an object.
    fn delete(&self, key: &Self::Key) -> impl Future<Output = Outcome> + Send;
}

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

/// Each with its name, its unit and what is aimed at.
const STEPS: [(Step, &str, &str, f64); 7] = [
    (Step::PutNew, "put-new", "ns", 1.0),
    (Step::PutOver, "put-over", "ns", 1.0),
    (Step::Get, "get", "ns", 0.7),
    (Step::Head, "head", "ns", 0.7),
    (Step::List, "list", "ns an entry", 0.7),
    (Step::Directories, "list-dirs", "ns a directory", 0.7),
    (Step::Delete, "delete", "ns", 0.7),
];

/// How many objects there are, in how many directories, and how large.
#[derive(Clone, Copy)]
struct Shape {
    name: &'static str,
    objects: usize,
    directories: usize,
    bytes: usize,
}

const SHAPES: [Shape; 2] = [
    Shape { name: "1KiB", objects: 16_384, directories: 128, bytes: 1 << 10 },
    Shape { name: "1MiB", objects: 256, directories: 16, bytes: 1 << 20 },
];

/// Measures every operation.
///
/// # Errors
/// What a store fails with, or that it gave a wrong answer.
pub fn measure(group: &mut Group) -> Outcome {
    for shape in SHAPES {
        for tasks in [1, 8] {
            let runtime = runtime(tasks)?;
            let mut ours = Subject::new(&runtime, shape, tasks, runtime.block_on(Handle::new())?)?;
            let mut store = Subject::new(&runtime, shape, tasks, InMemory::default())?;
            let mut opendal = Subject::new(&runtime, shape, tasks, OpenDal::new()?)?;
            for (step, name, unit, target) in STEPS {
                let name = format!("blob/{name}/{}/{tasks}t", shape.name);
                let metric = [Metric::new("", unit, Target::AtMost(target))];
                let rivals = vec![store.contender("object_store", step), opendal.contender("OpenDAL", step)];
                group.contest(&name, metric, group.plan(), ours.contender("Skyport", step), rivals)?;
            }
        }
    }
    Ok(())
}

/// A store with its keys, and whether their objects are there.
struct Subject<'r, S: Blobs> {
    runtime: &'r Runtime,
    shape: Shape,
    tasks: usize,
    store: Arc<S>,
    keys: Arc<Vec<S::Key>>,
    is_full: bool,
}

impl<'r, S: Blobs> Subject<'r, S> {
    fn new(runtime: &'r Runtime, shape: Shape, tasks: usize, store: S) -> Outcome<Self> {
        let name = |index| {
            let (directory, object) = names(index, shape.objects / shape.directories);
            format!("{directory}/{object}")
        };
        let keys: Outcome<Vec<S::Key>> = scattered(shape.objects).map(name).map(S::key).collect();
        Ok(Self { runtime, shape, tasks, store: Arc::new(store), keys: Arc::new(keys?), is_full: false })
    }

    fn contender<'c>(&'c mut self, name: &'static str, step: Step) -> Contender<'c, 1> {
        Contender::new(name, move || Ok([self.round(step)?]))
    }

    /// Does a step often enough to be told from the clock's own time, each time with what it needs there beforehand.
    fn round(&mut self, step: Step) -> Outcome<f64> {
        let count = match step {
            Step::List => self.shape.objects * self.tasks,
            Step::Directories => self.shape.directories * self.tasks,
            _ => self.shape.objects,
        };
        let times = match step {
            Step::Directories => 1,
            _ => (32_768 / count).max(1),
        };
        let mut took = Duration::ZERO;
        for _ in 0..times {
            match (step, self.is_full) {
                (Step::PutNew, true) => drop(self.run(Step::Delete)?),
                (Step::PutNew, false) | (_, true) => {}
                (_, false) => drop(self.run(Step::PutNew)?),
            }
            took += self.run(step)?;
        }
        Ok(per_operation(took, count * times))
    }

    fn run(&mut self, step: Step) -> Outcome<Duration> {
        let took = self.runtime.block_on(self.all_tasks(step))?;
        self.is_full = step != Step::Delete;
        Ok(took)
    }

    async fn all_tasks(&self, step: Step) -> Outcome<Duration> {
        let share = self.shape.objects / self.tasks;
        let began = Watch::start(self.tasks);
        let running: Vec<_> = (0..self.tasks)
            .map(|task| {
                let (store, keys, shape) = (Arc::clone(&self.store), Arc::clone(&self.keys), self.shape);
                let mine = task * share..(task + 1) * share;
                tokio::spawn(async move {
                    one_task(step, &*store, keys.get(mine).unwrap_or_default(), shape).await
                })
            })
            .collect();
        for task in running {
            task.await??;
        }
        Ok(began.elapsed())
    }
}

async fn one_task<S: Blobs>(step: Step, store: &S, keys: &[S::Key], shape: Shape) -> Outcome {
    let body = Bytes::from_static(&BODY).slice(..shape.bytes);
    match step {
        Step::PutNew | Step::PutOver => {
            for key in keys {
                store.put(key, body.clone()).await?;
            }
        }
        Step::Get => {
            for key in keys {
                expect(store.get(key).await?.len(), shape.bytes)?;
            }
        }
        Step::Head => {
            for key in keys {
                expect(store.head(key).await?, shape.bytes)?;
            }
        }
        Step::List => expect(store.list().await?, shape.objects)?,
        Step::Directories => expect(store.directories().await?, shape.directories)?,
        Step::Delete => {
            for key in keys {
                store.delete(key).await?;
            }
        }
    }
    Ok(())
}
