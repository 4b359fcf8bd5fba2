//! Tokens of listings and queries: the last key told, after a mark that says which listing it is of.

use crate::{Error, Result};

/// Marks one listing: everything but the page size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Mark(u64);

const DIGITS: usize = 16;

impl Mark {
    /// The mark of a listing with these parts; one that is not given differs from an empty one.
    pub(super) fn of(parts: &[Option<&str>]) -> Self {
        Self(fingerprint(parts))
    }

    /// The token of the page that follows `last`.
    pub(super) fn pack(self, last: &str) -> String {
        format!("{:016x}{last}", self.0)
    }

    /// The last key told, from a token of this listing.
    pub(super) fn unpack(self, token: &str) -> Result<&str> {
        match token.split_at_checked(DIGITS) {
            Some((digits, last)) if u64::from_str_radix(digits, 16) == Ok(self.0) => Ok(last),
            _ => Err(Error::invalid("the token is not of this listing or query: begin without one")),
        }
    }
}

/// 64 bits that tell these parts from others, the same on every machine and in every version; one that is not given differs
/// from an empty one. No protection against somebody who looks for two that are alike.
#[must_use]
pub fn fingerprint(parts: &[Option<&str>]) -> u64 {
    // FNV-1a over the parts and their lengths.
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    let mut add = |byte: u8| hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    for part in parts {
        add(u8::from(part.is_some()));
        let text = part.unwrap_or_default();
        (text.len() as u64).to_le_bytes().into_iter().for_each(&mut add);
        text.bytes().for_each(&mut add);
    }
    hash
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_fits_only_the_listing_it_came_from() {
        let mark = Mark::of(&[Some("a"), None]);
        let token = mark.pack("kéy");
        assert_eq!(mark.unpack(&token).expect("its own"), "kéy");
        let others: [&[Option<&str>]; 3] = [&[Some("a"), Some("")], &[Some(""), Some("a")], &[]];
        for other in others {
            assert!(Mark::of(other).unpack(&token).is_err());
        }
        for bad in ["", "é", "0123456789abcdeé", "zzzzzzzzzzzzzzzzkey"] {
            assert!(mark.unpack(bad).is_err(), "{bad}");
        }
    }
}
