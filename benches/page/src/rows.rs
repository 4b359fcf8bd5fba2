//! The rows as a program reads them.

use serde::Serialize;
use skyport_measure::Told;

use crate::Outcome;

#[derive(Serialize)]
struct Plain<'a> {
    name: String,
    rival: &'a str,
    ours: f64,
    theirs: f64,
    unit: &'a str,
    ratio: f64,
    target: String,
    met: bool,
}

/// An array of `{name, rival, ours, theirs, unit, ratio, target, met}`.
pub(crate) fn json(groups: &[&Told]) -> Outcome<Vec<u8>> {
    let rows = groups.iter().flat_map(|told| {
        told.rows.iter().map(|row| Plain {
            name: format!("{}/{}", told.group, row.name),
            rival: &row.rival,
            ours: row.ours.median,
            theirs: row.theirs.median,
            unit: &row.unit,
            ratio: row.ratio(),
            target: row.target.text(&row.unit),
            met: row.is_met(),
        })
    });
    let mut text = serde_json::to_vec_pretty(&rows.collect::<Vec<_>>())?;
    text.push(b'\n');
    Ok(text)
}

#[cfg(test)]
mod tests {
    use skyport_measure::{Row, Sample, Target};

    use super::*;

    #[test]
    fn a_row_has_what_was_promised() {
        let row = Row {
            name: "get".to_owned(),
            rival: "theirs".to_owned(),
            unit: "ns".to_owned(),
            ours: Sample::of(vec![7.0]),
            theirs: Sample::of(vec![10.0]),
            target: Target::AtMost(0.7),
        };
        let told = Told { group: "memory".to_owned(), rows: vec![row], ..Told::default() };
        let found: serde_json::Value = serde_json::from_slice(&json(&[&told]).unwrap()).unwrap();
        let expected = serde_json::json!([{
            "name": "memory/get", "rival": "theirs", "ours": 7.0, "theirs": 10.0, "unit": "ns",
            "ratio": 0.7, "target": "<= 0.70x", "met": true,
        }]);
        assert_eq!(found, expected);
    }
}
