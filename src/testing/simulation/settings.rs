//! What the environment says of every simulation.

/// How many seeds, whatever a simulation says.
const SEEDS: &str = "SKYPORT_SEEDS";

/// The one seed that is to be run.
const SEED: &str = "SKYPORT_SEED";

/// Read from `SKYPORT_SEEDS` and `SKYPORT_SEED`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Settings {
    pub(super) seeds: Option<u64>,
    pub(super) seed: Option<u64>,
}

impl Settings {
    pub(super) fn read() -> Result<Self, String> {
        Self::from(|name| std::env::var_os(name).map(|value| value.to_string_lossy().into_owned()))
    }

    fn from(get: impl Fn(&str) -> Option<String>) -> Result<Self, String> {
        let number = |name: &str| match get(name) {
            None => Ok(None),
            Some(text) => match text.trim().parse::<u64>() {
                Ok(number) => Ok(Some(number)),
                Err(error) => Err(format!(
                    "{name} is `{text}`, which is no number ({error}): set it to one, or unset it"
                )),
            },
        };
        let this = Self { seeds: number(SEEDS)?, seed: number(SEED)? };
        if this.seeds == Some(0) {
            return Err(format!("{SEEDS} is 0: nothing would be tested; set it to 1 or more, or unset it"));
        }
        Ok(this)
    }
}

/// How a seed is run again: by the test's name, where its thread has it from the test harness.
pub(super) fn replay(seed: u64) -> String {
    let thread = std::thread::current();
    let test = thread.name().filter(|name| *name != "main").unwrap_or_default();
    format!("{SEED}={seed} cargo test {test}").trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(seeds: Option<&str>, seed: Option<&str>) -> Result<Settings, String> {
        Settings::from(|name| if name == SEEDS { seeds } else { seed }.map(str::to_owned))
    }

    #[test]
    fn numbers_are_read_and_need_not_be_there() {
        assert_eq!(read(None, None), Ok(Settings::default()));
        assert_eq!(read(Some("10000"), None), Ok(Settings { seeds: Some(10_000), seed: None }));
        assert_eq!(
            read(None, Some("18446744073709551615")),
            Ok(Settings { seeds: None, seed: Some(u64::MAX) })
        );
    }

    #[test]
    fn a_slip_is_told_with_what_to_do() {
        for (seeds, seed, part) in [
            (Some("many"), None, "SKYPORT_SEEDS is `many`"),
            (Some("0"), None, "nothing would be tested"),
            (None, Some("-1"), "SKYPORT_SEED is `-1`"),
        ] {
            let error = read(seeds, seed).expect_err("a slip");
            assert!(error.contains(part) && error.contains("unset it"), "{error}");
        }
    }

    #[test]
    fn a_seed_is_run_again_by_the_name_of_its_test() {
        let line = std::thread::Builder::new().name("simulation::mail".to_owned()).spawn(|| replay(7));
        let line = line.expect("a thread").join().expect("a line");
        assert_eq!(line, "SKYPORT_SEED=7 cargo test simulation::mail");
    }
}
