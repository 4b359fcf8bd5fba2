//! Reading beside the writer: a few threads, each with a connection of its own.

use std::collections::VecDeque;
use std::panic::AssertUnwindSafe;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rusqlite::Connection;
use skyport_core::{Error, Result};
use tokio::sync::oneshot;

use crate::db;
use crate::error::{Fault, Native};
use crate::soon::{in_turn, soon};

/// How many reads run at once.
const READERS: usize = 4;

/// A read that began so short a while ago is soon over. Most take a few microseconds, fewer than a thread takes to wake.
const SOON_OVER: Duration = Duration::from_micros(50);

/// Hands reads to the threads, which are started as they are needed, and end with this.
#[derive(Debug)]
pub(crate) struct Readers(Arc<Shared>);

type Read = Box<dyn FnOnce(&Path, &mut Option<Connection>) + Send>;

struct Shared {
    file: PathBuf,
    state: Mutex<State>,
    called: Condvar,
    /// As many as there are in the line, to be looked at without the lock.
    waiting: AtomicUsize,
}

#[derive(Default)]
struct State {
    line: VecDeque<Read>,
    threads: usize,
    /// Threads that look for a read, and need no call.
    looking: usize,
    asleep: usize,
    /// When the read began that each thread is at.
    begun: [Option<Instant>; READERS],
    closed: bool,
}

impl State {
    /// Whether what stands in line will be taken in a moment, so that no other thread need be called: there are as many that look for a read
    /// or have only begun with one. One that has been at work for longer counts no more; what comes in the same moment as two that turn out to
    /// take long waits for the first of them, or for the next call.
    fn is_soon_taken(&self) -> bool {
        let at_work = || self.begun.iter().flatten().filter(|begun| begun.elapsed() < SOON_OVER).count();
        self.looking > 0 || self.line.len() < at_work()
    }

    /// Another thread for what stands in line, unless it is soon taken, or all are at work.
    fn helper(&mut self) -> Helper {
        if self.line.is_empty() || self.is_soon_taken() {
            Helper::None
        } else if self.asleep > 0 {
            Helper::Sleeper
        } else if self.threads < READERS {
            self.threads += 1;
            Helper::New(self.threads - 1)
        } else {
            Helper::None
        }
    }
}

/// Who is called for what stands in line.
enum Helper {
    None,
    Sleeper,
    /// A thread that is not there yet, by its number.
    New(usize),
}

impl Readers {
    pub(crate) fn new(file: &Path) -> Self {
        Self(Arc::new(Shared {
            file: file.to_owned(),
            state: Mutex::default(),
            called: Condvar::new(),
            waiting: AtomicUsize::new(0),
        }))
    }

    /// One read; it sees everything that was answered before. Dropped before it began, it never runs.
    pub(crate) async fn read<T, F>(&self, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> std::result::Result<T, Fault> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        let read: Read = Box::new(move |file, connection| {
            if reply.is_closed() {
                return;
            }
            let run = AssertUnwindSafe(|| run(file, connection, work).map_err(|fault| fault.at(file)));
            let result = std::panic::catch_unwind(run)
                .unwrap_or_else(|_| Err(Error::internal("a read of the database panicked")));
            // Nobody waits any more where the caller was dropped.
            drop(reply.send(result));
        });
        self.0.push(read).map_err(|error| Fault::from(error).at(&self.0.file))?;
        answer.await.map_err(|_| Native::Closed)?
    }
}

fn run<T>(
    file: &Path,
    connection: &mut Option<Connection>,
    work: impl FnOnce(&Connection) -> std::result::Result<T, Fault>,
) -> std::result::Result<T, Fault> {
    if connection.is_none() {
        *connection = Some(db::open_reader(file)?);
    }
    let result = work(connection.as_ref().ok_or(Native::Closed)?);
    // One whose transaction could not be ended would go on seeing what was there then.
    connection.take_if(|connection| !connection.is_autocommit());
    result
}

