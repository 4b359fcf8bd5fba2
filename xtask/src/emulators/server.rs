//! An emulator that runs: on free ports of this machine alone, and ready before anybody is told of it.

use std::fs;
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{ChildStdin, Command, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use super::log::Log;
use super::{guard, install};
use crate::Result;

/// The longest until it answers; on a machine that does much else, Python and Java take their time.
const START_LIMIT: Duration = Duration::from_secs(60);
/// The longest until it has ended; its guard gives it less.
const END_LIMIT: Duration = Duration::from_secs(10);
/// Between two questions whether it is ready.
const STEP: Duration = Duration::from_millis(50);
/// The longest that one answer takes.
const ANSWER_LIMIT: Duration = Duration::from_secs(5);
/// What an emulator might read of its user's: what this machine has on a cloud is none of its business.
const NOT_INHERITED: &[&str] = &["AWS_", "AZURE_", "AZURITE_"];

/// How to start one.
#[derive(Debug)]
pub(crate) struct Server {
    /// What is run.
    pub(crate) program: Program,
    /// For what was installed or found, and a port; 0 where it is to find its own.
    pub(crate) arguments: fn(&Path, u16) -> Vec<String>,
    /// For a port.
    pub(crate) environment: fn(u16) -> Vec<(&'static str, String)>,
    pub(crate) listens: Listens,
}

/// Where a server listens, and how that is known.
#[derive(Debug)]
pub(crate) enum Listens {
    /// On the port that it is given. This path answers with success once it is ready; tests are told its URL.
    Given(&'static str),
    /// On free ports, which it finds and says.
    Found(Found),
}

/// A server that finds its ports itself.
#[derive(Debug)]
pub(crate) struct Found {
    /// Puts what it needs into its own folder, which is also where it runs.
    pub(crate) prepare: fn(&Path) -> Result<()>,
    /// What stands before each of its URLs, once it is ready there.
    pub(crate) says: &'static [&'static str],
    /// What tests are told, by these URLs, in the order of `says`, and its folder.
    pub(crate) told: fn(&[String], &Path) -> String,
}

/// What is run to start a server.
#[derive(Debug)]
pub(crate) enum Program {
    /// A file in the folder that was installed.
    Inside(&'static str),
    /// The file that was installed.
    Itself,
    /// A program of this machine, which is given what was found.
    OnPath(&'static str),
}

/// One that was started. It ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Running {
    /// What its guard watches.
    pipe: Option<ChildStdin>,
    /// Closed when the guard has ended, and with it all that it guards.
    ended: Receiver<()>,
    log: Log,
}

/// Starts it, and returns when it is ready: what tests are told of it, and the hold on it.
///
/// # Errors
/// Why it is not ready, with the end of its log.
pub(crate) fn start(
    place: &Path,
    name: &str,
    server: &Server,
    installed: &Path,
) -> Result<(String, Running)> {
    let program = match server.program {
        Program::Inside(file) => installed.join(file),
        Program::Itself => installed.to_owned(),
        Program::OnPath(program) => program.into(),
    };
    // Its names are its own: nobody else has the port, or this process's number.
    let (address, own) = match server.listens {
        Listens::Given(_) => {
            let address = free_address()?;
            (address, format!("{name}-{}", address.port()))
        }
        Listens::Found(_) => {
            (SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), format!("{name}-of-{}", std::process::id()))
        }
    };
    let data = place.join("data").join(&own);
    install::remove(&data)?;
    fs::create_dir_all(&data)?;
    if let Listens::Found(found) = &server.listens {
        (found.prepare)(&data)?;
    }
    let arguments = (server.arguments)(installed, address.port());
    let mut command = guard::command(&guard::xtask()?, &data, &program, &arguments);
    for (variable, _) in std::env::vars_os() {
        let name = variable.to_string_lossy();
        if NOT_INHERITED.iter().any(|start| name.starts_with(start)) {
            command.env_remove(&variable);
        }
    }
    command.envs((server.environment)(address.port()));
    let running = Running::start(command, Log::new(&place.join("logs"), &format!("{own}.log"))?)?;
    let told = match &server.listens {
        Listens::Given(health) => {
            running.answers(address, health, START_LIMIT)?;
            format!("http://{address}")
        }
        Listens::Found(found) => (found.told)(&running.says(found.says, START_LIMIT)?, &data),
    };
    Ok((told, running))
}

impl Running {
    fn start(mut command: Command, log: Log) -> Result<Self> {
        let file = log.create()?;
        let mut guard = command.stdout(file.try_clone()?).stderr(file).stdin(Stdio::piped()).spawn()?;
        let pipe = guard.stdin.take();
        let (sender, ended) = mpsc::channel();
        thread::spawn(move || {
            // How it ended stands in the log; the news is that the sender is dropped.
            let _ = guard.wait();
            drop(sender);
        });
        Ok(Self { pipe, ended, log })
    }

    /// Waits until it ends by itself, and says so.
    pub(crate) fn wait(self) -> String {
        let _ = self.ended.recv();
        self.told("ended, which it should not")
    }

    /// Waits until this path is answered with success.
    fn answers(&self, address: SocketAddr, health: &str, limit: Duration) -> Result<()> {
        self.wait_until_ready(limit, || Ok(is_ready(address, health).then_some(())))
    }

    /// Waits until it has said each of these words, and what stood after them.
    fn says(&self, words: &[&str], limit: Duration) -> Result<Vec<String>> {
        self.wait_until_ready(limit, || self.log.after(words))
    }

    fn wait_until_ready<T>(&self, limit: Duration, ask: impl Fn() -> Result<Option<T>>) -> Result<T> {
        let end = Instant::now() + limit;
        loop {
            // In this order: an answer may come from a stranger, where it could not have the port.
            let answer = ask()?;
            match (self.ended.recv_timeout(if answer.is_some() { Duration::ZERO } else { STEP }), answer) {
                (Err(RecvTimeoutError::Timeout), Some(answer)) => return Ok(answer),
                (Err(RecvTimeoutError::Timeout), None) if Instant::now() < end => {}
                (Err(RecvTimeoutError::Timeout), None) => {
                    return Err(self.told(&format!("is not ready after {} s", limit.as_secs_f32())).into());
                }
                (Ok(()) | Err(RecvTimeoutError::Disconnected), _) => {
                    return Err(self.told("ended before it was ready").into());
                }
            }
        }
    }

    fn told(&self, what: &str) -> String {
        format!("it {what}. {}", self.log.end())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.pipe.take());
        // Its guard sees to it even where it takes longer.
        let _ = self.ended.recv_timeout(END_LIMIT);
    }
}

/// An address that nobody else is given for a minute.
///
/// A connection was made there and closed: until the system forgets it, the port is handed out to nobody who asks for any,
/// while who asks for this one has it. Every server asks so that such a rest does not hinder it.
fn free_address() -> io::Result<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let address = listener.local_addr()?;
    let mut client = TcpStream::connect(address)?;
    let (accepted, _) = listener.accept()?;
    // Who closes first keeps the rest; the other's answer is awaited, so that it is there.
    drop(accepted);
    client.read_to_end(&mut Vec::new())?;
    Ok(address)
}

