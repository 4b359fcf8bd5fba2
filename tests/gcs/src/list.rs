//! Lists of objects: prefix, delimiter, offsets, pages, versions; in the order of the names' bytes.

use std::collections::BTreeSet;
use std::ops::Bound;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE;
use serde_json::{Value, json};

use crate::error::{Failure, Result};
use crate::exchange::{Reply, Request};
use crate::object::Object;
use crate::store::Store;

/// The most of a page, objects and prefixes together.
const MOST: u64 = 1_000;

/// What is asked for.
struct Question<'a> {
    prefix: &'a str,
    delimiter: Option<&'a str>,
    start: &'a str,
    end: Option<&'a str>,
    most: usize,
    /// The page before ended with it.
    after: Option<Last>,
    versions: bool,
    /// Objects whose name ends in the delimiter are told of beside their prefix.
    trailing: bool,
}

/// With what a page ended.
enum Last {
    Object(String, u64),
    Prefix(String),
}

impl<'a> Question<'a> {
    fn of(request: &'a Request) -> Result<Self> {
        let text = |name: &str| request.parameter(name).filter(|text| !text.is_empty());
        for unknown in ["matchGlob", "softDeleted", "filter"] {
            if text(unknown).is_some() {
                return Err(Failure::invalid(format!("This test server does not know {unknown}.")));
            }
        }
        let most = request.number("maxResults")?.unwrap_or(MOST);
        if most == 0 {
            return Err(Failure::invalid("Invalid value for maxResults: 0"));
        }
        Ok(Self {
            prefix: text("prefix").unwrap_or_default(),
            delimiter: text("delimiter"),
            start: text("startOffset").unwrap_or_default(),
            end: text("endOffset"),
            most: most.min(MOST) as usize,
            after: text("pageToken").map(Last::read).transpose()?,
            versions: request.flag("versions")?,
            trailing: request.flag("includeTrailingDelimiter")?,
        })
    }

    /// The prefix that stands for this name.
    fn folded<'n>(&self, name: &'n str) -> Option<&'n str> {
        let (delimiter, rest) = (self.delimiter?, name.get(self.prefix.len()..)?);
        let end = self.prefix.len() + rest.find(delimiter)? + delimiter.len();
        name.get(..end)
    }

    /// Whether the pages before told of it.
    fn told(&self, object: &Object) -> bool {
        match &self.after {
            None => false,
            Some(Last::Object(name, generation)) => {
                (object.name.as_str(), object.generation) <= (name.as_str(), *generation)
            }
            Some(Last::Prefix(prefix)) => object.name < *prefix || object.name.starts_with(prefix.as_str()),
        }
    }
}

impl Last {
    fn write(&self) -> String {
        let value = match self {
            Self::Object(name, generation) => json!({ "o": name, "g": generation }),
            Self::Prefix(prefix) => json!({ "p": prefix }),
        };
        URL_SAFE.encode(value.to_string())
    }

    fn read(text: &str) -> Result<Self> {
        let value = URL_SAFE.decode(text).ok().and_then(|json| serde_json::from_slice::<Value>(&json).ok());
        let last = value.and_then(|value| match (&value["o"], &value["g"], &value["p"]) {
            (Value::String(name), Value::Number(generation), Value::Null) => {
                Some(Self::Object(name.clone(), generation.as_u64()?))
            }
            (Value::Null, Value::Null, Value::String(prefix)) => Some(Self::Prefix(prefix.clone())),
            _ => None,
        });
        last.ok_or_else(|| Failure::invalid("Invalid page token."))
    }
}

/// `GET /storage/v1/b/<bucket>/o`
pub(crate) fn list(store: &Store, request: &Request, bucket: &str) -> Result<Reply> {
    let question = Question::of(request)?;
    let objects = &store.bucket(bucket)?.objects;
    let from = question.start.max(question.prefix);
    let (mut items, mut prefixes, mut next) = (Vec::new(), BTreeSet::new(), None);
    let mut last = None;
    let range = objects.range::<str, _>((Bound::Included(from), Bound::Unbounded));
    let within = range.take_while(|(name, _)| {
        name.starts_with(question.prefix) && question.end.is_none_or(|end| name.as_str() < end)
    });
    for object in within.flat_map(|(_, generations)| generations) {
        if question.told(object) || (object.deleted.is_some() && !question.versions) {
            continue;
        }
        let folded = question.folded(&object.name);
        let known = folded.is_some_and(|prefix| prefixes.contains(prefix));
        let also_item = folded.is_none_or(|prefix| question.trailing && prefix == object.name);
        if known && !also_item {
            continue;
        }
        if items.len() + prefixes.len() >= question.most {
            next = last;
            break;
        }
        if let Some(prefix) = folded {
            prefixes.insert(prefix.to_owned());
        }
        last = Some(match folded {
            Some(prefix) => Last::Prefix(prefix.to_owned()),
            None => Last::Object(object.name.clone(), object.generation),
        });
        if also_item {
            items.push(object.resource(&store.url));
        }
    }
    let mut answer = json!({ "kind": "storage#objects" });
    if let Some(next) = next {
        answer["nextPageToken"] = Value::String(next.write());
    }
    if !prefixes.is_empty() {
        answer["prefixes"] = json!(prefixes);
    }
    if !items.is_empty() {
        answer["items"] = Value::Array(items);
    }
    Ok(Reply::json(&answer))
}
