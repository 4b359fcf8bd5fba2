//! Enough of S3, SQS and DynamoDB for a first use of each: every call is answered at once, and the writes are counted.

use std::io;
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::http::{self, Request};

/// What was written so far.
#[derive(Debug, Default)]
struct Written {
    objects: AtomicUsize,
    items: AtomicUsize,
    messages: AtomicUsize,
}

/// The services.
#[derive(Debug)]
pub(crate) struct Services {
    pub(crate) address: SocketAddr,
    written: Arc<Written>,
}

impl Services {
    pub(crate) fn start() -> io::Result<Self> {
        let written = Arc::new(Written::default());
        let address = http::serve(Arc::clone(&written), handle)?;
        Ok(Self { address, written })
    }

    /// How many objects, items and messages were written since this was last asked.
    pub(crate) fn written(&self) -> [usize; 3] {
        let Written { objects, items, messages } = &*self.written;
        [objects, items, messages].map(|count| count.swap(0, Ordering::SeqCst))
    }
}

fn handle(written: &Written, request: Request, stream: &mut TcpStream) -> io::Result<()> {
    let json = "content-type: application/x-amz-json-1.0\r\n";
    let one_more = |count: &AtomicUsize| count.fetch_add(1, Ordering::SeqCst);
    let Some(target) = request.header("x-amz-target") else {
        return match request.method.as_str() {
            "PUT" => {
                one_more(&written.objects);
                http::answer(stream, "200 OK", "etag: \"c22b5f9178342609428d6f51b2c5af4c\"\r\n", b"")
            }
            _ => http::answer(stream, "404 Not Found", "", b""),
        };
    };
    let service = target.split('.').next().unwrap_or_default();
    let body = match (service, target.rsplit('.').next().unwrap_or_default()) {
        ("AmazonSQS", "SendMessage") => {
            one_more(&written.messages);
            r#"{"MessageId":"219f8380-5770-4cc2-8c3e-5c715e145f5e","MD5OfMessageBody":"0"}"#
        }
        ("AmazonSQS", "GetQueueUrl") => r#"{"QueueUrl":"http://127.0.0.1/123456789012/written"}"#,
        ("AmazonSQS", "GetQueueAttributes") => r#"{"Attributes":{"ApproximateNumberOfMessages":"0"}}"#,
        ("DynamoDB_20120810", "PutItem" | "UpdateItem") => {
            one_more(&written.items);
            "{}"
        }
        ("DynamoDB_20120810", "GetItem") => "{}",
        _ => {
            return http::answer(
                stream,
                "400 Bad Request",
                json,
                br#"{"__type":"UnknownOperationException"}"#,
            );
        }
    };
    http::answer(stream, "200 OK", json, body.as_bytes())
}
