//! The head of a request.

use std::io::BufRead;

use skyport_measure::Outcome;

/// What of it counts here.
#[derive(Debug, Default)]
pub(super) struct Request {
    pub(super) method: String,
    /// With its query.
    pub(super) target: String,
    pub(super) length: u64,
    pub(super) chunked: bool,
    /// `bytes 0-41/*`
    pub(super) content_range: Option<String>,
    /// `bytes=0-41`
    pub(super) range: Option<String>,
}

impl Request {
    /// Nothing where the client has gone.
    pub(super) fn read(input: &mut impl BufRead) -> Outcome<Option<Self>> {
        let mut line = String::new();
        if input.read_line(&mut line)? == 0 {
            return Ok(None);
        }
        let mut words = line.split(' ').map(str::to_owned);
        let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        let mut request = Self { method, target, ..Self::default() };
        loop {
            line.clear();
            input.read_line(&mut line)?;
            let Some((name, value)) = line.trim().split_once(':') else { return Ok(Some(request)) };
            let value = value.trim();
            match name.to_ascii_lowercase().as_str() {
                "content-length" => request.length = value.parse()?,
                "transfer-encoding" => request.chunked = value == "chunked",
                "content-range" => request.content_range = Some(value.to_owned()),
                "range" => request.range = Some(value.to_owned()),
                _ => {}
            }
        }
    }

    pub(super) fn asks_for(&self, text: &str) -> bool {
        self.target
            .split_once('?')
            .is_some_and(|(_, query)| query.split('&').any(|part| part.starts_with(text)))
    }
}
