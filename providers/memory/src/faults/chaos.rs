//! A plan of faults that follows from a seed.

use std::collections::BTreeMap;
use std::time::Duration;

use super::effect::Effect;
use super::fault::{self, Fault};
use super::operation::{Operation, Port};
use super::rates;
use super::rule::Rule;
use super::trace::{Called, Injected};

/// A plan of faults: what strikes how often, drawn from a seed. Give it to [`Faults::unleash`](super::Faults::unleash).
///
/// Whether a fault strikes a call follows from the seed, the operation, the resource and the number of the call alone. So faults
/// can be taken away, and the others stay where they are.
///
/// ```
/// use skyport_core::ErrorKind;
/// use skyport_memory::{Chaos, Fault, Memory, Operation};
///
/// let third = Fault::lose_answer(ErrorKind::Timeout).nth(3).on_resource("catalogue");
/// let chaos = Chaos::seeded(7)
///     .rate(Operation::QueueSend, Fault::refuse(ErrorKind::Unavailable), 0.2)
///     .script(Operation::KvWrite, third);
/// let memory = Memory::builder().seed(7).build();
/// memory.faults().unleash(chaos);
/// # assert!(memory.faults().trace().is_empty());
/// ```
#[must_use = "give it to `Faults::unleash`"]
#[derive(Clone, Debug)]
pub struct Chaos {
    pub(super) seed: u64,
    pub(super) rates: BTreeMap<Operation, Vec<Rate>>,
    pub(super) scripts: Vec<Rule>,
    pub(super) replayed: Option<Replay>,
    pub(super) delay: Duration,
    pub(super) keeps_calls: bool,
}

/// A fault and how often it strikes.
#[derive(Clone, Debug)]
pub(super) struct Rate {
    pub(super) rule: Rule,
    pub(super) probability: f64,
}

/// What was done to which call.
pub(super) type Replay = BTreeMap<(Operation, String, u64), Vec<Effect>>;

impl Chaos {
    /// The default rates of everything: some hundred calls see 5 to 30 faults, and an application that repeats what fails gets
    /// on, since after three strikes in a row on one operation of one resource the next call goes through. Every call is delayed by
    /// some milliseconds, so that what runs beside each other meets in ever other orders.
    ///
    /// Its jumps of the wall clock are those of one thread: run it on a runtime of one thread, as `#[tokio::test]` makes it, or parts of the
    /// application do not see them.
    pub fn seeded(seed: u64) -> Self {
        rates::default(Self::quiet(seed).delays(rates::DELAY))
    }

    /// Nothing but what is added.
    pub fn quiet(seed: u64) -> Self {
        Self {
            seed,
            rates: BTreeMap::new(),
            scripts: Vec::new(),
            replayed: None,
            delay: Duration::ZERO,
            keeps_calls: false,
        }
    }

    /// Strikes calls of `operation` with this probability, from 0 to 1. Replaces the rate of the same sort of fault, on the same
    /// resource, where there is one; at most one fault that has a rate strikes one call. The amounts of the fault are the most.
    ///
    /// It never strikes calls on a resource of another name than the fault's, nor what the fault itself says that it never strikes, nor fails
    /// a fourth call in a row of one operation on one resource.
    ///
    /// # Panics
    /// Where it is no probability, or the fault can do nothing to any call of this operation: a body that breaks off, of `KvGet`.
    pub fn rate(mut self, operation: Operation, fault: Fault, probability: f64) -> Self {
        fault.must_be_of(operation);
        fault::must_be_probability(probability);
        let rates = self.rates.entry(operation).or_default();
        let new = Rate { rule: Rule::new(Some(operation), fault), probability };
        match rates.iter_mut().find(|old| old.rule.fault.is_like(&new.rule.fault)) {
            Some(old) => *old = new,
            // At the end: what is drawn for the others stays as it was.
            None => rates.push(new),
        }
        self
    }

    /// As [`rate`](Self::rate), for all operations of a port to which the fault can do something.
    ///
    /// # Panics
    /// Where it is no probability, or there is no such operation.
    pub fn rate_of_port(self, port: Port, fault: Fault, probability: f64) -> Self {
        let is_struck = |operation: &&Operation| operation.port() == port && fault.is_of(**operation);
        let mut operations = Operation::ALL.iter().filter(is_struck).peekable();
        assert!(
            operations.peek().is_some(),
            "this fault never strikes a call of the port {port:?}: {fault:?}"
        );
        operations.fold(self, |chaos, operation| chaos.rate(*operation, fault.clone(), probability))
    }

    /// Strikes exactly the calls that the fault names, beside what the rates do:
    /// `Fault::lose_answer(..).nth(3).on_resource("catalogue")`.
    ///
    /// It never strikes calls on a resource of another name than the fault's, nor what the fault itself says that it never strikes: a crash
    /// outside of an invocation, a duplicate on an ordered queue. The [trace](super::Faults::trace) tells whether it did.
    ///
    /// # Panics
    /// Where the fault can do nothing to any call of this operation: a body that breaks off, of `KvGet`.
    pub fn script(mut self, operation: Operation, fault: Fault) -> Self {
        fault.must_be_of(operation);
        self.scripts.push(Rule::new(Some(operation), fault));
        self
    }

    /// Delays every call by up to so long, before it is carried out and before it is answered; zero for no delays. They are
    /// no faults: they stand in no trace, and [`replay`](Self::replay) keeps them.
    pub fn delays(mut self, most: Duration) -> Self {
        self.delay = most;
        self
    }

    /// Exactly these faults and no others: neither rates nor scripts. Delays stay, for they follow from the seed.
    ///
    /// Those that [`Faults::inject`](super::Faults::inject) had added are left out: whoever adds them does so again.
    ///
    /// Where one was taken away the calls after it may differ; a fault whose call does not come is not injected.
    pub fn replay(mut self, only: &[Injected]) -> Self {
        let mut replayed = Replay::new();
        for Injected { called, effect, .. } in only.iter().filter(|fault| fault.of_chaos) {
            let Called { operation, resource, call, .. } = called;
            replayed.entry((*operation, resource.clone(), *call)).or_default().push(*effect);
        }
        self.replayed = Some(replayed);
        self
    }

    /// Keeps every call, for [`Faults::calls`](super::Faults::calls): to see where two runs part.
    pub fn keep_calls(mut self) -> Self {
        self.keeps_calls = true;
        self
    }

    /// The seed that all is drawn from.
    #[must_use]
    pub fn seed(&self) -> u64 {
        self.seed
    }
}
