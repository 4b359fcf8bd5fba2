//! Where fake-gcs-server is known to differ from Google Cloud. The strict test server in `tests/gcs` runs every case here.

use skyport_conformance::Deviation;

const NO_CONDITIONS: &str =
    "fake-gcs-server holds conditions of whole uploads only; the strict test server runs this case";

const NO_NOTIFICATIONS: &str =
    "fake-gcs-server has no configurations of notifications; the strict test server runs this case";

const NO_SIGNATURES: &str = "fake-gcs-server checks no signature, time, header or condition of the XML API; the strict test server runs this case";

const DELIMITERS: &str = "fake-gcs-server cuts directories after the first letter of a delimiter; the strict test server runs this case";

pub(crate) const FAKE_GCS: &[Deviation] = &[
    Deviation { case: "blob::conditions::conditions_hold_for_deletes", reason: NO_CONDITIONS },
    Deviation { case: "blob::conditions::conditions_hold_for_copies", reason: NO_CONDITIONS },
    Deviation { case: "blob::conditions::conditions_hold_for_writes_in_parts", reason: NO_CONDITIONS },
    Deviation {
        case: "blob::conditions::of_racing_uploads_in_parts_at_most_one_succeeds",
        reason: NO_CONDITIONS,
    },
    Deviation {
        case: "blob::copy_delete::conditions_hold_for_copies_from_another_bucket",
        reason: NO_CONDITIONS,
    },
    Deviation { case: "blob::read::if_match_reads_only_that_content", reason: NO_CONDITIONS },
    Deviation { case: "blob::events::creations_overwrites_and_deletions_are_told", reason: NO_NOTIFICATIONS },
    Deviation { case: "blob::events::uploads_in_parts_and_copies_are_told", reason: NO_NOTIFICATIONS },
    Deviation { case: "blob::events::a_subscriber_gets_only_what_it_wants", reason: NO_NOTIFICATIONS },
    Deviation { case: "blob::events::each_subscriber_gets_each_event", reason: NO_NOTIFICATIONS },
    Deviation { case: "blob::events::events_wait_for_a_subscriber_that_is_away", reason: NO_NOTIFICATIONS },
    Deviation { case: "blob::events::nothing_before_the_subscription_is_told", reason: NO_NOTIFICATIONS },
    Deviation {
        case: "blob::events::deleting_what_is_missing_and_failed_writes_are_not_told",
        reason: NO_NOTIFICATIONS,
    },
    Deviation { case: "blob::events::an_event_names_bucket_size_and_etag", reason: NO_NOTIFICATIONS },
    Deviation { case: "blob::sign::a_signed_get_serves_ranges_and_conditions", reason: NO_SIGNATURES },
    Deviation { case: "blob::sign::a_signed_put_writes_what_it_is_signed_for", reason: NO_SIGNATURES },
    Deviation { case: "blob::sign::a_signed_put_can_only_create", reason: NO_SIGNATURES },
    Deviation { case: "blob::sign::a_signed_delete_deletes", reason: NO_SIGNATURES },
    Deviation {
        case: "blob::sign::a_signed_url_is_bound_to_its_method_object_and_query",
        reason: NO_SIGNATURES,
    },
    Deviation {
        case: "blob::sign::conditions_of_signed_requests_hold_or_are_refused",
        reason: NO_SIGNATURES,
    },
    Deviation { case: "blob::sign::a_signed_url_expires", reason: NO_SIGNATURES },
    Deviation { case: "blob::list_model::any_listing_is_what_the_contract_says", reason: DELIMITERS },
];
