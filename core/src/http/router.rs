//! From a request to the function that answers it.

use std::sync::OnceLock;

use http::Method;

use super::PathParams;
use super::params::Names;
use super::route::Route;

/// Where a request belongs.
#[derive(Debug)]
pub(crate) enum Routed {
    /// To this function (by position), with what stood in the braces of its path.
    Function(usize, PathParams),
    /// Nowhere: 404.
    NoSuchPath,
    /// The path is there, the method is not: 405, with these methods in `Allow`.
    NoSuchMethod(String),
}

/// The most parameters of one path: the library that finds routes panics over more.
const PARAMETERS: usize = 25;

/// A method (or every one) and its function.
type Entry = (Option<Method>, usize);

/// All routes of an application.
#[derive(Debug, Default)]
pub(crate) struct Router {
    paths: matchit::Router<usize>,
    places: Vec<Place>,
}

/// A path that has functions.
#[derive(Debug)]
struct Place {
    path: String,
    /// What stands in its braces; known once a request has come.
    names: OnceLock<Names>,
    /// The methods there and their functions.
    methods: Vec<Entry>,
}

impl Router {
    /// Adds a route of the function at `function`; what is wrong with it as text.
    pub(crate) fn add(&mut self, route: &Route, function: usize) -> Result<(), String> {
        let path = route.path();
        if !path.starts_with('/') {
            return Err(format!("the path `{path}` is to begin with `/`"));
        }
        // Doubled braces stand for themselves.
        if path.replace("{{", "").matches('{').count() > PARAMETERS {
            return Err(format!("a path with more than {PARAMETERS} `{{name}}` is not valid"));
        }
        let place = match self.places.iter().position(|place| place.path == path) {
            Some(place) => place,
            None => {
                let place = self.places.len();
                self.paths.insert(path, place).map_err(|error| match error {
                    matchit::InsertError::Conflict { with } => {
                        format!("the path `{path}` overlaps with `{with}`")
                    }
                    error => format!("the path `{path}` is not valid: {error}"),
                })?;
                self.places.push(Place {
                    path: path.to_owned(),
                    names: OnceLock::new(),
                    methods: Vec::new(),
                });
                place
            }
        };
        let methods = &mut self.places[place].methods;
        if methods.iter().any(|(method, _)| method.as_ref() == route.method()) {
            let method = route.method().map_or("*", Method::as_str);
            return Err(format!("`{method} {path}` is there twice"));
        }
        methods.push((route.method().cloned(), function));
        Ok(())
    }

    /// Finds the function for a request. HEAD goes to GET where it has no function of its own.
    pub(crate) fn find(&self, method: &Method, path: &str) -> Routed {
        let Ok(matched) = self.paths.at(path) else { return Routed::NoSuchPath };
        let Place { methods, names, .. } = &self.places[*matched.value];
        let with = |wanted: Option<&Method>| methods.iter().find(|(method, _)| method.as_ref() == wanted);
        let found = with(Some(method))
            .or_else(|| (method == Method::HEAD).then(|| with(Some(&Method::GET))).flatten())
            .or_else(|| with(None));
        match found {
            Some((_, function)) => {
                let names =
                    names.get_or_init(|| matched.params.iter().map(|(name, _)| name.into()).collect());
                let values = matched.params.iter().map(|(_, value)| value);
                Routed::Function(*function, PathParams::new(path, names, values))
            }
            None => Routed::NoSuchMethod(allowed(methods)),
        }
    }
}

fn allowed(methods: &[Entry]) -> String {
    let mut names: Vec<&str> =
        methods.iter().filter_map(|(method, _)| method.as_ref().map(Method::as_str)).collect();
    if names.contains(&"GET") && !names.contains(&"HEAD") {
        names.push("HEAD");
    }
    names.sort_unstable();
    names.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::route;

    #[test]
    fn requests_find_their_function_and_others_are_told_why_not() {
        let mut router = Router::default();
        router.add(&route::get("/photos/{name}"), 0).expect("first");
        router.add(&route::put("/photos/{name}"), 1).expect("another method");
        router.add(&route::any("/files/{*rest}"), 2).expect("another path");

        assert!(
            matches!(router.find(&Method::GET, "/photos/a%2Fb"), Routed::Function(0, params) if params.get("/photos/a%2Fb", "name") == Some("a%2Fb"))
        );
        assert!(matches!(router.find(&Method::HEAD, "/photos/a"), Routed::Function(0, _)));
        assert!(
            matches!(router.find(&Method::PATCH, "/files/a/b"), Routed::Function(2, params) if params.get("/files/a/b", "rest") == Some("a/b"))
        );
        assert!(matches!(router.find(&Method::GET, "/photos/a/b"), Routed::NoSuchPath));
        assert!(matches!(router.find(&Method::GET, "/photos/"), Routed::NoSuchPath));
        assert!(
            matches!(router.find(&Method::POST, "/photos/a"), Routed::NoSuchMethod(allow) if allow == "GET, HEAD, PUT")
        );
    }

    #[test]
    fn a_path_of_more_parameters_than_can_be_found_is_a_fault_and_no_panic() {
        let mut router = Router::default();
        let path = |count: usize| (0..count).map(|at| format!("/{{p{at}}}/{{{{x}}}}")).collect::<String>();
        router.add(&route::get(path(PARAMETERS)), 0).expect("as many as there may be");
        let fault = router.add(&route::get(path(PARAMETERS + 1)), 1).expect_err("one more");
        assert!(fault.contains("more than 25"), "{fault}");
        let asked = "/v/{x}".repeat(PARAMETERS);
        let last = format!("p{}", PARAMETERS - 1);
        assert!(
            matches!(router.find(&Method::GET, &asked), Routed::Function(0, params) if params.get(&asked, &last) == Some("v"))
        );
    }

    #[test]
    fn overlapping_routes_are_faults() {
        let mut router = Router::default();
        router.add(&route::get("/photos/{name}"), 0).expect("first");
        for (route, text) in [
            (route::get("/photos/{name}"), "twice"),
            (route::get("/photos/{other}"), "overlaps"),
            (route::get("photos"), "begin"),
            (route::get("/x/{a}{b}"), "not valid"),
        ] {
            let fault = router.add(&route, 1).expect_err(route.path());
            assert!(fault.contains(text), "{fault}");
        }
    }
}
