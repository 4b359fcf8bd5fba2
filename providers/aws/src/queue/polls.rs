//! Calls that wait for messages, and live on when nobody waits for them any more.
//!
//! A call that is broken off may have leased something all the same: SQS hands out to a connection that is gone, and the
//! message then lies hidden until its lease ends. So a call runs to its end in a task of its own. If its receive was dropped
//! meanwhile, the next receive that asks for the same takes it over; if none does, what it brings goes back at once.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use aws_sdk_sqs::types::Message;
use skyport_core::{Result, Token};
use tokio::sync::Notify;

/// What SQS answers a receive with.
pub(super) type Answer = Result<Vec<Message>>;

/// What a receive asks for; whole seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Asked {
    pub(super) max: i32,
    pub(super) lease: i32,
}

/// The calls of a queue that nobody waits for, and those whose answers were lost.
#[derive(Default)]
pub(super) struct Polls {
    left: Mutex<Vec<Arc<Poll>>>,
    lost: Mutex<Vec<(Asked, Token)>>,
}

/// How many calls with lost answers are remembered.
const LOST: usize = 16;

/// One call that is under way.
pub(super) struct Poll {
    asked: Asked,
    state: Mutex<State>,
    answered: Notify,
}

enum State {
    UnderWay { awaited: bool },
    Answered(Answer),
    Over,
}

impl Poll {
    pub(super) fn new(asked: Asked) -> Arc<Self> {
        let state = Mutex::new(State::UnderWay { awaited: true });
        Arc::new(Self { asked, state, answered: Notify::new() })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The call has come back; its answer is returned where nobody waits for it.
    pub(super) fn answer(&self, answer: Answer) -> Option<Answer> {
        let mut state = self.lock();
        if matches!(*state, State::UnderWay { awaited: true }) {
            *state = State::Answered(answer);
            self.answered.notify_one();
            return None;
        }
        *state = State::Over;
        Some(answer)
    }

    /// Waits for the answer; for the one receive that this call is for.
    pub(super) async fn wait(&self) -> Answer {
        loop {
            if let Some(answer) = self.take() {
                return answer;
            }
            self.answered.notified().await;
        }
    }

    fn take(&self) -> Option<Answer> {
        let mut state = self.lock();
        match std::mem::replace(&mut *state, State::Over) {
            State::Answered(answer) => Some(answer),
            other => {
                *state = other;
                None
            }
        }
    }

    /// A receive turns to this call; false where it has come back by now.
    fn adopt(&self) -> bool {
        match &mut *self.lock() {
            State::UnderWay { awaited } if !*awaited => {
                *awaited = true;
                true
            }
            _ => false,
        }
    }

    fn is_under_way(&self) -> bool {
        matches!(*self.lock(), State::UnderWay { .. })
    }

    /// The receive turns away.
    fn leave(&self) -> Left {
        let mut state = self.lock();
        match &mut *state {
            State::UnderWay { awaited } => {
                *awaited = false;
                Left::UnderWay
            }
            _ => match std::mem::replace(&mut *state, State::Over) {
                State::Answered(Ok(unread)) => Left::Unread(unread),
                _ => Left::Nothing,
            },
        }
    }
}

/// What a receive that turns away leaves behind.
enum Left {
    UnderWay,
    Unread(Vec<Message>),
    Nothing,
}

impl Polls {
    fn lock(&self) -> MutexGuard<'_, Vec<Arc<Poll>>> {
        self.left.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The id of the next call: that of one that asked for the same and whose answer was lost, or a new one. On a FIFO queue
    /// SQS answers an id that it has seen with the same messages again; without it they would lie hidden for as long as their
    /// lease, and their groups behind them.
    pub(super) fn attempt(&self, asked: Asked) -> Token {
        let mut lost = self.lost.lock().unwrap_or_else(PoisonError::into_inner);
        let at = lost.iter().position(|(theirs, _)| *theirs == asked);
        at.map_or_else(Token::new, |at| lost.swap_remove(at).1)
    }

    /// The answer to a call was lost.
    pub(super) fn lose(&self, asked: Asked, attempt: Token) {
        let mut lost = self.lost.lock().unwrap_or_else(PoisonError::into_inner);
        if lost.len() < LOST {
            lost.push((asked, attempt));
        }
    }

    /// A call that asks for this and that nobody waits for.
    pub(super) fn adopt(&self, asked: Asked) -> Option<Arc<Poll>> {
        let mut left = self.lock();
        left.retain(|poll| poll.is_under_way());
        let at = left.iter().position(|poll| poll.asked == asked && poll.adopt())?;
        Some(left.swap_remove(at))
    }

    /// A receive no longer waits for this call; gives back the messages that came and were not read.
    pub(super) fn leave(&self, poll: Arc<Poll>) -> Vec<Message> {
        match poll.leave() {
            Left::UnderWay => {
                let mut left = self.lock();
                left.retain(|poll| poll.is_under_way());
                left.push(poll);
            }
            Left::Unread(messages) => return messages,
            Left::Nothing => {}
        }
        Vec::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ASKED: Asked = Asked { max: 10, lease: 60 };

    fn brought() -> Answer {
        Ok(vec![Message::builder().build()])
    }

    #[tokio::test]
    async fn a_call_that_was_left_is_taken_over_by_a_receive_that_asks_for_the_same() {
        let polls = Polls::default();
        let poll = Poll::new(ASKED);
        assert!(polls.leave(Arc::clone(&poll)).is_empty());
        assert!(polls.adopt(Asked { max: 1, ..ASKED }).is_none());
        let adopted = polls.adopt(ASKED).expect("under way");
        assert!(polls.adopt(ASKED).is_none(), "one receive has it");
        assert!(poll.answer(brought()).is_none(), "somebody waits");
        assert_eq!(adopted.wait().await.expect("brought").len(), 1);
    }

    #[test]
    fn what_nobody_waits_for_goes_back() {
        let polls = Polls::default();
        let poll = Poll::new(ASKED);
        polls.leave(Arc::clone(&poll));
        assert!(poll.answer(brought()).is_some(), "to be given back");
        assert!(polls.adopt(ASKED).is_none(), "it has come back");
        let read_too_late = Poll::new(ASKED);
        assert!(read_too_late.answer(brought()).is_none());
        assert_eq!(polls.leave(read_too_late).len(), 1);
        assert!(polls.lock().is_empty());
    }
}
