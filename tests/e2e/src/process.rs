//! An example as a process: started, watched, killed.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tokio::sync::watch;
use tokio::time::timeout;

use crate::program;

/// No start and no end takes longer.
const PATIENCE: Duration = Duration::from_secs(60);

/// What a server says once it serves, before its address.
const LISTENING: &str = "is listening on http://";

/// An example about to be started, on a free port of 127.0.0.1.
#[must_use = "call `start` or `run`"]
#[derive(Debug)]
pub struct Example {
    name: String,
    command: Command,
}

impl Example {
    /// The example of this name, with nothing of this process's settings.
    pub fn new(name: &str) -> Self {
        Self::program(name, &program::example(name))
    }

    /// Any program.
    pub fn program(name: &str, path: &Path) -> Self {
        let mut command = Command::new(path);
        for (variable, _) in std::env::vars_os() {
            if variable.to_string_lossy().starts_with("SKYPORT_") {
                command.env_remove(&variable);
            }
        }
        command.env("HOST", "127.0.0.1").env("PORT", "0").env("RUST_LOG", "warn").env("NO_COLOR", "1");
        // Nothing of a test is to come to lie in the sources.
        command.current_dir(program::scratch());
        Self { name: name.to_owned(), command }
    }

    /// Keeps its data in this folder.
    pub fn data(self, folder: &Path) -> Self {
        let folder = folder.to_str().expect("a path in UTF-8").to_owned();
        self.variable("SKYPORT_DATA", &folder)
    }

    /// Sets an environment variable.
    pub fn variable(mut self, name: &str, value: &str) -> Self {
        self.command.env(name, value);
        self
    }

    /// Adds an argument.
    pub fn argument(mut self, value: impl AsRef<std::ffi::OsStr>) -> Self {
        self.command.arg(value);
        self
    }

    /// Starts it as a server and waits until it serves.
    ///
    /// # Panics
    /// Where it ends instead, with what it said.
    pub async fn start(self) -> Running {
        let name = self.name.clone();
        self.try_start().await.unwrap_or_else(|said| panic!("{name} has ended instead of serving:\n{said}"))
    }

    /// As [`start`](Self::start).
    ///
    /// # Errors
    /// What it said, where it ends instead.
    pub async fn try_start(self) -> Result<Running, String> {
        let mut running = self.launch();
        match running.address_said().await {
            Some(address) => {
                running.address = address;
                Ok(running)
            }
            None => Err(running.log()),
        }
    }

    /// Starts it, whatever it is; it has no address.
    #[must_use]
    pub fn launch(mut self) -> Running {
        let mut child = self.spawn();
        let (sender, said) = watch::channel(Vec::new());
        let stdout = child.stdout.take().expect("piped");
        let stderr = child.stderr.take().expect("piped");
        listen(stdout, sender.clone());
        listen(stderr, sender);
        Running { name: self.name, child, said, address: SocketAddr::from(([127, 0, 0, 1], 0)) }
    }

