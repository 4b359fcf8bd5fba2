//! Measured values of one kind.

use serde::{Deserialize, Serialize};

/// The median of what the rounds gave, and how far they lie apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Sample {
    /// Half of the rounds gave less.
    pub median: f64,
    /// Between these two lies the middle half of the rounds.
    pub quartiles: (f64, f64),
    /// How many rounds there were.
    pub rounds: usize,
}

impl Sample {
    /// Of these values. Nothing at all is a median of 0 of 0 rounds.
    #[must_use]
    pub fn of(mut values: Vec<f64>) -> Self {
        values.sort_by(f64::total_cmp);
        let at = |part: f64| {
            let place = part * values.len().saturating_sub(1) as f64;
            let (low, high) = (place.floor() as usize, place.ceil() as usize);
            let (low, high) = (values.get(low).unwrap_or(&0.0), values.get(high).unwrap_or(&0.0));
            low + (high - low) * place.fract()
        };
        Self { median: at(0.5), quartiles: (at(0.25), at(0.75)), rounds: values.len() }
    }

    /// Half of the distance between the quartiles, as a part of the median.
    #[must_use]
    pub fn spread(&self) -> f64 {
        let (low, high) = self.quartiles;
        if self.median == 0.0 { 0.0 } else { (high - low) / 2.0 / self.median }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_and_the_quartiles_are_of_the_sorted_values() {
        let sample = Sample::of(vec![5.0, 1.0, 3.0, 2.0, 4.0]);
        assert_eq!((sample.median, sample.quartiles, sample.rounds), (3.0, (2.0, 4.0), 5));
        assert!((sample.spread() - 1.0 / 3.0).abs() < 1e-9);
        assert_eq!(Sample::of(vec![1.0, 2.0]).median, 1.5);
        assert_eq!(Sample::of(Vec::new()), Sample { rounds: 0, ..Sample::default() });
    }
}
