//! Messages as bytes of gRPC, each buffer as large as its message needs.

use std::marker::PhantomData;

use prost::Message;
use tonic::Status;
use tonic::codec::{BufferSettings, Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};

/// What stands before a message on its way.
const FRAME: usize = 5;

/// The buffer for an answer, until it is known how long that is.
const ANSWER: usize = 8 << 10;

/// Up to so many bytes of messages go out together; a call here has one.
const TOGETHER: usize = 32 << 10;

/// The codec of a call that sends an `M` and reads messages `A`.
pub(super) struct Prost<M, A> {
    /// How long the message is about: a buffer that grows while it is written is copied each time.
    room: usize,
    types: PhantomData<(M, A)>,
}

impl<M, A> Prost<M, A> {
    pub(super) fn new(room: usize) -> Self {
        Self { room, types: PhantomData }
    }
}

impl<M, A> Codec for Prost<M, A>
where
    M: Message + 'static,
    A: Message + Default + 'static,
{
    type Encode = M;
    type Decode = A;
    type Encoder = Writes<M>;
    type Decoder = Reads<A>;

    fn encoder(&mut self) -> Writes<M> {
        Writes { room: self.room, types: PhantomData }
    }

    fn decoder(&mut self) -> Reads<A> {
        Reads { types: PhantomData }
    }
}

pub(super) struct Writes<M> {
    room: usize,
    types: PhantomData<M>,
}

impl<M: Message> Encoder for Writes<M> {
    type Item = M;
    type Error = Status;

    fn encode(&mut self, message: M, into: &mut EncodeBuf<'_>) -> Result<(), Status> {
        message.encode(into).map_err(|error| Status::internal(error.to_string()))
    }

    fn buffer_settings(&self) -> BufferSettings {
        BufferSettings::new(self.room + FRAME, TOGETHER)
    }
}

pub(super) struct Reads<A> {
    types: PhantomData<A>,
}

impl<A: Message + Default> Decoder for Reads<A> {
    type Item = A;
    type Error = Status;

    fn decode(&mut self, from: &mut DecodeBuf<'_>) -> Result<Option<A>, Status> {
        A::decode(from).map(Some).map_err(|error| Status::internal(error.to_string()))
    }

    fn buffer_settings(&self) -> BufferSettings {
        BufferSettings::new(ANSWER, TOGETHER)
    }
}
