//! What is shown while it takes long.

use std::fmt;
use std::io::{self, IsTerminal, Write};
use std::time::Duration;

use super::explore::Explored;

/// Who is through sooner sees nothing of it.
const PATIENCE: Duration = Duration::from_secs(2);

/// How often a line is rewritten on a terminal, and how often one is added elsewhere.
const OFTEN: [Duration; 2] = [Duration::from_millis(200), Duration::from_secs(10)];

/// To the beginning of the line, and nothing on it.
const CLEARED: &str = "\r\x1b[2K";

/// Shows progress on standard error: past the test harness, which would keep it until all is over.
pub(super) struct Progress {
    name: String,
    seeds: u64,
    terminal: bool,
    out: Box<dyn Write>,
    shown: Option<Duration>,
}

impl Progress {
    /// On this process's standard error.
    pub(super) fn new(name: &str, seeds: u64) -> Self {
        let out = io::stderr();
        Self::on(name, seeds, out.is_terminal(), Box::new(out))
    }

    fn on(name: &str, seeds: u64, terminal: bool, out: Box<dyn Write>) -> Self {
        Self { name: name.to_owned(), seeds, terminal, out, shown: None }
    }

    /// Seeds run; so much time has passed since the first.
    pub(super) fn exploring(&mut self, passed: Duration, so_far: &Explored) {
        if !self.is_due(passed) {
            return;
        }
        let Explored { seeds, faults, violations, .. } = so_far;
        let rate = *seeds as f64 / passed.as_secs_f64().max(0.001);
        let of = self.seeds;
        self.show(&format!(
            "{seeds} of {of} seeds, {faults} faults, {violations} violations, {rate:.0} seeds/s"
        ));
    }

    /// A violation is made smaller; so much time has passed since that began.
    pub(super) fn shrinking(&mut self, passed: Duration, seed: u64, faults: usize, runs: u32) {
        if self.is_due(passed) {
            self.show(&format!("seed {seed} fails with {faults} faults; looking for the fewest, run {runs}"));
        }
    }

    /// What follows counts its time from its own beginning; the terminal's line is free.
    pub(super) fn rest(&mut self) {
        if self.terminal && self.shown.is_some() {
            self.write(CLEARED);
        }
        self.shown = None;
    }

    fn is_due(&mut self, passed: Duration) -> bool {
        let [rewritten, added] = OFTEN;
        let due = match self.shown {
            None => PATIENCE,
            Some(shown) => shown + if self.terminal { rewritten } else { added },
        };
        if passed >= due {
            self.shown = Some(passed);
        }
        passed >= due
    }

    fn show(&mut self, line: &str) {
        let name = &self.name;
        let text =
            if self.terminal { format!("{CLEARED}{name}: {line}") } else { format!("{name}: {line}\n") };
        self.write(&text);
    }

    fn write(&mut self, text: &str) {
        // Progress that cannot be shown is no failure of the test.
        let _ = self.out.write_all(text.as_bytes()).and_then(|()| self.out.flush());
    }
}

impl fmt::Debug for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Progress")
            .field("name", &self.name)
            .field("shown", &self.shown)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Page(Arc<Mutex<Vec<u8>>>);

    impl Write for Page {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().expect("no panic").write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl Page {
        fn text(&self) -> String {
            String::from_utf8(self.0.lock().expect("no panic").clone()).expect("a text")
        }
    }

    fn after(seconds: f64, seeds: u64, progress: &mut Progress) {
        let so_far = Explored { seeds, faults: 3 * seeds, ..Explored::default() };
        progress.exploring(Duration::from_secs_f64(seconds), &so_far);
    }

    #[test]
    fn what_is_over_soon_says_nothing() {
        let page = Page::default();
        let mut progress = Progress::on("mail", 10, true, Box::new(page.clone()));
        after(0.1, 5, &mut progress);
        after(1.9, 10, &mut progress);
        progress.rest();
        assert_eq!(page.text(), "");
    }

    #[test]
    fn in_a_file_a_line_is_added_now_and_then() {
        let page = Page::default();
        let mut progress = Progress::on("mail", 1_000, false, Box::new(page.clone()));
        for (seconds, seeds) in [(2.0, 100), (2.2, 110), (11.9, 590), (12.0, 600), (13.0, 640)] {
            after(seconds, seeds, &mut progress);
        }
        progress.rest();
        progress.shrinking(Duration::from_secs(3), 7, 41, 12);
        assert_eq!(
            page.text(),
            "mail: 100 of 1000 seeds, 300 faults, 0 violations, 50 seeds/s\n\
             mail: 600 of 1000 seeds, 1800 faults, 0 violations, 50 seeds/s\n\
             mail: seed 7 fails with 41 faults; looking for the fewest, run 12\n"
        );
    }

    #[test]
    fn on_a_terminal_one_line_is_rewritten_and_then_removed() {
        let page = Page::default();
        let mut progress = Progress::on("mail", 1_000, true, Box::new(page.clone()));
        after(2.0, 100, &mut progress);
        after(2.1, 105, &mut progress);
        after(2.2, 110, &mut progress);
        progress.rest();
        let text = page.text();
        assert_eq!(text.matches(CLEARED).count(), 3, "{text:?}");
        assert!(text.ends_with(CLEARED) && !text.contains('\n') && !text.contains("105 of"), "{text:?}");
    }
}
