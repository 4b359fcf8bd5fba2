//! What is written to the log where the application has no subscriber of its own: else failures would be told to nobody.

use std::io;

use tracing::Subscriber;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::fmt::MakeWriter;

/// How lines are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    Text,
    Json,
}

/// Writes spans and events of `tracing` to the function's log, unless the application has installed a subscriber already.
///
/// The function's own settings hold: `AWS_LAMBDA_LOG_FORMAT` (`JSON`, or else text) and `AWS_LAMBDA_LOG_LEVEL` (`TRACE` to
/// `FATAL`; `INFO` where it is not set). A line of JSON has time, level, target, message and fields, and the spans around it, among
/// them `request_id`, the trace and the function.
///
/// ```
/// skyport_lambda::log_by_default(|name| std::env::var(name).ok());
/// tracing::info!(orders = 3, "the day is done");
/// ```
pub fn log_by_default(variable: impl Fn(&str) -> Option<String>) {
    if tracing::dispatcher::has_been_set() {
        return;
    }
    let (format, level) = settings(variable);
    // Somebody else may be first; then theirs is the one.
    let _ = match format {
        Format::Text => tracing::subscriber::set_global_default(text(level, io::stdout)),
        Format::Json => tracing::subscriber::set_global_default(json(level, io::stdout)),
    };
}

fn settings(variable: impl Fn(&str) -> Option<String>) -> (Format, LevelFilter) {
    let read = |name: &str| variable(name).unwrap_or_default().trim().to_ascii_uppercase();
    let format = if read("AWS_LAMBDA_LOG_FORMAT") == "JSON" { Format::Json } else { Format::Text };
    let level = match read("AWS_LAMBDA_LOG_LEVEL").as_str() {
        "TRACE" => LevelFilter::TRACE,
        "DEBUG" => LevelFilter::DEBUG,
        "WARN" => LevelFilter::WARN,
        "ERROR" | "FATAL" => LevelFilter::ERROR,
        _ => LevelFilter::INFO,
    };
    (format, level)
}

fn text<W>(level: LevelFilter, writer: W) -> impl Subscriber + Send + Sync
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    // Lambda puts the time before each line, and a log has no colours.
    tracing_subscriber::fmt()
        .with_max_level(level)
        .with_writer(writer)
        .with_ansi(false)
        .without_time()
        .finish()
}

fn json<W>(level: LevelFilter, writer: W) -> impl Subscriber + Send + Sync
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let lines = tracing_subscriber::fmt().with_max_level(level).with_writer(writer).json();
    lines.flatten_event(true).with_current_span(false).with_span_list(true).finish()
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use serde_json::Value;

    use super::*;

    #[derive(Clone, Default)]
    struct Written(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Written {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().expect("nobody panicked").write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl Written {
        fn text(&self) -> String {
            String::from_utf8(self.0.lock().expect("nobody panicked").clone()).expect("UTF-8")
        }
    }

    fn say() {
        let span = tracing::info_span!("lambda", request_id = "r-1");
        span.in_scope(|| tracing::warn!(tries = 2, "it\nfailed"));
        tracing::debug!("not at this level");
    }

    #[test]
    fn a_line_of_json_tells_the_request_and_is_one_line() {
        let written = Written::default();
        let made = written.clone();
        tracing::subscriber::with_default(json(LevelFilter::INFO, move || made.clone()), say);
        let text = written.text();
        assert_eq!(text.lines().count(), 1, "{text}");
        let line: Value = serde_json::from_str(&text).expect("JSON");
        assert_eq!((&line["level"], &line["message"]), (&"WARN".into(), &"it\nfailed".into()));
        assert_eq!((&line["tries"], &line["spans"][0]["request_id"]), (&2.into(), &"r-1".into()));
    }

    #[test]
    fn text_has_no_colours_and_tells_the_request() {
        let written = Written::default();
        let made = written.clone();
        tracing::subscriber::with_default(text(LevelFilter::INFO, move || made.clone()), say);
        let text = written.text();
        assert!(text.contains("WARN") && text.contains("r-1") && !text.contains('\u{1b}'), "{text}");
        assert!(!text.contains("not at this level"), "{text}");
    }

    #[test]
    fn the_functions_own_settings_hold() {
        let with = |format: &'static str, level: &'static str| {
            settings(move |name| {
                Some(if name == "AWS_LAMBDA_LOG_FORMAT" { format } else { level }.to_owned())
            })
        };
        assert_eq!(with("JSON", "debug"), (Format::Json, LevelFilter::DEBUG));
        assert_eq!(with("Text", "FATAL"), (Format::Text, LevelFilter::ERROR));
        assert_eq!(settings(|_| None), (Format::Text, LevelFilter::INFO));
    }
}
