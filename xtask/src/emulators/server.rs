//! An emulator that runs: on a free port of this machine alone, and ready before anybody is told of it.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{ChildStdin, Command, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

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
/// Logs are kept for so long.
const LOGS_KEPT: Duration = Duration::from_secs(24 * 60 * 60);
/// So much of the end of a log is shown.
const LOG_LINES: usize = 20;

/// How to start one.
#[derive(Debug)]
pub(crate) struct Server {
    /// What is run.
    pub(crate) program: Program,
    /// For what was installed or found, and a port.
    pub(crate) arguments: fn(&Path, u16) -> Vec<String>,
    /// For a port.
    pub(crate) environment: fn(u16) -> Vec<(&'static str, String)>,
    /// A path that answers with success once it is ready.
    pub(crate) health: &'static str,
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
    address: SocketAddr,
    /// What its guard watches.
    pipe: Option<ChildStdin>,
    /// Closed when the guard has ended, and with it all that it guards.
    ended: Receiver<()>,
    log: PathBuf,
}

/// Starts it, and returns when it is ready.
///
/// # Errors
/// Why it is not, with the end of its log.
pub(crate) fn start(place: &Path, name: &str, server: &Server, installed: &Path) -> Result<Running> {
    let address = free_address()?;
    let program = match server.program {
        Program::Inside(file) => installed.join(file),
        Program::Itself => installed.to_owned(),
        Program::OnPath(program) => program.into(),
    };
    let data = place.join("data").join(format!("{name}-{}", address.port()));
    install::remove(&data)?;
    fs::create_dir_all(&data)?;
    let arguments = (server.arguments)(installed, address.port());
    let mut command = guard::command(&guard::xtask()?, &data, &program, &arguments);
    // What this machine's user has on AWS is none of its business.
    let inherited = std::env::vars_os().map(|(variable, _)| variable);
    for variable in inherited.filter(|variable| variable.to_string_lossy().starts_with("AWS_")) {
        command.env_remove(variable);
    }
    command.envs((server.environment)(address.port()));
    let log = new_log(&place.join("logs"), &format!("{name}-{}.log", address.port()))?;
    let running = Running::start(command, address, log)?;
    running.wait_until_ready(server.health, START_LIMIT)?;
    Ok(running)
}

impl Running {
    fn start(mut command: Command, address: SocketAddr, log: PathBuf) -> Result<Self> {
        let file = File::create(&log)?;
        let mut guard = command.stdout(file.try_clone()?).stderr(file).stdin(Stdio::piped()).spawn()?;
        let pipe = guard.stdin.take();
        let (sender, ended) = mpsc::channel();
        thread::spawn(move || {
            // How it ended stands in the log; the news is that the sender is dropped.
            let _ = guard.wait();
            drop(sender);
        });
        Ok(Self { address, pipe, ended, log })
    }

    /// `http://127.0.0.1:40123`
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Waits until it ends by itself, and says so.
    pub(crate) fn wait(self) -> String {
        let _ = self.ended.recv();
        self.told("ended, which it should not")
    }

    fn wait_until_ready(&self, health: &str, limit: Duration) -> Result<()> {
        let end = Instant::now() + limit;
        loop {
            // In this order: an answer may come from a stranger, where it could not have the port.
            let answers = is_ready(self.address, health);
            match self.ended.recv_timeout(if answers { Duration::ZERO } else { STEP }) {
                Err(RecvTimeoutError::Timeout) if answers => return Ok(()),
                Err(RecvTimeoutError::Timeout) if Instant::now() < end => {}
                Err(RecvTimeoutError::Timeout) => {
                    return Err(self.told(&format!("is not ready after {} s", limit.as_secs_f32())).into());
                }
                Ok(()) | Err(RecvTimeoutError::Disconnected) => {
                    return Err(self.told("ended before it was ready").into());
                }
            }
        }
    }

    fn told(&self, what: &str) -> String {
        let text = match fs::read(&self.log) {
            Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
            Err(error) => error.to_string(),
        };
        let lines: Vec<&str> = text.lines().collect();
        let end = lines[lines.len().saturating_sub(LOG_LINES)..].join("\n  ");
        format!("it {what}. The end of {}:\n  {end}", self.log.display())
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

/// A place for a log, and no old ones beside it.
fn new_log(logs: &Path, name: &str) -> Result<PathBuf> {
    fs::create_dir_all(logs)?;
    for entry in fs::read_dir(logs)? {
        let entry = entry?;
        let removed = entry.metadata().and_then(|found| {
            let age = SystemTime::now().duration_since(found.modified()?);
            if age.is_ok_and(|age| age > LOGS_KEPT) { fs::remove_file(entry.path()) } else { Ok(()) }
        });
        // Another run may have removed it.
        if let Err(error) = removed
            && error.kind() != ErrorKind::NotFound
        {
            return Err(error.into());
        }
    }
    Ok(logs.join(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A shell's script in the place of a guard.
    fn running(script: &str, address: SocketAddr, name: &str) -> Running {
        let log = std::env::temp_dir().join(format!("xtask-{name}-{}.log", std::process::id()));
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        Running::start(command, address, log).unwrap()
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
        let running = running("read -r line", address, "ready");
        running.wait_until_ready("/health", START_LIMIT).unwrap();
        let log = running.log.clone();
        let began = Instant::now();
        drop(running);
        assert!(began.elapsed() < END_LIMIT);
        fs::remove_file(log).unwrap();
    }

    #[test]
    fn one_that_ends_early_is_told_with_the_end_of_its_log() {
        let address = answering("HTTP/1.1 500 No\r\n\r\n");
        let running = running("seq 100; echo no port for me; exit 3", address, "early");
        let error = running.wait_until_ready("/", START_LIMIT).unwrap_err().to_string();
        assert!(error.contains("ended before it was ready"), "{error}");
        assert!(error.contains("no port for me") && error.contains("\n  90\n"), "{error}");
        assert!(!error.contains("\n  70\n"), "{error}");
        fs::remove_file(&running.log).unwrap();
    }

    #[test]
    fn one_that_never_answers_is_given_up_at_the_limit() {
        let running = running("read -r line", free_address().unwrap(), "mute");
        let error = running.wait_until_ready("/", Duration::from_millis(200)).unwrap_err().to_string();
        assert!(error.contains("is not ready after 0.2 s"), "{error}");
        fs::remove_file(&running.log).unwrap();
    }

    #[test]
    fn a_free_address_is_given_to_one_alone_and_can_be_had() {
        let first = free_address().unwrap();
        for _ in 0..200 {
            assert_ne!(free_address().unwrap(), first);
        }
        TcpListener::bind(first).unwrap();
    }

    #[test]
    fn logs_of_today_are_kept() {
        let logs = std::env::temp_dir().join(format!("xtask-logs-{}", std::process::id()));
        let first = new_log(&logs, "a.log").unwrap();
        fs::write(&first, "x").unwrap();
        let old = File::create(new_log(&logs, "b.log").unwrap()).unwrap();
        old.set_modified(SystemTime::now() - 2 * LOGS_KEPT).unwrap();
        new_log(&logs, "c.log").unwrap();
        assert!(first.is_file());
        assert!(!logs.join("b.log").exists());
        fs::remove_dir_all(logs).unwrap();
    }
}
