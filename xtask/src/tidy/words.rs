//! Rules on what stands in a file.

use super::{Breach, File};

/// Where no cloud may be named, in code or in strings. Comments may, to say what a thing is mapped to.
const NO_CLOUDS: &[&str] = &["core/", "macros/", "examples/"];
const CLOUDS: &[&str] = &[
    "amazon",
    "aws",
    "azure",
    "cosmos",
    "dynamo",
    "dynamodb",
    "firestore",
    "gcp",
    "gcs",
    "goog",
    "google",
    "lambda",
    "pubsub",
    "s3",
    "sns",
    "sqs",
];

/// No Rust file is longer.
const LONGEST: usize = 600;

/// Where a machine keeps what is its own. In parts, so that this file keeps the rule.
const MACHINE: &[&str] = &[concat!("/", "work/"), concat!("/", "root/"), concat!("/", "home/")];

/// Marks of what is not done, in code.
const UNFINISHED: &[&str] = &["todo!", "unimplemented!", "dbg!", "#[ignore"];
/// The same, anywhere in Rust.
const NOTES: &[&str] = &[concat!("FIX", "ME"), concat!("TO", "DO"), concat!("X", "XX")];

/// All of one file.
pub(crate) fn breaches(file: &File) -> Vec<Breach> {
    let mut found = machine_paths(file);
    if let Some(rust) = &file.rust {
        found.extend(length(file));
        found.extend(unfinished(file, &rust.code));
        if NO_CLOUDS.iter().any(|place| file.path.starts_with(place)) {
            found.extend(clouds(file, &rust.uncommented));
        }
    }
    found.retain(|breach| !is_allowed(file, breach));
    found
}

/// Whether the line or the one above it excuses it, and says why.
fn is_allowed(file: &File, breach: &Breach) -> bool {
    let marker = format!("tidy: allow({}): ", breach.rule);
    let first = breach.line.saturating_sub(2);
    let near = file.text.lines().skip(first).take(breach.line - first);
    near.into_iter().any(|line| line.split_once(&marker).is_some_and(|(_, why)| !why.trim().is_empty()))
}

fn machine_paths(file: &File) -> Vec<Breach> {
    let lines = file.text.lines().enumerate();
    let found = lines.filter_map(|(index, line)| {
        let path = MACHINE.iter().find(|path| begins_a_path(line, path))?;
        Some(file.breach(index + 1, "machine-path", format!("`{path}` is a place on one machine")))
    });
    found.collect()
}

/// Whether it stands there at the start of a path: in `"/x/`, not in `a/x/`.
fn begins_a_path(line: &str, path: &str) -> bool {
    line.match_indices(path).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        !before.is_some_and(|c| c.is_alphanumeric() || "_-.}".contains(c))
    })
}

fn length(file: &File) -> Option<Breach> {
    let lines = file.text.lines().count();
    (lines > LONGEST)
        .then(|| file.breach(LONGEST + 1, "length", format!("{lines} lines; {LONGEST} are enough")))
}

fn unfinished(file: &File, code: &str) -> Vec<Breach> {
    let mut found = Vec::new();
    for (index, (text, code)) in file.text.lines().zip(code.lines()).enumerate() {
        let in_code = UNFINISHED.iter().filter(|mark| code.contains(**mark));
        let anywhere = NOTES.iter().filter(|mark| words(text).any(|word| word == **mark));
        for mark in in_code.chain(anywhere) {
            found.push(file.breach(index + 1, "unfinished", format!("`{mark}`")));
        }
        let ignored = code.contains("cfg_attr") && words(code).any(|word| word == "ignore");
        let comment = text.trim_start();
        let skipped = comment.starts_with("//") && comment.contains("```") && comment.contains("ignore");
        if ignored || skipped {
            found.push(file.breach(index + 1, "unfinished", "a test that is ignored"));
        }
    }
    found
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty())
}

fn clouds(file: &File, uncommented: &str) -> Vec<Breach> {
    let mut found = Vec::new();
    for (index, line) in uncommented.lines().enumerate() {
        for word in words(line).flat_map(humps) {
            if CLOUDS.contains(&word.as_str()) {
                found.push(file.breach(index + 1, "cloud-name", format!("`{word}` has no place here")));
            }
        }
    }
    found
}

