//! Increments: one UpdateItem, never applied twice.
//!
//! An increment leaves its trace in one of sixteen slots of the item, in the same UpdateItem that adds to the value, and that
//! is made on condition that the slot does not hold its own trace. Where the condition fails, DynamoDB hands over the item, and
//! it tells why. The rule is that of [`Slots`](skyport_core::kv::slots::Slots); only that here each slot is three attributes,
//! so that DynamoDB can write it from the value that it finds. A slot's time never goes back: it is written on condition that it
//! does not, and else again with the time that was there. So a machine whose clock is behind hides nobody's trace.
//!
//! A put of one item keeps the slots. A put of a batch cannot, and notes when it came instead: an increment that is repeated
//! over it is `Indeterminate`, as over a foreign trace.

use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue, ReturnValuesOnConditionCheckFailure};
use skyport_core::clock::to_millis;
use skyport_core::kv::port::{Increment, Incremented, RawVersion};
use skyport_core::kv::slots::{add, read_counter, slot_of, untraceable};
use skyport_core::kv::stored::{is_live, token_of};
use skyport_core::{Error, ErrorKind, Result};

use super::DynamoTable;
use super::expression::Values;
use super::item::{self, Attributes, foreign, key_attributes, new_version};
use crate::error;
use crate::provision::NAME;

/// So many rivals in a row may change a counter that needs a second request.
const ROUNDS: u32 = 8;

/// What is asked of DynamoDB next.
#[derive(Debug, PartialEq)]
enum Plan {
    /// Add to what is there, or to nothing.
    Add {
        /// A counter that this creates expires; then one without an expiry is another plan's.
        expires: bool,
    },
    /// Set a sum, where the item still has the version that it was made of.
    Set { sum: i64, seen: String, expiry: Expiry },
}

/// What a set does to an item's expiry.
#[derive(Debug, PartialEq)]
enum Expiry {
    Keep,
    /// The increment's, if any: the old counter has expired.
    Renew,
}

/// What the item tells of an increment whose condition failed.
#[derive(Debug, PartialEq)]
enum Told {
    Applied(Incremented),
    Next(Plan),
}

/// The attributes of an increment's slot.
struct Slot {
    version: String,
    millis: String,
    result: String,
}

impl Slot {
    fn of(increment: &Increment) -> Self {
        let slot = slot_of(increment.token);
        Self { version: format!("t{slot:x}"), millis: format!("m{slot:x}"), result: format!("r{slot:x}") }
    }
}

impl DynamoTable {
    pub(super) async fn add(&self, increment: &Increment) -> Result<Incremented> {
        let mut plan = Plan::Add { expires: increment.expires.is_some() };
        let mut at = to_millis(increment.started);
        for _ in 0..ROUNDS {
            let now = self.now();
            at = at.max(now);
            match self.try_plan(increment, &plan, now, at).await? {
                Ok(done) => return Ok(done),
                Err(there) => {
                    let before = item::millis(&there, &Slot::of(increment).millis)?;
                    at = at.max(before.unwrap_or_default());
                    match told(increment, &there, now)? {
                        Told::Applied(done) => return Ok(done),
                        Told::Next(next) => plan = next,
                    }
                }
            }
        }
        let text = "others changed the counter again and again: try once more";
        Err(Error::new(ErrorKind::Conflict, text).with_provider(NAME))
    }

    /// One request, whose slot gets the time `at`. Where its condition fails: the item as it is, empty where there is none.
    async fn try_plan(
        &self,
        increment: &Increment,
        plan: &Plan,
        now: u64,
        at: u64,
    ) -> Result<Result<Incremented, Attributes>> {
        let version = new_version(increment.token);
        let mut values = Values::default();
        values.set_text(":w", version.as_str());
        values.set_number(":at", at);
        let slot = Slot::of(increment);
        let (update, condition) = match plan {
            Plan::Add { expires } => {
                values.set_number(":now", now);
                adding(increment, &slot, *expires, &mut values)
            }
            Plan::Set { sum, seen, expiry } => setting(increment, &slot, *sum, seen, expiry, &mut values),
        };
        let request = self.client().await.update_item().table_name(self.name());
        let request = request
            .set_key(Some(key_attributes(&increment.key)))
            .update_expression(update)
            .condition_expression(condition)
            .set_expression_attribute_values(values.into_option())
            .return_values(match plan {
                Plan::Set { .. } => ReturnValue::None,
                // A value that was not changed need not count as updated.
                Plan::Add { .. } if increment.by == 0 => ReturnValue::AllNew,
                Plan::Add { .. } => ReturnValue::UpdatedNew,
            })
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        match Box::pin(request.send()).await {
            Ok(answer) => {
                let value = match plan {
                    Plan::Set { sum, .. } => *sum,
                    Plan::Add { .. } => {
                        counted(answer.attributes.as_ref().and_then(|new| new.get(item::VALUE)))
                            // It was applied, whatever it is that it was applied to.
                            .map_err(|error| error.with_ambiguous(true))?
                    }
                };
                Ok(Ok(Incremented::new(value, version)))
            }
            Err(error) => match error.as_service_error() {
                // The SDK's error has the item in it, and so goes no further.
                Some(UpdateItemError::ConditionalCheckFailedException(told)) => {
                    Ok(Err(told.item().cloned().unwrap_or_default()))
                }
                _ => Err(error::of(error)),
            },
        }
    }
}

