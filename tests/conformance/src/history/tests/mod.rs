//! The checker against histories whose truth is known, and against another checker that tries everything.

mod brute;
mod known;
mod ledger;
mod recording;

use bytes::Bytes;
use skyport_core::ErrorKind;
use skyport_core::kv::port::{ItemCondition, Key, RawVersion, Write};

use super::{Answer, Call, Entry, History};

fn key(name: &str) -> Key {
    Key::new("p", name)
}

fn version(text: &str) -> RawVersion {
    RawVersion::new(text)
}

/// A read that found `value` at `at`.
fn found(value: &str, at: &str) -> Answer {
    Answer::Found(Some((Bytes::copy_from_slice(value.as_bytes()), version(at))))
}

const NOTHING: Answer = Answer::Found(None);
const EXISTS: Answer = Answer::Refused(ErrorKind::AlreadyExists, None);
const CHANGED: Answer = Answer::Refused(ErrorKind::PreconditionFailed, None);

fn written(at: &str) -> Answer {
    Answer::Written(vec![Some(version(at))])
}

fn deleted() -> Answer {
    Answer::Written(vec![None])
}

fn counted(value: i64, at: &str) -> Answer {
    Answer::Counted(value, version(at))
}

fn read(name: &str) -> Call {
    Call::Read(key(name))
}

fn put_write(name: &str, value: &str, condition: ItemCondition) -> Write {
    let mut write = Write::put(key(name), Bytes::copy_from_slice(value.as_bytes()));
    write.condition = condition;
    write
}

fn put(name: &str, value: &str) -> Call {
    Call::Write(vec![put_write(name, value, ItemCondition::None)])
}

fn create(name: &str, value: &str) -> Call {
    Call::Write(vec![put_write(name, value, ItemCondition::IfAbsent)])
}

fn swap(name: &str, value: &str, from: &str) -> Call {
    Call::Write(vec![put_write(name, value, ItemCondition::IfVersion(version(from)))])
}

fn delete(name: &str) -> Call {
    Call::Write(vec![Write::delete(key(name))])
}

fn increment(name: &str, by: i64) -> Call {
    Call::Increment(key(name), by)
}

/// Operations with the times of call and answer; an answer at 0 never came.
fn history(operations: impl IntoIterator<Item = (u64, u64, Call, Answer)>) -> History {
    let entries = operations.into_iter().map(|(called, answered, call, answer)| Entry {
        call,
        called,
        answered: (answered > 0).then_some(answered),
        answer,
        repeats: 0,
    });
    History { entries: entries.collect() }
}
