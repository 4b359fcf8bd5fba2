//! A program that is measured, as a process.

use std::fs;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use skyport_measure::{Outcome, built};

use crate::platform::{Platform, Variables};

/// How long a program may take to its first answer.
const PATIENCE: Duration = Duration::from_secs(20);

/// The longest answer that is read.
const LONGEST: usize = 64 << 10;

/// A program.
#[derive(Debug)]
pub(crate) struct Subject {
    program: PathBuf,
    platform: Platform,
}

/// What is asked of it first, and what its answer must hold.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ask {
    pub(crate) line: &'static str,
    pub(crate) body: &'static str,
    pub(crate) status: &'static str,
    pub(crate) answer: &'static str,
}

/// What a start took.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Start {
    /// From just before the process was made to the whole first answer.
    pub(crate) time: Duration,
    /// What the process then held in memory, in bytes.
    pub(crate) memory: f64,
}

impl Subject {
    /// Builds it.
    pub(crate) fn new(name: &str, platform: Platform) -> Outcome<Self> {
        Ok(Self { program: built(&format!("skyport-bench-{name}"))?, platform })
    }

    /// How large it is, in bytes.
    pub(crate) fn size(&self) -> Outcome<f64> {
        Ok(fs::metadata(&self.program)?.len() as f64)
    }

    /// Starts it, asks once, and ends it as the platform does.
    pub(crate) fn start(&self, ask: Ask, variables: &Variables) -> Outcome<Start> {
        let address = free()?;
        let mut command = Command::new(&self.program);
        command.env_clear().envs(self.platform.variables(address.port())).envs(variables.iter().cloned());
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let request = request(ask, address);
        let began = Instant::now();
        let mut running = Running(command.spawn()?);
        let answer = exchange(&mut connect(&mut running, address, began)?, &request)?;
        let time = began.elapsed();
        let (head, body) = answer.split_once("\r\n\r\n").ok_or("an answer without a head")?;
        if !head.starts_with(ask.status) || body != ask.answer {
            return Err(format!("{} was answered {answer:?}", ask.line).into());
        }
        let memory = running.memory()?;
        running.end()?;
        Ok(Start { time, memory })
    }
}

/// An address of this machine's own that nobody has.
fn free() -> Outcome<SocketAddr> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?)
}

/// With the header that the host of Azure Functions puts on what it hands on: a program elsewhere does not know it.
fn request(ask: Ask, address: SocketAddr) -> String {
    let Ask { line, body, .. } = ask;
    let length = body.len();
    format!(
        "{line} HTTP/1.1\r\nhost: {address}\r\nx-ms-invocation-id: 6f1f7ae8-1c9b-4a8a-9d4e-1f1b0f9f1d11\r\n\
         content-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
    )
}

/// Tries until it is taken. Nothing else tells when that is, so this asks without a pause; but it lets others have the processor.
fn connect(running: &mut Running, address: SocketAddr, began: Instant) -> Outcome<TcpStream> {
    loop {
        match TcpStream::connect(address) {
            Ok(stream) => return Ok(stream),
            Err(error) if began.elapsed() > PATIENCE => return Err(error.into()),
            Err(_) => {}
        }
        if let Some(status) = running.0.try_wait()? {
            return Err(format!("it ended before it answered: {status}").into());
        }
        std::thread::yield_now();
    }
}

/// One request, and its whole answer, whose length is told.
fn exchange(stream: &mut TcpStream, request: &str) -> Outcome<String> {
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.write_all(request.as_bytes())?;
    let (mut answer, mut chunk) = (Vec::new(), [0; 4096]);
    loop {
        let read = stream.read(&mut chunk)?;
        answer.extend_from_slice(chunk.get(..read).unwrap_or_default());
        let text = std::str::from_utf8(&answer)?;
        if let Some((head, body)) = text.split_once("\r\n\r\n")
            && body.len() >= length(head)?
        {
            return Ok(text.to_owned());
        }
        if read == 0 || answer.len() > LONGEST {
            return Err(format!("the answer breaks off: {text:?}").into());
        }
    }
}

fn length(head: &str) -> Outcome<usize> {
    let mut lines = head.lines().filter_map(|line| line.split_once(':'));
    let told = lines.find(|(name, _)| name.eq_ignore_ascii_case("content-length"));
    let (_, length) = told.ok_or("an answer that does not tell its length")?;
    Ok(length.trim().parse()?)
}

/// Its process; ended when it is dropped.
struct Running(Child);

impl Running {
    /// What it holds in memory now, in bytes: Linux's `VmRSS`.
    fn memory(&self) -> Outcome<f64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.0.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("no VmRSS")?;
        Ok(line.trim().trim_end_matches("kB").trim().parse::<f64>()? * 1_024.0)
    }

    /// Tells it to stop, as both platforms do, and waits until it has.
    fn end(mut self) -> Outcome {
        let id = i32::try_from(self.0.id()).ok().and_then(Pid::from_raw).ok_or("a process without an id")?;
        kill_process(id, Signal::TERM)?;
        let status = self.0.wait()?;
        if status.success() { Ok(()) } else { Err(format!("told to stop, it ended with {status}").into()) }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // One that has ended by itself cannot be ended again.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
