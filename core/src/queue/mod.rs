//! Queues: [`Queue`] for users, [`MessageQueue`] for providers.
//!
//! At least once, no order promised unless the queue is declared ordered. A received message is leased: kept from other
//! receivers until it is settled or the lease ends.

mod check;
mod dead_letters;
mod delivery;
pub mod envelope;
mod foreign;
mod handle;
mod lease;
pub mod leases;
mod names;
mod outgoing;
pub mod polls;
pub mod port;
pub mod uncounted;
pub mod wire;

pub use delivery::{Delivery, SettleError};
pub use handle::Queue;
pub(crate) use handle::poll;
pub(crate) use lease::LeaseTimer;

pub use outgoing::{Outgoing, Sending};
pub use port::{
    Attributes, Depth, Foreign, MessageId, MessageQueue, QueueCapabilities, QueueInfo, QueueLimits,
    QueueSettings, Receipt,
};
