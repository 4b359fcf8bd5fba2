//! Lambda's Runtime API: it hands out an event when it is told to, and says when the subject asked and when it answered.

use std::io;
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use skyport_measure::Outcome;

use crate::http::{self, Request};

/// The longest that a subject may take for anything.
const PATIENCE: Duration = Duration::from_secs(10);

/// What a subject did.
#[derive(Debug)]
enum Call {
    /// It asks for an event; this is where to write it.
    Next(TcpStream),
    /// It answered.
    Answered(Vec<u8>),
    /// It failed.
    Failed(String),
}

/// A call, and when its last byte was there.
type Timed = (Instant, u64, Call);

#[derive(Debug)]
struct Shared {
    calls: Mutex<Sender<Timed>>,
    /// Which subject it is: what one left behind is not taken for another's.
    subject: AtomicU64,
}

/// The Runtime API of one subject after the other.
#[derive(Debug)]
pub(crate) struct RuntimeApi {
    pub(crate) address: SocketAddr,
    shared: Arc<Shared>,
    calls: Receiver<Timed>,
    count: u64,
}

/// A subject that waits for an event.
#[derive(Debug)]
pub(crate) struct Waiting {
    /// Since then.
    pub(crate) since: Instant,
    stream: TcpStream,
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    /// When the event was handed out.
    pub(crate) handed: Instant,
    /// When the answer was there.
    pub(crate) answered: Instant,
    pub(crate) body: Vec<u8>,
}

impl RuntimeApi {
    pub(crate) fn start() -> io::Result<Self> {
        let (sender, calls) = channel();
        let shared = Arc::new(Shared { calls: Mutex::new(sender), subject: AtomicU64::new(0) });
        let address = http::serve(Arc::clone(&shared), handle)?;
        Ok(Self { address, shared, calls, count: 0 })
    }

    /// From now on another subject calls.
    pub(crate) fn expect_another(&mut self) {
        self.shared.subject.fetch_add(1, Ordering::SeqCst);
    }

    /// Waits until the subject asks for an event.
    pub(crate) fn waiting(&self) -> Outcome<Waiting> {
        match self.call()? {
            (since, Call::Next(stream)) => Ok(Waiting { since, stream }),
            (_, other) => Err(format!("the subject was to ask for an event, and sent {other:?}").into()),
        }
    }

    /// Hands an event to a subject that waits for one, and waits for its answer.
    pub(crate) fn invoke(&mut self, mut waiting: Waiting, event: &[u8]) -> Outcome<Answer> {
        self.count += 1;
        let deadline = (SystemTime::now() + PATIENCE).duration_since(UNIX_EPOCH)?.as_millis();
        let headers = format!(
            "content-type: application/json\r\n\
             lambda-runtime-aws-request-id: 8476a536-e9f4-11e8-9739-{:012}\r\n\
             lambda-runtime-deadline-ms: {deadline}\r\n\
             lambda-runtime-invoked-function-arn: arn:aws:lambda:us-east-1:123456789012:function:bench\r\n\
             lambda-runtime-trace-id: Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Parent=9a9197af755a6419;Sampled=1\r\n",
            self.count
        );
        let handed = Instant::now();
        http::answer(&mut waiting.stream, "200 OK", &headers, event)?;
        match self.call()? {
            (answered, Call::Answered(body)) => Ok(Answer { handed, answered, body }),
            (_, other) => Err(format!("the subject was to answer, and sent {other:?}").into()),
        }
    }

    /// The next call of the subject that is expected.
    fn call(&self) -> Outcome<(Instant, Call)> {
        let expected = self.shared.subject.load(Ordering::SeqCst);
        loop {
            let (at, subject, call) =
                self.calls.recv_timeout(PATIENCE).map_err(|_| "the subject did not call in time")?;
            match call {
                _ if subject != expected => {}
                Call::Failed(text) => return Err(format!("the subject failed: {text}").into()),
                call => return Ok((at, call)),
            }
        }
    }
}

fn handle(shared: &Shared, request: Request, stream: &mut TcpStream) -> io::Result<()> {
    let at = Instant::now();
    let tell = |call| {
        let calls = shared.calls.lock().unwrap_or_else(PoisonError::into_inner);
        calls.send((at, shared.subject.load(Ordering::SeqCst), call)).map_err(io::Error::other)
    };
    // An answer is told before it is confirmed: then nothing that follows it can overtake it on another connection.
    match (request.method.as_str(), request.path.rsplit('/').next()) {
        ("GET", _) if request.path == "/2018-06-01/runtime/invocation/next" => {
            tell(Call::Next(stream.try_clone()?))
        }
        ("POST", Some("response")) => {
            tell(Call::Answered(request.body))?;
            http::answer(stream, "202 Accepted", "", b"")
        }
        ("POST", Some("error")) => {
            tell(Call::Failed(String::from_utf8_lossy(&request.body).into_owned()))?;
            http::answer(stream, "202 Accepted", "", b"")
        }
        ("POST", Some("register")) => {
            http::answer(stream, "200 OK", "lambda-extension-identifier: bench\r\n", b"{}")
        }
        // An extension that asked for no events never gets one.
        ("GET", _) if request.path == "/2020-01-01/extension/event/next" => Ok(()),
        _ => http::answer(stream, "404 Not Found", "", b""),
    }
}
