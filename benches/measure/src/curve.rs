//! How a cost grows.

use serde::{Deserialize, Serialize};

use crate::Sample;

/// A plot: lines over the same axis.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Curve {
    /// For its file, and its place on the page: `list-keys`.
    pub name: String,
    /// Above the plot.
    pub title: String,
    /// What grows: `keys in the bucket`.
    pub along: String,
    /// What is measured, with its unit: `us a page of 100`.
    pub up: String,
    /// Which curve it is expected to stay on, and why: `flat: a page is sought in a tree, so it costs O(log n)`.
    pub expected: String,
    /// Of what grows; what is measured has the same.
    pub scale: Scale,
    /// The most by which the last point of each line may stand above what is expected of it, as a factor.
    pub tolerance: f64,
    /// Each with its points.
    pub lines: Vec<Line>,
}

/// How an axis is divided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Scale {
    /// Each step adds the same.
    Linear,
    /// Each step is the same factor.
    Logarithmic,
}

/// One subject.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Line {
    /// `local`
    pub name: String,
    /// Measured.
    pub points: Vec<Point>,
    /// The exponent of the curve that it is expected on: 0 where it stays flat, 1 where it grows in step with what is along the axis.
    pub exponent: f64,
}

/// One measurement.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Point {
    /// How many of what is along the axis.
    pub at: f64,
    /// What it took.
    pub took: Sample,
}

impl Line {
    /// By how much its last point stands above what its first one and the exponent foretell: 1 is as expected, 2 is twice as much.
    #[must_use]
    pub fn above(&self) -> f64 {
        let (Some(first), Some(last)) = (self.points.first(), self.points.last()) else { return 1.0 };
        last.took.median / (first.took.median * (last.at / first.at).powf(self.exponent))
    }
}

impl Curve {
    /// Whether each line ends where it was expected, or below.
    #[must_use]
    pub fn is_kept(&self) -> bool {
        self.lines.iter().all(|line| line.above() <= self.tolerance)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(exponent: f64, points: &[(f64, f64)]) -> Line {
        let point = |&(at, took)| Point { at, took: Sample::of(vec![took]) };
        Line { name: "x".to_owned(), points: points.iter().map(point).collect(), exponent }
    }

    #[test]
    fn a_line_is_held_against_its_own_beginning() {
        assert_eq!(line(0.0, &[(1.0, 5.0), (1_000.0, 10.0)]).above(), 2.0);
        assert_eq!(line(1.0, &[(1.0, 5.0), (1_000.0, 5_000.0)]).above(), 1.0);
        assert_eq!(line(1.0, &[]).above(), 1.0);
    }
}
