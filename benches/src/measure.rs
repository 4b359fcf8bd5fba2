//! Times, medians and the table.

use std::fmt::Write as _;
use std::time::Duration;

/// How many times everything is measured; the median is told.
pub const ROUNDS: usize = 7;

/// Nanoseconds for one of `count` operations that took `time` together.
#[must_use]
pub fn per_operation(time: Duration, count: usize) -> f64 {
    time.as_nanos() as f64 / count as f64
}

/// The middle one of the measured values.
#[must_use]
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// A table in Markdown: a row for each operation, a column for each subject.
#[derive(Debug, Default)]
pub struct Table {
    subjects: Vec<String>,
    rows: Vec<(String, Vec<Option<f64>>)>,
}

impl Table {
    /// Adds a column of measured values, by the names of their rows.
    pub fn add(&mut self, subject: &str, values: Vec<(String, f64)>) {
        let column = self.subjects.len();
        self.subjects.push(subject.to_owned());
        for (name, value) in values {
            let at = self.rows.iter().position(|(row, _)| *row == name);
            let at = at.unwrap_or_else(|| {
                self.rows.push((name, Vec::new()));
                self.rows.len() - 1
            });
            if let Some((_, cells)) = self.rows.get_mut(at) {
                cells.resize(column, None);
                cells.push(Some(value));
            }
        }
    }

    /// The table as text.
    #[must_use]
    pub fn render(&self) -> String {
        let mut text = format!("| ns | {} |\n|---|", self.subjects.join(" | "));
        text.push_str(&"---:|".repeat(self.subjects.len()));
        for (name, cells) in &self.rows {
            // Writing to a String cannot fail.
            let _ = write!(text, "\n| {name} |");
            for column in 0..self.subjects.len() {
                match cells.get(column).copied().flatten() {
                    Some(value) => {
                        let _ = write!(text, " {value:.0} |");
                    }
                    None => text.push_str(" - |"),
                }
            }
        }
        text
    }
}
