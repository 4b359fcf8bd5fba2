//! A call: a message to a method, and what is answered.

use http::HeaderMap;
#[cfg(feature = "kv")]
use http::header::{HeaderName, HeaderValue};
use http::uri::PathAndQuery;
use prost::Message;
use tokio::sync::OwnedSemaphorePermit;
#[cfg(feature = "kv")]
use tonic::Streaming;
use tonic::client::Grpc;
use tonic::metadata::MetadataMap;
use tonic::transport::Channel;
use tonic::{Extensions, Request, Status};

use super::Unsent;
use super::codec::Prost;
use crate::config::Connection;
#[cfg(feature = "queue")]
use crate::error::of_status;

/// The buffer of a message that says nothing of its length.
const ROOM: usize = 1 << 10;

/// A call that is about to be made; cheap, for each.
pub(crate) struct Call {
    headers: HeaderMap,
    client: Grpc<Channel>,
    room: usize,
    /// Where it waits among others: its place, as long as it is needed.
    _place: Option<OwnedSemaphorePermit>,
}

impl Call {
    /// One that is answered at once, in the name of whom the credentials say. They may have to be fetched.
    pub(crate) async fn new(connection: &Connection) -> Result<Self, Status> {
        let channel = connection.channels().calls(connection.endpoint()).map_err(unsent)?;
        Self::on(connection, channel, None).await
    }

    /// One that waits, and must not be in the way of others; its answer has so many bytes at most.
    #[cfg(feature = "queue")]
    pub(crate) async fn waiting(connection: &Connection, most: usize) -> Result<Self, Status> {
        let (channel, place) = connection.channels().pulls(connection.endpoint()).map_err(unsent)?;
        let mut call = Self::on(connection, channel, Some(place)).await?;
        call.client = call.client.max_decoding_message_size(most);
        Ok(call)
    }

    async fn on(
        connection: &Connection,
        channel: Channel,
        place: Option<OwnedSemaphorePermit>,
    ) -> Result<Self, Status> {
        let headers = connection.headers().await.map_err(unsent)?;
        Ok(Self { headers, client: Grpc::new(channel), room: ROOM, _place: place })
    }

    /// With a header more.
    #[cfg(feature = "kv")]
    pub(crate) fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }

    /// Of a message that has about so many bytes.
    pub(crate) fn room(mut self, bytes: usize) -> Self {
        self.room = bytes;
        self
    }

    /// Sends the message, and reads the one answer.
    pub(crate) async fn unary<M, A>(mut self, method: &'static str, message: M) -> Result<A, Status>
    where
        M: Message + 'static,
        A: Message + Default + 'static,
    {
        self.ready().await?;
        let request = request(self.headers, message);
        let answer = self.client.unary(request, PathAndQuery::from_static(method), Prost::new(self.room));
        Ok(answer.await?.into_inner())
    }

    /// Sends the message; the answers come one after the other.
    #[cfg(feature = "kv")]
    pub(crate) async fn streamed<M, A>(
        mut self,
        method: &'static str,
        message: M,
    ) -> Result<Streaming<A>, Status>
    where
        M: Message + 'static,
        A: Message + Default + 'static,
    {
        self.ready().await?;
        let request = request(self.headers, message);
        let codec = Prost::new(self.room);
        let answers = self.client.server_streaming(request, PathAndQuery::from_static(method), codec);
        Ok(answers.await?.into_inner())
    }

    /// Waits until the channel takes a call.
    async fn ready(&mut self) -> Result<(), Status> {
        self.client.ready().await.map_err(|error| Status::from_error(Box::new(error)))
    }
}

/// Calls a method that is answered at once, and reads the answer.
#[cfg(feature = "queue")]
pub(crate) async fn call<M, A>(
    connection: &Connection,
    method: &'static str,
    message: M,
) -> skyport_core::Result<A>
where
    M: Message + 'static,
    A: Message + Default + 'static,
{
    Call::new(connection).await.map_err(of_status)?.unary(method, message).await.map_err(of_status)
}

fn request<M>(headers: HeaderMap, message: M) -> Request<M> {
    Request::from_parts(MetadataMap::from_headers(headers), Extensions::new(), message)
}

/// A call that is not sent ends with why.
fn unsent(error: skyport_core::Error) -> Status {
    Status::from_error(Box::new(Unsent(error)))
}
