//! Every target over its corpus and over mutations of it: the same in each run.
//!
//! `SKYPORT_FUZZ_INPUTS` says how many mutations each target gets; without it there are as many as take a few seconds.

#![allow(clippy::expect_used, clippy::panic)] // All of this is a test.

use std::cell::Cell;
use std::fs;
use std::panic::{self, AssertUnwindSafe};
use std::path::Path;
use std::sync::Once;
use std::thread;

use skyport_fuzz::{TARGETS, Target, corpus, mutate};

/// How many mutations each target gets.
const INPUTS: usize = 1_500;

/// A target that works with files and sockets takes a hundred times as long for each.
const SLOW: [&str; 5] = ["blob_keys", "handed_back", "local_rows", "server_connection", "table_keys"];
const SLOW_INPUTS: usize = 150;

/// The variable that says another number.
const VARIABLE: &str = "SKYPORT_FUZZ_INPUTS";

thread_local! {
    /// Set by a panic, also by one that somebody catches: a handler's is, and an adapter's.
    static PANICKED: Cell<bool> = const { Cell::new(false) };
}

fn watch_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            PANICKED.set(true);
            before(info);
        }));
    });
}

/// Whether the target bears the input.
fn bears(target: &Target, input: &[u8]) -> bool {
    PANICKED.set(false);
    let run = panic::catch_unwind(AssertUnwindSafe(|| (target.run)(input)));
    run.is_ok() && !PANICKED.get()
}

fn mutations(target: &Target) -> usize {
    match std::env::var(VARIABLE) {
        Ok(number) => {
            number.parse().unwrap_or_else(|_| panic!("{VARIABLE} is a number of inputs, not `{number}`"))
        }
        Err(_) if SLOW.contains(&target.name) => SLOW_INPUTS,
        Err(_) => INPUTS,
    }
}

/// Runs a target over its corpus and mutations of it; how many inputs that were.
fn run(target: &Target) -> usize {
    let inputs = corpus::inputs(target.name).expect("every target has a corpus");
    assert!(!inputs.is_empty(), "the corpus of `{}` is empty", target.name);
    for (at, input) in inputs.iter().enumerate() {
        assert!(bears(target, input), "`{}` fails for input {at} of its corpus", target.name);
    }
    // Of the name, so that one more target leaves the others as they are.
    let seed = target.name.bytes().fold(7, |seed: u64, byte| seed.wrapping_mul(31).wrapping_add(byte.into()));
    let mut random = fastrand::Rng::with_seed(seed);
    let count = mutations(target);
    for _ in 0..count {
        let from = &inputs[random.usize(..inputs.len())];
        let input = mutate::mutate(from, &inputs, &mut random);
        if !bears(target, &input) {
            let kept = keep(target, &input);
            panic!(
                "`{}` fails for an input that is now {kept}: mend what it found, and keep it in {}",
                target.name,
                corpus::folder(target.name).display()
            );
        }
    }
    inputs.len() + count
}

/// Writes an input that found something where it can be looked at; the file.
fn keep(target: &Target, input: &[u8]) -> String {
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("crash-{}", target.name));
    fs::write(&file, input).expect("written");
    file.display().to_string()
}

#[test]
fn every_target_bears_its_corpus_and_what_is_made_of_it() {
    watch_panics();
    let (mut inputs, mut failed) = (0, Vec::new());
    // Two at once: some wait for files.
    let (even, odd): (Vec<_>, Vec<_>) = TARGETS.iter().enumerate().partition(|(at, _)| at % 2 == 0);
    thread::scope(|scope| {
        let halves = [even, odd].map(|half| {
            scope.spawn(move || {
                let ran = half.into_iter().map(|(_, target)| {
                    (target.name, panic::catch_unwind(AssertUnwindSafe(|| run(target))).ok())
                });
                ran.collect::<Vec<_>>()
            })
        });
        for half in halves {
            for (name, ran) in half.join().expect("its panics are caught") {
                match ran {
                    Some(count) => inputs += count,
                    None => failed.push(name),
                }
            }
        }
    });
    skyport_figures::record(
        "fuzz::corpora",
        &format!("{} targets, {inputs} inputs, {} failed", TARGETS.len(), failed.len()),
    );
    assert!(failed.is_empty(), "{failed:?}: what each fails for stands above");
}

#[test]
fn every_target_has_a_file_for_cargo_fuzz_and_a_corpus_and_there_are_no_others() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let names = |folder: &Path| {
        let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
        let mut names: Vec<String> = entries
            .map(|entry| {
                entry.expect("an entry").path().file_stem().expect("a name").to_string_lossy().into_owned()
            })
            .collect();
        names.sort();
        names
    };
    let targets: Vec<&str> = TARGETS.iter().map(|target| target.name).collect();
    assert_eq!(names(&root.join("fuzz/fuzz_targets")), targets);
    assert_eq!(names(&root.join("tests/fuzz/corpus")), targets);
    let manifest = fs::read_to_string(root.join("fuzz/Cargo.toml")).expect("a manifest");
    for target in targets {
        let file = fs::read_to_string(root.join(format!("fuzz/fuzz_targets/{target}.rs"))).expect("a file");
        assert!(file.contains(&format!("skyport_fuzz::run(\"{target}\", input)")), "{target}");
        assert!(manifest.contains(&format!("name = \"{target}\"")), "fuzz/Cargo.toml has no `{target}`");
    }
}
