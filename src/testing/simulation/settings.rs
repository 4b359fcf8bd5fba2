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

/// How a seed is run again: by the name of the package, where cargo tells it, and of the test, where its thread has it from the test harness.
pub(super) fn replay(seed: u64) -> String {
    let (thread, package) = (std::thread::current(), std::env::var("CARGO_PKG_NAME").ok());
    line(seed, package.as_deref(), thread.name().filter(|name| *name != "main"))
}

fn line(seed: u64, package: Option<&str>, test: Option<&str>) -> String {
    // Without it cargo would look into one package alone: the one whose folder it is called in.
    let package = package.map(|package| format!(" -p {package}")).unwrap_or_default();
    let test = test.map(|test| format!(" {test}")).unwrap_or_default();
    format!("{SEED}={seed} cargo test{package}{test}")
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
    fn a_seed_is_run_again_by_the_names_of_its_package_and_its_test() {
        let test = Some("simulation::mail");
        assert_eq!(line(7, Some("post"), test), "SKYPORT_SEED=7 cargo test -p post simulation::mail");
        assert_eq!(line(7, None, test), "SKYPORT_SEED=7 cargo test simulation::mail");
        assert_eq!(line(7, Some("post"), None), "SKYPORT_SEED=7 cargo test -p post");
        assert_eq!(line(7, None, None), "SKYPORT_SEED=7 cargo test");
    }

    #[test]
    fn the_name_of_a_test_is_that_of_its_thread() {
        let line = std::thread::Builder::new().name("simulation::mail".to_owned()).spawn(|| replay(7));
        let line = line.expect("a thread").join().expect("a line");
        assert!(
            line.starts_with("SKYPORT_SEED=7 cargo test") && line.ends_with(" simulation::mail"),
            "{line}"
        );
    }
}
