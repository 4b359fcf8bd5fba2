//! Makes `docs/benchmarks.md` and its plots of what the groups of benchmarks found.
//!
//! `skyport-bench-page <root> [--json <file>] <group>..`: the page is of all figures in `benches/figures`; the JSON of the groups that
//! are named, which are those that were measured just now. Ends in `N targets, N met, N missed` of these.
#![allow(clippy::print_stdout, reason = "its only user is whoever reads its terminal")]

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

use skyport_measure::{Profiles, Told};

mod chart;
mod growth;
mod page;
mod profiles;
mod rows;
mod style;
mod text;

type Outcome<T = ()> = Result<T, Box<dyn Error + Send + Sync>>;

/// The groups in the order of the page.
const GROUPS: [&str; 9] = ["memory", "local", "aws", "gcp", "azure", "dispatch", "lambda", "cold", "build"];

fn main() -> Outcome {
    let mut words = std::env::args().skip(1);
    let root = PathBuf::from(words.next().ok_or("the first word is the project's folder")?);
    let (mut json, mut measured) = (None, Vec::new());
    while let Some(word) = words.next() {
        if word == "--json" {
            json = Some(words.next().ok_or("--json wants a file")?);
        } else {
            measured.push(word);
        }
    }
    let groups = read(&root)?;
    let measured: Vec<&Told> = groups.iter().filter(|told| measured.contains(&told.group)).collect();
    if let Some(file) = json {
        fs::write(file, rows::json(&measured)?)?;
    }
    let docs = root.join("docs");
    let plots = docs.join("benchmarks");
    if plots.exists() {
        fs::remove_dir_all(&plots)?;
    }
    fs::create_dir_all(&plots)?;
    for told in &groups {
        if !told.rows.is_empty() {
            chart::draw(told, &plots.join(format!("{}.svg", told.group)))?;
        }
        for curve in &told.curves {
            growth::draw(curve, &plots.join(page::plot(told, curve)))?;
        }
    }
    let said = |group: &str| Ok((notes(&root, group)?, profiles(&root, group)?));
    fs::write(docs.join("benchmarks.md"), page::page(&groups, said)?)?;
    let rows: Vec<_> = measured.iter().flat_map(|told| &told.rows).collect();
    let met = rows.iter().filter(|row| row.is_met()).count();
    println!("docs/benchmarks.md has the tables and plots");
    println!("{} targets, {met} met, {} missed", rows.len(), rows.len() - met);
    Ok(())
}

/// What has been measured, in the order of the page.
fn read(root: &Path) -> Outcome<Vec<Told>> {
    let mut groups = Vec::new();
    for name in GROUPS {
        let file = root.join("benches/figures").join(format!("{name}.json"));
        if file.is_file() {
            groups.push(serde_json::from_slice(&fs::read(file)?)?);
        }
    }
    Ok(groups)
}

/// What was counted of what a group has missed.
fn profiles(root: &Path, group: &str) -> Outcome<Profiles> {
    let file = root.join("benches/figures/profiles").join(format!("{group}.json"));
    if file.is_file() { Ok(serde_json::from_slice(&fs::read(file)?)?) } else { Ok(Profiles::default()) }
}

/// What a group says of how it measures, and of what is missed.
fn notes(root: &Path, group: &str) -> Outcome<String> {
    let file = root.join("benches").join(group).join("notes.md");
    if file.is_file() { Ok(fs::read_to_string(file)?) } else { Ok(String::new()) }
}
