//! A fault at work: which calls it has seen, and which it has struck.

use super::draw::Draw;
use super::effect::{Effect, Phase};
use super::fault::Fault;
use super::operation::Operation;

/// A call that may be struck.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Site<'a> {
    pub(crate) operation: Operation,
    pub(crate) resource: &'a str,
    /// How many things it is about.
    pub(crate) items: usize,
    /// It is on an ordered queue.
    pub(crate) ordered: bool,
}

/// A fault and where it strikes.
#[derive(Clone, Debug)]
pub(super) struct Rule {
    /// `None` for every operation.
    operation: Option<Operation>,
    pub(super) fault: Fault,
    calls: u64,
    struck: u64,
}

impl Rule {
    pub(super) fn new(operation: Option<Operation>, fault: Fault) -> Self {
        Self { operation, fault, calls: 0, struck: 0 }
    }

    /// Whether it is about this moment of this call.
    pub(super) fn is_about(&self, site: &Site<'_>, phase: Phase) -> bool {
        let effect = self.fault.effect;
        self.operation.is_none_or(|ours| ours == site.operation)
            && self.fault.is_on(site.resource)
            && effect.map_or(phase == Phase::Before, |effect| effect.phase() == phase && effect.suits(site))
    }

    /// Whether it strikes this call, which it is about.
    pub(super) fn strikes(&mut self, draw: Draw) -> bool {
        let fault = &self.fault;
        self.calls += 1;
        let strikes = fault.nth.is_none_or(|nth| nth == self.calls)
            && self.struck < fault.times
            && (fault.probability >= 1.0 || draw.below(fault.probability));
        self.struck += u64::from(strikes);
        strikes
    }

    /// What it does, with the amounts that it names.
    pub(super) fn effects(&self, draw: Draw, varied: bool) -> impl Iterator<Item = Effect> + use<> {
        let slow = (!self.fault.latency.is_zero()).then_some(Effect::Slow(self.fault.latency));
        let effects = slow.into_iter().chain(self.fault.effect);
        effects.map(move |effect| if varied { effect.vary(draw) } else { effect.drawn(draw) })
    }
}