    /// Runs it to its end.
    ///
    /// # Panics
    /// Where it takes more than a minute.
    pub async fn run(mut self) -> Finished {
        let child = self.spawn();
        let pid = Pid::from_child(&child);
        let ending = tokio::task::spawn_blocking(move || child.wait_with_output());
        let output = match timeout(PATIENCE, ending).await {
            Ok(output) => output.expect("no panic").expect("its output"),
            Err(_) => {
                kill_process(pid, Signal::KILL).expect("it is a child of this process, and not waited for");
                panic!("{} has not ended within {PATIENCE:?}", self.name)
            }
        };
        Finished {
            status: output.status,
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    fn spawn(&mut self) -> Child {
        self.command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        self.command.spawn().unwrap_or_else(|error| panic!("{} does not start: {error}", self.name))
    }
}

/// Passes on each line of a stream.
fn listen(stream: impl Read + Send + 'static, sender: watch::Sender<Vec<String>>) {
    thread::spawn(move || {
        for line in BufReader::new(stream).split(b'\n') {
            let Ok(line) = line else { return };
            sender.send_modify(|said| said.push(String::from_utf8_lossy(&line).into_owned()));
        }
    });
}

/// How a program ended, and what it said.
#[derive(Debug)]
pub struct Finished {
    /// Its exit code or signal.
    pub status: ExitStatus,
    /// Its standard output.
    pub stdout: String,
    /// Its standard error.
    pub stderr: String,
}

impl Finished {
    /// Asserts that it ended with this exit code.
    ///
    /// # Panics
    /// Where it did not.
    pub fn assert_code(self, code: i32) -> Self {
        assert_eq!(self.status.code(), Some(code), "stdout: {}\nstderr: {}", self.stdout, self.stderr);
        self
    }
}

/// A server that runs. Dropped, it is killed; while a test fails, what it said is shown.
#[derive(Debug)]
pub struct Running {
    name: String,
    child: Child,
    said: watch::Receiver<Vec<String>>,
    /// Where it serves.
    pub address: SocketAddr,
}

impl Running {
    /// The address, once it is said; `None` where the process ends instead.
    async fn address_said(&mut self) -> Option<SocketAddr> {
        let address = |said: &[String]| {
            said.iter().find_map(|line| {
                let (_, rest) = line.split_once(LISTENING)?;
                rest.split_whitespace().next()?.parse().ok()
            })
        };
        let waiting = self.said.wait_for(|said| address(said).is_some());
        match timeout(PATIENCE, waiting).await {
            Ok(Ok(said)) => address(&said),
            // Both streams are closed.
            Ok(Err(_)) => None,
            Err(_) => panic!("{} has not served within {PATIENCE:?}", self.name),
        }
    }

    /// The URL of a path on this server.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Its process id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// All that it said so far.
    #[must_use]
    pub fn log(&self) -> String {
        self.said.borrow().join("\n")
    }

    /// SIGKILL, and waits for the end.
    pub fn kill(mut self) {
        self.end();
    }

    /// SIGKILL; all that it said until then, what was still on its way, too.
    ///
    /// # Panics
    /// Where its streams do not end.
    pub async fn killed(mut self) -> String {
        self.end();
        self.silence().await;
        self.log()
    }

    /// Waits until it has said so many lines that begin so; false where it ends before that.
    ///
    /// # Panics
    /// Where neither happens for long.
    pub async fn says(&mut self, start: &str, times: usize) -> bool {
        let enough = |said: &Vec<String>| said.iter().filter(|line| line.starts_with(start)).count() >= times;
        match timeout(PATIENCE, self.said.wait_for(enough)).await {
            Ok(said) => said.is_ok(),
            Err(_) => panic!("{} has not said `{start}` {times} times within {PATIENCE:?}", self.name),
        }
    }

    /// Asks it with SIGTERM to stop.
    pub fn terminate(&self) {
        kill_process(Pid::from_child(&self.child), Signal::TERM).expect("a child that is not waited for");
    }

    /// Waits until it has ended by itself.
    ///
    /// # Panics
    /// Where it does not.
    pub async fn ended(&mut self) -> ExitStatus {
        self.silence().await;
        self.child.wait().expect("a child of this process")
    }

    /// Its streams close when it ends; nothing inherits them.
    async fn silence(&mut self) {
        let closed = async { while self.said.changed().await.is_ok() {} };
        if timeout(PATIENCE, closed).await.is_err() {
            panic!("{} has not ended within {PATIENCE:?}", self.name);
        }
    }

    /// Asks it to stop, and asserts that it ends well.
    ///
    /// # Panics
    /// Where it does not.
    pub async fn stop(mut self) {
        self.terminate();
        let status = self.ended().await;
        assert!(status.success(), "{} has ended with {status}", self.name);
    }

    fn end(&mut self) {
        // An error says that it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.end();
        if thread::panicking() {
            eprintln!("--- {} ({}) said:\n{}\n---", self.name, self.child.id(), self.log());
        }
    }
}

/// The most memory that a process has had resident, in bytes.
///
/// # Panics
/// Where the process is not there.
#[must_use]
pub fn peak_memory(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).expect("the process lives");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("Linux tells it");
    let kibibytes = line.trim().strip_suffix("kB").expect("in kB").trim();
    kibibytes.parse::<u64>().expect("a number") << 10
}
