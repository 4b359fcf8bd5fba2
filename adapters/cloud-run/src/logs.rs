//! What is written to the log where the application has no subscriber of its own: else failures would be told to nobody. Lines of
//! JSON, as Cloud Logging reads them.

use std::fmt;
use std::io;

use serde_json::{Map, Value, json};
use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::fmt::format::{JsonFields, Writer};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields, FormattedFields, MakeWriter};
use tracing_subscriber::registry::LookupSpan;

/// Writes spans and events of `tracing` to the log, unless the application has installed a subscriber already.
///
/// A line of JSON has `severity`, `message`, the fields, the fields of the spans around it, and the trace, by which Cloud Logging
/// shows it beside its request. `RUST_LOG` may hold a level (`debug`; `info` where it is not set, or is something else), and
/// `GOOGLE_CLOUD_PROJECT` the project that traces are in.
///
/// ```
/// skyport_cloud_run::log_by_default(|name| std::env::var(name).ok());
/// tracing::info!(orders = 3, "the day is done");
/// ```
pub fn log_by_default(variable: impl Fn(&str) -> Option<String>) {
    if tracing::dispatcher::has_been_set() {
        return;
    }
    let read =
        |name: &str| variable(name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty());
    let level = read("RUST_LOG").and_then(|level| level.parse().ok()).unwrap_or(LevelFilter::INFO);
    let lines = Lines { project: read("GOOGLE_CLOUD_PROJECT") };
    // Somebody else may be first; then theirs is the one.
    let _ = tracing::subscriber::set_global_default(subscriber(level, lines, io::stdout));
}

fn subscriber<W>(level: LevelFilter, lines: Lines, writer: W) -> impl Subscriber + Send + Sync
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let subscriber = tracing_subscriber::fmt().with_max_level(level).with_writer(writer);
    subscriber.fmt_fields(JsonFields::new()).event_format(lines).finish()
}

/// Lines as Cloud Logging reads them.
#[derive(Debug)]
struct Lines {
    /// Whose traces they are.
    project: Option<String>,
}

impl<S, N> FormatEvent<S, N> for Lines
where
    S: Subscriber + for<'s> LookupSpan<'s>,
    N: for<'w> FormatFields<'w> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut line = Fields::default();
        // From the outermost in: what is further in says more.
        for span in context.event_scope().into_iter().flat_map(|scope| scope.from_root()) {
            let extensions = span.extensions();
            let fields = extensions.get::<FormattedFields<N>>();
            if let Some(Ok(Value::Object(fields))) = fields.map(|fields| serde_json::from_str(&fields.fields))
            {
                line.0.extend(fields);
            }
        }
        event.record(&mut line);
        let Fields(mut line) = line;
        if let Some(Value::String(trace)) = line.remove("trace_id") {
            let trace = match &self.project {
                Some(project) => format!("projects/{project}/traces/{trace}"),
                None => trace,
            };
            line.insert("logging.googleapis.com/trace".to_owned(), trace.into());
        }
        line.insert("severity".to_owned(), severity(*event.metadata().level()).into());
        line.insert("target".to_owned(), event.metadata().target().into());
        writeln!(writer, "{}", Value::Object(line))
    }
}

fn severity(level: Level) -> &'static str {
    match level {
        Level::ERROR => "ERROR",
        Level::WARN => "WARNING",
        Level::INFO => "INFO",
        _ => "DEBUG",
    }
}

/// The fields of a line.
#[derive(Debug, Default)]
struct Fields(Map<String, Value>);

impl Fields {
    fn put(&mut self, field: &Field, value: impl Into<Value>) {
        self.0.insert(field.name().to_owned(), value.into());
    }
}

impl Visit for Fields {
    fn record_f64(&mut self, field: &Field, value: f64) {
        // What is no number in JSON becomes null.
        self.put(field, json!(value));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, value);
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, value);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.put(field, format!("{value:?}"));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

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

    fn written(project: Option<&str>, say: impl FnOnce()) -> Vec<Value> {
        let written = Written::default();
        let (made, lines) = (written.clone(), Lines { project: project.map(str::to_owned) });
        let subscriber = subscriber(LevelFilter::INFO, lines, move || made.clone());
        tracing::subscriber::with_default(subscriber, say);
        let text = String::from_utf8(written.0.lock().expect("nobody panicked").clone()).expect("UTF-8");
        text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
    }

    #[test]
    fn a_line_is_what_cloud_logging_reads() {
        let lines = written(Some("p"), || {
            let outer = tracing::error_span!("outer", tries = 1, trace_id = "0123");
            let _outer = outer.enter();
            tracing::info_span!("inner", name = "job")
                .in_scope(|| tracing::warn!(tries = 2, ok = false, "it\n\"failed\""));
            tracing::debug!("not at this level");
        });
        let [line] = &lines[..] else { panic!("{lines:?}") };
        assert_eq!((&line["severity"], &line["message"]), (&json!("WARNING"), &json!("it\n\"failed\"")));
        assert_eq!((&line["tries"], &line["ok"], &line["name"]), (&json!(2), &json!(false), &json!("job")));
        assert_eq!(line["logging.googleapis.com/trace"], "projects/p/traces/0123");
        assert!(line.get("trace_id").is_none());
    }

    #[test]
    fn a_line_outside_of_every_span_is_one_too() {
        let lines = written(None, || {
            tracing::error!(value = f64::NAN, "alone");
            tracing::error_span!("traced", trace_id = "0123").in_scope(|| tracing::info!(n = -1, "in"));
        });
        assert_eq!((&lines[0]["severity"], &lines[0]["value"]), (&json!("ERROR"), &Value::Null));
        assert_eq!((&lines[1]["logging.googleapis.com/trace"], &lines[1]["n"]), (&json!("0123"), &json!(-1)));
    }

    #[test]
    fn every_level_has_its_severity() {
        let levels = [Level::ERROR, Level::WARN, Level::INFO, Level::DEBUG, Level::TRACE];
        assert_eq!(levels.map(severity), ["ERROR", "WARNING", "INFO", "DEBUG", "DEBUG"]);
    }
}