/// The words of `S3BlobStore`: `s3`, `blob`, `store`.
fn humps(word: &str) -> Vec<String> {
    let chars: Vec<char> = word.chars().collect();
    let mut humps = vec![String::new()];
    for (index, &char) in chars.iter().enumerate() {
        let before = index.checked_sub(1).map(|i| chars[i]);
        let after = chars.get(index + 1);
        let starts = char.is_uppercase()
            && (before.is_some_and(|c| !c.is_uppercase()) || after.is_some_and(|c| c.is_lowercase()));
        if starts {
            humps.push(String::new());
        }
        if let Some(hump) = humps.last_mut() {
            hump.extend(char.to_lowercase());
        }
    }
    humps.retain(|hump| !hump.is_empty());
    humps
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(path: &str, text: &str) -> Vec<String> {
        let found = breaches(&File::new(path, text.to_owned()));
        found.iter().map(|breach| format!("{}:{}", breach.line, breach.rule)).collect()
    }

    #[test]
    fn core_names_no_cloud_but_in_comments() {
        for line in ["struct S3Store;", "fn aws_region() {}", "let x = \"x-goog-meta\";", "use a::DynamoDb;"]
        {
            assert_eq!(rules("core/src/a.rs", line), ["1:cloud-name"], "{line}");
            assert!(rules("providers/aws/src/a.rs", line).is_empty(), "{line}");
        }
        for line in
            ["/// On S3 this is a header.", "let paws = laws;", "let base64 = s31;", "fn f<'s3>() {} // aws"]
        {
            let line = line.replace("'s3", "'s4");
            assert!(rules("core/src/a.rs", &line).is_empty(), "{line}");
        }
    }

    #[test]
    fn an_exception_gives_its_reason() {
        let with = "// tidy: allow(cloud-name): the contract reserves it\nlet x = \"aws\";";
        assert!(rules("core/src/a.rs", with).is_empty());
        let same = "let x = \"aws\"; // tidy: allow(cloud-name): reserved";
        assert!(rules("core/src/a.rs", same).is_empty());
        let without = "// tidy: allow(cloud-name): \nlet x = \"aws\";";
        assert_eq!(rules("core/src/a.rs", without), ["2:cloud-name"]);
        let other = "// tidy: allow(length): no\nlet x = \"aws\";";
        assert_eq!(rules("core/src/a.rs", other), ["2:cloud-name"]);
        let far = "// tidy: allow(cloud-name): no\n\nlet x = \"aws\";";
        assert_eq!(rules("core/src/a.rs", far), ["3:cloud-name"]);
    }

    #[test]
    fn what_is_not_done_is_found() {
        let note = format!("// {}: later", NOTES[0]);
        for line in [
            "fn f() { todo!() }",
            "unimplemented!(\"x\")",
            "dbg!(1);",
            "#[ignore = \"slow\"]",
            "#[cfg_attr(windows, ignore)]",
            "/// ```ignore",
            "//! ```rust,ignore",
            note.as_str(),
        ] {
            assert_eq!(rules("src/a.rs", line), ["1:unfinished"], "{line}");
        }
        for line in ["let ignored = \"todo!\";", "// a `todo!` is refused", "let ignore = 1;"] {
            assert!(rules("src/a.rs", line).is_empty(), "{line}");
        }
    }

    #[test]
    fn a_file_has_an_end() {
        assert!(rules("src/a.rs", &"\n".repeat(LONGEST)).is_empty());
        assert_eq!(rules("src/a.rs", &"\n".repeat(LONGEST + 1)), ["601:length"]);
        assert!(rules("Cargo.lock", &"\n".repeat(9_999)).is_empty());
    }

    #[test]
    fn no_file_knows_its_machine() {
        for path in MACHINE {
            assert_eq!(rules("docs/a.md", &format!("see `{path}x`")), ["1:machine-path"]);
            assert!(rules("docs/a.md", &format!("see a{path}x")).is_empty());
        }
    }
}
