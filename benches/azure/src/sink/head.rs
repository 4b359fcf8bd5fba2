//! The head of a request, as far as the sink needs it.

use std::io::BufRead;

use percent_encoding::percent_decode_str;
use skyport_measure::Outcome;

/// What is asked for.
#[derive(Debug, Default)]
pub(super) struct Head {
    pub(super) method: String,
    pub(super) path: String,
    query: Vec<(String, String)>,
    /// Of the body.
    pub(super) length: u64,
    /// The first byte and the last.
    pub(super) range: Option<(u64, u64)>,
}

impl Head {
    /// Reads the next; none where the connection has ended.
    pub(super) fn read(reader: &mut impl BufRead) -> Outcome<Option<Self>> {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            return Ok(None);
        }
        let mut words = line.split(' ');
        let (Some(method), Some(target)) = (words.next(), words.next()) else {
            return Err(format!("no request: {line}").into());
        };
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let decoded = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
        let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        let mut head = Self {
            method: method.to_owned(),
            path: decoded(path),
            query: pairs.map(|(name, value)| (name.to_owned(), decoded(value))).collect(),
            ..Self::default()
        };
        loop {
            line.clear();
            if reader.read_line(&mut line)? == 0 {
                return Err("the head broke off".into());
            }
            let Some((name, value)) = line.split_once(':') else { return Ok(Some(head)) };
            head.header(&name.to_ascii_lowercase(), value.trim())?;
        }
    }

    fn header(&mut self, name: &str, value: &str) -> Outcome {
        match name {
            "content-length" => self.length = value.parse()?,
            "transfer-encoding" => return Err("Blob Storage wants to know the length".into()),
            "range" | "x-ms-range" => {
                let ends = value.strip_prefix("bytes=").and_then(|ends| ends.split_once('-'));
                let (start, last) = ends.ok_or("no range")?;
                self.range = Some((start.parse()?, last.parse().unwrap_or(u64::MAX)));
            }
            _ => {}
        }
        Ok(())
    }

    pub(super) fn parameter(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}
