//! Every span and event, with its fields.

use std::fmt::{Debug, Write as _};
use std::sync::{Arc, Mutex};

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};

/// All that was written so far.
#[derive(Clone, Default)]
pub(crate) struct Captured(Arc<Mutex<Vec<Line>>>);

/// A span, what was recorded in one, or an event.
#[derive(Clone)]
pub(crate) struct Line {
    pub(crate) is_ours: bool,
    pub(crate) text: String,
}

impl Captured {
    /// Captures all that this process writes from now on.
    pub(crate) fn install() -> Self {
        let captured = Self::default();
        let subscriber = tracing_subscriber::registry().with(captured.clone());
        tracing::subscriber::set_global_default(subscriber).expect("the first one");
        captured
    }

    pub(crate) fn lines(&self) -> Vec<Line> {
        self.0.lock().expect("unpoisoned").clone()
    }

    fn note(&self, metadata: &Metadata<'_>, record: impl FnOnce(&mut Fields)) {
        let is_ours = metadata.target().starts_with("skyport");
        // What others write at a finer level is theirs to promise, and not shown by default.
        if !is_ours && *metadata.level() > Level::INFO {
            return;
        }
        let mut fields = Fields(format!("{} {} {}", metadata.level(), metadata.target(), metadata.name()));
        record(&mut fields);
        self.0.lock().expect("unpoisoned").push(Line { is_ours, text: fields.0 });
    }
}

impl<S: Subscriber> Layer<S> for Captured {
    fn on_new_span(&self, span: &Attributes<'_>, _: &Id, _: Context<'_, S>) {
        self.note(span.metadata(), |fields| span.record(fields));
    }

    fn on_record(&self, _: &Id, values: &Record<'_>, _: Context<'_, S>) {
        // Of which span it is does not matter: what is recorded is ours, or shown by default.
        let mut fields = Fields("recorded".to_owned());
        values.record(&mut fields);
        self.0.lock().expect("unpoisoned").push(Line { is_ours: false, text: fields.0 });
    }

    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        self.note(event.metadata(), |fields| event.record(fields));
    }
}

struct Fields(String);

impl Visit for Fields {
    fn record_str(&mut self, field: &Field, value: &str) {
        // As it is: escaped, a secret might not be found.
        let _ = write!(self.0, " {}={value}", field.name());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        let _ = write!(self.0, " {}={value:?}", field.name());
    }
}
