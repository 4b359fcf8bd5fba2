//! Secrets are planted wherever one is taken, errors of every kind are provoked, and all that comes out is searched for them: Debug of all that
//! holds one, errors with their causes, and every span and event of our own crates at the finest level; of those that others write, what is
//! written at the usual level.
#![allow(clippy::expect_used, clippy::panic)]

mod capture;
mod clients;
mod configured;
mod plants;
mod services;

use std::collections::BTreeMap;

use capture::Captured;
use plants::Plants;

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_comes_out_in_debug_errors_logs_spans_or_answers() {
    let captured = Captured::install();
    let url = configured::signed_by_google_key().await;
    let plants = Plants::new();
    let mut said = configured::all(&plants);
    said.push(url);
    said.extend(services::all(&plants).await);
    said.extend(clients::all(&plants).await);

    // What is searched is there at all, and is of our crates and of others'.
    let lines = captured.lines();
    let of_ours = lines.iter().filter(|line| line.is_ours).count();
    assert!(said.len() > 300, "{} texts", said.len());
    assert!(of_ours > 300, "{of_ours} spans and events");
    assert!(
        lines.iter().any(|line| line.text.contains("visible-key")),
        "keys are told, and found by a search"
    );

    // One of each sort is enough to see: by its name, what was said, and what stands before it.
    let (mut leaks, mut searched) = (BTreeMap::new(), 0);
    for text in said.iter().map(String::as_str).chain(lines.iter().map(|line| line.text.as_str())) {
        searched += 1;
        for (name, at) in plants.found_in(text) {
            let begin: String = text.chars().take(60).collect();
            let before: String =
                text[..at].chars().rev().take(80).collect::<Vec<_>>().into_iter().rev().collect();
            *leaks.entry(format!("{name}: {begin} [..] {before}<here>")).or_insert(0) += 1;
        }
    }
    let shown: Vec<String> = leaks.iter().take(60).map(|(leak, count)| format!("{count} x {leak}")).collect();
    assert!(leaks.is_empty(), "{} sorts of leaks:\n{}", leaks.len(), shown.join("\n"));
    skyport_figures::record(
        "hostile::secrets",
        &format!(
            "{} planted secrets in {} forms, searched for in {searched} texts ({} spans and events)",
            plants.count(),
            plants.forms(),
            lines.len()
        ),
    );
}

#[test]
fn a_planted_secret_is_found_in_every_form() {
    let plants = Plants::new();
    for (name, form) in plants.all() {
        let text = format!("before {form} behind");
        assert!(plants.found_in(&text).any(|(found, _)| found == name), "{name}: {form}");
    }
    assert_eq!(plants.found_in("nothing of it").count(), 0);
}
