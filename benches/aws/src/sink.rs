//! A server that takes every object and gives any: zeros, as many as the key's last number says. An emulator is slower than every
//! client; what is measured against this one is the client.
//!
//! It is a process of its own, so that its processor time is nobody's. Of S3 it knows what one object needs: put, get, head, and uploads in parts.

use std::io::{BufRead, BufReader, Read};
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::thread;

use skyport_measure::{Alone, Outcome};

use connection::Connection;
use uploads::Uploads;

mod connection;
mod request;
mod uploads;

/// What a child is told to be it.
pub const WORD: &str = "sink";

/// A running one; it ends when this is dropped.
#[derive(Debug)]
pub struct Sink {
    child: Child,
    /// Where it listens.
    pub endpoint: String,
}

impl Sink {
    /// Starts it.
    ///
    /// # Errors
    /// Where the process does not start or says nothing.
    pub fn start() -> Outcome<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        let mut child =
            command.args(["--alone", WORD]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let mut line = String::new();
        BufReader::new(child.stdout.take().ok_or("the sink has no output")?).read_line(&mut line)?;
        let endpoint = serde_json::from_str(&line)?;
        Ok(Self { child, endpoint })
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        // At the end of its input it ends.
        drop(self.child.stdin.take());
        if let Err(error) = self.child.wait() {
            eprintln!("the sink could not be waited for: {error}");
        }
    }
}

/// What the child does, until its input ends: also where this group was killed.
///
/// # Errors
/// Where it cannot listen.
pub fn serve(alone: &Alone) -> Outcome {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    alone.tell(&format!("http://{}", listener.local_addr()?))?;
    let uploads = Arc::new(Uploads::default());
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let uploads = Arc::clone(&uploads);
            thread::spawn(move || {
                if let Err(error) = Connection::new(stream, uploads).and_then(Connection::serve) {
                    eprintln!("the sink lost a connection: {error}");
                }
            });
        }
    });
    std::io::stdin().read_to_end(&mut Vec::new())?;
    Ok(())
}
