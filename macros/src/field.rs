//! One field of the struct, and what its attributes say.

use proc_macro2::{Span, TokenStream};
use quote::quote;
use syn::spanned::Spanned;
use syn::{Error, Expr, Field, Ident, LitInt, LitStr, Result, Type};

/// A field, understood.
pub(crate) enum Kind<'f> {
    Resource(Resource<'f>),
    State(State<'f>),
}

/// A field that is a resource.
pub(crate) struct Resource<'f> {
    pub(crate) ident: &'f Ident,
    pub(crate) ty: &'f Type,
    pub(crate) name: String,
    pub(crate) options: TokenStream,
}

/// A field that is none.
pub(crate) struct State<'f> {
    pub(crate) ident: &'f Ident,
    pub(crate) init: Option<Expr>,
}

impl<'f> Kind<'f> {
    pub(crate) fn of(field: &'f Field, core: &TokenStream) -> Result<Self> {
        let ident = field.ident.as_ref().ok_or_else(|| Error::new(field.span(), "a resource has a name"))?;
        let state: Vec<_> = field.attrs.iter().filter(|attr| attr.path().is_ident("state")).collect();
        let resource: Vec<_> = field.attrs.iter().filter(|attr| attr.path().is_ident("resource")).collect();
        match (&state[..], &resource[..]) {
            ([], attrs) => Resource::of(field, ident, attrs, core).map(Kind::Resource),
            ([attr], []) => State::of(ident, attr).map(Kind::State),
            _ => Err(Error::new(field.span(), "a field has one `#[state]` or `#[resource(..)]`, not both")),
        }
    }
}

impl<'f> Resource<'f> {
    fn of(field: &'f Field, ident: &'f Ident, attrs: &[&syn::Attribute], core: &TokenStream) -> Result<Self> {
        let text = ident.to_string();
        let mut name = text.strip_prefix("r#").unwrap_or(&text).replace('_', "-");
        let mut options = quote!(#core::app::ResourceOptions::new());
        for attr in attrs {
            attr.parse_nested_meta(|meta| {
                if meta.path.is_ident("name") {
                    name = meta.value()?.parse::<LitStr>()?.value();
                } else if meta.path.is_ident("max_attempts") {
                    let attempts = meta.value()?.parse::<LitInt>()?;
                    attempts.base10_parse::<u32>()?;
                    options.extend(quote!(.max_attempts(#attempts)));
                } else if meta.path.is_ident("ordered") {
                    options.extend(quote!(.ordered(true)));
                } else if meta.path.is_ident("reverse_index") {
                    options.extend(quote!(.reverse_index(true)));
                } else if meta.path.is_ident("foreign") {
                    let foreign = foreign(&meta.value()?.parse()?)?;
                    options.extend(quote!(.foreign(#core::queue::port::Foreign::#foreign)));
                } else {
                    let known = "`name`, `max_attempts`, `ordered`, `foreign`, `reverse_index`";
                    return Err(meta.error(format!("unknown option; there are {known}")));
                }
                Ok(())
            })?;
        }
        Ok(Self { ident, ty: &field.ty, name, options })
    }

    /// The name of the constant: the field's in upper case.
    pub(crate) fn constant(&self) -> Ident {
        let text = self.ident.to_string();
        Ident::new(&text.strip_prefix("r#").unwrap_or(&text).to_uppercase(), self.ident.span())
    }
}

fn foreign(text: &LitStr) -> Result<Ident> {
    let variant = match text.value().as_str() {
        "text" => "Text",
        "base64" => "Base64",
        _ => return Err(Error::new(text.span(), "`foreign` is \"text\" or \"base64\"")),
    };
    Ok(Ident::new(variant, Span::call_site()))
}

impl<'f> State<'f> {
    fn of(ident: &'f Ident, attr: &syn::Attribute) -> Result<Self> {
        let mut init = None;
        if !matches!(attr.meta, syn::Meta::Path(_)) {
            attr.parse_nested_meta(|meta| {
                if !meta.path.is_ident("init") {
                    return Err(meta.error("unknown option; there is `init`"));
                }
                init = Some(meta.value()?.parse()?);
                Ok(())
            })?;
        }
        Ok(Self { ident, init })
    }
}
