//! The peers: programs with a SDK that others wrote, and what they are told to send.

use std::io::Write;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::{Value, json};

/// Who sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Peer {
    JavaScript,
    /// By its present interface.
    Python,
    /// By the older one.
    OldPython,
}

/// How an event stands in a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    Binary,
    Structured,
    Batch,
}

/// One request.
#[derive(Clone, Debug)]
pub(crate) struct Sending {
    pub(crate) mode: Mode,
    pub(crate) events: Vec<Value>,
}

/// What became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    Status(u16),
    /// The peer does not send it.
    Unsent,
}

/// It was taken.
pub(crate) const TAKEN: Answer = Answer::Status(204);

/// It is no CloudEvent.
pub(crate) const REFUSED: Answer = Answer::Status(400);

impl Sending {
    pub(crate) fn one(mode: Mode, event: Value) -> Self {
        Self { mode, events: vec![event] }
    }
}

impl Peer {
    /// Sends all of it, one request after the other.
    pub(crate) fn send(self, to: SocketAddr, sendings: &[Sending]) -> Vec<Answer> {
        let mut child =
            self.command(to).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("the peer starts");
        let modes = |mode| match mode {
            Mode::Binary => "binary",
            Mode::Structured => "structured",
            Mode::Batch => "batch",
        };
        let sendings: Vec<Value> = sendings
            .iter()
            .map(|sending| json!({"mode": modes(sending.mode), "events": sending.events}))
            .collect();
        let mut input = child.stdin.take().expect("a pipe");
        input.write_all(Value::from(sendings.clone()).to_string().as_bytes()).expect("the peer reads");
        drop(input);
        let output = child.wait_with_output().expect("the peer ends");
        assert!(output.status.success(), "{self:?} broke off; its standard error says why");
        let answers: Vec<Value> = serde_json::from_slice(&output.stdout).expect("a list of answers");
        assert_eq!(answers.len(), sendings.len());
        let answer = |answer: &Value| match answer["status"].as_u64() {
            Some(status) => Answer::Status(u16::try_from(status).expect("a status")),
            None => Answer::Unsent,
        };
        answers.iter().map(answer).collect()
    }

    fn command(self, to: SocketAddr) -> Command {
        let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cloudevents");
        let port = to.port().to_string();
        let python = |interface: &str| {
            let mut python = Command::new(installed("SKYPORT_CLOUDEVENTS_PYTHON").join("bin/python"));
            python.arg(scripts.join("send.py")).args([&port, interface]);
            python
        };
        match self {
            Self::Python => python("core"),
            Self::OldPython => python("v1"),
            Self::JavaScript => {
                let mut node = Command::new("node");
                node.arg(scripts.join("send.mjs"))
                    .arg(&port)
                    .arg(installed("SKYPORT_CLOUDEVENTS_JAVASCRIPT"));
                node
            }
        }
    }
}

/// Where xtask has put a SDK.
fn installed(variable: &str) -> PathBuf {
    std::env::var_os(variable).map(PathBuf::from).unwrap_or_else(|| {
        panic!(
            "{variable} is not set: run `cargo xtask test`, which installs the SDK, or install it with `cargo xtask emulators` and \
             set what it says"
        )
    })
}
