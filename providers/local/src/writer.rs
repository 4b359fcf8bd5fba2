//! The one writer of the database: jobs come over a channel, and several are committed at once.

use std::collections::VecDeque;
use std::panic::AssertUnwindSafe;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rusqlite::Connection;
use skyport_core::{Error, Result};
use tokio::sync::{mpsc, oneshot};

use crate::collect::Janitor;
use crate::content::Draft;
use crate::error::{Fault, Native};
use crate::soon::soon;
use crate::wake::Wakes;

/// How many jobs may stand in line.
const LINE: usize = 256;

/// How many jobs are committed at once, at most.
const BATCH: usize = 64;

/// Hands jobs to the writer's thread, which ends when the last of these is gone.
#[derive(Clone, Debug)]
pub(crate) struct Writer(mpsc::Sender<Box<dyn Task>>);

/// As [`Writer`], without keeping the thread alive.
#[derive(Clone, Debug)]
pub(crate) struct WeakWriter(mpsc::WeakSender<Box<dyn Task>>);

/// What a job works with: the connection inside its transaction, and what is to happen once that is committed.
pub(crate) struct Job<'a> {
    pub(crate) connection: &'a Connection,
    pub(crate) after: After,
}

/// What follows a commit.
#[derive(Default)]
pub(crate) struct After {
    /// Queues in which something changed.
    pub(crate) wake: Vec<i64>,
    /// Content files that nothing refers to any more.
    pub(crate) unlink: Vec<String>,
    /// Content files that an object refers to from now on; removed again where the job fails.
    pub(crate) keep: Vec<Draft>,
}

impl After {
    fn add(&mut self, other: Self) {
        self.wake.extend(other.wake);
        self.unlink.extend(other.unlink);
        self.keep.extend(other.keep);
    }
}

impl Writer {
    /// Starts the thread.
    pub(crate) fn start(
        connection: Connection,
        file: &Path,
        wakes: Arc<Wakes>,
        janitor: Janitor,
    ) -> std::io::Result<Self> {
        let (sender, jobs) = mpsc::channel(LINE);
        let thread = Thread { connection, file: file.to_owned(), wakes, janitor };
        std::thread::Builder::new().name("skyport-writer".to_owned()).spawn(move || thread.run(jobs))?;
        Ok(Self(sender))
    }

    pub(crate) fn downgrade(&self) -> WeakWriter {
        WeakWriter(self.0.downgrade())
    }

