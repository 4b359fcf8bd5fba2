//! What a program costs, instruction by instruction: counted by callgrind, and summed by whose code it is.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::Outcome;

/// The function in which callgrind counts, where a contest measures in it: [`allocated`](crate::allocated), as its symbol has it.
const MEASURED: &str = "*skyport_measure*cost*allocated*";

/// What was counted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Cost {
    /// Calls of the system.
    pub(crate) calls: u64,
    /// Instructions by whose code they are: a crate, a file of the project, the system's library.
    pub(crate) parts: BTreeMap<String, u64>,
}

impl Cost {
    /// All instructions.
    pub(crate) fn instructions(&self) -> u64 {
        self.parts.values().sum()
    }

    /// What this one has beyond the other: of a longer run beyond a shorter one, without what both do once.
    pub(crate) fn beyond(&self, shorter: &Self) -> Self {
        let less = |name: &String| shorter.parts.get(name).copied().unwrap_or_default();
        let parts =
            self.parts.iter().map(|(name, count)| (name.clone(), count.saturating_sub(less(name)))).collect();
        Self { calls: self.calls.saturating_sub(shorter.calls), parts }
    }
}

/// Runs this same program under callgrind with these arguments, and counts all that it does, or only what it does in
/// [`allocated`](crate::allocated).
///
/// # Errors
/// Where there is no valgrind, or the program fails.
pub(crate) fn count(arguments: &[&str], only_measured: bool) -> Outcome<Cost> {
    let out = std::env::temp_dir().join(format!("skyport-callgrind-{}", std::process::id()));
    let mut command = Command::new("valgrind");
    command.args(["--tool=callgrind", "--collect-systime=yes", "--compress-strings=no", "--compress-pos=no"]);
    if only_measured {
        command.arg(format!("--toggle-collect={MEASURED}"));
    }
    command
        .arg(format!("--callgrind-out-file={}", out.display()))
        .arg(std::env::current_exe()?)
        .args(arguments);
    let output = command
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("valgrind: {error}; `apt-get install valgrind` or its like brings it"))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(
            format!("{} under valgrind ended with {}: {said}", arguments.join(" "), output.status).into()
        );
    }
    let cost = fs::read_to_string(&out).map(|text| read(&text, &root()));
    fs::remove_file(&out)?;
    Ok(cost?)
}

/// The project's folder.
fn root() -> PathBuf {
    let measure = Path::new(env!("CARGO_MANIFEST_DIR"));
    measure.ancestors().nth(2).unwrap_or(measure).to_owned()
}

/// Sums callgrind's file by whose code it is.
fn read(text: &str, root: &Path) -> Cost {
    let mut cost = Cost::default();
    let (mut object, mut file, mut function, mut of_a_call) = ("", "", "", false);
    for line in text.lines() {
        if let Some((key, value)) = line.split_once('=') {
            match key {
                "ob" => object = value,
                "fl" | "fi" | "fe" => file = value,
                "fn" => function = value,
                // The next line has what the called function took, which stands with that one, too.
                "calls" => of_a_call = true,
                _ => {}
            }
        } else if line.starts_with(|first: char| first.is_ascii_digit()) && !std::mem::take(&mut of_a_call) {
            add(&mut cost, line, part(object, file, function, root));
        }
    }
    cost
}

/// Adds a line of numbers: the source's line, instructions, calls of the system; what is missing at its end is none.
fn add(cost: &mut Cost, line: &str, part: String) {
    let mut numbers = line.split_ascii_whitespace().skip(1).map_while(|number| number.parse::<u64>().ok());
    *cost.parts.entry(part).or_default() += numbers.next().unwrap_or_default();
    cost.calls += numbers.next().unwrap_or_default();
}

/// Whose code it is, by the file of its source; what has none is of the system's library, or of a C library built in.
fn part(object: &str, file: &str, function: &str, root: &Path) -> String {
    if let Some((_, rest)) = file.split_once("/registry/src/") {
        let versioned = rest.split('/').nth(1).unwrap_or(rest);
        return unversioned(versioned).to_owned();
    }
    if file.contains("/library/") && file.contains("rustc") {
        return "Rust's own library".to_owned();
    }
    if let Ok(own) = Path::new(file).strip_prefix(root) {
        return own.display().to_string();
    }
    let is_of = |words: &[&str]| words.iter().any(|word| function.contains(word));
    if is_of(&["malloc", "calloc", "realloc", "free", "unlink_chunk", "sysmalloc"]) {
        return "malloc".to_owned();
    }
    if is_of(&["memcpy", "memmove", "memset", "memcmp", "bcmp"]) {
        return "copies and comparisons of memory".to_owned();
    }
    let object = Path::new(object).file_name().map(|name| name.to_string_lossy().into_owned());
    match object {
        Some(object) if object.contains(".so") => object,
        _ => "other".to_owned(),
    }
}

/// `hyper` of `hyper-1.7.0`.
fn unversioned(name: &str) -> &str {
    let starts = |rest: &str| rest.starts_with(|first: char| first.is_ascii_digit());
    let at = name.match_indices('-').find(|(at, _)| name.get(at + 1..).is_some_and(starts));
    at.and_then(|(at, _)| name.get(..at)).unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "\
# callgrind format
positions: line
events: Ir sysCount sysTime
ob=/here/target/bench
fl=/cargo/registry/src/index-1/hyper-util-1.7.0/src/client.rs
fn=hyper_util::client::send
10 100
calls=3 20
11 5000 2 9
fi=/rustc/abc/library/core/src/option.rs
12 30
fe=/cargo/registry/src/index-1/hyper-util-1.7.0/src/client.rs
13 5
fl=/here/core/src/retry.rs
fn=skyport_core::retry::repeat
7 40
ob=/lib/libc.so.6
fl=???
fn=_int_malloc
0 60
fn=epoll_wait
0 20 2 9
";

    #[test]
    fn instructions_are_summed_by_whose_code_they_are() {
        let cost = read(FILE, Path::new("/here"));
        let parts: Vec<_> = cost.parts.iter().map(|(name, count)| (name.as_str(), *count)).collect();
        let expected = [
            ("Rust's own library", 30),
            ("core/src/retry.rs", 40),
            ("hyper-util", 105),
            ("libc.so.6", 20),
            ("malloc", 60),
        ];
        assert_eq!(parts, expected);
        assert_eq!((cost.instructions(), cost.calls), (255, 2));
    }

    #[test]
    fn what_both_runs_do_once_falls_out() {
        let cost = |calls, hyper, own| Cost {
            calls,
            parts: [("hyper".to_owned(), hyper), ("own".to_owned(), own)].into(),
        };
        assert_eq!(cost(9, 300, 50).beyond(&cost(5, 100, 50)), cost(4, 200, 0));
    }

    #[test]
    fn a_version_is_no_part_of_a_name() {
        assert_eq!(unversioned("hyper-util-0.1.20"), "hyper-util");
        assert_eq!(unversioned("sha2-0.11.0-rc.3"), "sha2");
        assert_eq!(unversioned("bytes"), "bytes");
    }
}
