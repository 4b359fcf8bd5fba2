//! The targets, each in the file of what takes the bytes.

use crate::Target;

mod azure;
mod azure_functions;
mod cloud_run;
mod configuration;
mod keys;
mod lambda;
mod messages;
mod notices;
mod order;
mod rows;
mod server;
mod signed;
mod time;
mod tokens;
mod urls;

const fn target(name: &'static str, what: &'static str, run: fn(&[u8])) -> Target {
    Target { name, what, run }
}

/// All of them, by their names.
pub const TARGETS: &[Target] = &[
    target(
        "azure_connection_string",
        "a connection string of Azure Storage, and what it opens",
        azure::connection_string,
    ),
    target("azure_event_grid", "events of Event Grid, as a queue or a call brings them", notices::event_grid),
    target(
        "azure_functions_call",
        "a call of the host of Azure Functions: the function's name in a line, then the body",
        azure_functions::call,
    ),
    target(
        "azure_functions_request",
        "a request to a custom handler of Azure Functions, as people write it",
        azure_functions::request,
    ),
    target(
        "azure_keys",
        "two keys of a table as Azure and Firestore take them: one in a line, the other after it",
        keys::cloud_keys,
    ),
    target("azure_page", "a page of a listing of Blob Storage, in XML", azure::page),
    target("azure_queue_message", "the text of a message of Queue Storage", messages::azure),
    target("azure_row", "a row of Table Storage, in JSON", azure::row),
    target(
        "azure_shared_key",
        "what is signed of a request to Azure: a URL in a line, then headers",
        azure::shared_key,
    ),
    target("blob_keys", "two keys of objects, written and listed on memory and local", order::objects),
    target(
        "body_text",
        "bytes as text-only wires carry them: an encoding in a line, then the body",
        messages::body_text,
    ),
    target("cloud_run_batch", "CloudEvents as a batch in JSON", cloud_run::batch),
    target("cloud_run_push", "a push of Pub/Sub, in JSON", cloud_run::push),
    target(
        "cloud_run_request",
        "a request to Cloud Run, as people write it: events in headers, pushes, jobs, routes",
        cloud_run::request,
    ),
    target("cloud_run_structured", "a CloudEvent as JSON", cloud_run::structured),
    target(
        "configuration",
        "variables of the environment, `NAME=value` in a line each",
        configuration::environment,
    ),
    target("dates", "a time as RFC 3339 or HTTP writes it", time::dates),
    target("envelope", "the attribute `skyport` of a message", messages::envelope),
    target(
        "handed_back",
        "what a client hands back, on memory and local: a token, a receipt, a version, in a line each",
        tokens::handed_back,
    ),
    target("http_range", "ranges and conditions of a download: headers in a line each", signed::range),
    target("json", "JSON of any depth, as bodies, messages, values and what is serialisable", tokens::json),
    target("lambda_event", "an event of Lambda, in JSON", lambda::event),
    target(
        "local_rows",
        "rows of the database of local, `table.column=type:value` in a line each",
        rows::rows,
    ),
    target(
        "pubsub_message",
        "a message of Pub/Sub: envelope, attribute, value, ordering key in a line each, then the body",
        messages::pubsub,
    ),
    target("resource_url", "the URL of a resource", urls::resource),
    target("route", "a route's path in a line, then requests' targets in a line each", urls::route),
    target("s3_notice", "a bucket's events as S3 and those who carry them write them, in JSON", notices::s3),
    target("schedule", "a schedule of five fields", time::schedule),
    target("server_connection", "the bytes of a connection to the server", server::connection),
    target(
        "signed_url",
        "a request to where signed URLs of memory are served, as people write it",
        signed::url,
    ),
    target("sqs_message", "a message of SQS as an event source mapping writes it, in JSON", messages::sqs),
    target(
        "storage_notice",
        "a bucket's event as Cloud Storage writes it: type, source, subject, time in a line each, then the data",
        notices::storage,
    ),
    target("table_keys", "two keys of items, written and queried on memory and local", order::items),
    target("trace_headers", "headers `traceparent`, `tracestate` and X-Ray's, in a line each", time::traces),
];

#[cfg(test)]
mod tests {
    use super::TARGETS;

    #[test]
    fn targets_stand_in_the_order_of_their_names() {
        assert!(TARGETS.is_sorted_by(|a, b| a.name < b.name));
    }
}
