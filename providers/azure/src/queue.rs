//! Queue Storage behind the port `MessageQueue`.
//!
//! # Receipts move
//! Whoever sets the end of a lease gets another pop receipt, and the old one is of no more use to Queue Storage. In the process that did so the old receipt
//! leads to the new one: whoever dropped an extension, or gave it up as too slow, still has a receipt that works. Of those who extend or settle one
//! delivery at once, each waits for the one before, and goes by what that left.
//!
//! Where the answer to an extension is lost, so is the delivery: it cannot be settled any more, and returns when its lease ends, the old one or the
//! new. Nothing can be read back, since no call of Queue Storage's tells a pop receipt. Trying again tells what has become of it: it works where
//! nothing was applied, and is `PreconditionFailed` where it was, which the layer `Retry` reports as `Indeterminate`.
//!
//! # What counts as an attempt
//! Queue Storage counts whatever it hands out, also what this provider gives back unseen: a message that came when its receive was
//! dropped. Such returns are subtracted again by the process that made them; another process sees what Queue Storage says.
//!
//! # Dead letters
//! Queue Storage has none. They are in a queue of their own, `<queue>-poison`, which is the name that the host of Azure Functions chooses, too. What has
//! been delivered too often is moved by whoever receives it, before anybody sees it. The poison queue is made when the queue is, or with
//! its first letter; while there is none, and the queue is there, it counts as empty.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use azure_storage_queue::{QueueClient, QueueClientOptions};
use futures_util::{StreamExt, stream};
use skyport_azure_wire::message::BODY_BYTES;
use skyport_core::pieces::Pieces;
use skyport_core::queue::leases::Leases;
use skyport_core::queue::polls::Polls;
use skyport_core::queue::port::{
    Depth, MessageId, MessageQueue, OutMessage, QueueInfo, QueueSettings, RawDelivery, Receipt,
    ReceiveOptions, Settlement,
};
use skyport_core::queue::uncounted::Uncounted;
use skyport_core::refusal::Refusal;
use skyport_core::{Error, ErrorKind, Result};
use tokio::sync::Notify;

use crate::config::Connection;
use crate::error::of_azure;
use crate::provision::NAME;

use calls::Taken;
use pace::Pace;
use turns::Turns;

mod calls;
mod names;
mod pace;
mod receive;
mod send;
mod settle;
mod turns;
mod xml;

pub(crate) use calls::answer;
pub(crate) use names::Names;

/// How a receipt of ours begins. None of the platform's does: those begin with an id, which has no colon.
const OURS: &str = "skyport-azqueue:";

/// How many requests of one call are under way at once.
const CALLS: usize = 16;

/// The most messages of one call.
const MOST_MESSAGES: usize = 32;

const DAY: i32 = 86_400;

/// For how long unread messages are kept: 7 days, in seconds.
const KEPT: i32 = 7 * DAY;

/// For how long dead letters are kept: 14 days, in seconds.
const LETTERS_KEPT: i32 = 14 * DAY;

/// A queue, or a queue of dead letters.
pub(crate) struct StorageQueue {
    place: Arc<Place>,
}

/// What the work of a queue goes by, also after the handle is gone.
struct Place {
    connection: Arc<Connection>,
    client: Arc<QueueClient>,
    info: QueueInfo,
    /// For how many seconds what is sent is kept.
    kept: i32,
    leases: Leases,
    turns: Arc<Turns>,
    polls: Polls<(), Taken>,
    pace: Pace,
    /// There is something to receive: this process has sent it, or let it go.
    woken: Notify,
    uncounted: Uncounted,
    role: Role,
}

/// What a queue is for.
enum Role {
    /// Work, and where its dead letters go.
    Work(Arc<Place>),
    /// The dead letters of this queue, which has this name.
    Letters(Arc<QueueClient>, String),
}

impl StorageQueue {
    /// The queue and its dead letters. No I/O.
    pub(crate) fn open(connection: &Arc<Connection>, names: Names, settings: &QueueSettings) -> Result<Self> {
        let queue = Arc::new(client(connection, &names.queue)?);
        let letters = Arc::new(client(connection, &names.dead)?);
        let mut buried = settings.clone();
        buried.max_attempts = u32::MAX;
        let role = Role::Letters(Arc::clone(&queue), names.queue.clone());
        let dead = Place::new(connection, letters, names.dead, buried, role);
        let place = Place::new(connection, queue, names.queue, settings.clone(), Role::Work(dead));
        Ok(Self { place })
    }
}

