//! The page in `docs` is what the code says.
#![allow(clippy::expect_used, reason = "a test that cannot read has failed")]

#[test]
fn the_page_in_docs_is_what_the_code_says() {
    let written = std::fs::read_to_string(skyport_portability::path()).expect("docs/portability.md");
    let said = skyport_portability::page().expect("every resource opens");
    let other = written.lines().zip(said.lines()).find(|(written, said)| written != said);
    assert!(
        written == said,
        "docs/portability.md is stale: `cargo xtask portability` makes it anew. First difference: {other:#?}"
    );
}

#[test]
fn no_cell_breaks_its_table() {
    let said = skyport_portability::page().expect("every resource opens");
    let mut cells = None;
    for line in said.lines() {
        let count = line.starts_with('|').then(|| line.matches('|').count());
        if let (Some(cells), Some(count)) = (cells, count) {
            assert_eq!(cells, count, "{line}");
        }
        cells = count;
    }
}
