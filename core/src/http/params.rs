//! What stands in a request's path where its route has braces.

use std::sync::Arc;

/// The names of a route's parameters, in the order of its path: the same for all of its requests.
pub(crate) type Names = Arc<[Box<str>]>;

/// So many values are kept without an allocation.
const FEW: usize = 4;

/// What stood in the braces of the route, still percent-encoded: where in the path it is, so that nothing is copied.
#[derive(Clone, Debug, Default)]
pub(crate) struct PathParams {
    names: Option<Names>,
    few: [Place; FEW],
    more: Vec<Place>,
}

/// From where to where in the path. A URI is shorter than 64 KiB.
type Place = (u32, u32);

impl PathParams {
    /// Those that the router found: `values` are pieces of `path`.
    pub(crate) fn new<'p>(path: &'p str, names: &Names, values: impl Iterator<Item = &'p str>) -> Self {
        let mut params = Self::default();
        for (index, value) in values.enumerate() {
            let start = (value.as_ptr() as usize).wrapping_sub(path.as_ptr() as usize);
            let at = |offset: usize| u32::try_from(offset).unwrap_or(u32::MAX);
            let place = (at(start), at(start.wrapping_add(value.len())));
            match params.few.get_mut(index) {
                Some(slot) => *slot = place,
                None => params.more.push(place),
            }
            params.names.get_or_insert_with(|| Arc::clone(names));
        }
        params
    }

    /// What stands in this path for this name.
    pub(crate) fn get<'p>(&self, path: &'p str, name: &str) -> Option<&'p str> {
        self.iter(path).find_map(|(known, value)| (known == name).then_some(value))
    }

    /// For where the path may be changed: texts of their own. Nothing where there are none.
    pub(crate) fn carried(&self, path: &str) -> Option<CarriedParams> {
        let all: Vec<_> = self.iter(path).map(|(name, value)| (name.into(), value.into())).collect();
        (!all.is_empty()).then_some(CarriedParams(all))
    }

    fn iter<'s, 'p: 's>(&'s self, path: &'p str) -> impl Iterator<Item = (&'s str, &'p str)> {
        let places = self.few.iter().chain(&self.more);
        let names = self.names.iter().flat_map(|names| names.iter());
        names.zip(places).filter_map(|(name, &(start, end))| {
            Some((&**name, path.get(usize::try_from(start).ok()?..usize::try_from(end).ok()?)?))
        })
    }
}

/// The same among the extensions of an `http::Request`, which a layer may send to another path.
#[derive(Clone, Debug)]
pub(crate) struct CarriedParams(Vec<(Box<str>, Box<str>)>);

impl CarriedParams {
    /// What stood in the path for this name.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find_map(|(known, value)| (**known == *name).then_some(&**value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_and_many_values_are_found_by_their_names() {
        let path = "/a/bc/def/g/hij/k";
        let names: Names = ["one", "two", "three", "four", "five", "six"].map(Box::from).into();
        let params = PathParams::new(path, &names, path.split('/').skip(1));
        assert_eq!(params.get(path, "one"), Some("a"));
        assert_eq!(params.get(path, "four"), Some("g"));
        assert_eq!(params.get(path, "six"), Some("k"));
        assert_eq!(params.get(path, "seven"), None);
        assert_eq!(params.carried(path).expect("some").get("five"), Some("hij"));
        assert!(PathParams::default().carried(path).is_none());
    }
}
