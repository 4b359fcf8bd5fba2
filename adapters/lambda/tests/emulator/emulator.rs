//! The emulator as a process.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

/// Says to this program that it is the function.
pub(crate) const FUNCTION: &str = "SKYPORT_TEST_FUNCTION";

/// Where the emulator is.
const PROGRAM: &str = "SKYPORT_LAMBDA_RIE";

/// Nothing takes longer.
const PATIENCE: Duration = Duration::from_secs(20);

/// A running emulator; it ends with this.
#[derive(Debug)]
pub(crate) struct Emulator {
    child: Child,
    port: u16,
}

impl Emulator {
    /// Starts it with this program as the function.
    pub(crate) fn start() -> Result<Self, String> {
        let program = std::env::var_os(PROGRAM).ok_or_else(|| {
            format!(
                "{PROGRAM} is not set: it is the path of AWS's Runtime Interface Emulator (`aws-lambda-rie`), which \
                 `cargo xtask test` sets"
            )
        })?;
        let function = std::env::current_exe().map_err(|error| format!("this program's path: {error}"))?;
        let (port, api) = (free_port(), free_port());
        let child = Command::new(&program)
            .arg("--runtime-interface-emulator-address")
            .arg(format!("127.0.0.1:{port}"))
            .arg("--runtime-api-address")
            .arg(format!("127.0.0.1:{api}"))
            .arg(function)
            .env(FUNCTION, "1")
            .env("AWS_LAMBDA_FUNCTION_TIMEOUT", "5")
            .env_remove("AWS_LAMBDA_RUNTIME_API")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| format!("{PROGRAM} is {program:?}, which does not start: {error}"))?;
        let emulator = Self { child, port };
        let begun = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            if begun.elapsed() > PATIENCE {
                return Err("the emulator does not listen".to_owned());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(emulator)
    }

    /// Invokes the function; what it answered, be it a response or an error.
    pub(crate) fn invoke(&self, event: &Value) -> Value {
        let body = event.to_string();
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).expect("the emulator listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("a time limit");
        let head = format!(
            "POST /2015-03-31/functions/function/invocations HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\
             content-length: {}\r\n\r\n",
            body.len()
        );
        stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body.as_bytes())).expect("sent");
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).expect("answered");
        let (head, body) = split(&answer);
        let body = if head.contains("transfer-encoding: chunked") { dechunked(body) } else { body.to_vec() };
        serde_json::from_slice(&body)
            .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&body)))
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        // It ends its function along with itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn free_port() -> u16 {
    let free = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
    free.expect("a free port").port()
}

fn split(answer: &[u8]) -> (String, &[u8]) {
    let end = answer.windows(4).position(|window| window == b"\r\n\r\n").expect("a head");
    (String::from_utf8_lossy(&answer[..end]).to_lowercase(), &answer[end + 4..])
}

fn dechunked(mut body: &[u8]) -> Vec<u8> {
    let mut whole = Vec::new();
    loop {
        let end = body.windows(2).position(|window| window == b"\r\n").expect("a chunk's length");
        let length = std::str::from_utf8(&body[..end]).expect("text");
        let length = usize::from_str_radix(length, 16).expect("a number");
        if length == 0 {
            return whole;
        }
        whole.extend(&body[end + 2..end + 2 + length]);
        body = &body[end + 4 + length..];
    }
}
