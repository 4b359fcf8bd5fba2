//! Calls that wait for messages, and live on when nobody waits for them any more: for a provider whose service holds a call until
//! something comes.
//!
//! A call that is broken off may have leased something all the same: a service hands out to a connection that is gone, and the
//! message then lies hidden until its lease ends. So a call runs to its end, in a task of its own at the latest when its receive is gone. If that was dropped
//! meanwhile, or has waited long enough, the next receive takes it over; if none does, what it brings goes back at once.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use crate::{Error, ErrorKind, Result};

/// What a call comes back with.
pub type Answer<M> = Result<Vec<M>>;

/// The calls of a queue that nobody waits for. `A` is what a call asks for, `M` a message.
pub struct Polls<A, M> {
    left: Mutex<Vec<Arc<Poll<A, M>>>>,
}

/// One call that is under way.
pub struct Poll<A, M> {
    asked: A,
    state: Mutex<State<M>>,
    answered: Notify,
}

enum State<M> {
    UnderWay { awaited: bool },
    Answered(Answer<M>),
    Over,
}

impl<A, M> Poll<A, M> {
    /// A call that one receive waits for.
    #[must_use]
    pub fn new(asked: A) -> Arc<Self> {
        let state = Mutex::new(State::UnderWay { awaited: true });
        Arc::new(Self { asked, state, answered: Notify::new() })
    }

    fn lock(&self) -> MutexGuard<'_, State<M>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The side of the call, for the task that it runs in.
    #[must_use]
    pub fn answering(self: &Arc<Self>) -> Answering<A, M> {
        Answering(Arc::clone(self))
    }

    /// The call has come back; its answer is returned where nobody waits for it.
    fn answer(&self, answer: Answer<M>) -> Option<Answer<M>> {
        let mut state = self.lock();
        if matches!(*state, State::UnderWay { awaited: true }) {
            *state = State::Answered(answer);
            self.answered.notify_one();
            return None;
        }
        *state = State::Over;
        Some(answer)
    }

    /// The call has ended without an answer.
    fn give_up(&self) {
        let mut state = self.lock();
        if let State::UnderWay { awaited } = *state {
            *state = if awaited { State::Answered(Err(ended())) } else { State::Over };
            self.answered.notify_one();
        }
    }

    /// Waits for the answer; for the one receive that this call is for.
    async fn wait(&self) -> Answer<M> {
        loop {
            if let Some(answer) = self.take() {
                return answer;
            }
            self.answered.notified().await;
        }
    }

    fn take(&self) -> Option<Answer<M>> {
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
    fn leave(&self) -> Left<M> {
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

/// The side of a call. Dropped without an answer, as by a runtime that ends, it tells that none will come: else the next receive
/// would take the call over, and wait in vain.
#[derive(Debug)]
pub struct Answering<A, M>(Arc<Poll<A, M>>);

impl<A, M> Answering<A, M> {
    /// The call has come back; its answer is returned where nobody waits for it.
    #[must_use = "what nobody waits for is to be given back"]
    pub fn answer(self, answer: Answer<M>) -> Option<Answer<M>> {
        self.0.answer(answer)
    }
}

impl<A, M> Drop for Answering<A, M> {
    fn drop(&mut self) {
        self.0.give_up();
    }
}

fn ended() -> Error {
    Error::new(
        ErrorKind::Unavailable,
        "the call that waited for messages was ended with its runtime: receive again",
    )
}

/// What a receive that turns away leaves behind.
enum Left<M> {
    UnderWay,
    Unread(Vec<M>),
    Nothing,
}

impl<A, M> Polls<A, M> {
    fn lock(&self) -> MutexGuard<'_, Vec<Arc<Poll<A, M>>>> {
        self.left.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A call that nobody waits for and that asks for what is wanted.
    pub fn adopt(&self, wanted: impl Fn(&A) -> bool) -> Option<Arc<Poll<A, M>>> {
        let mut left = self.lock();
        left.retain(|poll| poll.is_under_way());
        let at = left.iter().position(|poll| wanted(&poll.asked) && poll.adopt())?;
        Some(left.swap_remove(at))
    }

    /// A call that its receive has begun and waits for no longer: the side of the call, which goes on in a task of its own.
    #[must_use = "a call that has no answer is taken over in vain"]
    pub fn leave_behind(&self, asked: A) -> Answering<A, M> {
        let poll = Poll::new(asked);
        let call = poll.answering();
        self.leave(poll);
        call
    }

    /// A receive no longer waits for this call; gives back the messages that came and were not read.
    fn leave(&self, poll: Arc<Poll<A, M>>) -> Vec<M> {
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

impl<A, M> Default for Polls<A, M> {
    fn default() -> Self {
        Self { left: Mutex::default() }
    }
}

impl<A, M> fmt::Debug for Polls<A, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Polls").field("left", &self.lock().len()).finish()
    }
}

impl<A, M> fmt::Debug for Poll<A, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Poll").field("under_way", &self.is_under_way()).finish_non_exhaustive()
    }
}

/// A receive that waits for a call; dropped, it leaves the call to another, or gives back what came too late.
#[derive(Debug)]
pub struct Waiting<'a, A, M, F: FnMut(Vec<M>)> {
    polls: &'a Polls<A, M>,
    poll: Option<Arc<Poll<A, M>>>,
    give_back: F,
}

