//! What is to strike, what has been called, and what has struck.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;

use super::chaos::Chaos;
use super::draw::Draw;
use super::effect::{Effect, Phase};
use super::operation::Operation;
use super::rule::{Rule, Site};
use super::trace::{Called, Injected};

/// So many strikes of rates in a row on one operation of one resource, and the next call goes through.
const IN_A_ROW: u8 = 3;

/// So many faults, and so many calls, are kept to be told: what comes later is only counted.
const KEPT: usize = 100_000;

pub(super) struct Plan {
    seed: u64,
    pub(super) rules: Vec<Rule>,
    chaos: Option<Chaos>,
    /// What was called, by the resource.
    lines: BTreeMap<String, Line>,
    /// From when on time is told; set by the first call.
    since: Option<Instant>,
    struck: u64,
    trace: Vec<Injected>,
    calls: Vec<Called>,
    digest: Draw,
}

/// The calls on what bears one name.
struct Line {
    calls: [u64; Operation::ALL.len()],
    in_a_row: [u8; Operation::ALL.len()],
}

impl Line {
    fn new() -> Self {
        Self { calls: [0; Operation::ALL.len()], in_a_row: [0; Operation::ALL.len()] }
    }
}

/// What was drawn for one call.
#[derive(Default)]
pub(super) struct Drawn {
    /// Which call of its sort it is.
    pub(super) call: u64,
    pub(super) effects: Vec<Effect>,
    /// How long it is delayed before it is carried out, and before it is answered.
    pub(super) delays: (Duration, Duration),
}

impl Plan {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            seed,
            rules: Vec::new(),
            chaos: None,
            lines: BTreeMap::new(),
            since: None,
            struck: 0,
            trace: Vec::new(),
            calls: Vec::new(),
            digest: Draw::of(0),
        }
    }

    /// Begins anew with this chaos; what was injected by itself stays.
    pub(super) fn unleash(&mut self, chaos: Chaos) {
        let rules = std::mem::take(&mut self.rules);
        *self = Self { rules, struck: self.struck, chaos: Some(chaos), ..Self::new(self.seed) };
        self.since = Some(Instant::now());
    }

    /// Nothing strikes any more; what was is still told.
    pub(super) fn clear(&mut self) {
        self.rules.clear();
        self.chaos = None;
    }

    pub(super) fn struck(&self) -> u64 {
        self.struck
    }

    pub(super) fn trace(&self) -> Vec<Injected> {
        self.trace.clone()
    }

    pub(super) fn calls(&self) -> Vec<Called> {
        self.calls.clone()
    }

    pub(super) fn digest(&self) -> u64 {
        self.digest.bits()
    }

    fn at(&mut self) -> Duration {
        self.since.get_or_insert_with(Instant::now).elapsed()
    }

    /// Counts a call, and draws what strikes it.
    pub(super) fn begin(&mut self, site: &Site<'_>) -> Drawn {
        let at = self.at();
        let index = site.operation.index();
        let line = line(&mut self.lines, site.resource);
        line.calls[index] += 1;
        let call = line.calls[index];
        let nanos = at.as_nanos() as u64;
        self.digest = self.digest.and(nanos).and(index as u64).and_text(site.resource).and(call);
        if self.chaos.as_ref().is_some_and(|chaos| chaos.keeps_calls) && self.calls.len() < KEPT {
            let resource = site.resource.to_owned();
            self.calls.push(Called { at, operation: site.operation, resource, call });
        }
        let effects = self.draw(site, call, Phase::Before);
        Drawn { call, delays: self.delays(site, call), effects }
    }

    /// Draws what becomes of what a call has brought.
    pub(super) fn answer(&mut self, site: &Site<'_>, call: u64) -> Vec<Effect> {
        self.draw(site, call, Phase::Answer)
    }

    fn draw(&mut self, site: &Site<'_>, call: u64, phase: Phase) -> Vec<Effect> {
        let mut effects = Vec::new();
        let seed = self.seed;
        let rules = &mut self.rules;
        strike(rules, &named(seed, site, call).and(1), site, phase, &mut effects);
        let by_hand = effects.len();
        if let Some(chaos) = &mut self.chaos {
            match &chaos.replayed {
                Some(replayed) => {
                    let again = replayed.get(&(site.operation, site.resource.to_owned(), call));
                    let again = again.into_iter().flatten();
                    effects.extend(again.filter(|effect| effect.phase() == phase && effect.suits(site)));
                }
                None => {
                    let draw = named(chaos.seed, site, call);
                    strike(&mut chaos.scripts, &draw.and(2), site, phase, &mut effects);
                    let line = line(&mut self.lines, site.resource);
                    let in_a_row = &mut line.in_a_row[site.operation.index()];
                    strike_by_rate(chaos, draw.and(3), site, phase, in_a_row, &mut effects);
                }
            }
        }
        let mut failed = false;
        let mut drawn = Vec::with_capacity(effects.len());
        for (index, effect) in effects.into_iter().enumerate() {
            // Where several strike one call, latencies add up and the first failure holds.
            if effect.fails() && std::mem::replace(&mut failed, true) {
                continue;
            }
            self.note(site, call, effect, index >= by_hand);
            drawn.push(effect);
        }
        drawn
    }

    fn delays(&self, site: &Site<'_>, call: u64) -> (Duration, Duration) {
        let Some(chaos) = self.chaos.as_ref().filter(|chaos| !chaos.delay.is_zero()) else {
            return (Duration::ZERO, Duration::ZERO);
        };
        let draw = named(chaos.seed, site, call).and(4);
        let delay =
            |draw: Draw| if draw.and(1).below(0.5) { draw.up_to(chaos.delay) } else { Duration::ZERO };
        (delay(draw.and(1)), delay(draw.and(2)))
    }

    fn note(&mut self, site: &Site<'_>, call: u64, effect: Effect, of_chaos: bool) {
        self.struck += 1;
        let at = self.at();
        self.digest = self.digest.and_text(&effect.to_string());
        if self.trace.len() < KEPT {
            let resource = site.resource.to_owned();
            let called = Called { at, operation: site.operation, resource, call };
            self.trace.push(Injected { called, effect, of_chaos });
        }
    }

    /// How many rules there are.
    pub(super) fn rules(&self) -> usize {
        self.rules.len() + self.chaos.as_ref().map_or(0, |chaos| chaos.scripts.len() + chaos.rates.len())
    }
}

