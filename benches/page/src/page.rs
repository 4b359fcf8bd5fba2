//! The page's text.

use std::fmt::Write as _;

use skyport_measure::{Curve, Profiles, Row, Told};

use crate::text::number;
use crate::{Outcome, profiles};

const INTRODUCTION: &str = include_str!("introduction.md");

/// The file of a curve, in the folder of the plots.
pub(crate) fn plot(told: &Told, curve: &Curve) -> String {
    format!("{}-{}.svg", told.group, curve.name)
}

/// All of it: the introduction, the sum, a section for each group.
/// With what each group says, and what was counted of it.
pub(crate) fn page(groups: &[Told], said: impl Fn(&str) -> Outcome<(String, Profiles)>) -> Outcome<String> {
    let mut text = INTRODUCTION.to_owned();
    text.push_str(&sum(groups)?);
    for told in groups {
        let (notes, taken) = said(&told.group)?;
        text.push_str(&section(told, &notes, &taken)?);
    }
    Ok(text)
}

/// How many targets are met in each group, and which are not.
fn sum(groups: &[Told]) -> Outcome<String> {
    let mut text = String::from("\n## The sum\n\n| group | met | missed |\n|---|---:|---|\n");
    for told in groups {
        let met = told.rows.iter().filter(|row| row.is_met()).count();
        let missed: Vec<&str> =
            told.rows.iter().filter(|row| !row.is_met()).map(|row| row.name.as_str()).collect();
        let group = &told.group;
        writeln!(text, "| [{group}](#{group}) | {met} of {} | {} |", told.rows.len(), missed.join(", "))?;
    }
    Ok(text)
}

fn section(told: &Told, notes: &str, taken: &Profiles) -> Outcome<String> {
    let Told { group, quick, stamp, rows, curves } = told;
    let quick =
        if *quick { " With `--quick`: few rounds, so a difference of some percent is chance." } else { "" };
    let mut text = format!("\n## {group}\n\nMeasured {stamp}.{quick}\n");
    if !rows.is_empty() {
        text.push_str("\n| what | unit | Skyport | | rival | | ratio | target | |\n|---|---|---:|---:|---:|---|---:|---|---|\n");
        for row in rows {
            line(&mut text, row)?;
        }
        writeln!(text, "\n![{group}: ours beside the rivals'](benchmarks/{group}.svg)")?;
    }
    if !notes.trim().is_empty() {
        write!(text, "\n{}\n", notes.trim())?;
    }
    profiles::table(&mut text, told, taken)?;
    for curve in curves {
        growth(&mut text, told, curve)?;
    }
    Ok(text)
}

fn line(text: &mut String, row: &Row) -> Outcome {
    let Row { name, rival, unit, ours, theirs, target } = row;
    let verdict = if row.is_met() { "met" } else { "**missed**" };
    let ratio = row.ratio();
    // Beside nothing, anything is without measure.
    let ratio = if ratio.is_finite() { format!("{ratio:.2}") } else { "-".to_owned() };
    writeln!(
        text,
        "| {name} | {unit} | {} | ±{:.0} % | {} | {rival}, ±{:.0} % | {ratio} | {} | {verdict} |",
        number(ours.median),
        ours.spread() * 100.0,
        number(theirs.median),
        theirs.spread() * 100.0,
        target.text(unit),
    )?;
    Ok(())
}

/// The plot with what was expected, and what came of it.
fn growth(text: &mut String, told: &Told, curve: &Curve) -> Outcome {
    writeln!(text, "\n### {}\n\nExpected: {}\n", curve.title, curve.expected)?;
    for line in &curve.lines {
        let points: Vec<String> = line
            .points
            .iter()
            .map(|point| format!("{} at {}", number(point.took.median), number(point.at)))
            .collect();
        let verdict = if line.above() <= curve.tolerance { "kept" } else { "**left**" };
        let above = number(line.above());
        writeln!(
            text,
            "- {}, {}: {}. The last is {above} times what the first foretells (at most {} is within it): {verdict}.",
            line.name,
            curve.up,
            points.join(", "),
            number(curve.tolerance),
        )?;
    }
    writeln!(text, "\n![{}](benchmarks/{})", curve.title, plot(told, curve))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use skyport_measure::{Sample, Target};

    use super::*;

    #[test]
    fn a_missed_target_stands_in_the_sum_and_in_its_row() {
        let row = Row {
            name: "get".to_owned(),
            rival: "theirs".to_owned(),
            unit: "ns".to_owned(),
            ours: Sample::of(vec![8.0]),
            theirs: Sample::of(vec![10.0]),
            target: Target::AtMost(0.7),
        };
        let told = Told { group: "memory".to_owned(), rows: vec![row], ..Told::default() };
        let text = page(&[told], |_| Ok(("Why.".to_owned(), Profiles::default()))).unwrap();
        assert!(text.contains("| [memory](#memory) | 0 of 1 | get |"), "{text}");
        assert!(
            text.contains("| get | ns | 8 | ±0 % | 10 | theirs, ±0 % | 0.80 | <= 0.70x | **missed** |"),
            "{text}"
        );
        assert!(text.contains("\nWhy.\n"), "{text}");
    }
}
