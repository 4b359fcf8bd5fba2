//! Where Azurite is known to differ from Azure for callers other than the account's key.

use skyport_conformance::Deviation;

/// Azurite begins an answer to a request for the last bytes, and never ends it; one that starts at the blob's end it answers with 206 and nothing.
const RANGES: &str = "Azurite never ends its answer to a range of the last bytes, and finds one that starts at the end satisfiable; Azure says 416 there, and \
                      serves the whole blob for the last bytes, which it does not know. Nothing of Skyport stands between client and cloud here: that the \
                      signature is good for reading is shown by `a_signed_get_reads`, and reading ranges by the port's own cases";

pub(crate) const BY_KEY: &[Deviation] =
    &[Deviation { case: "blob::sign::a_signed_get_serves_ranges", reason: RANGES }];

/// A SAS signs no others, so it has none of those.
pub(crate) const BY_SAS: &[Deviation] = &[];

pub(crate) const BY_TOKEN: &[Deviation] = &[
    Deviation { case: "blob::sign::a_signed_get_serves_ranges", reason: RANGES },
    Deviation {
        case: "blob::sign::a_signed_put_writes_what_it_is_signed_for",
        reason: "Azurite does not know the headers that a user delegation key signs (`srh`), and refuses such a signature; the text that Azure documents for \
                 them is held by `a_content_type_is_a_line_of_what_a_delegation_key_signs` in blob/sign/sas.rs, and what is not bound on `[azure]`",
    },
];
