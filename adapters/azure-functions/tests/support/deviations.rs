//! What the host itself loses.

use skyport_conformance::Deviation;

/// In every form.
pub(crate) const EVENTS: Deviation = Deviation {
    case: "trigger::events::an_event_whose_function_fails_comes_again_and_a_fatal_one_does_not",
    reason: "the host does not tell which delivery of an event of Event Grid it is; losses: a_failed_event_comes_again_and_a_fatal_one_does_not",
};

/// In both forms that write a request anew.
pub(crate) const REQUESTS: Deviation = Deviation {
    case: "trigger::http::paths_queries_headers_and_cookies_survive",
    reason: "this form joins queries, or leaves cookies out; losses: forwarded_queries_are_joined_and_all_else_survives, \
             wrapped_requests_survive_and_of_several_cookies_one_does",
};

/// In JSON.
pub(crate) const PROBLEMS: Deviation = Deviation {
    case: "trigger::http::a_problem_leaks_nothing",
    reason: "the host adds a charset to the type of an answer in JSON; losses: a_wrapped_problem_leaks_nothing",
};

/// In JSON.
pub(crate) const BYTES: Deviation = Deviation {
    case: "trigger::http::binary_bodies_to_four_mebibytes_survive_both_ways",
    reason: "in JSON a body is text, but for a request that says it is none; losses: \
             wrapped_bodies_survive_as_text_and_requests_as_bytes_too",
};
