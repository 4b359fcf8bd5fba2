//! Where moto differs from DynamoDB.

use skyport_conformance::Deviation;

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
];