/// Azure's client of the queue of this name. No I/O.
pub(crate) fn client(connection: &Connection, name: &str) -> Result<QueueClient> {
    let options =
        QueueClientOptions { client_options: connection.options(), ..QueueClientOptions::default() };
    QueueClient::new(connection.url(&[name])?, None, Some(options)).map_err(of_azure)
}

/// Several calls, so many at once; what each came to, in order. One that takes long holds up none of the others.
async fn all<F: Future>(calls: Vec<F>) -> Vec<F::Output> {
    let mut ended = Vec::with_capacity(calls.len());
    let mut numbered = Vec::with_capacity(calls.len());
    for (at, call) in calls.into_iter().enumerate() {
        numbered.push(async move { (at, call.await) });
    }
    let mut ending = stream::iter(numbered).buffer_unordered(CALLS);
    while let Some(one) = ending.next().await {
        ended.push(one);
    }
    ended.sort_unstable_by_key(|(at, _)| *at);
    ended.into_iter().map(|(_, result)| result).collect()
}

impl Place {
    fn new(
        connection: &Arc<Connection>,
        client: Arc<QueueClient>,
        name: String,
        settings: QueueSettings,
        role: Role,
    ) -> Arc<Self> {
        let mut info = QueueInfo::new(NAME, name, settings);
        info.limits.body_bytes = BODY_BYTES;
        info.limits.receive = MOST_MESSAGES;
        // Each is a request, 16 at once: so they are done within an attempt even where one takes a quarter of a second.
        info.limits.send = Pieces::new(480);
        info.capabilities = crate::support::queue();
        let kept = if matches!(role, Role::Work(_)) { KEPT } else { LETTERS_KEPT };
        Arc::new(Self {
            connection: Arc::clone(connection),
            client,
            info,
            kept,
            leases: Leases::new(OURS),
            turns: Arc::default(),
            polls: Polls::default(),
            pace: Pace::default(),
            woken: Notify::new(),
            uncounted: Uncounted::default(),
            role,
        })
    }

    /// Where dead letters go; nowhere from a queue of dead letters.
    fn letters(&self) -> Option<&Arc<Self>> {
        match &self.role {
            Role::Work(dead) => Some(dead),
            Role::Letters(..) => None,
        }
    }

    /// Says which queue an error is about: the dead letters are another one.
    fn named(&self, error: Error) -> Error {
        error.with_resource(&self.info.resource)
    }

    /// What an error about a missing queue comes to: `empty`, where it is that of the dead letters of a queue which is there. Where that
    /// cannot be told, the error says why.
    async fn or_empty<T>(&self, error: Error, empty: T) -> Result<T> {
        match &self.role {
            Role::Letters(queue, name) if error.kind() == ErrorKind::NotFound => {
                match answer(queue.get_properties(None)).await {
                    Ok(_) => Ok(empty),
                    Err(missing) if missing.kind() == ErrorKind::NotFound => Err(error),
                    Err(why) => Err(why.with_resource(name)),
                }
            }
            _ => Err(error),
        }
    }

    async fn depth(&self) -> Result<Depth> {
        let mut depth = Depth::default();
        // Leased and delayed ones are among them: Queue Storage counts all alike.
        depth.ready = match self.count().await {
            Ok(count) => count,
            Err(error) => self.or_empty(error, 0).await?,
        };
        Ok(depth)
    }
}

impl fmt::Debug for StorageQueue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StorageQueue").field("name", &self.place.info.resource).finish_non_exhaustive()
    }
}

#[async_trait]
impl MessageQueue for StorageQueue {
    fn info(&self) -> &QueueInfo {
        &self.place.info
    }

    async fn send(&self, messages: Vec<OutMessage>) -> Vec<Result<MessageId>> {
        self.place.send(messages).await
    }

    async fn receive(&self, options: ReceiveOptions) -> Result<Vec<RawDelivery>> {
        Place::receive(&self.place, options).await
    }

    async fn adopt(&self, deliveries: Vec<RawDelivery>) -> Vec<Result<Option<RawDelivery>>> {
        deliveries.into_iter().map(|delivery| Ok(Some(delivery))).collect()
    }

    async fn extend(&self, receipt: &Receipt, lease: Duration) -> Result<Receipt> {
        Place::extend(&self.place, receipt, lease).await
    }

    async fn settle(&self, settlements: Vec<Settlement>) -> Vec<Result<()>> {
        self.place.settle(settlements).await
    }

    async fn depth(&self) -> Result<Depth> {
        self.place.depth().await
    }

    fn dead_letters(&self) -> Result<Arc<dyn MessageQueue>> {
        match self.place.letters() {
            Some(dead) => Ok(Arc::new(Self { place: Arc::clone(dead) })),
            None => Err(Refusal::NoDeadLetters.into()),
        }
    }
}