    /// Runs `work` in a transaction and answers when that is committed. Dropped before it began, it never runs; dropped
    /// later, it is applied as a whole.
    pub(crate) async fn write<T, F>(&self, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&mut Job<'_>) -> std::result::Result<T, Fault> + Send + 'static,
    {
        self.send(Write::new(work)).await
    }

    /// As [`write`](Self::write), for work that changes the database in its last step alone: where it fails, nothing is to be undone.
    pub(crate) async fn write_once<T, F>(&self, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&mut Job<'_>) -> std::result::Result<T, Fault> + Send + 'static,
    {
        let (mut task, answer) = Write::new(work);
        task.steps = Steps::One;
        self.send((task, answer)).await
    }

    async fn send<T, F>(&self, (task, answer): (Box<Write<T, F>>, Answer<T>)) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&mut Job<'_>) -> std::result::Result<T, Fault> + Send + 'static,
    {
        self.0.send(task).await.map_err(|_| Native::Closed)?;
        answer.await.map_err(|_| Native::Closed)?
    }
}

impl WeakWriter {
    /// As [`Writer::write`], from a thread that may wait; `None` once the writer is gone.
    pub(crate) fn blocking_write<T, F>(&self, work: F) -> Option<Result<T>>
    where
        T: Send + 'static,
        F: FnOnce(&mut Job<'_>) -> std::result::Result<T, Fault> + Send + 'static,
    {
        let sender = self.0.upgrade()?;
        let (task, answer) = Write::new(work);
        sender.blocking_send(task).ok()?;
        drop(sender);
        answer.blocking_recv().ok()
    }

    /// Leaves a job whose answer nobody waits for; where the line is full it is not done.
    pub(crate) fn leave<F>(&self, work: F) -> bool
    where
        F: FnOnce(&mut Job<'_>) -> std::result::Result<(), Fault> + Send + 'static,
    {
        let (mut task, _) = Write::new(work);
        task.wanted = false;
        self.0.upgrade().is_some_and(|sender| sender.try_send(task).is_ok())
    }
}

/// A job without its types.
trait Task: Send {
    fn abandoned(&self) -> bool;
    fn steps(&self) -> Steps;
    /// Runs it; the error that it failed with is kept, and told by [`answer`](Self::answer).
    fn run(&mut self, connection: &Connection, file: &Path) -> Option<After>;
    fn answer(self: Box<Self>, uncommitted: Option<&Error>);
}

/// How a job changes the database.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Steps {
    /// At the end, or not at all.
    One,
    /// A job that fails may have changed something.
    Many,
}

type Answer<T> = oneshot::Receiver<Result<T>>;

struct Write<T, F> {
    work: Option<F>,
    result: Option<Result<T>>,
    reply: oneshot::Sender<Result<T>>,
    wanted: bool,
    steps: Steps,
}

impl<T, F> Write<T, F> {
    fn new(work: F) -> (Box<Self>, Answer<T>) {
        let (reply, answer) = oneshot::channel();
        let task = Self { work: Some(work), result: None, reply, wanted: true, steps: Steps::Many };
        (Box::new(task), answer)
    }
}

impl<T, F> Task for Write<T, F>
where
    T: Send,
    F: FnOnce(&mut Job<'_>) -> std::result::Result<T, Fault> + Send,
{
    fn abandoned(&self) -> bool {
        self.wanted && self.reply.is_closed()
    }

    fn steps(&self) -> Steps {
        self.steps
    }

    fn run(&mut self, connection: &Connection, file: &Path) -> Option<After> {
        let work = self.work.take()?;
        let mut job = Job { connection, after: After::default() };
        let result = std::panic::catch_unwind(AssertUnwindSafe(|| work(&mut job)));
        let result =
            match result {
                Ok(result) => result.map_err(|fault| fault.at(file)),
                Err(_) => Err(Error::internal("a write to the database panicked; it was not applied")
                    .with_ambiguous(false)),
            };
        let applied = result.is_ok();
        self.result = Some(result);
        applied.then_some(job.after)
    }

    fn answer(self: Box<Self>, uncommitted: Option<&Error>) {
        let result = match (self.result, uncommitted) {
            (Some(Ok(_)) | None, Some(error)) => Err(error.again()),
            (Some(result), _) => result,
            (None, None) => return,
        };
        // Nobody waits any more where the caller was dropped: the job is applied all the same.
        drop(self.reply.send(result));
    }
}

/// The next job, as soon as there is one; none once nobody is left to send any.
fn next(jobs: &mut mpsc::Receiver<Box<dyn Task>>) -> Option<Box<dyn Task>> {
    soon(|| jobs.try_recv().ok()).or_else(|| jobs.blocking_recv())
}

struct Thread {
    connection: Connection,
    file: PathBuf,
    wakes: Arc<Wakes>,
    janitor: Janitor,
}

impl Thread {
    fn run(self, mut jobs: mpsc::Receiver<Box<dyn Task>>) {
        while let Some(first) = next(&mut jobs) {
            let mut line = VecDeque::from([first]);
            while line.len() < BATCH {
                match jobs.try_recv() {
                    Ok(next) => line.push_back(next),
                    Err(_) => break,
                }
            }
            while !line.is_empty() {
                self.commit(&mut line);
            }
        }
    }

    /// One transaction of as many jobs as it takes, and their answers.
    fn commit(&self, line: &mut VecDeque<Box<dyn Task>>) {
        let mut after = After::default();
        let mut done = Vec::with_capacity(line.len());
        let ran = self.statement("BEGIN IMMEDIATE").and_then(|()| self.run_all(line, &mut done, &mut after));
        // Where no job was applied there is nothing to keep, and one that was alone may have left something.
        let committing = ran.as_ref().is_ok_and(|applied| *applied);
        let ended = ran.and_then(|applied| self.statement(if applied { "COMMIT" } else { "ROLLBACK" }));
        match ended {
            Ok(()) => {
                let After { wake, unlink, keep } = after;
                keep.into_iter().for_each(Draft::keep);
                done.into_iter().for_each(|task| task.answer(None));
                self.wakes.tell(&wake);
                self.janitor.unlink(unlink);
            }
            Err(error) => {
                if !self.connection.is_autocommit() {
                    // A rollback that fails leaves the transaction open; the next BEGIN then fails and says so.
                    if let Err(failed) = self.connection.execute_batch("ROLLBACK") {
                        tracing::error!(error = %failed, "a transaction could not be rolled back");
                    }
                }
                // Whether a commit that failed reached the disk is for the next reader to see: the files stay, and are
                // collected where nothing refers to them.
                after.keep.into_iter().for_each(Draft::keep);
                let in_doubt =
                    committing && error.sqlite_error_code() == Some(rusqlite::ErrorCode::SystemIoFailure);
                let error = Fault::from(error).at(&self.file).with_ambiguous(in_doubt);
                if done.is_empty() {
                    // It did not even begin.
                    done.extend(line.drain(..));
                }
                done.into_iter().for_each(|task| task.answer(Some(&error)));
            }
        }
    }

    /// Whether any was applied.
    fn run_all(
        &self,
        line: &mut VecDeque<Box<dyn Task>>,
        done: &mut Vec<Box<dyn Task>>,
        after: &mut After,
    ) -> rusqlite::Result<bool> {
        let mut any = false;
        while let Some(mut task) = line.pop_front() {
            if task.abandoned() {
                continue;
            }
            // One that is alone is undone with the whole transaction.
            let alone = done.is_empty() && line.is_empty();
            let undoable = task.steps() == Steps::Many && !alone;
            if undoable && let Err(error) = self.statement("SAVEPOINT job") {
                line.push_front(task);
                return Err(error);
            }
            let applied = task.run(&self.connection, &self.file);
            done.push(task);
            if self.connection.is_autocommit() {
                // SQLite gave up the whole transaction, as it does on a full disk: the jobs before are undone, too.
                let full = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_FULL);
                return Err(rusqlite::Error::SqliteFailure(full, None));
            }
            match applied {
                Some(follows) => {
                    any = true;
                    after.add(follows);
                }
                None if undoable => self.statement("ROLLBACK TO job")?,
                None => {}
            }
            if undoable {
                self.statement("RELEASE job")?;
            }
        }
        Ok(any)
    }

    fn statement(&self, sql: &str) -> rusqlite::Result<()> {
        self.connection.prepare_cached(sql)?.execute([])?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use futures_util::future::join_all;
    use skyport_core::refusal::Refusal;

    use super::*;
    use crate::config::LocalConfig;
    use crate::engine::Engine;

    async fn insert(engine: &Engine, name: &'static str, fails: bool) -> Result<()> {
        let write = engine.write(move |job| {
            job.connection.execute("INSERT INTO buckets (name) VALUES (?1)", [name])?;
            if fails { Err(Refusal::Changed.into()) } else { Ok(()) }
        });
        write.await
    }

    async fn names(engine: &Engine) -> String {
        let read = engine.read(|connection| {
            let sql = "SELECT ifnull(group_concat(name, ' ' ORDER BY name), '') FROM buckets";
            Ok(connection.query_row(sql, [], |row| row.get(0))?)
        });
        read.await.expect("read")
    }

    #[tokio::test]
    async fn a_job_that_fails_leaves_nothing_whether_it_is_alone_or_among_others() {
        let folder = tempfile::tempdir().expect("a folder");
        let engine = Engine::new(LocalConfig::new(folder.path()), String::new());
        insert(&engine, "alone", true).await.expect_err("it fails");
        assert_eq!(names(&engine).await, "");
        let (release, released) = mpsc::channel::<()>();
        // The writer is at work until all the others stand in line: they are committed together.
        let first = engine.write(move |_| Ok(released.recv().is_ok()));
        let jobs = join_all(["a", "b", "c"].map(|name| insert(&engine, name, name == "b")));
        let last = async { release.send(()).is_ok() };
        let (first, jobs, last) = tokio::join!(first, jobs, last);
        assert!(first.expect("written") && last);
        assert_eq!(jobs.iter().map(Result::is_ok).collect::<Vec<_>>(), [true, false, true]);
        assert_eq!(names(&engine).await, "a c");
    }

    #[tokio::test]
    async fn work_of_one_step_that_is_refused_takes_nothing_from_the_others() {
        let folder = tempfile::tempdir().expect("a folder");
        let engine = Engine::new(LocalConfig::new(folder.path()), String::new());
        engine.write(|_| Ok(())).await.expect("opened");
        let once = |name: &'static str| {
            engine.write_once(move |job| {
                if name == "b" {
                    return Err(Refusal::Changed.into());
                }
                Ok(job.connection.execute("INSERT INTO buckets (name) VALUES (?1)", [name])?)
            })
        };
        let done = join_all(["a", "b", "c"].map(once)).await;
        assert_eq!(done.iter().map(Result::is_ok).collect::<Vec<_>>(), [true, false, true]);
        assert_eq!(names(&engine).await, "a c");
    }
}
