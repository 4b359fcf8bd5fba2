//! The derive macro of Skyport: `#[derive(Resources)]`. Use it through `skyport::prelude`.

mod field;
mod resources;

use proc_macro::TokenStream;

/// Declares an application's resources: each field is a `Bucket`, a `Queue<T>` or a `Table<T>`, or `#[state]`.
///
/// For each resource there is a constant in upper case (`Photos::ORIGINALS`) for triggers. A field takes
/// `#[resource(..)]` with
/// - `name = ".."`: another name than the field's, with `-` for `_`;
/// - of a queue: `max_attempts = 5`, `ordered`, `foreign = "text"` or `"base64"`;
/// - of a table: `reverse_index`.
///
/// A `#[state]` field is no resource (an HTTP client, a cache): it is made by `Default`, or by the function of
/// `#[state(init = path)]`, which returns a `skyport::Result` of it.
#[proc_macro_derive(Resources, attributes(resource, state))]
pub fn derive_resources(input: TokenStream) -> TokenStream {
    let input = syn::parse_macro_input!(input as syn::DeriveInput);
    resources::derive(&input).unwrap_or_else(syn::Error::into_compile_error).into()
}