/// Whether a GET is answered with a success.
fn is_ready(address: SocketAddr, path: &str) -> bool {
    let ask = || -> io::Result<bool> {
        let mut stream = TcpStream::connect_timeout(&address, ANSWER_LIMIT)?;
        stream.set_read_timeout(Some(ANSWER_LIMIT))?;
        stream.set_write_timeout(Some(ANSWER_LIMIT))?;
        write!(stream, "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n")?;
        let mut start = [0; "HTTP/1.1 2".len()];
        stream.read_exact(&mut start)?;
        Ok(&start == b"HTTP/1.1 2")
    };
    // Not yet is what it says by an error.
    ask().unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A shell's script in the place of a guard.
    fn running(script: &str, name: &str) -> Running {
        let log = Log(std::env::temp_dir().join(format!("xtask-{name}-{}.log", std::process::id())));
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        Running::start(command, log).unwrap()
    }

    fn answering(answer: &'static str) -> SocketAddr {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let _ = stream.read(&mut [0; 1024]).unwrap();
                stream.write_all(answer.as_bytes()).unwrap();
            }
        });
        address
    }

    #[test]
    fn it_is_ready_when_its_health_answers_and_ends_when_it_is_dropped() {
        let address = answering("HTTP/1.1 204 No Content\r\n\r\n");
        let running = running("read -r line", "ready");
        running.answers(address, "/health", START_LIMIT).unwrap();
        let log = running.log.0.clone();
        let began = Instant::now();
        drop(running);
        assert!(began.elapsed() < END_LIMIT);
        fs::remove_file(log).unwrap();
    }

    #[test]
    fn one_that_ends_early_is_told_with_the_end_of_its_log() {
        let address = answering("HTTP/1.1 500 No\r\n\r\n");
        let running = running("seq 100; echo no port for me; exit 3", "early");
        let error = running.answers(address, "/", START_LIMIT).unwrap_err().to_string();
        assert!(error.contains("ended before it was ready"), "{error}");
        assert!(error.contains("no port for me") && error.contains("\n  90\n"), "{error}");
        assert!(!error.contains("\n  70\n"), "{error}");
        fs::remove_file(&running.log.0).unwrap();
    }

    #[test]
    fn one_that_never_answers_is_given_up_at_the_limit() {
        let (running, short) = (running("read -r line", "mute"), Duration::from_millis(200));
        let error = running.answers(free_address().unwrap(), "/", short).unwrap_err().to_string();
        assert!(error.contains("is not ready after 0.2 s"), "{error}");
        fs::remove_file(&running.log.0).unwrap();
    }

    #[test]
    fn one_that_finds_its_ports_is_ready_when_it_has_said_all_of_them() {
        let script =
            "echo A is at http://a:1; sleep 0.1; printf 'B is at http'; sleep 0.1; echo ://b:2; read -r line";
        let running = running(script, "found");
        assert_eq!(
            running.says(&["A is at ", "B is at "], START_LIMIT).unwrap(),
            ["http://a:1", "http://b:2"]
        );
        let error = running.says(&["C is at "], Duration::from_millis(200)).unwrap_err().to_string();
        assert!(error.contains("is not ready after 0.2 s"), "{error}");
        fs::remove_file(&running.log.0).unwrap();
    }

    #[test]
    fn a_free_address_is_given_to_one_alone_and_can_be_had() {
        let first = free_address().unwrap();
        for _ in 0..200 {
            assert_ne!(free_address().unwrap(), first);
        }
        TcpListener::bind(first).unwrap();
    }
}