impl<'a, A, M, F: FnMut(Vec<M>)> Waiting<'a, A, M, F> {
    /// Waits for `poll`, which is among the calls of `polls`.
    pub fn new(polls: &'a Polls<A, M>, poll: Arc<Poll<A, M>>, give_back: F) -> Self {
        Self { polls, poll: Some(poll), give_back }
    }

    /// The answer of the call.
    ///
    /// # Errors
    /// What the call failed with.
    pub async fn answer(mut self) -> Answer<M> {
        let Some(poll) = &self.poll else { return Ok(Vec::new()) };
        let answer = poll.wait().await;
        self.poll = None;
        answer
    }
}

impl<A, M, F: FnMut(Vec<M>)> Drop for Waiting<'_, A, M, F> {
    fn drop(&mut self) {
        let unread = self.poll.take().map(|poll| self.polls.leave(poll)).unwrap_or_default();
        if !unread.is_empty() {
            (self.give_back)(unread);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn brought() -> Answer<&'static str> {
        Ok(vec!["a message"])
    }

    #[tokio::test]
    async fn a_call_that_was_left_is_taken_over_by_a_receive_that_wants_what_it_asks_for() {
        let polls = Polls::default();
        let poll = Poll::new(10);
        assert!(polls.leave(Arc::clone(&poll)).is_empty());
        assert!(polls.adopt(|asked| *asked == 1).is_none());
        let adopted = polls.adopt(|asked| *asked == 10).expect("under way");
        assert!(polls.adopt(|_| true).is_none(), "one receive has it");
        assert!(poll.answering().answer(brought()).is_none(), "somebody waits");
        let waiting = Waiting::new(&polls, adopted, |_| panic!("it is read"));
        assert_eq!(waiting.answer().await.expect("brought").len(), 1);
    }

    #[tokio::test]
    async fn a_call_that_its_receive_leaves_behind_is_taken_over_by_the_next_one() {
        let polls = Polls::default();
        let call = polls.leave_behind(10);
        let adopted = polls.adopt(|asked| *asked == 10).expect("under way");
        assert!(call.answer(brought()).is_none(), "somebody waits");
        let waiting = Waiting::new(&polls, adopted, |_| panic!("it is read"));
        assert_eq!(waiting.answer().await.expect("brought").len(), 1);
        assert!(polls.leave_behind(10).answer(brought()).is_some(), "nobody waits: to be given back");
    }

    #[test]
    fn what_nobody_waits_for_goes_back() {
        let polls = Polls::default();
        let poll = Poll::new(());
        polls.leave(Arc::clone(&poll));
        assert!(poll.answering().answer(brought()).is_some(), "to be given back");
        assert!(polls.adopt(|()| true).is_none(), "it has come back");
        let read_too_late = Poll::new(());
        assert!(read_too_late.answering().answer(brought()).is_none());
        let mut back = 0;
        drop(Waiting::new(&polls, read_too_late, |unread| back += unread.len()));
        assert_eq!(back, 1);
        assert!(polls.lock().is_empty());
    }

    #[tokio::test]
    async fn a_call_that_ends_without_an_answer_keeps_nobody_waiting() {
        let polls = Polls::<(), &str>::default();
        let (awaited, left) = (Poll::new(()), Poll::new(()));
        polls.leave(Arc::clone(&left));
        drop((awaited.answering(), left.answering()));
        assert!(polls.adopt(|()| true).is_none(), "it is over");
        let waiting = Waiting::new(&polls, awaited, |_| panic!("there is nothing"));
        assert_eq!(waiting.answer().await.expect_err("none comes").kind(), ErrorKind::Unavailable);
    }
}
