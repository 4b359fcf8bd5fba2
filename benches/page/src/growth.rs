//! How a cost grows, as a plot.

use std::path::Path;

use plotters::coord::ranged1d::{AsRangedCoord, Ranged, ValueFormatter};
use plotters::prelude::*;
use skyport_measure::{Curve, Line, Scale};

use crate::Outcome;
use crate::style::{FONT, LINES, QUIET};
use crate::text::number;

/// Draws it.
pub(crate) fn draw(curve: &Curve, file: &Path) -> Outcome {
    let (low, high) = bounds(curve.lines.iter().flat_map(|line| line.points.iter().map(|point| point.at)));
    let taken = curve.lines.iter().flat_map(|line| {
        line.points.iter().map(|point| point.took.median).chain(foretold(line).map(|(_, took)| took))
    });
    let (least, most) = bounds(taken);
    match curve.scale {
        Scale::Logarithmic => {
            lines(curve, file, (low..high).log_scale(), (least / 1.5..most * 1.5).log_scale())
        }
        Scale::Linear => lines(curve, file, low..high, 0.0..most * 1.1),
    }
}

fn bounds(values: impl Iterator<Item = f64>) -> (f64, f64) {
    let (low, high) =
        values.fold((f64::INFINITY, 0.0_f64), |(low, high), value| (low.min(value), high.max(value)));
    if low < high { (low, high) } else { (high / 2.0, high * 2.0 + f64::MIN_POSITIVE) }
}

/// What the first point and the exponent foretell, at each point.
fn foretold(line: &Line) -> impl Iterator<Item = (f64, f64)> + Clone {
    let first = line.points.first().copied();
    line.points.iter().filter_map(move |point| {
        let first = first?;
        Some((point.at, first.took.median * (point.at / first.at).powf(line.exponent)))
    })
}

fn lines<X, Y>(curve: &Curve, file: &Path, x: X, y: Y) -> Outcome
where
    X: AsRangedCoord<Value = f64>,
    Y: AsRangedCoord<Value = f64>,
    X::CoordDescType: Ranged<ValueType = f64> + ValueFormatter<f64>,
    Y::CoordDescType: Ranged<ValueType = f64> + ValueFormatter<f64>,
{
    let area = SVGBackend::new(file, (720, 400)).into_drawing_area();
    area.fill(&WHITE)?;
    let mut chart = ChartBuilder::on(&area)
        .caption(&curve.title, (FONT, 18))
        .margin(12)
        .margin_right(48)
        .x_label_area_size(44)
        .y_label_area_size(72)
        .build_cartesian_2d(x, y)?;
    chart
        .configure_mesh()
        .x_desc(&curve.along)
        .y_desc(&curve.up)
        .x_label_formatter(&|value| number(*value))
        .y_label_formatter(&|value| number(*value))
        .label_style((FONT, 12))
        .light_line_style(WHITE)
        .draw()?;
    for (line, colour) in curve.lines.iter().zip(LINES.iter().cycle().copied()) {
        chart.draw_series(DashedLineSeries::new(foretold(line), 5, 5, QUIET.stroke_width(1)))?;
        let points: Vec<(f64, f64)> = line.points.iter().map(|point| (point.at, point.took.median)).collect();
        chart
            .draw_series(LineSeries::new(points.iter().copied(), colour.stroke_width(2)))?
            .label(&line.name)
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], colour.stroke_width(2)));
        chart.draw_series(points.iter().map(|&at| Circle::new(at, 3, colour.filled())))?;
    }
    let mut labels = chart.configure_series_labels();
    labels.position(SeriesLabelPosition::UpperLeft).label_font((FONT, 12)).background_style(WHITE.mix(0.8));
    labels.draw()?;
    area.present()?;
    Ok(())
}
