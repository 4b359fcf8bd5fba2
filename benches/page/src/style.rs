//! How plots look.

use plotters::style::RGBColor;

/// Ours.
pub(crate) const OURS: RGBColor = RGBColor(0, 95, 175);
/// What misses its target.
pub(crate) const MISSED: RGBColor = RGBColor(200, 60, 20);
/// Axes and what is expected.
pub(crate) const QUIET: RGBColor = RGBColor(130, 130, 130);
/// Lines, in turn; told apart by those who see red and green alike, too.
pub(crate) const LINES: [RGBColor; 6] = [
    OURS,
    RGBColor(213, 94, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(120, 94, 40),
    RGBColor(86, 180, 233),
];
/// The font of all that is written.
pub(crate) const FONT: &str = "sans-serif";
