//! Names of functions: Azure's are ours, one to one, since the host calls a function by its name.

use skyport_core::app::{FunctionRef, Functions};
use skyport_core::{Error, Result};

/// Whether the host takes all these names. It takes what every application takes (letters, digits, `-` and `_`, beginning with a
/// letter) but one word, and does not tell two apart by case. The server's own path is no function's either.
///
/// # Errors
/// `InvalidArgument` that says which name, and what to do.
pub(crate) fn check(functions: &Functions) -> Result<()> {
    check_names(&functions.iter().map(FunctionRef::name).collect::<Vec<_>>())
}

/// As [`check`], of the names alone.
///
/// # Errors
/// As [`check`].
pub(crate) fn check_names(names: &[&str]) -> Result<()> {
    match names.iter().enumerate().find_map(|(index, name)| fault(name, &names[..index])) {
        None => Ok(()),
        Some(fault) => Err(Error::invalid(format!("{fault}: call the function something else"))),
    }
}

fn fault(name: &str, earlier: &[&str]) -> Option<String> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    let fits = (1..=128).contains(&name.len())
        && name.bytes().all(allowed)
        && name.as_bytes().first().is_some_and(u8::is_ascii_alphabetic);
    if !fits {
        return Some(format!(
            "Azure Functions does not take `{}` for a function's name, but letters, digits, `-` and `_` after a letter",
            name.escape_debug()
        ));
    }
    if name.eq_ignore_ascii_case("host") {
        return Some(format!("Azure Functions keeps the name `{name}` for its host"));
    }
    if name.eq_ignore_ascii_case("healthz") {
        return Some(format!("the path `/{name}`, by which the host would call it, is the server's own"));
    }
    let alike = earlier.iter().find(|other| other.eq_ignore_ascii_case(name))?;
    Some(format!("Azure Functions does not tell the functions `{alike}` and `{name}` apart"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_map_one_to_one_or_are_refused() {
        assert_eq!(fault("make-thumbnail_2", &["other"]), None);
        for name in ["", "2nd", "-a", "a b", "a.b", "a/b", "\u{e9}", &"a".repeat(129)] {
            assert!(fault(name, &[]).expect(name).contains("does not take"), "{name}");
        }
        assert!(fault("Host", &[]).expect("reserved").contains("keeps"));
        assert!(fault("healthz", &[]).expect("reserved").contains("server's own"));
        assert!(fault("Job", &["job"]).expect("alike").contains("`job` and `Job`"));
    }
}
