//! Where moto differs from S3.

use skyport_conformance::Deviation;

const NO_EVENTS: &str = "moto forgets that a bucket tells EventBridge; ministack runs this case";

pub(crate) const MOTO_BLOB: &[Deviation] = &[
    Deviation {
        case: "blob::conditions::conditions_hold_for_copies",
        reason: "moto ignores the conditions of a copy's target; tests/blob_copies.rs shows that they are sent and obeyed",
    },
    Deviation {
        case: "blob::copy_delete::conditions_hold_for_copies_from_another_bucket",
        reason: "moto ignores the conditions of a copy's target; tests/blob_copies.rs shows that they are sent and obeyed",
    },
    Deviation {
        case: "blob::conditions::conditions_hold_for_writes_in_parts",
        reason: "moto ignores the conditions of an upload's completion; ministack runs this case",
    },
    Deviation {
        case: "blob::conditions::of_racing_uploads_in_parts_at_most_one_succeeds",
        reason: "moto ignores the conditions of an upload's completion; ministack runs this case",
    },
    Deviation { case: "blob::events::creations_overwrites_and_deletions_are_told", reason: NO_EVENTS },
    Deviation { case: "blob::events::uploads_in_parts_and_copies_are_told", reason: NO_EVENTS },
    Deviation { case: "blob::events::a_subscriber_gets_only_what_it_wants", reason: NO_EVENTS },
    Deviation { case: "blob::events::each_subscriber_gets_each_event", reason: NO_EVENTS },
    Deviation { case: "blob::events::events_wait_for_a_subscriber_that_is_away", reason: NO_EVENTS },
    Deviation { case: "blob::events::nothing_before_the_subscription_is_told", reason: NO_EVENTS },
    Deviation {
        case: "blob::events::deleting_what_is_missing_and_failed_writes_are_not_told",
        reason: NO_EVENTS,
    },
    Deviation { case: "blob::events::an_event_names_bucket_size_and_etag", reason: NO_EVENTS },
    Deviation {
        case: "blob::sign::a_signed_put_writes_what_it_is_signed_for",
        reason: "moto checks no signatures; ministack does, and runs this case",
    },
    Deviation {
        case: "blob::sign::a_signed_url_is_bound_to_its_method_object_and_query",
        reason: "moto checks no signatures; ministack does, and runs this case",
    },
    Deviation {
        case: "blob::sign::a_signed_url_expires",
        reason: "moto checks no signatures; ministack does, and runs this case",
    },
    Deviation {
        case: "blob::concurrent::twenty_writers_and_readers_of_one_object_see_whole_contents",
        reason: "moto now and then answers 500 to requests that race; ministack runs this case",
    },
    Deviation {
        case: "blob::concurrent::twenty_writers_of_different_objects_lose_nothing",
        reason: "moto now and then answers 500 to requests that race; ministack runs this case",
    },
    Deviation {
        case: "blob::conditions::of_racing_creations_at_most_one_succeeds",
        reason: "moto checks conditions without a lock, so that two may pass at once; ministack runs this case",
    },
    Deviation {
        case: "blob::conditions::of_racing_replacements_at_most_one_succeeds",
        reason: "moto checks conditions without a lock, so that two may pass at once; ministack runs this case",
    },
];
