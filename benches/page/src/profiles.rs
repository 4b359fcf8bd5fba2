//! The profiles' part of a group's section.

use std::fmt::Write as _;

use skyport_measure::{Profile, Profiles, Told, is_of};

use crate::Outcome;
use crate::text::number;

/// How many of the parts stand in the table.
const PARTS: usize = 6;

/// A part in which both sides are alike says nothing: percent of the rival's instructions.
const ALIKE: f64 = 0.2;

/// A table of the contests that have missed a target in these figures; nothing where none has a profile.
pub(crate) fn table(text: &mut String, told: &Told, taken: &Profiles) -> Outcome {
    let missed = |profile: &&Profile| {
        told.rows
            .iter()
            .any(|row| row.rival == profile.rival && is_of(row, &profile.contest) && !row.is_met())
    };
    let shown: Vec<&Profile> = taken.profiles.iter().filter(missed).collect();
    if shown.is_empty() {
        return Ok(());
    }
    write!(
        text,
        "\n### Profiles: {}\n\nWhat missed its target, by callgrind, {}. Both sides in turn, each without what it does only once. The last column has \
         where ours differs most, in percent of all instructions of the rival's: crates, files of this project, the system's library. The kernel is not in it. Reads of the clock are among the system calls, since valgrind has no other way to them.\n\n\
         | what | rival | instructions | system calls | where |\n|---|---|---:|---:|---|\n",
        told.group, taken.stamp,
    )?;
    for profile in shown {
        line(text, profile)?;
    }
    Ok(())
}

fn line(text: &mut String, profile: &Profile) -> Outcome {
    let Profile { contest, rival, ours, theirs, parts } = profile;
    let differ = parts.iter().map(|part| (profile.difference(part), &part.name));
    let places: Vec<String> = differ
        .filter(|(difference, _)| difference.abs() >= ALIKE)
        .take(PARTS)
        .map(|(difference, name)| format!("{difference:+.1} {name}"))
        .collect();
    writeln!(
        text,
        "| {contest} | {rival} | {} : {}, {:.2}x | {} : {} | {} |",
        number(ours.instructions),
        number(theirs.instructions),
        ours.instructions / theirs.instructions.max(1.0),
        number(ours.calls),
        number(theirs.calls),
        places.join(", "),
    )?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use skyport_measure::{Part, Row, Sample, Spent, Target};

    use super::*;

    fn told(ours: f64) -> Told {
        let row = Row {
            name: "kv/get/cpu".to_owned(),
            rival: "raw".to_owned(),
            unit: "us".to_owned(),
            ours: Sample::of(vec![ours]),
            theirs: Sample::of(vec![10.0]),
            target: Target::AtMost(1.05),
        };
        Told { group: "gcp".to_owned(), rows: vec![row], ..Told::default() }
    }

    #[test]
    fn a_contest_that_has_missed_tells_where_its_instructions_go() {
        let part = |name: &str, ours, theirs| Part { name: name.to_owned(), ours, theirs };
        let profile = Profile {
            contest: "kv/get".to_owned(),
            rival: "raw".to_owned(),
            ours: Spent { instructions: 1_200.0, calls: 8.0 },
            theirs: Spent { instructions: 1_000.0, calls: 9.0 },
            parts: vec![
                part("core/src/retry.rs", 210.0, 0.0),
                part("hyper", 90.0, 100.0),
                part("h2", 1.0, 0.0),
            ],
        };
        let taken = Profiles { stamp: "on a day".to_owned(), profiles: vec![profile] };
        let mut text = String::new();
        table(&mut text, &told(12.0), &taken).unwrap();
        let expected =
            "| kv/get | raw | 1,200 : 1,000, 1.20x | 8 : 9 | +21.0 core/src/retry.rs, -1.0 hyper |\n";
        assert!(text.contains("on a day") && text.ends_with(expected), "{text}");
        let mut text = String::new();
        table(&mut text, &told(10.0), &taken).unwrap();
        assert!(text.is_empty(), "{text}");
    }
}
