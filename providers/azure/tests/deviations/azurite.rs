//! Where Azurite is known to differ from Azure.

use skyport_conformance::Deviation;

/// Azure takes a character or a string.
const DELIMITERS: &str = "it cuts keys at the first letter of a delimiter alone; that all of it is sent, and one directory told for each, is shown in \
                          tests/blob_hostile.rs, and the pages in the property test of src/blob/walk.rs";

pub(crate) const AZURITE: &[Deviation] = &[Deviation {
    case: "blob::list_model::any_listing_by_a_delimiter_of_several_letters_is_what_the_contract_says",
    reason: DELIMITERS,
}];
