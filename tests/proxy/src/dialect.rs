//! What is known of each service: which of its requests do what.

use http::{HeaderMap, Method, request};

/// Which service is behind the proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// S3, SQS and DynamoDB, at one address.
    Aws,
    /// Cloud Storage, by its JSON calls.
    CloudStorage,
    /// Pub/Sub, by gRPC.
    PubSub,
    /// Firestore, by gRPC.
    Firestore,
    /// Blob Storage.
    AzureBlob,
    /// Queue Storage.
    AzureQueue,
    /// Table Storage.
    AzureTable,
}

/// What a request does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Class {
    /// It changes nothing.
    Read,
    /// It writes or deletes objects or items.
    Write,
    /// It sends messages.
    Send,
    /// It receives messages, which are leased by that.
    Receive,
    /// It acknowledges deliveries.
    Ack,
    /// It sets the ends of leases: an extension, or a delivery that is given back.
    Lease,
}

impl Dialect {
    /// Whether it is spoken to by gRPC, and so by HTTP/2.
    #[must_use]
    pub fn is_grpc(self) -> bool {
        matches!(self, Self::PubSub | Self::Firestore)
    }

    /// What a request does.
    pub(crate) fn class(self, head: &request::Parts) -> Class {
        match self {
            Self::Aws => match target(&head.headers) {
                Some(target) => of_operation(target.rsplit('.').next().unwrap_or(target)),
                None => of_method(&head.method),
            },
            Self::PubSub | Self::Firestore => {
                of_operation(head.uri.path().rsplit('/').next().unwrap_or_default())
            }
            Self::AzureQueue => of_queue(head),
            Self::CloudStorage | Self::AzureBlob | Self::AzureTable => of_method(&head.method),
        }
    }
}

/// AWS's header that names a service's operation, where its address does not: `DynamoDB_20120810.GetItem`.
pub(crate) fn target(headers: &HeaderMap) -> Option<&str> {
    headers.get("x-amz-target")?.to_str().ok()
}

fn of_method(method: &Method) -> Class {
    if method.is_safe() { Class::Read } else { Class::Write }
}

/// Of SQS, DynamoDB, Pub/Sub and Firestore, whose names say it.
fn of_operation(name: &str) -> Class {
    match name {
        "SendMessage" | "SendMessageBatch" | "Publish" => Class::Send,
        "ReceiveMessage" | "Pull" => Class::Receive,
        "DeleteMessage" | "DeleteMessageBatch" | "Acknowledge" => Class::Ack,
        "ChangeMessageVisibility" | "ChangeMessageVisibilityBatch" | "ModifyAckDeadline" => Class::Lease,
        "BatchGetItem" | "BatchGetDocuments" | "Query" | "Scan" => Class::Read,
        _ if ["Get", "List", "Describe", "Run"].iter().any(|start| name.starts_with(start)) => Class::Read,
        _ => Class::Write,
    }
}

/// `/account/queue/messages` and `/account/queue/messages/id`.
fn of_queue(head: &request::Parts) -> Class {
    let path = head.uri.path();
    let of_message = path.contains("/messages/");
    let peeks = head.uri.query().is_some_and(|query| query.contains("peekonly=true"));
    match (&head.method, of_message) {
        (&Method::GET, _) if path.ends_with("/messages") && !peeks => Class::Receive,
        (&Method::POST, _) => Class::Send,
        (&Method::DELETE, true) => Class::Ack,
        (&Method::PUT, true) => Class::Lease,
        (method, _) => of_method(method),
    }
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    fn class(dialect: Dialect, method: Method, uri: &str, target: Option<&str>) -> Class {
        let mut request = Request::builder().method(method).uri(uri);
        if let Some(target) = target {
            request = request.header("x-amz-target", target);
        }
        dialect.class(&request.body(()).unwrap().into_parts().0)
    }

    #[test]
    fn each_request_is_known_by_what_it_does() {
        use Class::{Ack, Lease, Read, Receive, Send, Write};
        use Dialect::{Aws, AzureQueue, AzureTable, CloudStorage, Firestore, PubSub};
        for (dialect, method, uri, target, expected) in [
            (Aws, Method::GET, "/b/k", None, Read),
            (Aws, Method::PUT, "/b/k?partNumber=1", None, Write),
            (Aws, Method::POST, "/", Some("AmazonSQS.SendMessageBatch"), Send),
            (Aws, Method::POST, "/", Some("AmazonSQS.ReceiveMessage"), Receive),
            (Aws, Method::POST, "/", Some("AmazonSQS.DeleteMessageBatch"), Ack),
            (Aws, Method::POST, "/", Some("AmazonSQS.ChangeMessageVisibility"), Lease),
            (Aws, Method::POST, "/", Some("DynamoDB_20120810.Query"), Read),
            (Aws, Method::POST, "/", Some("DynamoDB_20120810.BatchGetItem"), Read),
            (Aws, Method::POST, "/", Some("DynamoDB_20120810.TransactWriteItems"), Write),
            (CloudStorage, Method::POST, "/upload/storage/v1/b/b/o", None, Write),
            (PubSub, Method::POST, "/google.pubsub.v1.Publisher/Publish", None, Send),
            (PubSub, Method::POST, "/google.pubsub.v1.Subscriber/Pull", None, Receive),
            (PubSub, Method::POST, "/google.pubsub.v1.Subscriber/Acknowledge", None, Ack),
            (PubSub, Method::POST, "/google.pubsub.v1.Subscriber/ModifyAckDeadline", None, Lease),
            (Firestore, Method::POST, "/google.firestore.v1.Firestore/RunQuery", None, Read),
            (Firestore, Method::POST, "/google.firestore.v1.Firestore/Commit", None, Write),
            (AzureQueue, Method::POST, "/a/q/messages", None, Send),
            (AzureQueue, Method::GET, "/a/q/messages?numofmessages=3", None, Receive),
            (AzureQueue, Method::GET, "/a/q/messages?peekonly=true", None, Read),
            (AzureQueue, Method::DELETE, "/a/q/messages/1?popreceipt=x", None, Ack),
            (AzureQueue, Method::PUT, "/a/q/messages/1?popreceipt=x", None, Lease),
            (AzureQueue, Method::PUT, "/a/q", None, Write),
            (AzureTable, Method::DELETE, "/a/t(PartitionKey='p',RowKey='r')", None, Write),
        ] {
            assert_eq!(class(dialect, method, uri, target), expected, "{uri} {target:?}");
        }
    }
}
