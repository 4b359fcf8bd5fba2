//! Where moto differs from DynamoDB.

use skyport_conformance::Deviation;

/// Of eight holders that raced for a lease two had it.
const RACES: &str =
    "moto checks conditions without a lock, so that two may pass at once; ministack runs this case";

/// A lease of some seconds ran out while an object of a gibibyte was stored.
const STANDS_STILL: &str = "moto stands still for seconds while it is busy; ministack runs this case";

pub(crate) const MOTO_KV: &[Deviation] = &[
    Deviation {
        case: "kv::counters::what_is_no_integer_is_left_alone",
        reason: "moto answers 500 where a condition compares bytes with a number; ministack runs this case",
    },
    Deviation {
        case: "kv::dropped::a_transaction_that_is_dropped_is_applied_whole_or_not_at_all",
        reason: "moto applies a transaction item by item, and others see the half of it; ministack runs this case",
    },
    Deviation {
        case: "kv::transact::racing_transfers_keep_the_sum",
        reason: "moto checks and applies transactions without a lock, so that two pass at once; ministack runs this case",
    },
    Deviation {
        case: "kv::counters::increments_by_fifty_tasks_sum_up",
        reason: "moto's answers to concurrent updates lack what they updated; ministack runs this case",
    },
    Deviation {
        case: "kv::history::every_increment_of_concurrent_clients_has_its_place_in_the_order",
        reason: "moto adds without a lock, and of two increments one is lost; ministack runs this case",
    },
    Deviation { case: "kv::history::operations_of_concurrent_clients_have_an_order", reason: RACES },
    Deviation {
        case: "kv::history::operations_have_an_order_where_answers_get_lost_and_calls_are_repeated",
        reason: RACES,
    },
    Deviation {
        case: "kv::history::transactions_of_concurrent_clients_are_never_seen_in_half",
        reason: RACES,
    },
    Deviation { case: "kv::conditions::of_racing_creates_exactly_one_wins", reason: RACES },
    Deviation { case: "kv::conditions::of_racing_swaps_exactly_one_wins", reason: RACES },
    Deviation { case: "kv::leases::of_racing_holders_exactly_one_wins", reason: RACES },
    Deviation { case: "kv::update::updates_under_contention_lose_nothing", reason: RACES },
    Deviation { case: "kv::idempotency::a_concurrent_event_waits_for_the_result", reason: RACES },
    Deviation { case: "kv::transact::a_concurrent_write_is_not_lost", reason: RACES },
    Deviation {
        case: "kv::lost_answers::holding_outlives_renewals_that_fail_for_a_while",
        reason: STANDS_STILL,
    },
    Deviation { case: "kv::leases::holding_renews_while_work_runs", reason: STANDS_STILL },
    Deviation { case: "kv::idempotency::a_claim_is_renewed_while_its_work_runs", reason: STANDS_STILL },
];
