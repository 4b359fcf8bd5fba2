//! Where fake-gcs-server is known to differ from Google Cloud. Each of these cases is run on the strict test server, as `[gcp]`.

use skyport_conformance::Deviation;

/// It reads preconditions of multipart uploads alone.
const CONDITIONS: &str =
    "it ignores preconditions but for those of uploads in one request; shown on the strict server as [gcp]";
/// It publishes to one topic, which it is told when it is started.
const EVENTS: &str = "it has no notification configurations; shown on the strict server as [gcp]";
const SIGNATURES: &str =
    "it verifies no signatures and none of what they are bound to; shown on the strict server as [gcp]";

pub(crate) const FAKE_GCS: &[Deviation] = &[
    Deviation { case: "blob::conditions::conditions_hold_for_copies", reason: CONDITIONS },
    Deviation { case: "blob::conditions::conditions_hold_for_deletes", reason: CONDITIONS },
    Deviation { case: "blob::conditions::conditions_hold_for_writes_in_parts", reason: CONDITIONS },
    Deviation {
        case: "blob::conditions::of_racing_uploads_in_parts_at_most_one_succeeds",
        reason: CONDITIONS,
    },
    Deviation {
        case: "blob::copy_delete::conditions_hold_for_copies_from_another_bucket",
        reason: CONDITIONS,
    },
    Deviation { case: "blob::events::a_subscriber_gets_only_what_it_wants", reason: EVENTS },
    Deviation { case: "blob::events::an_event_names_bucket_size_and_etag", reason: EVENTS },
    Deviation { case: "blob::events::creations_overwrites_and_deletions_are_told", reason: EVENTS },
    Deviation {
        case: "blob::events::deleting_what_is_missing_and_failed_writes_are_not_told",
        reason: EVENTS,
    },
    Deviation { case: "blob::events::each_subscriber_gets_each_event", reason: EVENTS },
    Deviation { case: "blob::events::events_wait_for_a_subscriber_that_is_away", reason: EVENTS },
    Deviation { case: "blob::events::nothing_before_the_subscription_is_told", reason: EVENTS },
    Deviation { case: "blob::events::uploads_in_parts_and_copies_are_told", reason: EVENTS },
    Deviation {
        case: "blob::list_model::any_listing_by_a_delimiter_of_several_letters_is_what_the_contract_says",
        reason: "it cuts a directory after the first character of a longer delimiter; shown on the strict server as [gcp]",
    },
    Deviation { case: "blob::read::if_match_reads_only_that_content", reason: CONDITIONS },
    Deviation {
        case: "blob::read::ranges_of_an_empty_object",
        reason: "it answers with 206 where the last bytes of an empty object are asked for; shown on the strict server as [gcp]",
    },
    Deviation {
        case: "blob::read::ranges_of_an_object",
        reason: "after a 416 it closes the connection and does not say so, which the next request may meet; shown on the strict server as [gcp]",
    },
    Deviation {
        case: "blob::sign::a_signed_delete_deletes",
        reason: "it answers a DELETE of the XML API with 200; shown on the strict server as [gcp]",
    },
    Deviation { case: "blob::sign::a_signed_get_obeys_conditions", reason: CONDITIONS },
    Deviation { case: "blob::sign::a_signed_put_can_only_create", reason: CONDITIONS },
    Deviation { case: "blob::sign::a_signed_put_writes_what_it_is_signed_for", reason: SIGNATURES },
    Deviation { case: "blob::sign::a_signed_url_expires", reason: SIGNATURES },
    Deviation {
        case: "blob::sign::a_signed_url_is_bound_to_its_method_object_and_query",
        reason: SIGNATURES,
    },
    Deviation {
        case: "blob::sign::conditions_of_signed_requests_hold_or_are_refused",
        reason: "Cloud Storage takes If-Match for reads only; what a signed PUT can carry is shown by a_signed_put_can_only_create",
    },
    Deviation {
        case: "blob::write::a_gibibyte_streams_in_bounded_memory",
        reason: "it copies all that it has with each part, which takes minutes; shown on the strict server as [gcp]",
    },
];
