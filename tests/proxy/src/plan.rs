//! Which requests are struck, and how: by chance from a seed, or as a script.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use http::request;

use crate::dialect::{Class, target};

/// What happens to one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It is passed on after up to [`Plan::delays`], and its answer as it comes.
    Delay,
    /// It is not passed on. The connection closes; of HTTP/2 the stream is reset.
    Reset,
    /// It is not passed on, and the connection closes, of HTTP/2 as well, with all that is under way on it; changes of objects or items that were
    /// passed on are answered first.
    Drop,
    /// Half of its body is passed on; then both connections close. One without a body is [`Reset`](Self::Reset).
    TruncateRequest,
    /// It is not passed on, but refused: the service asks for a slower pace, and says when to come again.
    Throttle,
    /// It is not passed on, but answered with the service's own fault, as 500, 503, or UNAVAILABLE.
    Unavailable,
    /// It is carried out, and answered as [`Unavailable`](Self::Unavailable) is.
    HideAnswer,
    /// It is carried out. The answer is thrown away, and the connection closes.
    LoseAnswer,
    /// It is carried out. Half of the answer's body comes; then the connection closes. One without a body is [`LoseAnswer`](Self::LoseAnswer).
    TruncateAnswer,
}

impl Fault {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Delay,
        Self::Reset,
        Self::Drop,
        Self::TruncateRequest,
        Self::Throttle,
        Self::Unavailable,
        Self::HideAnswer,
        Self::LoseAnswer,
        Self::TruncateAnswer,
    ];
}

/// What strikes how often. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Plan {
    seed: u64,
    rates: Vec<(Class, Fault, f64)>,
    scripts: Vec<(Class, u64, Fault)>,
    in_a_row: u32,
    delays: Duration,
}

impl Plan {
    /// Nothing, until it is added; chances are drawn from `seed`.
    #[must_use]
    pub fn quiet(seed: u64) -> Self {
        let delays = Duration::from_millis(20);
        Self { seed, rates: Vec::new(), scripts: Vec::new(), in_a_row: u32::MAX, delays }
    }

    /// Strikes requests of this class with this probability, each by itself; of one request the probabilities add up.
    #[must_use]
    pub fn rate(mut self, class: Class, fault: Fault, probability: f64) -> Self {
        self.rates.push((class, fault, probability));
        self
    }

    /// As [`rate`](Self::rate), for several faults and classes.
    #[must_use]
    pub fn rates(mut self, classes: &[Class], faults: &[(Fault, f64)]) -> Self {
        for class in classes {
            self.rates.extend(faults.iter().map(|(fault, rate)| (*class, *fault, *rate)));
        }
        self
    }

    /// Strikes the `nth` request of this class, from 1.
    #[must_use]
    pub fn script(mut self, class: Class, nth: u64, fault: Fault) -> Self {
        self.scripts.push((class, nth, fault));
        self
    }

    /// After so many requests of one kind that were struck one after the other, the next is spared, so that who repeats often
    /// enough gets through. Of one kind are those with one method, target and operation. Delays do not count.
    #[must_use]
    pub fn at_most_in_a_row(mut self, most: u32) -> Self {
        self.in_a_row = most;
        self
    }

    /// The longest [`Fault::Delay`]; 20 ms by default.
    #[must_use]
    pub fn delays(mut self, longest: Duration) -> Self {
        self.delays = longest;
        self
    }
}

/// One strike: the fault, and a number drawn for what of it is left to chance.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Strike {
    pub(crate) fault: Fault,
    pub(crate) chance: u64,
    pub(crate) delay: Duration,
}

/// The most kinds of requests that are counted apart; further ones share a count.
const MOST_KINDS: usize = 100_000;

/// A plan, and how far it has come.
#[derive(Debug)]
pub(crate) struct Course {
    plan: Plan,
    classes: HashMap<Class, u64>,
    /// Of each kind of request: how many there were, and how many of the last ones were struck.
    kinds: HashMap<u64, (u64, u32)>,
}

impl Course {
    pub(crate) fn new(plan: Plan) -> Self {
        Self { plan, classes: HashMap::new(), kinds: HashMap::new() }
    }

    /// What happens to this request.
    pub(crate) fn next(&mut self, class: Class, head: &request::Parts) -> Option<Strike> {
        let number = self.classes.entry(class).or_default();
        *number += 1;
        let scripted = self.plan.scripts.iter().find(|(of, nth, _)| *of == class && nth == number);
        let scripted = scripted.map(|(_, _, fault)| *fault);
        let kind = if self.kinds.len() < MOST_KINDS { kind(head) } else { 0 };
        let (count, row) = self.kinds.entry(kind).or_default();
        *count += 1;
        // By what the request is and not by when it came, so that the others' order does not matter.
        let mut chance = fastrand::Rng::with_seed(self.plan.seed ^ kind.rotate_left(17) ^ *count);
        let mut draw = chance.f64();
        let mut by_chance = None;
        for (_, fault, rate) in self.plan.rates.iter().filter(|(of, ..)| *of == class) {
            draw -= rate;
            if draw < 0.0 {
                by_chance = Some(*fault);
                break;
            }
        }
        let spared = *row >= self.plan.in_a_row;
        let fault = scripted.or(by_chance.filter(|fault| !spared || *fault == Fault::Delay));
        match fault {
            Some(Fault::Delay) | None => *row = 0,
            Some(_) => *row += 1,
        }
        let delay = self.plan.delays.mul_f64(chance.f64());
        Some(Strike { fault: fault?, chance: chance.u64(..), delay })
    }
}

/// One number for all requests of a kind.
fn kind(head: &request::Parts) -> u64 {
    let mut hasher = DefaultHasher::new();
    (&head.method, head.uri.path_and_query(), target(&head.headers)).hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    fn head(uri: &str) -> request::Parts {
        Request::get(uri).body(()).unwrap().into_parts().0
    }

    fn course(plan: Plan, uri: &str, count: usize) -> Vec<Option<Fault>> {
        let mut course = Course::new(plan);
        (0..count).map(|_| course.next(Class::Read, &head(uri)).map(|strike| strike.fault)).collect()
    }

    #[test]
    fn a_seed_says_what_happens_and_another_says_otherwise() {
        let plan =
            |seed| Plan::quiet(seed).rates(&[Class::Read], &[(Fault::Reset, 0.3), (Fault::Delay, 0.3)]);
        let first = course(plan(1), "/a", 200);
        assert_eq!(first, course(plan(1), "/a", 200));
        assert_ne!(first, course(plan(2), "/a", 200));
        assert_ne!(first, course(plan(1), "/b", 200));
        let resets = first.iter().filter(|fault| **fault == Some(Fault::Reset)).count();
        assert!((30..90).contains(&resets), "{resets}");
    }

    #[test]
    fn whoever_repeats_often_enough_gets_through() {
        let always = Plan::quiet(1).rate(Class::Read, Fault::Reset, 1.0).at_most_in_a_row(2);
        let struck: Vec<bool> = course(always, "/a", 7).iter().map(Option::is_some).collect();
        assert_eq!(struck, [true, true, false, true, true, false, true]);
    }

    #[test]
    fn a_script_strikes_one_request_of_its_class() {
        let plan =
            Plan::quiet(1).script(Class::Read, 2, Fault::LoseAnswer).script(Class::Write, 1, Fault::Reset);
        assert_eq!(course(plan, "/a", 3), [None, Some(Fault::LoseAnswer), None]);
    }
}