/// The calls on the resource of this name.
fn line<'l>(lines: &'l mut BTreeMap<String, Line>, resource: &str) -> &'l mut Line {
    lines.entry(resource.to_owned()).or_insert_with(Line::new)
}

/// The name of a call, to draw by.
fn named(seed: u64, site: &Site<'_>, call: u64) -> Draw {
    Draw::of(seed).and(site.operation.index() as u64).and_text(site.resource).and(call)
}

fn strike(rules: &mut [Rule], draw: &Draw, site: &Site<'_>, phase: Phase, effects: &mut Vec<Effect>) {
    for (number, rule) in rules.iter_mut().enumerate() {
        let draw = draw.and(number as u64);
        if rule.is_about(site, phase) && rule.strikes(draw) {
            effects.extend(rule.effects(draw, false));
        }
    }
}

/// At most one.
fn strike_by_rate(
    chaos: &mut Chaos,
    draw: Draw,
    site: &Site<'_>,
    phase: Phase,
    in_a_row: &mut u8,
    effects: &mut Vec<Effect>,
) {
    let rates = chaos.rates.entry(site.operation).or_default();
    let spared = phase == Phase::Before && *in_a_row >= IN_A_ROW;
    let mut failed = false;
    for (number, rate) in rates.iter_mut().enumerate() {
        let draw = draw.and(number as u64);
        if !rate.rule.is_about(site, phase) || !draw.below(rate.probability) {
            continue;
        }
        let fails = rate.rule.fault.effect.is_some_and(Effect::fails);
        if fails && spared || !rate.rule.strikes(draw.and(1)) {
            continue;
        }
        effects.extend(rate.rule.effects(draw, true));
        failed = fails;
        break;
    }
    if phase == Phase::Before {
        *in_a_row = if failed { *in_a_row + 1 } else { 0 };
    }
}