/// The change and the condition of a plan that adds.
fn adding(increment: &Increment, slot: &Slot, expires: bool, values: &mut Values) -> (String, String) {
    let Slot { version, millis, result } = slot;
    let by = increment.by;
    values.set_number(":zero", 0);
    values.set_number(":by", by);
    // What leaves the sum within an i64. No other type is between numbers.
    values.set_number(":low", i64::MIN - by.min(0));
    values.set_number(":high", i64::MAX - by.max(0));
    values.set_text(":mine", &increment.token.to_string());
    let mut update = format!(
        "SET v = if_not_exists(v, :zero) + :by, {result} = if_not_exists(v, :zero) + :by, \
         {version} = :w, {millis} = :at, w = :w"
    );
    let mut condition = format!(
        "(attribute_not_exists(pk) OR (v BETWEEN :low AND :high AND (attribute_not_exists(u) OR u > :now))) \
         AND (attribute_not_exists({version}) OR NOT begins_with({version}, :mine))"
    );
    if !increment.repeated {
        condition.push_str(&format!(" AND (attribute_not_exists({millis}) OR {millis} <= :at)"));
    }
    match increment.expires {
        Some(at) if expires => {
            values.expire(at);
            update.push_str(", u = if_not_exists(u, :u), exp = if_not_exists(exp, :exp)");
            condition.push_str(" AND (attribute_not_exists(pk) OR attribute_exists(u))");
        }
        // A counter that this would create is to expire: where there is none any more, it is the other plan's.
        Some(_) => condition.push_str(" AND attribute_exists(pk)"),
        None => {}
    }
    if increment.repeated {
        values.set_number(":began", to_millis(increment.started));
        condition.push_str(&format!(
            " AND (attribute_not_exists({millis}) OR {millis} < :began) AND (attribute_not_exists(b) OR b < :began)"
        ));
    }
    (update, condition)
}

/// The change and the condition of a plan that sets: of exactly the item that it was made of.
fn setting(
    increment: &Increment,
    slot: &Slot,
    sum: i64,
    seen: &str,
    expiry: &Expiry,
    values: &mut Values,
) -> (String, String) {
    let Slot { version, millis, result } = slot;
    values.set_number(":sum", sum);
    values.set_text(":seen", seen);
    let mut update = format!("SET v = :sum, {result} = :sum, {version} = :w, {millis} = :at, w = :w");
    match (expiry, increment.expires) {
        (Expiry::Keep, _) => {}
        (Expiry::Renew, Some(at)) => {
            values.expire(at);
            update.push_str(", u = :u, exp = :exp");
        }
        (Expiry::Renew, None) => update.push_str(" REMOVE u, exp"),
    }
    (update, "w = :seen".to_owned())
}

/// Why the condition of an increment failed, and what follows from it.
fn told(increment: &Increment, there: &Attributes, now: u64) -> Result<Told> {
    if there.is_empty() {
        // It went in this moment.
        return Ok(Told::Next(Plan::Add { expires: increment.expires.is_some() }));
    }
    let slot = Slot::of(increment);
    let trace = text(there, &slot.version);
    if let Some(version) = trace.filter(|version| token_of(version) == Some(increment.token)) {
        let value = counted(there.get(&slot.result))?;
        return Ok(Told::Applied(Incremented::new(value, RawVersion::new(version))));
    }
    if increment.repeated {
        let began = to_millis(increment.started);
        let covers = |name: &str| Ok::<_, Error>(item::millis(there, name)?.is_some_and(|at| at >= began));
        if covers(&slot.millis)? || covers(item::BATCHED)? {
            return Err(untraceable().with_provider(NAME));
        }
    }
    let seen = || text(there, item::VERSION).map(str::to_owned).ok_or_else(|| foreign("it has no version"));
    let expires = item::expiry(there)?;
    if !is_live(expires, now) {
        return Ok(Told::Next(Plan::Set { sum: increment.by, seen: seen()?, expiry: Expiry::Renew }));
    }
    let digits: &[u8] = match there.get(item::VALUE) {
        Some(AttributeValue::N(digits)) => digits.as_bytes(),
        Some(AttributeValue::B(bytes)) => bytes.as_ref(),
        _ => return Err(foreign("it has no value of Skyport's")),
    };
    let named = |error: Error| error.with_provider(NAME);
    let sum = read_counter(digits).and_then(|value| add(value, increment.by)).map_err(named)?;
    Ok(Told::Next(match there.get(item::VALUE) {
        // DynamoDB can add to it: it was the expiry that did not fit, or a rival that is gone.
        Some(AttributeValue::N(_)) => Plan::Add { expires: increment.expires.is_some() && expires.is_some() },
        _ => Plan::Set { sum, seen: seen()?, expiry: Expiry::Keep },
    }))
}

fn text<'a>(attributes: &'a Attributes, name: &str) -> Option<&'a str> {
    attributes.get(name).and_then(|value| value.as_s().ok()).map(String::as_str)
}

/// A counter's value from DynamoDB's number.
fn counted(value: Option<&AttributeValue>) -> Result<i64> {
    let digits = value.and_then(|value| value.as_n().ok());
    let digits = digits.ok_or_else(|| foreign("a counter in it is no number"))?;
    read_counter(digits.as_bytes()).map_err(|error| error.with_provider(NAME))
}
