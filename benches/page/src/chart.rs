//! The ratios of a group, as a plot.

use std::path::Path;

use plotters::prelude::*;
use skyport_measure::{Row, Target, Told};

use crate::Outcome;
use crate::style::{FONT, MISSED, OURS, QUIET};

const HEIGHT: i32 = 20;
const TOP: i32 = 44;
const NAMES: i32 = 300;
const WIDTH: i32 = 460;

/// A line for each row: a point for ours as a part of theirs, and a stroke where the target is.
pub(crate) fn draw(told: &Told, file: &Path) -> Outcome {
    let count = i32::try_from(told.rows.len())?;
    let size = (u32::try_from(NAMES + WIDTH + 60)?, u32::try_from(TOP + count * HEIGHT + 40)?);
    let area = SVGBackend::new(file, size).into_drawing_area();
    area.fill(&WHITE)?;
    let title = format!("{}: ours as a part of theirs; the stroke is the target", told.group);
    area.draw(&Text::new(title, (10, 12), (FONT, 15)))?;
    let (low, high) = range(&told.rows);
    let bottom = TOP + count * HEIGHT;
    for mark in marks(low, high) {
        let x = place(mark, low, high);
        area.draw(&PathElement::new(
            [(x, TOP), (x, bottom)],
            QUIET.mix(if mark == 1.0 { 0.9 } else { 0.25 }),
        ))?;
        area.draw(&Text::new(format!("{mark}x"), (x - 10, bottom + 6), (FONT, 12)))?;
    }
    for (row, index) in told.rows.iter().zip(0..) {
        let y = TOP + index * HEIGHT + HEIGHT / 2;
        let colour = if row.is_met() { OURS } else { MISSED };
        area.draw(&Text::new(row.name.clone(), (10, y - 6), (FONT, 12)))?;
        let x = place(row.ratio(), low, high);
        area.draw(&PathElement::new([(place(1.0, low, high), y), (x, y)], colour.mix(0.5).stroke_width(3)))?;
        area.draw(&Circle::new((x, y), 4, colour.filled()))?;
        if let Some(aim) = aim(row) {
            let x = place(aim, low, high);
            area.draw(&PathElement::new([(x, y - 7), (x, y + 7)], QUIET.stroke_width(2)))?;
        }
    }
    area.present()?;
    Ok(())
}

/// The target as a ratio.
fn aim(row: &Row) -> Option<f64> {
    let theirs = row.theirs.median;
    let ratio = match row.target {
        Target::AtMost(times) | Target::AtLeast(times) => times,
        Target::AtMostMore(more) => (theirs + more) / theirs,
        Target::Within(limit) => limit / theirs,
    };
    ratio.is_finite().then_some(ratio)
}

/// What the axis spans, with 1 in it.
fn range(rows: &[Row]) -> (f64, f64) {
    let ratios = rows.iter().map(Row::ratio).filter(|ratio| ratio.is_finite() && *ratio > 0.0);
    let (low, high) = ratios.fold((0.5_f64, 2.0_f64), |(low, high), ratio| (low.min(ratio), high.max(ratio)));
    (low.max(0.001) / 1.1, high.min(1_000.0) * 1.1)
}

fn marks(low: f64, high: f64) -> impl Iterator<Item = f64> {
    let all = [0.001, 0.01, 0.1, 0.2, 0.5, 0.7, 1.0, 1.5, 2.0, 5.0, 10.0, 100.0, 1_000.0];
    let wide = high / low > 50.0;
    all.into_iter()
        .filter(move |mark| (low..=high).contains(mark) && !(wide && [0.2, 0.7, 1.5].contains(mark)))
}

/// Where a ratio lies: each step of the axis is the same factor.
#[allow(clippy::cast_possible_truncation)] // Of pixels.
fn place(ratio: f64, low: f64, high: f64) -> i32 {
    let part = (ratio.clamp(low, high) / low).ln() / (high / low).ln();
    NAMES + (part * f64::from(WIDTH)).round() as i32
}
