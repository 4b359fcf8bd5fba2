//! What a call asks for, and the calls whose answers were lost.

use std::sync::{Mutex, PoisonError};

use aws_sdk_sqs::types::Message;
use skyport_core::Token;
use skyport_core::queue::polls;

/// What SQS answers a receive with.
pub(super) type Answer = polls::Answer<Message>;

/// The calls of a queue that nobody waits for.
pub(super) type Polls = polls::Polls<Asked, Message>;

/// What a receive asks for; whole seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Asked {
    pub(super) max: i32,
    pub(super) lease: i32,
}

/// How many calls with lost answers are remembered.
const LOST: usize = 16;

/// The calls whose answers were lost.
#[derive(Default)]
pub(super) struct Lost(Mutex<Vec<(Asked, Token)>>);

impl Lost {
    /// The id of the next call: that of one that asked for the same and whose answer was lost, or a new one. On a FIFO queue
    /// SQS answers an id that it has seen with the same messages again; without it they would lie hidden for as long as their
    /// lease, and their groups behind them.
    pub(super) fn attempt(&self, asked: Asked) -> Token {
        let mut lost = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let at = lost.iter().position(|(theirs, _)| *theirs == asked);
        at.map_or_else(Token::new, |at| lost.swap_remove(at).1)
    }

    /// The answer to a call was lost.
    pub(super) fn lose(&self, asked: Asked, attempt: Token) {
        let mut lost = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if lost.len() < LOST {
            lost.push((asked, attempt));
        }
    }
}
