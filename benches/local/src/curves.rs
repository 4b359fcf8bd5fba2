//! How costs grow: with the backlog of a queue, with the keys of a bucket and of a partition, and with how many write at once.

use std::time::Instant;

use skyport_measure::{Curve, Group, Line, Outcome, Point, Sample, Scale};

mod backlog;
mod keys;
mod writers;

/// How often each point is measured.
const ROUNDS: usize = 7;

/// Adds the curves.
///
/// # Errors
/// What fails while it is measured.
pub fn measure(group: &mut Group) -> Outcome {
    backlog::measure(group)?;
    keys::list(group)?;
    keys::query(group)?;
    writers::measure(group)
}

/// A point: what `steps` steps took, each in microseconds; measured some times, after once that does not count.
fn point(at: usize, steps: usize, mut run: impl FnMut() -> Outcome) -> Outcome<Point> {
    run()?;
    let mut took = Vec::with_capacity(ROUNDS);
    for _ in 0..ROUNDS {
        let began = Instant::now();
        run()?;
        took.push(began.elapsed().as_secs_f64() * 1e6 / steps as f64);
    }
    Ok(Point { at: at as f64, took: Sample::of(took) })
}

/// A line that is expected to stay flat.
fn flat(name: &str, points: Vec<Point>) -> Line {
    Line { name: name.to_owned(), points, exponent: 0.0 }
}

/// A curve over a logarithmic axis.
fn curve(
    name: &str,
    title: &str,
    along: &str,
    up: &str,
    expected: &str,
    tolerance: f64,
    lines: Vec<Line>,
) -> Curve {
    let own = str::to_owned;
    Curve {
        name: own(name),
        title: own(title),
        along: own(along),
        up: own(up),
        expected: own(expected),
        scale: Scale::Logarithmic,
        tolerance,
        lines,
    }
}