impl Drop for Readers {
    fn drop(&mut self) {
        self.0.lock().closed = true;
        self.0.called.notify_all();
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn push(self: &Arc<Self>, read: Read) -> std::io::Result<()> {
        let mut state = self.lock();
        state.line.push_back(read);
        self.waiting.store(state.line.len(), Ordering::Relaxed);
        let helper = state.helper();
        drop(state);
        self.call(helper)
    }

    /// Without the lock: who is woken wants it at once.
    fn call(self: &Arc<Self>, helper: Helper) -> std::io::Result<()> {
        match helper {
            Helper::None => Ok(()),
            Helper::Sleeper => {
                self.called.notify_one();
                Ok(())
            }
            Helper::New(number) => self.start(number),
        }
    }

    fn start(self: &Arc<Self>, number: usize) -> std::io::Result<()> {
        let shared = Arc::clone(self);
        let thread = std::thread::Builder::new().name("skyport-reader".to_owned());
        let Err(error) = thread.spawn(move || shared.serve(number)) else { return Ok(()) };
        let mut state = self.lock();
        state.threads -= 1;
        // Those that are there do it.
        if state.threads > 0 { Ok(()) } else { Err(error) }
    }

    fn serve(self: Arc<Self>, thread: usize) {
        let mut connection = None;
        while let Some(read) = self.next(thread) {
            read(&self.file, &mut connection);
        }
    }

    /// The next read, as soon as there is one; none once all is closed.
    fn next(self: &Arc<Self>, thread: usize) -> Option<Read> {
        let mut state = self.lock();
        state.begun[thread] = None;
        if state.line.is_empty() {
            state.looking += 1;
            let alone = state.threads - state.asleep == 1;
            drop(state);
            let look = || (self.waiting.load(Ordering::Relaxed) > 0).then_some(());
            // The lock decides who gets it.
            let _seen = if alone { in_turn(look) } else { soon(look) };
            state = self.lock();
            state.looking -= 1;
        }
        loop {
            if let Some(read) = state.line.pop_front() {
                state.begun[thread] = Some(Instant::now());
                self.waiting.store(state.line.len(), Ordering::Relaxed);
                let helper = state.helper();
                drop(state);
                if let Err(error) = self.call(helper) {
                    tracing::debug!(%error, "no more threads for reads can be started");
                }
                return Some(read);
            }
            if state.closed {
                return None;
            }
            state.asleep += 1;
            state = self.called.wait(state).unwrap_or_else(PoisonError::into_inner);
            state.asleep -= 1;
        }
    }
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared").field("file", &self.file).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::time::Duration;

    use super::*;
    use crate::config::Durability;

    fn readers(folder: &Path) -> Readers {
        let file = folder.join(db::FILE);
        db::open_writer(&file, Durability::Normal, None).expect("a database");
        Readers::new(&file)
    }

    #[tokio::test]
    async fn reads_that_were_dropped_count_until_they_are_done() {
        let folder = tempfile::tempdir().expect("a folder");
        let readers = readers(folder.path());
        let (release, released) = mpsc::channel::<()>();
        let released = Arc::new(Mutex::new(released));
        for _ in 0..READERS {
            let (begun, beginning) = oneshot::channel();
            let released = Arc::clone(&released);
            let read = readers.read(move |_| {
                begun.send(()).expect("somebody waits");
                Ok(released.lock().unwrap().recv().is_ok())
            });
            tokio::select! {
                _ = read => panic!("it waits"),
                began = beginning => began.expect("it has begun"),
            }
            while readers.0.lock().is_soon_taken() {
                tokio::task::yield_now().await;
            }
        }
        let mut next = std::pin::pin!(readers.read(|_| Ok(())));
        assert!(tokio::time::timeout(Duration::from_millis(50), &mut next).await.is_err(), "all are in use");
        assert_eq!(readers.0.lock().threads, READERS);
        for _ in 0..READERS {
            release.send(()).expect("they wait");
        }
        next.await.expect("a reader is free");
    }

    #[tokio::test]
    async fn a_read_that_panics_fails_alone() {
        let folder = tempfile::tempdir().expect("a folder");
        let readers = readers(folder.path());
        let failed = readers.read(|_| -> std::result::Result<(), Fault> { panic!("planted") }).await;
        assert!(failed.expect_err("it panicked").message().contains("panicked"));
        for _ in 0..2 * READERS {
            readers.read(|_| Ok(())).await.expect("the threads live");
        }
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn every_read_of_many_is_answered_and_the_threads_end_with_their_owner() {
        let folder = tempfile::tempdir().expect("a folder");
        let readers = Arc::new(readers(folder.path()));
        let run = |number: u32| {
            let readers = Arc::clone(&readers);
            tokio::spawn(async move {
                for _ in 0..200 {
                    let read = readers.read(move |connection| {
                        Ok(connection.query_row("SELECT ?1", [number], |row| row.get::<_, u32>(0))?)
                    });
                    assert_eq!(read.await.expect("read"), number);
                }
            })
        };
        for task in (0..16).map(run).collect::<Vec<_>>() {
            task.await.expect("all were answered");
        }
        let shared = Arc::downgrade(&readers.0);
        drop(readers);
        while shared.strong_count() > 0 {
            tokio::task::yield_now().await;
        }
    }
}
