//! Telling code, strings and comments of a Rust file apart.

/// A file in three versions of the same shape: what does not belong is blank, so lines keep their numbers.
#[derive(Debug)]
pub(crate) struct Scanned {
    /// Without comments.
    pub(crate) uncommented: String,
    /// Without comments and strings.
    pub(crate) code: String,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Code,
    String,
    Comment,
}

impl Scanned {
    /// Reads Rust that compiles; of other text it makes something, without a panic.
    pub(crate) fn new(text: &str) -> Self {
        let chars: Vec<char> = text.chars().collect();
        let mut scanned =
            Self { uncommented: String::with_capacity(text.len()), code: String::with_capacity(text.len()) };
        let mut at = 0;
        while at < chars.len() {
            let (part, end) = next(&chars, at);
            for &char in &chars[at..end] {
                let blank = if char == '\n' { '\n' } else { ' ' };
                scanned.uncommented.push(if part == Part::Comment { blank } else { char });
                scanned.code.push(if part == Part::Code { char } else { blank });
            }
            at = end;
        }
        scanned
    }
}

/// What begins at `at`, and where it ends.
fn next(chars: &[char], at: usize) -> (Part, usize) {
    let peek = |ahead: usize| chars.get(at + ahead).copied().unwrap_or('\0');
    match (chars[at], peek(1)) {
        ('/', '/') => (Part::Comment, find(chars, at, '\n')),
        ('/', '*') => (Part::Comment, block_comment(chars, at)),
        ('"', _) => (Part::String, quoted(chars, at + 1, '"')),
        ('\'', '\\') => (Part::String, quoted(chars, at + 1, '\'')),
        // A lifetime has no quote after its first letter.
        ('\'', _) if peek(2) == '\'' => (Part::String, at + 3),
        ('r', '"' | '#') if !in_word(chars, at) => match raw_string(chars, at + 1) {
            Some(end) => (Part::String, end),
            None => (Part::Code, at + 1),
        },
        _ => (Part::Code, at + 1),
    }
}

/// Whether the letter at `at` is inside an identifier: the `r` of `bar`, but not of `br"..."`.
fn in_word(chars: &[char], at: usize) -> bool {
    let is_word = |index: usize| chars.get(index).is_some_and(|c| c.is_alphanumeric() || *c == '_');
    let Some(before) = at.checked_sub(1) else {
        return false;
    };
    let prefix = matches!(chars[before], 'b' | 'c') && !before.checked_sub(1).is_some_and(is_word);
    is_word(before) && !prefix
}

fn find(chars: &[char], from: usize, wanted: char) -> usize {
    let found = chars[from..].iter().position(|&c| c == wanted);
    found.map_or(chars.len(), |offset| from + offset)
}

fn block_comment(chars: &[char], start: usize) -> usize {
    let mut depth = 0_usize;
    let mut at = start;
    while at < chars.len() {
        match (chars[at], chars.get(at + 1)) {
            ('/', Some('*')) => {
                depth += 1;
                at += 2;
            }
            ('*', Some('/')) => {
                depth -= 1;
                at += 2;
                if depth == 0 {
                    return at;
                }
            }
            _ => at += 1,
        }
    }
    chars.len()
}

/// The end of a string that is open at `from`, past its closing quote.
fn quoted(chars: &[char], from: usize, quote: char) -> usize {
    let mut at = from;
    while at < chars.len() {
        match chars[at] {
            '\\' => at += 2,
            c if c == quote => return at + 1,
            _ => at += 1,
        }
    }
    chars.len()
}

/// The end of a raw string whose hashes begin at `from`; `r#type` is none.
fn raw_string(chars: &[char], from: usize) -> Option<usize> {
    let hashes = chars[from..].iter().take_while(|&&c| c == '#').count();
    if chars.get(from + hashes) != Some(&'"') {
        return None;
    }
    let mut at = from + hashes + 1;
    while at < chars.len() {
        let close =
            chars[at] == '"' && chars[at + 1..].iter().take(hashes).filter(|&&c| c == '#').count() == hashes;
        if close {
            return Some(at + 1 + hashes);
        }
        at += 1;
    }
    Some(chars.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(text: &str) -> String {
        Scanned::new(text).code.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn comments_are_blank_and_lines_stay() {
        let text = "a // b\n/* c /* d */ e\n */ f";
        let scanned = Scanned::new(text);
        assert_eq!(code(text), "a f");
        assert_eq!(scanned.code.lines().count(), 3);
        assert!(scanned.uncommented.lines().nth(2).unwrap().ends_with('f'));
    }

    #[test]
    fn strings_are_no_code_and_their_slashes_no_comment() {
        assert_eq!(code(r#"a("http://b", c)"#), "a( , c)");
        assert_eq!(code(r#"a("\"", b)"#), "a( , b)");
        assert_eq!(code("a(r#\"b \" c\"#, d)"), "a( , d)");
        assert_eq!(code("br\"x\\\" y"), "b y");
        let kept = Scanned::new("f(\"x\") // y").uncommented;
        assert_eq!(kept.trim_end(), "f(\"x\")");
    }

    #[test]
    fn lifetimes_and_raw_names_are_code() {
        assert_eq!(
            code("fn a<'b>(c: &'b str, d: char) { d == 'e' || d == '\\'' }"),
            "fn a<'b>(c: &'b str, d: char) { d == || d == }"
        );
        assert_eq!(code("r#type + bar"), "r#type + bar");
    }

    #[test]
    fn what_is_left_open_ends_with_the_file() {
        for text in ["\"a", "/* a", "r#\"a", "'\\", "\"\\", "'", "r#", "/"] {
            let scanned = Scanned::new(text);
            assert_eq!(scanned.code.chars().count(), text.chars().count(), "{text}");
        }
    }
}
