//! What a strict Table Storage does with its rows: keys, sizes, etags, transactions, order and pages as Azure's documents have them.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{Method, Response};
use serde_json::{Map, Value, json};

use crate::server::{Asked, answer, refusal, text};

type Properties = Map<String, Value>;
type Keys = (String, String);

/// The tables, and the rows of the only one that has any.
#[derive(Clone)]
pub(crate) struct Rows {
    tables: BTreeSet<String>,
    rows: BTreeMap<Keys, (Properties, u64)>,
    ticks: u64,
    /// The most rows of one answer, whatever is asked.
    pub(crate) page: usize,
    /// Before each page that is not the first comes an empty one.
    pub(crate) empty_pages: bool,
}

/// What an operation is refused with: status, code.
type Refusal = (u16, &'static str);

impl Rows {
    pub(crate) fn with_table(table: &str) -> Self {
        let tables = BTreeSet::from([table.to_owned()]);
        Self { tables, rows: BTreeMap::new(), ticks: 0, page: 1_000, empty_pages: false }
    }

    /// The RowKeys that are there.
    pub(crate) fn names(&self) -> Vec<String> {
        self.rows.keys().map(|(_, row)| row.clone()).collect()
    }

    /// Gives a number to every row that begins so.
    pub(crate) fn set(&mut self, row: &str, name: &str, number: i64) {
        for ((_, known), (properties, _)) in &mut self.rows {
            if known.starts_with(row) {
                properties.insert(name.to_owned(), number.to_string().into());
            }
        }
    }

    /// A row that no program of Skyport's writes.
    pub(crate) fn put_foreign(&mut self, row: &str, expires: i64) {
        let properties = Properties::from_iter([("exp".to_owned(), expires.to_string().into())]);
        self.ticks += 1;
        self.rows.insert(("p".to_owned(), row.to_owned()), (properties, self.ticks));
    }

    /// As another writer would.
    pub(crate) fn remove(&mut self, row: &str) {
        self.rows.retain(|(_, known), _| known != row);
    }

    pub(crate) fn answer(&mut self, asked: &Asked) -> Response<Bytes> {
        assert!(asked.header("authorization").starts_with("SharedKeyLite acct:"), "who calls?");
        assert!(!asked.header("x-ms-version").is_empty() && !asked.header("x-ms-date").is_empty());
        let (path, query) = asked.target.split_once('?').unwrap_or((&asked.target, ""));
        let path = path.strip_prefix("/acct/").expect("the account");
        if let Some(name) = path.strip_prefix("Tables") {
            return self.tables(asked, name);
        }
        if path == "$batch" {
            return self.transaction(asked);
        }
        let table = path.split('(').next().expect("a table");
        if !self.tables.contains(table) {
            return refusal(404, "TableNotFound", "The table specified does not exist.");
        }
        if asked.method == Method::GET {
            return match keys(path) {
                Some(keys) => self.get(&keys, query),
                None => self.list(query),
            };
        }
        let if_match = Some(asked.header("if-match")).filter(|etag| !etag.is_empty());
        match self.apply(&asked.method, path, if_match, &asked.body) {
            Ok(Some(etag)) => {
                Response::builder().status(204).header("etag", etag).body(Bytes::new()).unwrap()
            }
            Ok(None) => answer(204, ""),
            Err((status, code)) => refusal(status, code, "It says no."),
        }
    }

    fn tables(&mut self, asked: &Asked, name: &str) -> Response<Bytes> {
        if asked.method == Method::POST {
            let body: Value = serde_json::from_slice(&asked.body).expect("JSON");
            let made = self.tables.insert(body["TableName"].as_str().expect("a name").to_owned());
            return if made { answer(204, "") } else { refusal(409, "TableAlreadyExists", "It is there.") };
        }
        let name = name.trim_start_matches("('").trim_end_matches("')");
        if self.tables.remove(name) {
            answer(204, "")
        } else {
            refusal(404, "ResourceNotFound", "It is not there.")
        }
    }

    fn etag(ticks: u64) -> String {
        format!("W/\"datetime'2026-11-26T19%3A20%3A08.{ticks:07}Z'\"")
    }

    fn row(&self, keys: &Keys, select: Option<&str>) -> Option<Value> {
        let (properties, ticks) = self.rows.get(keys)?;
        let mut row = properties.clone();
        row.insert("PartitionKey".to_owned(), keys.0.as_str().into());
        row.insert("RowKey".to_owned(), keys.1.as_str().into());
        row.insert("Timestamp".to_owned(), format!("2026-11-26T19:20:08.{ticks:07}Z").into());
        if let Some(select) = select {
            let wanted: Vec<&str> = select.split(',').collect();
            row.retain(|name, _| wanted.contains(&name.split('@').next().expect("a name")));
        }
        Some(row.into())
    }

    fn get(&self, keys: &Keys, query: &str) -> Response<Bytes> {
        match self.row(keys, parameter(query, "$select")) {
            None => refusal(404, "ResourceNotFound", "The specified resource does not exist."),
            Some(row) => {
                let etag = Self::etag(self.rows[keys].1);
                Response::builder().header("etag", etag).body(row.to_string().into()).unwrap()
            }
        }
    }

    /// Rows in the order of their UTF-16.
    fn list(&self, query: &str) -> Response<Bytes> {
        let top: usize = parameter(query, "$top").map_or(1_000, |top| top.parse().expect("a number"));
        assert!((1..=1_000).contains(&top), "Azure takes a $top of 1 to 1,000, not {top}");
        let from = parameter(query, "NextRowKey").map(|row| {
            (
                parameter(query, "NextPartitionKey").expect("both").to_owned(),
                row.trim_start_matches('*').to_owned(),
            )
        });
        let resumes_empty = parameter(query, "NextRowKey").is_some_and(|row| !row.starts_with('*'));
        let filter = parameter(query, "$filter").unwrap_or_default();
        let mut all: Vec<&Keys> = self.rows.keys().filter(|keys| self.matches(keys, filter)).collect();
        all.sort_by(|a, b| {
            let units = |keys: &Keys| {
                (keys.0.encode_utf16().collect::<Vec<_>>(), keys.1.encode_utf16().collect::<Vec<_>>())
            };
            units(a).cmp(&units(b))
        });
        all.retain(|keys| from.as_ref().is_none_or(|from| *keys >= from));
        let most = if self.empty_pages && from.is_some() && resumes_empty { 0 } else { top.min(self.page) };
        let rows: Vec<Value> =
            all.iter().take(most).filter_map(|keys| self.row(keys, parameter(query, "$select"))).collect();
        let mut answer = Response::builder();
        if let Some((partition, row)) = all.get(most) {
            // A mark says whether an empty page was told.
            let row = if most == 0 { format!("*{row}") } else { row.clone() };
            answer = answer.header("x-ms-continuation-NextPartitionKey", partition);
            answer = answer.header("x-ms-continuation-NextRowKey", row);
        }
        answer.body(json!({ "value": rows }).to_string().into()).unwrap()
    }

    /// Whether all that is joined by `and` holds.
    fn matches(&self, keys: &Keys, filter: &str) -> bool {
        filter.split(" and ").filter(|clause| !clause.is_empty()).all(|clause| {
            let mut words = clause.splitn(3, ' ');
            let (name, operator, operand) =
                (words.next().unwrap(), words.next().unwrap(), words.next().unwrap());
            let order = match name {
                "PartitionKey" => keys.0.as_str().cmp(operand.trim_matches('\'')),
                "RowKey" => keys.1.as_str().cmp(operand.trim_matches('\'')),
                _ => {
                    let Some(number) = self.rows[keys].0.get(name).and_then(Value::as_str) else {
                        return false;
                    };
                    let operand = operand.strip_suffix('L').expect("an integer of 64 bits");
                    number.parse::<i64>().unwrap().cmp(&operand.parse().unwrap())
                }
            };
            match operator {
                "eq" => order.is_eq(),
                "ge" => order.is_ge(),
                "gt" => order.is_gt(),
                "le" => order.is_le(),
                "lt" => order.is_lt(),
                other => panic!("unknown: {other}"),
            }
        })
    }

    /// One operation; the new etag, where there is one.
    fn apply(
        &mut self,
        method: &Method,
        path: &str,
        if_match: Option<&str>,
        body: &[u8],
    ) -> Result<Option<String>, Refusal> {
        let mut properties: Properties = if body.is_empty() {
            Properties::new()
        } else {
            serde_json::from_slice(body).map_err(|_| (400, "InvalidInput"))?
        };
        let named = |name| properties.get(name).and_then(Value::as_str).map(str::to_owned);
        let keys = keys(path)
            .or_else(|| Some((named("PartitionKey")?, named("RowKey")?)))
            .ok_or((400, "PropertiesNeedValue"))?;
        check(&keys, &properties)?;
        properties.remove("PartitionKey");
        properties.remove("RowKey");
        let there = self.rows.get(&keys);
        if let Some(if_match) = if_match {
            let (_, ticks) = there.ok_or((404, "ResourceNotFound"))?;
            if if_match != "*" && if_match != Self::etag(*ticks) {
                return Err((412, "UpdateConditionNotSatisfied"));
            }
        }
        match method.as_str() {
            "POST" if there.is_some() => return Err((409, "EntityAlreadyExists")),
            "POST" | "PUT" => {}
            "PATCH" => {
                let mut whole = there.map(|(properties, _)| properties.clone()).unwrap_or_default();
                whole.append(&mut properties);
                properties = whole;
            }
            "DELETE" => {
                if if_match.is_none() {
                    return Err((400, "MissingRequiredHeader"));
                }
                self.rows.remove(&keys);
                return Ok(None);
            }
            other => panic!("unknown: {other}"),
        }
        self.ticks += 1;
        self.rows.insert(keys, (properties, self.ticks));
        Ok(Some(Self::etag(self.ticks)))
    }

    /// All or nothing.
    fn transaction(&mut self, asked: &Asked) -> Response<Bytes> {
        assert!(asked.body.len() <= 4 << 20, "a transaction has 4 MiB");
        let text = text(asked);
        let operations: Vec<&str> = text.split("Content-Type: application/http\r\n").skip(1).collect();
        assert!(
            (1..=100).contains(&operations.len()),
            "a transaction has up to 100 operations, not {}",
            operations.len()
        );
        let (before, mut answers, mut seen) = (self.clone(), String::new(), HashSet::new());
        for (index, operation) in operations.iter().enumerate() {
            let (_, http) = operation.split_once("\r\n\r\n").expect("a request");
            let (head, rest) = http.split_once("\r\n\r\n").expect("a head");
            let body = rest.split("\r\n--changeset_").next().expect("a body");
            let mut line = head.split(' ');
            let (method, url) = (line.next().unwrap(), line.next().unwrap());
            assert!(!url.contains('?'), "a signature does not belong here: {url}");
            let path = url.split_once("/acct/").expect("the account").1;
            let if_match = head.lines().find_map(|line| line.strip_prefix("If-Match: "));
            let table = path.split('(').next().unwrap();
            let method: Method = method.parse().unwrap();
            let done = if self.tables.contains(table) {
                let body = body.trim_end_matches("\r\n");
                let keys = keys(path).or_else(|| {
                    let body: Value = serde_json::from_str(body).ok()?;
                    Some((body["PartitionKey"].as_str()?.to_owned(), body["RowKey"].as_str()?.to_owned()))
                });
                assert!(seen.insert(keys.clone()), "an entity stands twice: {keys:?}");
                let partitions: HashSet<_> = seen.iter().flatten().map(|keys| &keys.0).collect();
                assert_eq!(partitions.len(), 1, "two partitions");
                self.apply(&method, path, if_match, body.as_bytes())
            } else {
                Err((404, "TableNotFound"))
            };
            match done {
                Ok(etag) => {
                    answers.push_str("--changesetresponse_1\r\nContent-Type: application/http\r\n\r\nHTTP/1.1 204 No Content\r\n");
                    answers.extend(etag.map(|etag| format!("ETag: {etag}\r\n")));
                    answers.push_str("\r\n\r\n");
                }
                Err((status, code)) => {
                    *self = before;
                    let told = refusal(status, code, &format!("{index}:It says no.")).into_body();
                    answers = format!(
                        "--changesetresponse_1\r\nContent-Type: application/http\r\n\r\nHTTP/1.1 {status} No\r\n\r\n{}\r\n",
                        String::from_utf8_lossy(&told)
                    );
                    break;
                }
            }
        }
        let body = format!(
            "--batchresponse_1\r\nContent-Type: multipart/mixed; boundary=changesetresponse_1\r\n\r\n{answers}--changesetresponse_1--\r\n--batchresponse_1--\r\n"
        );
        Response::builder()
            .status(202)
            .header("content-type", "multipart/mixed; boundary=batchresponse_1")
            .body(body.into())
            .unwrap()
    }
}

/// What Azure takes as a row.
fn check(keys: &Keys, properties: &Properties) -> Result<(), Refusal> {
    for key in [&keys.0, &keys.1] {
        if key.encode_utf16().count() > 512 {
            return Err((400, "KeyValueTooLarge"));
        }
        if key.chars().any(|letter| matches!(letter, '/' | '\\' | '#' | '?') || letter.is_control()) {
            return Err((400, "OutOfRangeInput"));
        }
    }
    let mut size = 4 + 2 * (keys.0.len() + keys.1.len());
    let mut count = 0;
    for (name, value) in properties.iter().filter(|(name, _)| !name.contains('@')) {
        count += 1;
        let kind = properties.get(&format!("{name}@odata.type")).and_then(Value::as_str);
        let length = match (kind, value) {
            (Some("Edm.Binary"), Value::String(text)) => {
                STANDARD.decode(text).map_err(|_| (400, "InvalidInput"))?.len()
            }
            (Some("Edm.Int64"), Value::String(text)) => {
                text.parse::<i64>().map(|_| 8).map_err(|_| (400, "InvalidInput"))?
            }
            (None, Value::String(text)) => 2 * text.encode_utf16().count(),
            (None, Value::Bool(_)) => 1,
            other => panic!("a property that Azure rounds or refuses: {name} {other:?}"),
        };
        if length > 64 << 10 {
            return Err((400, "PropertyValueTooLarge"));
        }
        size += 8 + 2 * name.len() + length;
    }
    if count > 252 || size > 1 << 20 {
        return Err((400, "EntityTooLarge"));
    }
    Ok(())
}

/// The keys that a path names.
fn keys(path: &str) -> Option<Keys> {
    let (partition, row) = path.split_once("(PartitionKey='")?.1.split_once("',RowKey='")?;
    Some((partition.to_owned(), row.strip_suffix("')")?.to_owned()))
}

fn parameter<'q>(query: &'q str, name: &str) -> Option<&'q str> {
    query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))
}
