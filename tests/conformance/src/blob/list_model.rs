//! Any listing, held against what the contract says of the same keys.

use std::collections::BTreeSet;

use futures_util::{StreamExt, TryStreamExt, stream};
use skyport_core::Result;
use skyport_core::blob::Bucket;

use super::{bucket, keys_of};
use crate::case::{CaseResult, cases};
use crate::{Context, Outcome};

cases![
    any_listing_is_what_the_contract_says,
    any_listing_by_a_delimiter_of_several_letters_is_what_the_contract_says,
];

const KEYS: usize = 40;
const LISTINGS: usize = 120;

/// Texts of few letters, so that they often begin alike.
fn text(random: &mut fastrand::Rng, longest: usize) -> String {
    let letters = ["a", "b", "-", "0", "/", "/", "é", "\u{ffee}", "\u{10000}"];
    (0..random.usize(0..=longest)).map(|_| letters[random.usize(..letters.len())]).collect()
}

fn keys(random: &mut fastrand::Rng) -> BTreeSet<String> {
    let mut keys = BTreeSet::new();
    while keys.len() < KEYS {
        let text = text(random, 7);
        let key: Vec<&str> = text.split('/').filter(|segment| !segment.is_empty()).collect();
        if !key.is_empty() {
            keys.insert(key.join("/"));
        }
    }
    keys
}

/// Prefix, delimiter and start.
struct Wanted {
    prefix: String,
    delimiter: Option<&'static str>,
    after: Option<String>,
}

impl Wanted {
    fn any(random: &mut fastrand::Rng, keys: &BTreeSet<String>, delimiters: &[Option<&'static str>]) -> Self {
        let some_key = |random: &mut fastrand::Rng| keys.iter().nth(random.usize(..KEYS)).cloned();
        let prefix = match random.u8(0..4) {
            0 => String::new(),
            1 => text(random, 2),
            _ => {
                // The beginning of a key.
                let key = some_key(random).unwrap_or_default();
                let letters = random.usize(0..4);
                key.chars().take(letters).collect()
            }
        };
        let delimiter = delimiters[random.usize(..delimiters.len())];
        let after = match random.u8(0..4) {
            0 => some_key(random),
            1 => Some(format!("{prefix}{}", text(random, 3))),
            2 => some_key(random).map(|key| format!("{}/", key.split('/').next().unwrap_or_default())),
            _ => None,
        };
        Self { prefix, delimiter, after: after.filter(|after| !after.is_empty()) }
    }

    /// What the contract says: each directory once, UTF-8 byte order, only what comes after.
    fn expected(&self, keys: &BTreeSet<String>) -> Vec<String> {
        let matching = keys.iter().filter_map(|key| Some((key, key.strip_prefix(&self.prefix)?)));
        let entries: BTreeSet<&str> = matching
            .map(|(key, rest)| {
                let found = self.delimiter.and_then(|text| Some(rest.find(text)? + text.len()));
                found.map_or(key.as_str(), |end| &key[..self.prefix.len() + end])
            })
            .collect();
        let after = self.after.as_deref().unwrap_or_default();
        entries.into_iter().filter(|entry| *entry > after).map(str::to_owned).collect()
    }

    async fn listed(&self, bucket: &Bucket, page: usize) -> Result<Vec<String>> {
        let mut list = bucket.list().prefix(&self.prefix).page_size(page);
        if let Some(delimiter) = self.delimiter {
            list = list.delimiter(delimiter);
        }
        if let Some(after) = &self.after {
            list = list.start_after(after);
        }
        let entries: Vec<_> = list.stream().try_collect().await?;
        Ok(keys_of(&entries))
    }
}

async fn any_listing_is_what_the_contract_says(cx: Context) -> CaseResult {
    listings(cx, LISTINGS, &[None, Some("/"), Some("/"), Some("a")]).await
}

async fn any_listing_by_a_delimiter_of_several_letters_is_what_the_contract_says(cx: Context) -> CaseResult {
    listings(cx, LISTINGS / 3, &[Some("/a"), Some("é/")]).await
}

async fn listings(cx: Context, count: usize, delimiters: &[Option<&'static str>]) -> CaseResult {
    let bucket = bucket(&cx).await?;
    let mut random = fastrand::Rng::with_seed(11);
    let keys = keys(&mut random);
    let puts = stream::iter(&keys).map(|key| {
        let put = bucket.put(key, "v");
        async move { put.await.map(drop) }
    });
    puts.buffer_unordered(8).try_collect::<()>().await?;
    for _ in 0..count {
        let wanted = Wanted::any(&mut random, &keys, delimiters);
        let page = [1, 2, 3, 1_000][random.usize(..4)];
        let listed = wanted.listed(&bucket, page).await?;
        let Wanted { prefix, delimiter, after } = &wanted;
        let how = format!("prefix {prefix:?}, delimiter {delimiter:?}, after {after:?}, pages of {page}");
        assert_eq!(listed, wanted.expected(&keys), "{how}");
    }
    Ok(Outcome::Passed)
}
