//! Templates of routes, as ASP.NET matches them: `photos/{id}`, `{*path}`. Constraints and defaults are not here.
//!
//! From `ScriptHost.cs` (`ValidateHttpFunction`: what is the host's own) and `WebScriptHostHttpRoutesManager.cs` of azure-functions-host.

use serde_json::{Map, Value};

use crate::fault::{Fault, Result};

/// A template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template(Vec<Segment>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Segment {
    Literal(String),
    Parameter(String),
    Rest(String),
}

impl Template {
    /// Reads one.
    ///
    /// # Errors
    /// Where the host would not start the function.
    pub fn parse(text: &str) -> Result<Self> {
        let text = text.trim_start_matches('/');
        if text.starts_with("admin") || text.starts_with("runtime") {
            return Err(Fault::new(format!("the route `{text}` is in the host's own space")));
        }
        let mut segments = Vec::new();
        for segment in text.split('/') {
            let parameter = segment.strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
            segments.push(match parameter {
                Some(name) if name.starts_with('*') => Segment::Rest(name.trim_start_matches('*').to_owned()),
                Some(name) => Segment::Parameter(name.to_owned()),
                None => Segment::Literal(segment.to_owned()),
            });
        }
        let named = segments.iter().all(|segment| match segment {
            Segment::Literal(text) => !text.is_empty() && !text.contains(['{', '}', '?']),
            Segment::Parameter(name) | Segment::Rest(name) => {
                !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
            }
        });
        let rest = segments.iter().position(|segment| matches!(segment, Segment::Rest(_)));
        if !named || rest.is_some_and(|rest| rest + 1 != segments.len()) {
            return Err(Fault::new(format!("`{text}` is no route, or one that no driver is here for")));
        }
        Ok(Self(segments))
    }

    /// The parameters of a path, without its prefix and its first slash; `None` where it is another's.
    #[must_use]
    pub fn matches(&self, path: &str) -> Option<Map<String, Value>> {
        let mut parameters = Map::new();
        let mut rest = Some(path.trim_end_matches('/')).filter(|path| !path.is_empty());
        for segment in &self.0 {
            if let Segment::Rest(name) = segment {
                // As it was written, slashes at its end included.
                let whole = rest.map(|rest| {
                    path.get(path.len() - rest.len() - (path.len() - path.trim_end_matches('/').len())..)
                });
                let value = whole.flatten().map_or(Value::Null, Value::from);
                parameters.insert(name.clone(), value);
                return Some(parameters);
            }
            let (first, remaining) = match rest?.split_once('/') {
                Some((first, remaining)) => (first, Some(remaining)),
                None => (rest?, None),
            };
            match segment {
                Segment::Literal(text) if text.to_lowercase() != first.to_lowercase() => return None,
                Segment::Parameter(name) if !first.is_empty() => {
                    drop(parameters.insert(name.clone(), first.into()))
                }
                Segment::Parameter(_) => return None,
                _ => {}
            }
            rest = remaining;
        }
        rest.is_none().then_some(parameters)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn matched(template: &str, path: &str) -> Option<Value> {
        Template::parse(template).unwrap().matches(path).map(Value::Object)
    }

    #[test]
    fn a_template_matches_its_paths_and_no_others() {
        use serde_json::json;
        assert_eq!(matched("{*path}", ""), Some(json!({"path": null})));
        assert_eq!(matched("{*path}", "a/b c/"), Some(json!({"path": "a/b c/"})));
        assert_eq!(matched("Photos/{id}", "photos/7"), Some(json!({"id": "7"})));
        assert_eq!(matched("photos/{id}/{*rest}", "photos/7/x/y"), Some(json!({"id": "7", "rest": "x/y"})));
        assert_eq!(matched("photos/{id}", "photos"), None);
        assert_eq!(matched("photos", "photos/7"), None);
    }

    #[test]
    fn the_hosts_own_space_is_refused() {
        for text in ["admin", "/runtime/x", "a//b", "{*a}/b", "{}", "a?b"] {
            assert!(Template::parse(text).is_err(), "{text}");
        }
    }
}
