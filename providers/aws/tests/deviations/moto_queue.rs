//! Where moto's SQS differs from AWS's.

use skyport_conformance::Deviation;

/// What moto makes of a message that is sent twice, or asked for twice at once.
pub(crate) const MOTO_QUEUE: &[Deviation] = &[
    Deviation {
        case: "queue::dedupe::the_same_id_is_sent_once",
        reason: "moto answers a duplicate with an id of its own; proven on ministack",
    },
    Deviation {
        case: "queue::dedupe::an_id_within_one_batch_is_sent_once",
        reason: "moto answers a duplicate with an id of its own; proven on ministack",
    },
    Deviation {
        case: "queue::dedupe::an_id_outlives_its_message",
        reason: "moto forgets an id once its message is deleted; proven on ministack",
    },
    Deviation {
        case: "queue::receive::receivers_at_once_get_different_messages",
        reason: "moto looks for a message and leases it in two steps, so two requests at once can get one; proven on ministack",
    },
];
