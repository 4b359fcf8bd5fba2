//! Photos under faults, for as many seeds as are asked for: `cargo xtask simulate`.

use crate::app::app;
use crate::storm::simulation;

#[test]
fn each_accepted_photo_has_its_thumbnail_or_a_dead_letter_whatever_breaks() {
    let report = simulation("photos", app).seeds(100).run();
    skyport_figures::record("simulation::photos", &report.to_string());
}
