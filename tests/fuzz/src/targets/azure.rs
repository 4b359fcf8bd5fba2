//! What Azure's provider reads and signs.

use skyport_azure::fuzzing::blob::read_page;
use skyport_azure::fuzzing::kv::{item, read_row};
use skyport_azure::fuzzing::shared_key::signed_text;
use skyport_azure::{Azure, AzureConfig};
use skyport_core::blob::port::{SignMethod, SignOptions};
use skyport_core::provider::{Provider, ResourceUrl, TableSettings};
use skyport_core::queue::port::QueueSettings;
use skyport_core::{Error, ErrorKind, Result};
use std::time::Duration;

use crate::{sound, text, worlds};

/// The parts of a connection string that are secrets.
const SECRETS: [&str; 2] = ["accountkey", "sharedaccesssignature"];

/// A connection string opens resources or is refused, and neither an error nor Debug shows a secret of it.
pub(super) fn connection_string(input: &[u8]) {
    let text = text::of(input);
    let mut config = AzureConfig::default();
    config.connection_string = Some(text.clone());
    config.account =
        Some("account".to_owned()).filter(|_| !text.to_ascii_lowercase().contains("accountname"));
    let secrets: Vec<&str> = text
        .split(';')
        .filter_map(|part| part.split_once('='))
        .filter(|(name, _)| SECRETS.contains(&&*name.trim().to_ascii_lowercase()))
        .map(|(_, value)| value.trim())
        // What stands elsewhere too is no secret.
        .filter(|value| text.matches(value).count() == 1)
        .collect();
    let hidden = |shown: &str| secrets.iter().for_each(|secret| sound::hides(shown, secret));
    hidden(&format!("{config:?}"));
    let azure = Azure::with(config);
    hidden(&format!("{azure:?}"));
    let bucket = azure.bucket(&ResourceUrl::new("azblob", "photos"));
    let queue = azure.queue(&ResourceUrl::new("azqueue", "jobs"), &QueueSettings::default());
    let table = azure.table(&ResourceUrl::new("aztable", "days"), &TableSettings::default());
    for refused in [refusal(&bucket), refusal(&queue), refusal(&table)].into_iter().flatten() {
        sound::error(refused);
        let kind = refused.kind();
        assert!(
            matches!(kind, ErrorKind::InvalidArgument | ErrorKind::Unauthenticated | ErrorKind::Unsupported),
            "{refused}"
        );
        hidden(&format!("{refused} {refused:?}"));
    }
    let Ok(bucket) = bucket else { return };
    hidden(&format!("{bucket:?} {:?}", bucket.info()));
    // Who has no key asks others for one to sign with, and here is nobody to ask.
    if has_key(&text) {
        let options = SignOptions::new(SignMethod::Get, Duration::from_secs(60));
        let signing = async {
            tokio::time::timeout(Duration::from_secs(1), bucket.sign("a b/\u{e9}?#%", options)).await
        };
        match worlds::paused(signing) {
            Ok(Ok(signed)) => {
                hidden(&format!("{signed:?}"));
                signed.url.parse::<http::Uri>().expect("a URL");
            }
            Ok(Err(error)) => sound::error(&error),
            Err(_) => panic!("a key signs at once"),
        }
    }
}

/// Whether it has an account's key: the last one counts.
fn has_key(text: &str) -> bool {
    let parts = text.split(';').filter_map(|part| part.trim().split_once('='));
    let mut keys = parts.filter(|(name, _)| name.trim().eq_ignore_ascii_case("accountkey"));
    keys.next_back().is_some_and(|(_, value)| !value.trim().is_empty())
}

fn refusal<T>(result: &Result<T>) -> Option<&Error> {
    result.as_ref().err()
}

/// The text does not depend on the order of headers nor of the query, has a line for each header, and names the account.
pub(super) fn shared_key(input: &[u8]) {
    let ([url], rest) = text::lines(input);
    // No other is ever signed for; and white space is dropped at an end, and escaped elsewhere.
    let is_ours = url.starts_with("http://") || url.starts_with("https://");
    if !is_ours || url.contains(|c: char| c <= ' ') {
        return;
    }
    let rest = text::of(rest);
    let mut headers: Vec<(String, String)> = Vec::new();
    for line in rest.lines() {
        let Some((name, value)) = line.split_once(':') else { continue };
        let name = name.trim().to_ascii_lowercase();
        let fits = !name.is_empty()
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
        if fits && headers.iter().all(|(there, _)| *there != name) {
            headers.push((name, value.trim().to_owned()));
        }
    }
    let Some(text) = signed_text(false, &url, &headers, "account") else { return };
    let own = headers.iter().filter(|(name, _)| name.starts_with("x-ms-")).count();
    assert!(text.lines().count() >= 12 + own, "{text:?}");
    let mut other = headers.clone();
    other.reverse();
    assert_eq!(signed_text(false, &url, &other, "account").as_deref(), Some(&*text));
    let (before, fragment) =
        url.split_once('#').map_or((&*url, String::new()), |(url, rest)| (url, format!("#{rest}")));
    if let Some((path, query)) = before.split_once('?') {
        let pairs: Vec<&str> = query.split('&').rev().collect();
        let turned = format!("{path}?{}{fragment}", pairs.join("&"));
        assert_eq!(signed_text(false, &turned, &headers, "account").as_deref(), Some(&*text));
    }
    let of_table = signed_text(true, &url, &headers, "account").expect("the same URL");
    assert!(of_table.contains("\n/account/"), "{of_table:?}");
}

/// A page is read, or is `Malformed`; it has no more entries than were asked for.
pub(super) fn page(input: &[u8]) {
    for most in [1, 1_000] {
        if let Some((entries, _)) = sound::value(read_page(input, most)) {
            assert!(entries.len() <= most);
            assert!(entries.iter().map(|entry| entry.key().len()).sum::<usize>() <= input.len() * 3);
        }
    }
}

/// A row is an item whose key is the one that it was written under, or `Malformed`.
pub(super) fn row(input: &[u8]) {
    let Some(Some(read)) = sound::value(read_row(input, 1)) else { return };
    assert!(read.value.len() <= input.len().max(20));
    assert!(read.version.as_str().len() <= input.len() + 64);
    // What Skyport does not know of a row is passed over, also where it is none of JSON's.
    let Ok(json) = serde_json::from_slice::<serde_json::Value>(input) else { return };
    assert_eq!(json["RowKey"], item(&read.key.sort));
}
