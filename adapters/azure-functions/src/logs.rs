//! What is written to the log where the application has no subscriber of its own: else failures would be told to nobody.
//!
//! The host reads both streams, line by line. A line on stdout is information to it, whatever stands there. Of a line on stderr it
//! looks at the words: one with `warn` is a warning, one with `error` an error. So warnings and errors are written there, and
//! Application Insights shows them as what they are. The `Logs` of an answer would be information all alike, and lost where the call fails.

use std::io;

use tracing::level_filters::LevelFilter;
use tracing::{Level, Subscriber};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::fmt::writer::MakeWriterExt;

/// Writes spans and events of `tracing` as lines of JSON to where the host reads them, unless the application has installed a
/// subscriber already.
///
/// A line has time, level, target, message and fields, and the spans around it, among them the trace and the function. `RUST_LOG` may
/// hold a level (`debug`; `info` where it is not set, or is something else).
///
/// ```
/// skyport_azure_functions::log_by_default(|name| std::env::var(name).ok());
/// tracing::info!(orders = 3, "the day is done");
/// ```
pub fn log_by_default(variable: impl Fn(&str) -> Option<String>) {
    if tracing::dispatcher::has_been_set() {
        return;
    }
    let level = variable("RUST_LOG").and_then(|level| level.trim().parse().ok());
    let level = level.unwrap_or(LevelFilter::INFO);
    // Somebody else may be first; then theirs is the one.
    let _ = tracing::subscriber::set_global_default(subscriber(level, io::stdout, io::stderr));
}

/// Warnings and worse go to `errors`.
fn subscriber<O, E>(level: LevelFilter, out: O, errors: E) -> impl Subscriber + Send + Sync
where
    O: for<'w> MakeWriter<'w> + Send + Sync + 'static,
    E: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let writer = errors.with_max_level(Level::WARN).or_else(out);
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
        fn lines(&self) -> Vec<Value> {
            let text = String::from_utf8(self.0.lock().expect("nobody panicked").clone()).expect("UTF-8");
            text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
        }
    }

    #[test]
    fn a_line_goes_to_the_stream_whose_words_the_host_takes_for_its_level() {
        let (out, errors) = (Written::default(), Written::default());
        let (to_out, to_errors) = (out.clone(), errors.clone());
        let subscriber = subscriber(LevelFilter::INFO, move || to_out.clone(), move || to_errors.clone());
        tracing::subscriber::with_default(subscriber, || {
            tracing::info_span!("call", function = "job").in_scope(|| {
                tracing::debug!("not at this level");
                tracing::info!(tries = 1, "begun");
                tracing::warn!("odd\nthing");
                tracing::error!("broken");
            });
        });
        let told = out.lines();
        assert_eq!(told.len(), 1);
        assert_eq!((&told[0]["message"], &told[0]["tries"]), (&"begun".into(), &1.into()));
        assert_eq!(told[0]["spans"][0]["function"], "job");
        let levels: Vec<Value> = errors.lines().iter().map(|line| line["level"].clone()).collect();
        assert_eq!(levels, ["WARN", "ERROR"]);
    }
}
