//! The code that `#[derive(Resources)]` writes.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Data, DeriveInput, Error, Fields, Result};

use crate::field::Kind;

pub(crate) fn derive(input: &DeriveInput) -> Result<TokenStream> {
    let Data::Struct(data) = &input.data else {
        return Err(Error::new_spanned(input, "resources are declared by a struct"));
    };
    let fields = match &data.fields {
        Fields::Named(fields) => &fields.named,
        _ => return Err(Error::new_spanned(input, "resources are declared by a struct with named fields")),
    };
    if !input.generics.params.is_empty() {
        return Err(Error::new_spanned(&input.generics, "a struct of resources has no generics"));
    }
    // The facade re-exports core under this path: the only crate that a user depends on.
    let core = quote!(::skyport::__core);
    let kinds = fields.iter().map(|field| Kind::of(field, &core)).collect::<Result<Vec<_>>>()?;

    let name = &input.ident;
    let vis = &input.vis;
    let constants = kinds.iter().filter_map(|kind| constant(kind, vis, &core));
    let declarations = kinds.iter().filter_map(|kind| declaration(kind, &core));
    let opened = kinds.iter().map(|kind| opened(kind, &core));
    Ok(quote! {
        impl #name {
            #(#constants)*
        }

        #[automatically_derived]
        impl #core::app::Resources for #name {
            fn declarations() -> #core::Result<::std::vec::Vec<#core::app::Declaration>> {
                ::core::result::Result::Ok(::std::vec![#(#declarations),*])
            }

            fn open(opener: &dyn #core::app::Opener) -> #core::Result<Self> {
                ::core::result::Result::Ok(Self { #(#opened),* })
            }
        }
    })
}

fn constant(kind: &Kind<'_>, vis: &syn::Visibility, core: &TokenStream) -> Option<TokenStream> {
    let Kind::Resource(resource) = kind else { return None };
    let (ident, ty, name, constant) = (resource.ident, resource.ty, &resource.name, resource.constant());
    let doc = format!("Names the resource `{name}`, for triggers.");
    Some(quote! {
        #[doc = #doc]
        #[allow(dead_code)]
        #vis const #constant: #core::app::Ref<Self, #ty> = #core::app::Ref::new(#name, |resources| &resources.#ident);
    })
}

fn kind_of(resource: &crate::field::Resource<'_>, core: &TokenStream) -> TokenStream {
    let (ty, name, options) = (resource.ty, &resource.name, &resource.options);
    quote! {
        #core::app::Declaration::new(#name, <#ty as #core::app::Resource>::kind(#options).map_err(|error| {
            #core::Error::invalid(::std::format!("resource `{}`: {}", #name, error.message()))
        })?)
    }
}

fn declaration(kind: &Kind<'_>, core: &TokenStream) -> Option<TokenStream> {
    match kind {
        Kind::Resource(resource) => Some(kind_of(resource, core)),
        Kind::State(_) => None,
    }
}

fn opened(kind: &Kind<'_>, core: &TokenStream) -> TokenStream {
    match kind {
        Kind::Resource(resource) => {
            let (ident, ty) = (resource.ident, resource.ty);
            let declaration = kind_of(resource, core);
            quote!(#ident: <#ty as #core::app::Resource>::open(opener, &#declaration)?)
        }
        Kind::State(state) => {
            let ident = state.ident;
            match &state.init {
                Some(init) => quote!(#ident: (#init)()?),
                None => quote!(#ident: ::core::default::Default::default()),
            }
        }
    }
}
