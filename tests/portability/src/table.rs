//! Capabilities as tables.

use std::fmt::Write as _;

use skyport_core::support::Capability;

use crate::port::{Opened, Port};

/// The head of a table: an empty corner, and the providers.
pub(crate) fn head(opened: &[Opened]) -> String {
    let names: String = opened.iter().map(|opened| format!(" {} |", opened.name)).collect();
    format!("| |{names}\n|---|{}\n", "---|".repeat(opened.len()))
}

/// A row for each capability, a column for each provider.
pub(crate) fn support(opened: &[Opened]) -> String {
    let mut table = head(opened);
    let Some(first) = opened.first() else { return table };
    for (at, row) in first.capabilities.iter().enumerate() {
        let name = if row.promised { format!("**`{}`**", row.name) } else { format!("`{}`", row.name) };
        let _ = write!(table, "| {name}: {} |", row.what.trim_end_matches('.'));
        for opened in opened {
            let _ = write!(table, " {} |", word(opened, at));
        }
        table.push('\n');
    }
    table
}

/// `native`, or `Unsupported; ordered: native`.
fn word(opened: &Opened, at: usize) -> String {
    let plain = opened.capabilities.get(at).map(|row| row.support.as_str()).unwrap_or_default();
    match declared(opened, at) {
        Some((how, row)) if row.support.as_str() != plain => {
            format!("{plain}; {how}: {}", row.support.as_str())
        }
        _ => plain.to_owned(),
    }
}

fn declared(opened: &Opened, at: usize) -> Option<(&'static str, &Capability)> {
    let (how, rows) = opened.declared.as_ref()?;
    Some((how, rows.get(at)?))
}

/// What a provider says of each capability, as rows.
pub(crate) fn notes(port: Port, opened: &Opened) -> String {
    let mut rows = String::new();
    for (at, row) in opened.capabilities.iter().enumerate() {
        let plain = row.support;
        if !plain.note().is_empty() {
            let _ = writeln!(
                rows,
                "| {}: `{}` | {} | {} |",
                port.title(),
                row.name,
                plain.as_str(),
                plain.note()
            );
        }
        let other =
            declared(opened, at).filter(|(_, row)| row.support != plain && !row.support.note().is_empty());
        if let Some((how, row)) = other {
            let (title, support) = (port.title(), row.support);
            let _ = writeln!(
                rows,
                "| {title}: `{}`, {how} | {} | {} |",
                row.name,
                support.as_str(),
                support.note()
            );
        }
    }
    rows
}
