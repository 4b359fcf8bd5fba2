//! Times and the table.

use std::fmt::Write as _;
use std::time::Duration;

/// How many times everything is measured; the best is told.
pub const ROUNDS: usize = 7;

/// Nanoseconds for one of `count` operations that took `time` together.
#[must_use]
pub fn per_operation(time: Duration, count: usize) -> f64 {
    time.as_nanos() as f64 / count as f64
}

/// The least of the measured values: the one that other work of the machine disturbed least.
#[must_use]
pub fn best(values: Vec<f64>) -> f64 {
    values.into_iter().fold(f64::INFINITY, f64::min)
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
