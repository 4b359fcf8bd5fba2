//! Cases of the suite as they are, and the weather in which each must hold.

use super::weather::Weather;
use crate::{Case, Port};

/// By how their names begin: those in which no conditional write is refused, for after a doubt that is `Indeterminate`; whose messages are
/// counted only where none is sent or leased by an answer that is lost; and whose time is not short.
const ROUGH: &[&str] = &[
    "blob::concurrent::twenty_writers_of_different",
    "blob::copy_delete::a_copy_from_another_bucket",
    "blob::copy_delete::a_copy_is_an_object_of_its_own",
    "blob::copy_delete::a_copy_replaces_its_target",
    "blob::copy_delete::delete_many",
    "blob::copy_delete::deleting_a_missing",
    "blob::copy_delete::reads_see",
    "blob::properties::properties_",
    "blob::properties::an_overwrite",
    "blob::read::",
    "blob::write::a_body_shorter",
    "blob::write::a_dropped_put",
    "blob::write::a_failing_source",
    "blob::write::an_overwrite",
    "blob::write::bytes_and_streams",
    "blob::writer::a_dropped",
    "blob::writer::an_aborted",
    "blob::writer::only_finish",
    "blob::writer::what_a_writer",
    "kv::batches::a_key_that",
    "kv::batches::a_wrong_item",
    "kv::batches::many_are",
    "kv::counters::a_counter_is",
    "kv::counters::a_missing_counter",
    "kv::query::a_page",
    "kv::query::a_prefix",
    "kv::query::a_token_survives",
    "kv::versions::a_repetition",
    "kv::versions::a_version_can",
    "kv::versions::every_way",
    "queue::attributes::attributes_at",
    "queue::send::",
    "queue::settle::a_receipt",
    "queue::settle::a_retry_is_not_early",
    "queue::settle::what_",
];

/// As [`ROUGH`], and before it: those in which something is refused, deleted under a condition, or dead-lettered: an answer that was lost leaves a doubt of that.
const MILD: &[&str] = &[
    "blob::conditions::",
    "blob::copy_delete::conditions",
    "kv::conditions::",
    "kv::counters::increments_by",
    "kv::counters::the_same_token_counts_once",
    "kv::idempotency::a_redelivered",
    "kv::leases::a_lease_keeps",
    "kv::transact::",
    "kv::update::an_update_creates",
    "kv::update::updates_under",
    "kv::versions::a_version_is_not_reused",
    "kv::versions::an_increment",
    "queue::dead_letters::a_letter",
    "queue::dead_letters::a_message_can",
    "queue::dead_letters::letters_are",
    "queue::dead_letters::redrive",
    "queue::ordered::a_group",
    "queue::receive::receivers_at_once",
    "queue::send::values_travel",
    "queue::settle::a_batch",
    "queue::settle::a_second",
];

/// Each with its weather. Panics where a name names none.
pub(super) fn cases() -> Vec<(Case, Weather)> {
    let all = Port::ALL.map(Port::cases).concat();
    let mut chosen = Vec::new();
    let is_mild = |case: &Case| MILD.iter().any(|start| case.name().starts_with(start));
    for (starts, weather) in [(ROUGH, Weather::Rough), (MILD, Weather::Mild)] {
        for start in starts {
            let before = chosen.len();
            let named = all.iter().filter(|case| case.name().starts_with(start));
            let named = named.filter(|case| weather == Weather::Mild || !is_mild(case));
            chosen.extend(named.map(|case| (case.clone(), weather)));
            assert!(chosen.len() > before, "no case begins with {start}");
        }
    }
    chosen
}
