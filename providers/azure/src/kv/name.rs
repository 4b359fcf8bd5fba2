//! The names of tables. Azure's have 3 to 63 letters and digits, whose case does not count, and begin with a letter; Skyport's, such
//! as `photos-catalogue`, may have `-`, `_` and `.` besides. A name that Azure takes is left as it is.

use skyport_core::{Error, Result};

/// Before what stands for something else, since hardly any word has it: `qzd` is `-`, `qzu` is `_`, `qzp` is `.`, `qzn` comes before a
/// digit at the beginning, and `qzq` is `qz` itself. So no two names become one but those that differ in case alone, which Azure does
/// not tell apart.
const MARK: &str = "qz";

/// Azure's limits.
const SHORTEST: usize = 3;
const LONGEST: usize = 63;

/// The table's name as Azure takes it.
///
/// # Errors
/// `InvalidArgument` for what cannot be one.
pub(crate) fn of(name: &str) -> Result<String> {
    let mut table = String::with_capacity(name.len() + 8);
    if name.starts_with(|first: char| first.is_ascii_digit()) {
        table.push_str("qzn");
    }
    let mut rest = name;
    while let Some(letter) = rest.chars().next() {
        let own = rest.get(..MARK.len()).is_some_and(|start| start.eq_ignore_ascii_case(MARK));
        let (taken, written) = match letter {
            _ if own => (MARK.len(), "qzq"),
            '-' => (1, "qzd"),
            '_' => (1, "qzu"),
            '.' => (1, "qzp"),
            'a'..='z' | 'A'..='Z' | '0'..='9' => (1, &rest[..1]),
            _ => {
                return Err(Error::invalid(
                    "a table's name has the letters a to z, digits, `-`, `_` and `.` alone",
                ));
            }
        };
        table.push_str(written);
        rest = &rest[taken..];
    }
    if !(SHORTEST..=LONGEST).contains(&table.len()) {
        let text = format!(
            "Azure takes table names of {SHORTEST} to {LONGEST} letters and digits, and this one is `{table}` there: choose another length"
        );
        return Err(Error::invalid(text));
    }
    if table.eq_ignore_ascii_case("tables") {
        return Err(Error::invalid("Azure keeps the name `tables` for itself: choose another"));
    }
    Ok(table)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn no_two_names_become_one_but_for_their_case(a in "[qQzZ0adD._-]{3,9}", b in "[qQzZ0adD._-]{3,9}") {
            let (there_a, there_b) = (of(&a).expect("a name"), of(&b).expect("a name"));
            prop_assert_eq!(there_a.eq_ignore_ascii_case(&there_b), a.eq_ignore_ascii_case(&b));
            let upper = of(&a.to_ascii_uppercase()).expect("a name");
            prop_assert!(upper.eq_ignore_ascii_case(&there_a), "{} {}", upper, there_a);
            prop_assert!(there_a.starts_with(|first: char| first.is_ascii_alphabetic()));
            prop_assert!(there_a.bytes().all(|byte| byte.is_ascii_alphanumeric()));
        }
    }

    #[test]
    fn what_azure_takes_is_left_as_it_is_and_what_skyport_names_is_made_so() {
        assert_eq!(of("Catalogue2026").expect("Azure's"), "Catalogue2026");
        assert_eq!(of("photos-catalogue").expect("Skyport's"), "photosqzdcatalogue");
        assert_eq!(of("7up").expect("Skyport's"), "qzn7up");
        assert_eq!(of("a-b").expect("Skyport's"), "aqzdb");
    }

    #[test]
    fn what_cannot_be_a_name_is_refused_with_the_reason() {
        for (bad, why) in [
            ("", "3 to 63"),
            ("ab", "3 to 63"),
            (&*"a".repeat(64), "3 to 63"),
            ("Tables", "tables"),
            ("a b", "letters"),
            ("caffè", "letters"),
            ("a/b", "letters"),
        ] {
            let error = of(bad).expect_err(bad);
            assert!(error.message().contains(why), "{error}");
        }
    }
}
