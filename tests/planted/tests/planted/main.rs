//! Photos, with a bug each: the same simulation that finds nothing in the example must find it.
//!
//! All modules are the example's, but for those with a bug: each has a function that stands in the place of the right one.
#![allow(
    clippy::expect_used,
    clippy::print_stdout,
    reason = "all of this is a test, also what stands outside of one"
)]

#[path = "../../../../examples/photos/app.rs"]
mod app;
#[path = "../../../../examples/photos/catalogue.rs"]
mod catalogue;
#[path = "../../../../examples/photos/http.rs"]
mod http;
#[path = "../../../../examples/photos/picture.rs"]
mod picture;
#[path = "../../../../examples/photos/storm/mod.rs"]
mod storm;
#[path = "../../../../examples/photos/sweep.rs"]
mod sweep;
#[path = "../../../../examples/photos/thumbnail.rs"]
mod thumbnail;
#[path = "../../../../examples/photos/upload.rs"]
mod upload;

mod check_then_put;
mod cleans_up_after_failure;
mod early_acknowledgement;
mod event_order;
mod lost_update;
mod numbers;

use std::time::Duration;

use skyport::app::App;
use skyport::testing::{Driven, Report, Shrinking, Simulation};

use app::Photos;
use storm::Seen;

/// Within so many seeds each bug must be found.
const SEEDS: u64 = 1_000;

/// A slow machine is to find the fewest faults, too.
const PATIENCE: Duration = Duration::from_secs(600);

/// A simulation of photos that is yet to be told how many seeds it runs.
type Photographed = Simulation<Photos, Driven<Photos, Seen>>;

/// The example with some of its functions replaced.
macro_rules! photos {
    (upload: $upload:path, added: $added:path, removed: $removed:path, resize: $resize:path $(,)?) => {
        skyport::app::App::new("photos")
            .http("upload", route::put("/photos/{name}"), $upload)
            .http("photo", route::get("/photos/{name}"), crate::http::photo)
            .http("delete", route::delete("/photos/{name}"), crate::http::delete)
            .http("list", route::get("/photos"), crate::http::list)
            .http("thumbnail", route::get("/thumbnails/{name}"), crate::http::thumbnail)
            .http("share", route::post("/photos/{name}/share"), crate::http::share)
            .on_blob_created("added", crate::app::Photos::ORIGINALS, $added)
            .on_blob_deleted("removed", crate::app::Photos::ORIGINALS, $removed)
            .on_message("resize", crate::app::Photos::RESIZE.concurrency(4), $resize)
            .on_schedule("sweep", "0 3 * * *", crate::sweep::sweep)
    };
}
use photos;

fn right(name: &str) -> Photographed {
    storm::simulation(name, app::app)
}

/// Looks for a bug; the right application must then stand as many seeds. Says after how many seeds it was found, and by how few faults.
fn finds(bug: &str, wrong: Photographed, right: Photographed) {
    let Report { found, seeds, .. } = wrong.seeds(SEEDS).shrink_limit(PATIENCE).explore();
    let Some(violation) = found.first() else { panic!("{bug} was not found in {seeds} seeds") };
    println!("{bug}: {violation}");
    let Shrinking::Fewest(runs) = violation.shrinking else {
        panic!("{bug}: not shrunk to the fewest faults: {:?}", violation.shrinking);
    };
    let (after, faults) = (violation.seed + 1, violation.faults.len());
    let stood = right.seeds(after).run();
    skyport_figures::record(
        &format!("planted::{bug}"),
        &format!(
            "found after {after} seeds; {faults} of {} faults are needed (shrunk in {runs} runs); the right application stood {stood}",
            violation.injected
        ),
    );
}

#[test]
fn what_is_acknowledged_before_its_effect_is_found() {
    let wrong = storm::simulation("early_acknowledgement", early_acknowledgement::app);
    finds("early_acknowledgement", wrong, right("photos"));
}

#[test]
fn work_that_is_done_twice_for_one_event_is_found() {
    let numbered =
        |name, app: fn() -> App<Photos>| storm::simulation(name, app).check(numbers::each_has_one_number);
    finds(
        "no_idempotency",
        numbered("no_idempotency", numbers::wrong),
        numbered("idempotency", numbers::right),
    );
}

#[test]
fn a_check_before_a_write_instead_of_a_condition_is_found() {
    let wrong = storm::simulation("check_then_put", check_then_put::app);
    finds("check_then_put", wrong, right("photos"));
}

#[test]
fn trust_in_the_order_of_events_is_found() {
    let wrong = storm::simulation("event_order", event_order::app);
    finds("event_order", wrong, right("photos"));
}

#[test]
fn an_update_without_a_version_is_found() {
    let wrong = storm::simulation("lost_update", lost_update::app);
    finds("lost_update", wrong, right("photos"));
}

#[test]
fn a_clean_up_that_takes_what_is_not_its_own_is_found() {
    let wrong = storm::simulation("clean_up", cleans_up_after_failure::app);
    finds("clean_up", wrong, right("photos"));
}
