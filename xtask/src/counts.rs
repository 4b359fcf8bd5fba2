//! `cargo xtask counts`: what does not depend on the machine's mood, beside what is stored in `benches/counts/figures.json`.
//!
//! A count above the stored one by more than its tolerance is a failure: mend it, or store it and say why in the commit. One that is
//! below by more than that is told, so that it is stored and cannot creep up again unseen.

use std::fs;

use crate::Result;
use crate::workspace::Workspace;

mod figures;
mod measured;

use figures::{Figures, Kind, Line, Verdict};

/// Where the figures are, from the root.
const STORED: &str = "benches/counts/figures.json";

/// Whether nothing is above what is stored. With `store` it is what is stored from now on.
pub(crate) fn counts(store: bool) -> Result<bool> {
    let workspace = Workspace::load()?;
    let path = workspace.root.join(STORED);
    let stored = match fs::read_to_string(&path) {
        Ok(text) => Figures::read(&text)?,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Figures::default(),
        Err(error) => return Err(format!("{STORED}: {error}").into()),
    };
    let measured = measured::all(&workspace, (!store).then_some(&stored))?;
    for reason in &measured.skipped {
        println!("skipped: {reason}");
    }
    for fault in &measured.faults {
        println!("FAILED: {fault}");
    }
    let lines = figures::compare(&stored, &measured.figures);
    for line in &lines {
        println!("{line}");
    }
    if store {
        fs::write(&path, stored.with(measured.figures).text()?)?;
        println!("stored in {STORED}");
        return Ok(measured.faults.is_empty());
    }
    let (held, exceeded) = sum(&lines);
    println!("\ncounts: {held} held, {exceeded} exceeded");
    Ok(exceeded == 0 && measured.faults.is_empty())
}

/// How many are as they should be, and how many are not.
fn sum(lines: &[Line]) -> (usize, usize) {
    let held = lines.iter().filter(|line| matches!(line.verdict, Verdict::Held | Verdict::Below)).count();
    (held, lines.len() - held)
}
